#include "operator_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"
#include "brigade/placement/planner.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using cluster::ClusterMap;
using cluster::RosterEntry;

Result<const RosterEntry*> entry_named(const ClusterMap& map, const std::string& name) {
  if (const RosterEntry* entry = map.node_named(name)) return entry;
  return Error{Errc::kNotFound, "there is no node " + name + ": /cluster/nodes lists them"};
}

json::value bytes_json(std::uint64_t buckets, std::optional<double> bucket_bytes) {
  if (!bucket_bytes) return nullptr;
  return static_cast<std::uint64_t>(std::llround(*bucket_bytes * static_cast<double>(buckets)));
}

json::value name_of(const ClusterMap& map, NodeId node) {
  const RosterEntry* entry = map.node(node);
  return entry == nullptr ? json::value(nullptr) : json::value(entry->node.name);
}

}  // namespace

Result<wire::Change> node_change(std::string_view path, const NodeWish& wish, const ClusterMap& map) {
  const auto entry = entry_named(map, wish.node);
  if (!entry) return entry.error();
  const NodeId node = (*entry)->node.id;
  wire::Change change;
  if (path == "/cluster/remove") {
    change = wire::NodeRemoved{node};
  } else if (path == "/cluster/drain") {
    change = wire::NodeDraining{node, wish.draining};
  } else if (path == "/cluster/reshape") {
    if (!wish.zone && !wish.weight) return Error{Errc::kInvalid, R"(say "zone" or "weight", or both)"};
    change =
        wire::NodeReshaped{node, wish.zone.value_or((*entry)->node.zone), wish.weight.value_or((*entry)->node.weight)};
  } else {
    if (wish.with.empty()) return Error{Errc::kInvalid, R"(say "with" which node it is replaced)"};
    const auto by = entry_named(map, wish.with);
    if (!by) return by.error();
    change = wire::NodeReplaced{node, (*by)->node.id};
  }
  if (auto ok = check_change(change); !ok) return ok.error();
  return change;
}

Result<std::optional<wire::Change>> planned_change(std::string_view query, const ClusterMap& map) {
  static constexpr std::pair<std::string_view, std::string_view> kAsked[] = {
      {"drain", "/cluster/drain"}, {"replace", "/cluster/replace"}, {"reshape", "/cluster/reshape"}};
  for (const auto& [name, path] : kAsked) {
    auto node = query_text(query, name);
    if (!node) return node.error();
    if (node->empty()) continue;
    auto with = query_text(query, "with");
    auto zone = net::query_value(query, "zone");
    const auto has_weight = net::query_value(query, "weight");
    const auto weight = query_number(query, "weight", 0, limits::kWeightMax);
    if (!with) return with.error();
    if (!zone) return zone.error();
    if (!weight) return weight.error();
    NodeWish wish{.node = std::move(*node), .zone = {}, .weight = {}, .with = std::move(*with)};
    wish.zone = std::move(*zone);
    if (*has_weight) wish.weight = static_cast<std::uint32_t>(*weight);
    auto change = node_change(path, wish, map);
    if (!change) return change.error();
    return std::optional(std::move(*change));
  }
  return std::optional<wire::Change>();
}

json::object plan_json(ClusterMap map, const std::optional<wire::Change>& change, std::optional<double> bucket_bytes) {
  const Seq seq = map.seq();
  if (change) map.apply({map.last().epoch, next(seq), *change});
  std::vector<placement::PlanNode> nodes;
  for (const RosterEntry& entry : map.roster())
    if (entry.incarnation.value != 0)  // the coordinator, too, waits until a new node has been seen
      nodes.push_back({entry.node.id, entry.node.zone, entry.node.weight, entry.takes_share()});
  std::vector<NodeId> owners(kBucketCount);
  for (std::uint32_t b = 0; b < kBucketCount; ++b) owners[b] = map.cell(BucketId{static_cast<std::uint16_t>(b)}).owner;
  const placement::Plan plan = placement::plan(nodes, owners);

  std::map<std::pair<NodeId, NodeId>, std::uint64_t> moved;
  std::map<NodeId, std::uint64_t> received;
  for (std::uint32_t b = 0; b < kBucketCount; ++b) {
    if (!owners[b] || !plan.owners[b] || owners[b] == plan.owners[b]) continue;
    ++moved[{owners[b], plan.owners[b]}];
    ++received[plan.owners[b]];
  }
  json::array transfers;
  for (const auto& [pair, buckets] : moved)
    transfers.push_back(json::object{{"from", name_of(map, pair.first)},
                                     {"to", name_of(map, pair.second)},
                                     {"buckets", buckets},
                                     {"bytes", bytes_json(buckets, bucket_bytes)}});
  // All receive at a time; the one that receives most ends last.
  std::uint64_t most = 0;
  for (const auto& [node, buckets] : received) most = std::max(most, buckets);
  const std::uint64_t bandwidth = map.settings().repair_bandwidth;
  json::value least_seconds = nullptr;
  if (bandwidth > 0 && bucket_bytes)
    least_seconds = static_cast<std::uint64_t>(
        std::ceil(*bucket_bytes * static_cast<double>(most) / static_cast<double>(bandwidth)));
  return {{"seq", seq.value},
          {"moves", plan.moves},
          {"assignments", plan.assignments},
          {"lower_bound", plan.lower_bound},
          {"bytes", bytes_json(plan.moves, bucket_bytes)},
          {"least_seconds", std::move(least_seconds)},
          {"transfers", std::move(transfers)}};
}

}  // namespace brigade::node
