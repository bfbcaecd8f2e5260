#include "operator_endpoint.h"

#include "disks.h"
#include "metrics.h"
#include "object_response.h"
#include "operator_answers.h"
#include "operator_can_stop.h"
#include "operator_changes.h"
#include "operator_locate.h"
#include "operator_losses.h"
#include "operator_objects.h"
#include "operator_plan.h"
#include "operator_requests.h"
#include "operator_restore.h"
#include "operator_verify.h"
#include "record_fields.h"
#include "scrub_task.h"
#include "web_page.h"

#include <algorithm>
#include <utility>

#include "brigade/net/http_semantics.h"
#include "brigade/wire/validate.h"

#ifndef BRIGADE_VERSION
#define BRIGADE_VERSION "unknown"
#endif

namespace brigade::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kLocate = "/cluster/locate/";
constexpr std::string_view kRevisions = "/cluster/revisions/";
constexpr std::string_view kRestore = "/cluster/restore/";
constexpr std::size_t kLogLinesMax = 4096;
constexpr std::size_t kObjectsMax = 1000;
constexpr std::size_t kSurveysMax = 8;  ///< lists, or proofs, that wait for the one that is being made

/// What a path takes; nothing if there is no such path.
std::string_view methods_of(std::string_view path) {
  constexpr std::string_view kRead[] = {"/",
                                        "/livez",
                                        "/readyz",
                                        "/metrics",
                                        "/cluster",
                                        "/cluster/nodes",
                                        "/cluster/map",
                                        "/cluster/log",
                                        "/cluster/plan",
                                        "/cluster/can-stop",
                                        "/cluster/losses",
                                        "/cluster/verify",
                                        "/cluster/objects"};
  if (path == "/cluster/settings") return "GET, HEAD, POST";
  constexpr std::string_view kWrite[] = {"/cluster/remove",  "/cluster/drain", "/cluster/reshape",
                                         "/cluster/replace", "/cluster/scrub", "/cluster/accept-loss",
                                         kJoinTarget};
  if (path.starts_with(kRestore) || std::ranges::find(kWrite, path) != std::end(kWrite)) return "POST";
  if (path.starts_with(kLocate) || path.starts_with(kRevisions) || std::ranges::find(kRead, path) != std::end(kRead))
    return "GET, HEAD";
  return {};
}

}  // namespace

OperatorEndpoint::OperatorEndpoint(NodeContext& context, const wire::ClusterSecret& secret)
    : context_(context),
      secret_(secret),
      admin_gate_(secret),
      listings_(context.executor, 1),
      proofs_(context.executor, 1) {}

asio::awaitable<void> OperatorEndpoint::handle(net::Request& request, net::Response& response) {
  const net::RequestHead& head = request.head();
  const auto [path_view, query_view] = net::split_target(head.target);
  std::string path(path_view);
  std::string query(query_view);
  const std::string_view methods = methods_of(path);
  const bool reads = head.method == "GET" || head.method == "HEAD";
  if (methods.empty()) {
    Error error{Errc::kNotFound,
                "there is nothing at " + path + ": objects are at /o/KEY, the cluster's state at /cluster"};
    co_await send_problem(response, std::move(error));
  } else if (reads && methods.starts_with("GET")) {
    co_await read(std::move(path), std::move(query), response);
  } else if (head.method == "POST" && path.starts_with(kRestore)) {
    std::string key = path.substr(kRestore.size());
    const auto place =
        context_.enter(Work::kWrite, request, upload_bytes(net::BodyFraming::chunked(), context_.config));
    if (place) {
      co_await restore(std::move(key), std::move(query), response);
    } else {
      co_await send_overloaded(response);
    }
  } else if (head.method == "POST" && methods.ends_with("POST")) {
    co_await change(std::move(path), request, response);
  } else {
    Error error{Errc::kMethodNotAllowed, path + " takes " + std::string(methods)};
    net::ResponseHead refusal = net::problem_head(error);
    refusal.fields.add("Allow", methods);
    const std::string body = net::problem_json(error, "");
    co_await response.send(std::move(refusal), body);
  }
}

asio::awaitable<void> OperatorEndpoint::read(std::string path, std::string query, net::Response& response) {
  const auto view = context_.view();
  if (path == "/livez") {
    co_await send_text(response, "text/plain; charset=utf-8", "alive\n");
  } else if (path == "/readyz") {
    co_await ready(response);
  } else if (path == "/metrics") {
    co_await metrics(response);
  } else if (path == "/cluster") {
    co_await cluster(response);
  } else if (path == "/cluster/nodes") {
    co_await send_json(response, nodes_json(*view, counts(*view), context_.control.may_serve()));
  } else if (path == "/cluster/map") {
    co_await map(response);
  } else if (path == "/cluster/log") {
    co_await log(std::move(query), response);
  } else if (path == "/cluster/settings") {
    co_await send_json(response, settings_json(view->map));
  } else if (path == "/cluster/plan") {
    co_await plan(std::move(query), response);
  } else if (path == "/cluster/can-stop") {
    co_await can_stop(std::move(query), response);
  } else if (path == "/cluster/losses") {
    co_await losses(response);
  } else if (path == "/cluster/verify") {
    co_await verify(response);
  } else if (path == "/cluster/objects") {
    co_await objects(std::move(query), response);
  } else if (path.starts_with(kLocate)) {
    std::string key = path.substr(kLocate.size());
    co_await locate(std::move(key), response);
  } else if (path.starts_with(kRevisions)) {
    std::string key = path.substr(kRevisions.size());
    co_await revisions(std::move(key), response);
  } else {
    net::ResponseHead head;
    head.fields.add("Content-Type", "text/html; charset=utf-8");
    head.fields.add("Content-Security-Policy", web_page_policy());
    head.fields.add("X-Content-Type-Options", "nosniff");
    head.fields.add("Cache-Control", "no-cache");
    co_await response.send(std::move(head), web_page());
  }
}

const BucketCounts& OperatorEndpoint::counts(const View& view) {
  if (!counts_ || counted_at_ != view.map.last()) {
    counts_ = std::make_unique<BucketCounts>(count_buckets(view.map));
    counted_at_ = view.map.last();
  }
  return *counts_;
}

double OperatorEndpoint::uptime_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

asio::awaitable<void> OperatorEndpoint::cluster(net::Response& response) {
  const auto view = context_.view();
  const auto stored = context_.store.stats();
  json::object body = cluster_json(*view, counts(*view), context_.config, context_.control.may_serve(), stored);
  body["version"] = BRIGADE_VERSION;
  body["fill"] = context_.fill.to_json();
  body["scrub"] = scrub_json(context_);
  body["disks"] = disks_json(context_);
  body["uptime_s"] = static_cast<std::uint64_t>(uptime_seconds());
  co_await send_json(response, std::move(body));
}

asio::awaitable<void> OperatorEndpoint::map(net::Response& response) {
  const auto view = context_.view();
  if (!drawn_ || drawn_at_ != view->map.last()) {
    drawn_ = std::make_shared<const std::string>(json_text(map_json(view->map)));
    drawn_at_ = view->map.last();
  }
  const auto text = drawn_;  // others may draw anew while this is sent
  net::ResponseHead head;
  head.fields.add("Content-Type", "application/json");
  head.fields.add("Cache-Control", "no-store");
  co_await response.send(std::move(head), *text);
}

asio::awaitable<void> OperatorEndpoint::log(std::string query, net::Response& response) {
  const auto after = query_number(query, "after", 0, wire::kSeqMax.value);
  const auto limit = query_number(query, "limit", kLogLinesMax, kLogLinesMax);
  if (!after || !limit) {
    // No ?: inside co_await: g++ 12 destroys what it yields twice.
    Error error = !after ? after.error() : limit.error();
    co_await send_problem(response, std::move(error));
    co_return;
  }
  const auto view = context_.view();
  const auto first = context_.control.log(Seq{}, 1);
  const Seq first_kept = first.empty() ? Seq{} : first.front().position.seq;
  co_await send_json(response, log_json(view->map, context_.control.log(Seq{*after}, *limit), first_kept));
}

asio::awaitable<void> OperatorEndpoint::can_stop(std::string query, net::Response& response) {
  const auto view = context_.view();
  auto names = query_text(query, "nodes");
  std::optional<Error> refusal;
  if (!names) refusal = names.error();
  std::vector<NodeId> nodes;
  for (std::string_view rest = names ? std::string_view(*names) : std::string_view(); !rest.empty() && !refusal;) {
    const std::string name(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const cluster::RosterEntry* entry = view->map.node_named(name);
    if (entry == nullptr) {
      refusal = Error{Errc::kNotFound, "there is no node " + name + ": /cluster/nodes lists them"};
    } else {
      nodes.push_back(entry->node.id);
    }
  }
  if (nodes.empty() && !refusal) refusal = Error{Errc::kInvalid, "name the nodes: /cluster/can-stop?nodes=n3,n4"};
  // A node that is cut off knows an old map.
  if (!refusal && !context_.control.may_serve()) refusal = no_quorum_error(*view);
  if (refusal) {
    co_await send_problem(response, *refusal);
    co_return;
  }
  co_await send_json(response, can_stop_json(view->map, nodes));
}

/// Without a quorum this node knows what was, and not what is.
asio::awaitable<void> OperatorEndpoint::losses(net::Response& response) {
  const auto view = context_.view();
  if (!context_.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*view));
    co_return;
  }
  co_await send_json(response, losses_json(view->map));
}

asio::awaitable<void> OperatorEndpoint::plan(std::string query, net::Response& response) {
  const auto view = context_.view();
  auto change = planned_change(query, view->map);
  if (!change) {
    co_await send_problem(response, change.error());
    co_return;
  }
  // Copies of what this node holds are elsewhere, too: what a bucket holds, all told, is what it holds here.
  const std::uint64_t owned = counts(*view).owned.contains(context_.self) ? counts(*view).owned.at(context_.self) : 0;
  std::optional<double> bucket_bytes;
  if (owned > 0) bucket_bytes = static_cast<double>(context_.store.stats().bytes) / static_cast<double>(owned);
  auto visit = [view, change = std::move(*change), bucket_bytes] { return plan_json(view->map, change, bucket_bytes); };
  json::object body = co_await context_.disk.run_behind(std::move(visit));
  body["state"] = node_state(*view, context_.control.may_serve());
  co_await send_json(response, std::move(body));
}

asio::awaitable<void> OperatorEndpoint::locate(std::string encoded_key, net::Response& response) {
  auto key = net::decode_key(encoded_key);
  if (!key) {
    co_await send_problem(response, key.error());
    co_return;
  }
  const std::string wanted = std::move(*key);
  const ObjectId id = object_id(context_.naming, wanted);
  const Evidence evidence = co_await gather_evidence(context_, id);
  const auto line_of = [this](Seq seq) {
    auto lines = context_.control.log(previous(seq), 1);
    const bool known = !lines.empty() && lines.front().position.seq == seq;
    return known ? std::optional(std::move(lines.front())) : std::nullopt;
  };
  json::object body = locate_json(*context_.view(), context_.self, wanted, id, evidence, line_of);
  co_await send_json(response, std::move(body));
}

asio::awaitable<void> OperatorEndpoint::revisions(std::string encoded_key, net::Response& response) {
  auto key = net::decode_key(encoded_key);
  if (!key) {
    co_await send_problem(response, key.error());
    co_return;
  }
  const ObjectId id = object_id(context_.naming, *key);
  const auto retained = co_await gather_retained(context_, id);
  co_await send_json(response, revisions_json(*context_.view(), *key, id, retained));
}

/// Not signed: who may put an object may put back what it was.
asio::awaitable<void> OperatorEndpoint::restore(std::string encoded_key, std::string query, net::Response& response) {
  auto key = net::decode_key(encoded_key);
  auto text = query_text(query, "revision");
  const auto revision = text && !text->empty() ? parse_revision(*text) : std::optional(Revision{});
  if (!key || !text || !revision) {
    Error error = !key    ? key.error()
                  : !text ? text.error()
                          : Error{Errc::kInvalid, "revision must be VIEW.COUNT, as /cluster/revisions/KEY lists them"};
    co_await send_problem(response, std::move(error));
    co_return;
  }
  std::string wanted = std::move(*key);
  co_await restore_object(context_, std::move(wanted), *revision, response);
}

asio::awaitable<void> OperatorEndpoint::objects(std::string query, net::Response& response) {
  auto prefix = query_text(query, "prefix");
  auto after = query_text(query, "after");
  const auto limit = query_number(query, "limit", kObjectsMax, kObjectsMax);
  if (!prefix || !after || !limit) {
    Error error = !prefix ? prefix.error() : !after ? after.error() : limit.error();
    co_await send_problem(response, std::move(error));
    co_return;
  }
  if (!context_.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*context_.view()));
    co_return;
  }
  KeyQuery wanted(std::move(*prefix), std::move(*after), std::max<std::uint64_t>(*limit, 1));
  if (listings_.waiting() >= kSurveysMax) {
    co_await send_overloaded(response);
    co_return;
  }
  co_await listings_.enter();
  auto body = co_await list_all_objects(context_, wanted);
  listings_.leave();
  if (!body) {
    co_await send_problem(response, body.error());
    co_return;
  }
  co_await send_json(response, std::move(*body));
}

asio::awaitable<void> OperatorEndpoint::verify(net::Response& response) {
  if (!context_.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*context_.view()));
    co_return;
  }
  if (proofs_.waiting() >= kSurveysMax) {
    co_await send_overloaded(response);
    co_return;
  }
  co_await proofs_.enter();
  json::object body = co_await verify_all(context_);
  proofs_.leave();
  co_await send_json(response, std::move(body));
}

asio::awaitable<void> OperatorEndpoint::ready(net::Response& response) {
  const auto view = context_.view();
  if (view->in_roster && context_.control.may_serve()) {
    co_await send_text(response, "text/plain; charset=utf-8", "ready\n");
    co_return;
  }
  Error error = no_quorum_error(*view);
  if (!view->in_roster && !view->join_refused.empty())
    error = Error{Errc::kNoQuorum, "the cluster does not take this node: " + view->join_refused};
  else if (!view->in_roster)
    error = Error{Errc::kNoQuorum, "this node is not in the roster yet: it asks to join"};
  co_await send_problem(response, std::move(error));
}

asio::awaitable<void> OperatorEndpoint::metrics(net::Response& response) {
  const auto view = context_.view();
  std::string text = metrics_text(context_, *view, counts(*view), uptime_seconds());
  co_await send_text(response, "text/plain; version=0.0.4; charset=utf-8", std::move(text));
}

}  // namespace brigade::node
