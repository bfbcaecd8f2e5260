#include "brigade/cluster/holdings.h"

#include <cstdint>

#include "brigade/placement/replicas.h"

namespace brigade::cluster {

namespace {

bool is_alone(const ClusterMap& map, BucketId bucket) {
  const Cell& cell = map.cell(bucket);
  if (cell.new_filled && map.is_up(cell.new_owner)) return false;
  for (std::uint32_t j = 1; j < map.settings().min_redundancy; ++j) {
    const BucketId sibling = placement::by_distance(bucket, j);
    if (map.is_in_sync(sibling) && map.cell(sibling).owner != cell.owner) return false;
  }
  return true;
}

}  // namespace

Holdings holdings(const ClusterMap& map, NodeId node) {
  Holdings found;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    if (map.cell(bucket).owner != node) continue;
    ++found.owned;
    if (is_alone(map, bucket)) ++found.alone;
  }
  return found;
}

std::string refusal_to_remove(const ClusterMap& map, NodeId node, const Holdings& holdings) {
  const std::string& name = map.node(node)->node.name;
  const std::string owned = std::to_string(holdings.owned) + " buckets, of which " + std::to_string(holdings.alone) +
                            " have no other copy in sync";
  const std::string drain = "`brigade drain " + name + " --wait`";
  if (map.is_up(node))
    return name + " is up: stop it first. Before that, " + drain + " gives others what it owns: " + owned;
  const std::string still = name + " is down and still owns " + owned;
  if (holdings.alone == 0)
    return still + ": others take them when the setting grace is over, or now if you say " + drain;
  return still + ", and the objects in them would be lost: start it and " + drain +
         "; if it never comes back, `brigade bucket accept-loss --all` shows what is lost, and gives it up";
}

}  // namespace brigade::cluster
