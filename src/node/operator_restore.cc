#include "operator_restore.h"

#include "object_response.h"
#include "operator_json.h"
#include "record_fields.h"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <boost/json/array.hpp>

#include "brigade/net/http_semantics.h"
#include "brigade/placement/replicas.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using Retained = std::map<NodeId, std::vector<store::RetainedRevision>>;

constexpr std::chrono::milliseconds kAskTimeout{1000};
constexpr std::chrono::milliseconds kCopyTimeout{20'000};
constexpr std::size_t kListBytesMax = std::size_t{1} << 20;
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr std::uint32_t kDistances = 16;
constexpr std::string_view kReturned[] = {
    "ETag",          "Content-Type",  "Retry-After",        "Brigade-Revision", "Brigade-Copies",
    "Brigade-Nodes", "Brigade-Zones", "Brigade-Redundancy", "Brigade-Durable",  "Brigade-Map-Seq"};

std::optional<std::vector<store::RetainedRevision>> parse_retained(const std::string& text) {
  std::vector<store::RetainedRevision> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string revision, level, size, replaced, more;
    words >> revision >> level >> size >> replaced;
    const auto r = parse_revision(revision);
    const auto l = parse_number(level);
    const auto s = parse_number(size);
    const auto t = parse_number(replaced);
    if (!r || !l || *l >= placement::kLevelCount || !s || !t || words >> more) return std::nullopt;
    all.push_back({*r, static_cast<std::uint8_t>(*l), *s, WallTime{static_cast<std::int64_t>(*t)}});
  }
  return all;
}

asio::awaitable<void> ask(NodeContext& context, NodeId node, std::string address, ObjectId id, Retained& retained) {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/peer/retained/" + to_string(id);
  auto answer = co_await context.peers.fetch(std::move(address), std::move(head), {}, kListBytesMax, kAskTimeout);
  if (!answer || answer->first.status != 200) co_return;
  if (auto revisions = parse_retained(answer->second)) retained[node] = std::move(*revisions);
}

/// Who has the revision, or the newest if it is none.
std::optional<std::pair<NodeId, Revision>> find_source(const Retained& retained, Revision wanted) {
  std::optional<std::pair<NodeId, Revision>> best;
  for (const auto& [node, revisions] : retained)
    for (const store::RetainedRevision& r : revisions)
      if (wanted ? r.revision == wanted : !best || best->second < r.revision) best = {node, r.revision};
  return best;
}

/// Sends all of the source's body on. Errors: the source's.
asio::awaitable<Status> pipe(net::Exchange& from, net::Exchange& to) {
  std::vector<std::byte> buffer(kBufferBytes);
  for (;;) {
    auto read = co_await from.read_some(buffer);
    if (!read) co_return read.error();
    if (*read == 0) co_return Status{};
    auto written = co_await to.write(std::span<const std::byte>(buffer).first(*read));
    if (!written) co_return Status{};  // its answer tells why
  }
}

asio::awaitable<Result<net::ResponseHead>> copy(NodeContext& context, NodeId source, Revision revision,
                                                const std::string& key, const ObjectId& id, std::string& body) {
  const auto view = context.view();
  net::RequestHead ask_head;
  ask_head.method = "GET";
  ask_head.target = "/peer/fetch/" + to_string(id) + "?revision=" + to_string(revision);
  std::string address = NodeContext::peer_address(view->map, source);
  const net::BodyFraming none = net::BodyFraming::none();
  auto from = co_await context.peers.open(std::move(address), std::move(ask_head), none, kCopyTimeout);
  if (!from) co_return from.error();
  auto found = co_await (*from)->response();
  if (!found) co_return found.error();
  const auto length = (*from)->content_length();
  auto meta = take_record_fields(found->fields, id);
  if (found->status != 200 || !meta || !length)
    co_return unavailable_error("the node that retained the revision does not give it: ask again");
  if (meta->key != key) co_return Error{Errc::kConflict, "another key has the same object id"};

  const NodeId primary = replication::replica_set(view->map, id, placement::Level{meta->level}).primary;
  if (!primary) co_return unavailable_error("no primary can be reached for this object: ask again");
  net::RequestHead put_head;
  put_head.method = "PUT";
  put_head.target = "/peer/write/" + net::encode_key(key);
  put_head.fields.add("Content-Type", meta->content_type);
  put_head.fields.add(kRedundancyField, std::to_string(placement::Level{meta->level}.redundancy()));
  put_head.fields.add(kMapSeqField, to_string(view->map.seq()));
  std::string target = NodeContext::peer_address(view->map, primary);
  const net::BodyFraming framing = net::BodyFraming::of_length(*length);
  auto to = co_await context.peers.open(std::move(target), std::move(put_head), framing, kCopyTimeout);
  if (!to) co_return to.error();
  auto piped = co_await pipe(**from, **to);
  if (!piped) {
    (*to)->cancel();
    co_return unavailable_error("the retained revision could not be read to its end: " + piped.error().detail());
  }
  auto answered = co_await (*to)->response();
  if (!answered) co_return Error{Errc::kTimeout, "the primary went away: the outcome is open, look and ask again"};
  if (answered->status == 421) co_return unavailable_error("the primary changed meanwhile: ask again");
  net::ResponseHead head = std::move(*answered);
  auto text = co_await (*to)->read_all(kAnswerBytesMax);
  if (text) body = std::move(*text);
  co_return std::move(head);
}

}  // namespace

asio::awaitable<Retained> gather_retained(NodeContext& context, ObjectId id) {
  const auto view = context.view();
  std::set<NodeId> nodes;
  for (std::uint32_t j = 0; j < kDistances; ++j) {
    const cluster::Cell& cell = view->map.cell(placement::by_distance(placement::home_bucket(id), j));
    for (const NodeId node : {cell.owner, cell.new_owner})
      if (node && view->map.is_up(node)) nodes.insert(node);
  }
  Retained retained;
  TaskGroup questions(context.executor);
  for (const NodeId node : nodes) {
    if (node == context.self)
      retained[node] = context.store.retained(id);
    else
      questions.spawn(ask(context, node, NodeContext::peer_address(view->map, node), id, retained));
  }
  co_await questions.wait();
  co_return retained;
}

json::object revisions_json(const View& view, const std::string& key, const ObjectId& id, const Retained& retained) {
  struct Found {
    store::RetainedRevision revision;
    json::array nodes;
  };
  std::map<Revision, Found, std::greater<>> all;
  for (const auto& [node, revisions] : retained) {
    for (const store::RetainedRevision& r : revisions) {
      const auto at = all.try_emplace(r.revision, Found{r, {}}).first;
      at->second.revision.replaced = std::max(at->second.revision.replaced, r.replaced);
      at->second.nodes.push_back(json::value(NodeContext::name_of(view.map, node)));
    }
  }
  const auto retention = std::chrono::duration_cast<std::chrono::milliseconds>(view.map.settings().retention).count();
  json::array list;
  for (auto& [revision, found] : all) {
    const store::RetainedRevision& r = found.revision;
    list.push_back(json::object{{"revision", to_string(revision)},
                                {"size", r.size},
                                {"redundancy", placement::Level{r.level}.redundancy()},
                                {"replaced", iso_time(r.replaced)},
                                {"until", iso_time(WallTime{r.replaced.unix_ms + retention})},
                                {"nodes", std::move(found.nodes)}});
  }
  return {{"key", key}, {"id", to_string(id)}, {"revisions", std::move(list)}};
}

asio::awaitable<void> restore_object(NodeContext& context, std::string key, Revision revision,
                                     net::Response& response) {
  if (!context.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*context.view()));
    co_return;
  }
  const ObjectId id = object_id(context.naming, key);
  const Retained retained = co_await gather_retained(context, id);
  const auto source = find_source(retained, revision);
  if (!source) {
    Error error{Errc::kNotFound, revision
                                     ? "revision " + to_string(revision) + " of the object is not retained anywhere"
                                     : "nothing of the object is retained: it was never replaced or deleted, or "
                                       "longer ago than the setting `retention`"};
    co_await send_problem(response, std::move(error));
    co_return;
  }
  std::string body;
  auto answer = co_await copy(context, source->first, source->second, key, id, body);
  if (!answer) {
    co_await send_problem(response, answer.error());
    co_return;
  }
  net::ResponseHead head;
  head.status = answer->status;
  for (std::string_view name : kReturned)
    if (auto value = answer->fields.find(name)) head.fields.add(name, *value);
  head.fields.add("Brigade-Restored", to_string(source->second));
  co_await response.send(std::move(head), body);
}

asio::awaitable<void> handle_peer_retained(NodeContext& context, ObjectId id, net::Response& response) {
  std::string lines;
  for (const store::RetainedRevision& r : context.store.retained(id))
    lines += to_string(r.revision) + " " + std::to_string(r.level) + " " + std::to_string(r.size) + " " +
             std::to_string(r.replaced.unix_ms) + "\n";
  net::ResponseHead head;
  head.fields.add("Content-Type", "text/plain");
  co_await response.send(std::move(head), lines);
}

}  // namespace brigade::node
