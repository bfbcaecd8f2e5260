#include "operator_changes.h"

#include "object_response.h"
#include "operator_answers.h"
#include "operator_endpoint.h"
#include "operator_losses.h"
#include "operator_plan.h"
#include "operator_remove.h"
#include "operator_requests.h"
#include "scrub_task.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>

#include "brigade/net/http_semantics.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kTryAgain{50};
constexpr std::chrono::milliseconds kPeerTimeout{6000};  ///< the coordinator answers before that
constexpr std::size_t kBodyBytesMax = 16 * 1024;
constexpr std::size_t kPeersTold = 64;
constexpr std::size_t kLossBytesMax = 200;  ///< as JSON in a request's target it is ten times that

/// A proposal whose outcome comes from the control thread. Lives until both sides are done with it.
struct Pending {
  explicit Pending(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<Result<Position>> outcome;
};

/// Nothing was appended, and that may change.
bool may_try_again(Errc code) {
  return code == Errc::kNoQuorum || code == Errc::kNotPrimary || code == Errc::kOverloaded;
}

Errc code_of_problem(std::string_view type) {
  for (const Errc code : {Errc::kInvalid, Errc::kNotFound, Errc::kConflict, Errc::kNotPrimary, Errc::kNoQuorum,
                          Errc::kUnavailable, Errc::kOverloaded, Errc::kTimeout})
    if (type.ends_with(std::string(":") + std::string(problem_type(code)))) return code;
  return Errc::kBadGateway;
}

Error error_of(const std::string& body) {
  const auto problem = parse_object(body);
  const json::string* type = problem ? text_in(*problem, "type") : nullptr;
  const json::string* detail = problem ? text_in(*problem, "detail") : nullptr;
  if (type == nullptr || detail == nullptr)
    return {Errc::kBadGateway, "the coordinator's answer makes no sense: look whether the change happened"};
  return {code_of_problem(*type), std::string(*detail)};
}

/// At the coordinator, which is another node.
asio::awaitable<Result<Seq>> propose_there(NodeContext& context, std::string address, const wire::Change& change) {
  net::RequestHead head;
  head.method = "POST";
  head.target = "/peer/propose?change=" + net::encode_key(change_json(change));
  auto answer = co_await context.peers.fetch(std::move(address), std::move(head), {}, kBodyBytesMax, kPeerTimeout);
  if (!answer) {
    // Not even a connection: nothing was asked.
    if (answer.error().code() == Errc::kUnavailable)
      co_return Error{Errc::kNotPrimary, "the coordinator can't be reached: " + answer.error().detail()};
    co_return Error{Errc::kTimeout,
                    "the coordinator did not answer (" + answer.error().detail() + "): look before asking again"};
  }
  if (answer->first.status != 200) co_return error_of(answer->second);
  const auto body = parse_object(answer->second);
  const json::value* seq = body ? body->if_contains("seq") : nullptr;
  if (seq == nullptr || !seq->is_int64() || seq->get_int64() <= 0) co_return error_of(answer->second);
  co_return Seq{static_cast<std::uint64_t>(seq->get_int64())};
}

}  // namespace

asio::awaitable<Result<Position>> propose_here(NodeContext& context, wire::Change change) {
  auto pending = std::make_shared<Pending>(context.executor);
  const asio::any_io_executor executor = context.executor;
  context.control.propose(std::move(change), [pending, executor](Result<Position> outcome) {
    asio::post(executor, [pending, outcome = std::move(outcome)] {
      pending->outcome = outcome;
      pending->timer.cancel();
    });
  });
  const auto deadline = Clock::now() + kPatience;
  while (!pending->outcome && Clock::now() < deadline) {
    pending->timer.expires_at(deadline);
    co_await pending->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (!pending->outcome)
    co_return Error{Errc::kTimeout, "no quorum has confirmed this: the outcome is open; look before asking again"};
  co_return *pending->outcome;
}

asio::awaitable<Result<Seq>> propose_anywhere(NodeContext& context, wire::Change change) {
  const auto deadline = Clock::now() + kPatience;
  Error last = no_quorum_error(*context.view());
  do {
    const auto view = context.view();
    if (view->coordinator == context.self) {
      auto position = co_await propose_here(context, change);
      if (position) co_return position->seq;
      last = position.error();
    } else if (view->coordinator) {
      std::string address = NodeContext::peer_address(view->map, view->coordinator);
      auto seq = co_await propose_there(context, std::move(address), change);
      if (seq) {
        co_await context.wait_for_seq(*seq, deadline);
        co_return seq;
      }
      last = seq.error();
    } else {
      last = no_quorum_error(*view);
    }
    if (!may_try_again(last.code())) co_return last;
    co_await pause_for(kTryAgain);
  } while (Clock::now() < deadline);
  if (last.code() == Errc::kNotPrimary) last = Error{Errc::kNoQuorum, last.detail()};
  co_return last;
}

asio::awaitable<void> handle_peer_propose(NodeContext& context, net::Request& request, net::Response& response) {
  auto text = net::query_value(net::split_target(request.head().target).second, "change");
  auto change = text ? parse_change(text->value_or("")) : Result<wire::Change>(text.error());
  if (!change) {
    co_await send_problem(response, change.error());
    co_return;
  }
  if (!context.view()->is_coordinator) {
    Error error{Errc::kNotPrimary, "this node does not coordinate: ask again"};
    co_await send_problem(response, std::move(error));
    co_return;
  }
  wire::Change wanted = std::move(*change);
  auto position = co_await propose_here(context, std::move(wanted));
  if (!position) {
    co_await send_problem(response, position.error());
    co_return;
  }
  json::object body{{"seq", static_cast<std::int64_t>(position->seq.value)}};
  co_await send_json(response, std::move(body));
}

// ---- What operators send, signed.

asio::awaitable<void> OperatorEndpoint::change(std::string path, net::Request& request, net::Response& response) {
  auto body = co_await request.read_all(kBodyBytesMax);
  if (!body) {
    response.close_after();
    co_await send_problem(response, body.error());
    co_return;
  }
  const auto purpose = path == kJoinTarget ? AdminPurpose::kJoin : AdminPurpose::kAdmin;
  const net::RequestHead& head = request.head();
  auto stamp =
      admin_gate_.admit(purpose, {head.method, head.target, *body}, head.fields.find(kAdminField), std::time(nullptr));
  if (!stamp) {
    co_await send_problem(response, stamp.error());
    co_return;
  }
  if (path == kJoinTarget) {
    std::string text = std::move(*body);
    co_await join(*stamp, std::move(text), response);
    co_return;
  }
  if (path == "/cluster/scrub") {  // of this node alone: nothing for the log
    const std::uint64_t goal = begin_scrub(context_);
    json::object begun = scrub_json(context_);
    begun["goal"] = goal;
    co_await send_json(response, std::move(begun));
    co_return;
  }
  if (path == "/cluster/accept-loss") {
    std::string text = std::move(*body);
    co_await accept_loss(std::move(text), response);
    co_return;
  }
  wire::Change wanted;
  if (path == "/cluster/settings") {
    auto setting = parse_setting(*body);
    if (!setting) {
      co_await send_problem(response, setting.error());
      co_return;
    }
    wanted = std::move(*setting);
  } else {
    const auto wish = parse_node_wish(*body);
    const auto view = context_.view();
    auto change = wish ? node_change(path, *wish, view->map) : Result<wire::Change>(wish.error());
    if (!change) {
      co_await send_problem(response, change.error());
      co_return;
    }
    wanted = std::move(*change);
  }
  co_await commit(std::move(wanted), response);
}

asio::awaitable<void> OperatorEndpoint::accept_loss(std::string body, net::Response& response) {
  const auto view = context_.view();
  const auto wanted = parse_loss(body);
  auto buckets = wanted ? accepted_losses(view->map, *wanted) : Result<BucketSet>(wanted.error());
  if (!buckets) {
    co_await send_problem(response, buckets.error());
    co_return;
  }
  Seq last;
  for (BucketSet& part : buckets->split(kLossBytesMax)) {
    wire::Change change = wire::LossAccepted{std::move(part)};
    auto seq = co_await propose_anywhere(context_, std::move(change));
    if (!seq) {
      co_await send_problem(response, seq.error());
      co_return;
    }
    last = *seq;
  }
  json::object answer{{"seq", static_cast<std::int64_t>(last.value)}, {"buckets", buckets->size()}};
  co_await send_json(response, std::move(answer));
}

asio::awaitable<void> OperatorEndpoint::commit(wire::Change change, net::Response& response) {
  if (auto ok = check_change(change); !ok) {
    co_await send_problem(response, ok.error());
    co_return;
  }
  const auto* removed = std::get_if<wire::NodeRemoved>(&change);
  const NodeId leaving = removed != nullptr ? removed->node : NodeId{};
  auto seq = co_await propose_anywhere(context_, std::move(change));
  if (!seq && leaving && seq.error().code() == Errc::kConflict) {
    Error refusal = seq.error();
    co_await refuse_removal(context_, leaving, std::move(refusal), response);
    co_return;
  }
  if (!seq) {
    co_await send_problem(response, seq.error());
    co_return;
  }
  json::object body{{"seq", static_cast<std::int64_t>(seq->value)}};
  co_await send_json(response, std::move(body));
}

asio::awaitable<void> OperatorEndpoint::join(const AdminStamp& stamp, std::string body, net::Response& response) {
  const auto view = context_.view();
  const auto name = parse_join(body);
  std::optional<Error> refusal;
  if (!name) {
    refusal = name.error();
  } else if (!view->in_roster) {
    refusal = Error{Errc::kNoQuorum, "this node is not in the cluster itself yet: ask again, or another node"};
  } else if (view->map.node_named(*name) != nullptr) {
    refusal = Error{Errc::kConflict, "a node named " + *name +
                                         " is in the cluster already: choose another name, or remove that one first"};
  }
  if (refusal) {
    co_await send_problem(response, *refusal);
    co_return;
  }
  // This node first: it is there. The newcomer needs some who answer, not the whole roster.
  std::vector<const cluster::RosterEntry*> known;
  for (const cluster::RosterEntry& entry : view->map.roster()) known.push_back(&entry);
  const auto rank = [&](const cluster::RosterEntry* e) { return e->node.id == context_.self ? 0 : e->up ? 1 : 2; };
  std::ranges::stable_sort(known, {}, rank);
  json::array peers;
  for (const cluster::RosterEntry* entry : known)
    if (peers.size() < kPeersTold) peers.push_back(json::value(entry->node.peer));
  const Config& config = context_.config;
  json::object welcome{{"cluster", to_string(config.cluster)},
                       {"naming_seed", to_string(ClusterId{config.naming_seed})},
                       {"transport", config.transport == Transport::kUnicast ? "unicast" : "multicast"},
                       {"multicast", config.multicast},
                       {"protocol", view->map.version()},
                       {"peers", std::move(peers)}};
  const std::string text = json_text(welcome);
  net::ResponseHead head;
  head.fields.add("Content-Type", "application/json");
  head.fields.add("Cache-Control", "no-store");
  head.fields.add(kJoinField, sign_join_answer(secret_, stamp.nonce, text));
  co_await response.send(std::move(head), text);
}

}  // namespace brigade::node
