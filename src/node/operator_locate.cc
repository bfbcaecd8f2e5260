#include "operator_locate.h"

#include "operator_answers.h"
#include "operator_json.h"
#include "operator_requests.h"
#include "record_fields.h"

#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include <boost/json/array.hpp>

#include "brigade/placement/replicas.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using cluster::BucketState;
using cluster::Cell;
using cluster::ClusterMap;
using placement::Level;

constexpr std::chrono::milliseconds kPeerTimeout{1000};
constexpr std::size_t kEntryBytesMax = 4096;
constexpr std::uint32_t kDistances = 16;

std::optional<std::int64_t> number_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return value->get_int64();
}

/// Of a peer's answer; nothing at all if it makes no sense.
std::optional<std::optional<store::IndexEntry>> parse_entry(const std::string& text, const ObjectId& id) {
  const auto object = parse_object(text);
  const json::value* found = object ? object->if_contains("found") : nullptr;
  if (found == nullptr || !found->is_bool()) return std::nullopt;
  if (!found->get_bool()) return std::optional<store::IndexEntry>();
  const json::value* tombstone = object->if_contains("tombstone");
  const json::string* revision_text = text_in(*object, "revision");
  const auto revision = revision_text == nullptr ? std::nullopt : parse_revision(*revision_text);
  const auto level = number_in(*object, "level");
  const auto size = number_in(*object, "size");
  if (tombstone == nullptr || !tombstone->is_bool() || !revision || !level || *level >= placement::kLevelCount || !size)
    return std::nullopt;
  store::IndexEntry entry;
  entry.id = id;
  entry.revision = *revision;
  entry.level = static_cast<std::uint8_t>(*level);
  entry.tombstone = tombstone->get_bool();
  entry.size = static_cast<std::uint64_t>(*size);
  return std::optional(entry);
}

asio::awaitable<void> ask(NodeContext& context, NodeId node, std::string address, ObjectId id, Evidence& evidence) {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/peer/entry/" + to_string(id);
  auto answer = co_await context.peers.fetch(std::move(address), std::move(head), {}, kEntryBytesMax, kPeerTimeout);
  if (!answer || answer->first.status != 200) co_return;
  if (auto entry = parse_entry(answer->second, id)) evidence.answers[node] = *entry;
}

json::value name_or_null(const ClusterMap& map, NodeId node) {
  return node ? json::value(NodeContext::name_of(map, node)) : json::value(nullptr);
}

json::value id_or_null(NodeId node) {
  return node ? json::value(to_string(node)) : json::value(nullptr);
}

/// Which transaction gave a node its part; `known_reason` is what the map remembers of it.
json::value assigned_json(const ClusterMap& map, Seq seq, std::optional<wire::Reason> known_reason,
                          const std::function<std::optional<LogLine>(Seq)>& line_of) {
  if (!seq) return nullptr;
  json::object out;
  out["seq"] = seq.value;
  const auto line = line_of(seq);
  if (line)
    if (const auto* assigned = std::get_if<wire::BucketsAssigned>(&line->change)) known_reason = assigned->reason;
  out["reason"] = known_reason ? json::value(wire::reason_name(*known_reason)) : json::value(nullptr);
  out["kind"] = line ? json::value(wire::kind_name(line->change)) : json::value(nullptr);
  out["text"] = line ? json::value(change_text(map, line->change)) : json::value(nullptr);
  out["time"] = line && line->applied.unix_ms != 0 ? json::value(iso_time(line->applied)) : json::value(nullptr);
  return out;
}

/// The newest record that anybody has.
const store::IndexEntry* newest_of(const Evidence& evidence) {
  const store::IndexEntry* newest = nullptr;
  for (const auto& [node, entry] : evidence.answers)
    if (entry && (newest == nullptr || newest->revision < entry->revision)) newest = &*entry;
  return newest;
}

/// true, false, or null where that node did not say.
json::value holds_json(const Evidence& evidence, NodeId node) {
  const auto at = evidence.answers.find(node);
  if (at == evidence.answers.end()) return nullptr;
  return at->second && !at->second->tombstone;
}

json::value revision_json(const Evidence& evidence, NodeId node) {
  const auto at = evidence.answers.find(node);
  if (at == evidence.answers.end() || !at->second) return nullptr;
  return json::value(to_string(at->second->revision));
}

json::object replica_json(const ClusterMap& map, BucketId bucket, const Evidence& evidence,
                          const std::function<std::optional<LogLine>(Seq)>& line_of) {
  const Cell& cell = map.cell(bucket);
  const bool moves = cell.state == BucketState::kMoving || cell.state == BucketState::kReleased;
  json::object out;
  out["bucket"] = bucket.value;
  out["state"] = wire::state_name(cell.state);
  out["owner"] = name_or_null(map, cell.owner);
  out["owner_id"] = id_or_null(cell.owner);
  out["owner_up"] = map.is_up(cell.owner);
  out["in_sync"] = map.is_in_sync(bucket);
  out["holds"] = holds_json(evidence, cell.owner);
  out["revision"] = revision_json(evidence, cell.owner);
  // While a bucket moves, the map remembers why it moves, and no longer why it was where it is.
  out["assigned"] = assigned_json(map, cell.assigned, moves ? std::nullopt : std::optional(cell.reason), line_of);
  out["new_owner"] = name_or_null(map, cell.new_owner);
  out["new_owner_id"] = id_or_null(cell.new_owner);
  out["new_owner_holds"] = cell.new_owner ? holds_json(evidence, cell.new_owner) : json::value(nullptr);
  const wire::Reason new_reason = moves ? cell.reason : wire::Reason::kFailure;
  out["new_assigned"] = cell.new_owner ? assigned_json(map, cell.new_assigned, new_reason, line_of) : nullptr;
  return out;
}

json::array held_by_json(const ClusterMap& map, const Evidence& evidence) {
  json::array out;
  for (const auto& [node, entry] : evidence.answers) {
    if (!entry) continue;
    out.push_back(json::object{{"node", NodeContext::name_of(map, node)},
                               {"revision", to_string(entry->revision)},
                               {"tombstone", entry->tombstone},
                               {"redundancy", Level{entry->level}.redundancy()},
                               {"size", entry->size}});
  }
  return out;
}

json::object read_from_json(const ClusterMap& map, NodeId self, const ObjectId& id) {
  const auto candidates = replication::read_candidates(map, id);
  if (candidates.empty())
    return {
        {"node", nullptr}, {"bucket", nullptr}, {"why", "none of the nearest 16 buckets is in sync: reads get 503"}};
  const auto& first = candidates.front();
  const BucketId home = placement::home_bucket(id);
  const int distance = first.bucket.value ^ home.value;
  std::string why = distance == 0 ? "its home bucket is in sync there"
                                  : "the " + std::to_string(distance) + " nearer bucket" +
                                        (distance == 1 ? " is" : "s are") + " not in sync, this one is";
  if (first.node == self) why += "; it is the node that you ask";
  if (!first.knows) why += "; if it is not there, nobody can tell whether it exists";
  return {{"node", NodeContext::name_of(map, first.node)}, {"bucket", first.bucket.value}, {"why", std::move(why)}};
}

/// True, false, or null where nobody who would know has answered.
json::value exists_json(const ClusterMap& map, const ObjectId& id, const Evidence& evidence) {
  const store::IndexEntry* newest = newest_of(evidence);
  if (newest != nullptr) return !newest->tombstone;
  for (const auto& candidate : replication::read_candidates(map, id))
    if (candidate.knows && evidence.answers.contains(candidate.node)) return false;
  return nullptr;
}

}  // namespace

asio::awaitable<Evidence> gather_evidence(NodeContext& context, ObjectId id) {
  const auto view = context.view();
  std::set<NodeId> nodes;
  for (std::uint32_t j = 0; j < kDistances; ++j) {
    const Cell& cell = view->map.cell(placement::by_distance(placement::home_bucket(id), j));
    for (const NodeId node : {cell.owner, cell.new_owner})
      if (node && view->map.is_up(node)) nodes.insert(node);
  }
  Evidence evidence;
  TaskGroup questions(context.executor);
  for (const NodeId node : nodes) {
    if (node == context.self)
      evidence.answers[node] = context.store.find(id);
    else
      questions.spawn(ask(context, node, NodeContext::peer_address(view->map, node), id, evidence));
  }
  co_await questions.wait();
  co_return evidence;
}

json::object locate_json(const View& view, NodeId self, const std::string& key, const ObjectId& id,
                         const Evidence& evidence, const std::function<std::optional<LogLine>(Seq)>& line_of) {
  const ClusterMap& map = view.map;
  const store::IndexEntry* newest = newest_of(evidence);
  const Level level =
      newest != nullptr ? Level{newest->level} : placement::level_of(map.settings().redundancy).value_or(Level{1});
  const BucketId home = placement::home_bucket(id);
  json::array replicas;
  for (std::uint32_t j = 0; j < level.redundancy(); ++j)
    replicas.push_back(replica_json(map, placement::by_distance(home, j), evidence, line_of));
  json::object out;
  out["key"] = key;
  out["id"] = to_string(id);
  out["home"] = home.value;
  out["exists"] = exists_json(map, id, evidence);
  out["redundancy"] = level.redundancy();
  out["revision"] = newest == nullptr ? json::value(nullptr) : json::value(to_string(newest->revision));
  out["seq"] = map.seq().value;
  out["primary"] = name_or_null(map, replication::replica_set(map, id, level).primary);
  out["replicas"] = std::move(replicas);
  out["held_by"] = held_by_json(map, evidence);
  out["read_from"] = read_from_json(map, self, id);
  return out;
}

}  // namespace brigade::node
