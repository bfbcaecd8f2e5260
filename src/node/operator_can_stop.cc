#include "operator_can_stop.h"

#include <algorithm>
#include <string>

#include <boost/json/array.hpp>

#include "brigade/placement/replicas.h"

namespace brigade::node {
namespace {

namespace json = boost::json;

/// Somebody who would know each object with this home bucket is in sync, and none of `without`.
bool is_served(const cluster::ClusterMap& map, BucketId home, const std::vector<NodeId>& without) {
  for (std::uint32_t j = 0; j < map.settings().min_redundancy; ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    if (map.is_in_sync(bucket) && !std::ranges::binary_search(without, map.cell(bucket).owner)) return true;
  }
  return false;
}

}  // namespace

json::object can_stop_json(const cluster::ClusterMap& map, const std::vector<NodeId>& nodes) {
  std::vector<NodeId> stopped = nodes;
  std::ranges::sort(stopped);
  std::uint64_t left = 0;
  json::array names;
  for (const cluster::RosterEntry& entry : map.roster()) {
    const bool stops = std::ranges::binary_search(stopped, entry.node.id);
    if (entry.up && !stops) ++left;
    if (stops) names.emplace_back(entry.node.name);
  }
  std::uint64_t unreadable = 0;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId home{static_cast<std::uint16_t>(i)};
    if (is_served(map, home, {}) && !is_served(map, home, stopped)) ++unreadable;
  }
  const std::uint64_t needed = map.roster().size() / 2 + 1;
  const std::uint64_t for_writes = std::min(map.settings().write_copies, map.settings().redundancy);
  json::array reasons;
  if (left < needed)
    reasons.emplace_back(std::to_string(left) + " of " + std::to_string(map.roster().size()) +
                         " nodes would be left, " + std::to_string(needed) +
                         " are needed: the cluster would stop serving");
  // With redundancy 1 allowed, an object may have no copy but the one at home.
  const bool may_be_alone = map.settings().min_redundancy == 1;
  if (unreadable > 0)
    reasons.emplace_back(
        (may_be_alone ? "objects of redundancy 1 in " : "objects of ") + std::to_string(unreadable) +
        " buckets would have no copy within reach: wait if buckets still fill elsewhere (`brigade status`), " +
        (may_be_alone ? "give these objects more copies (`brigade redundancy`, and min_redundancy=2)"
                      : "stop fewer nodes at a time") +
        ", or drain first");
  if (left >= needed && left < for_writes)
    reasons.emplace_back("writes need " + std::to_string(for_writes) + " nodes, " + std::to_string(left) +
                         " would be left");
  return {{"seq", map.seq().value},           {"nodes", std::move(names)},
          {"safe", reasons.empty()},          {"quorum", json::object{{"needed", needed}, {"left", left}}},
          {"buckets_unreadable", unreadable}, {"reasons", std::move(reasons)}};
}

}  // namespace brigade::node
