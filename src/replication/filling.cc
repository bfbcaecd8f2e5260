#include "brigade/replication/filling.h"

#include <algorithm>

#include "brigade/replication/placement_view.h"

namespace brigade::replication {

using cluster::BucketState;
using cluster::Cell;
using cluster::ClusterMap;
using placement::Level;

FillRole fill_role(const Cell& cell, NodeId self) {
  if (cell.owner == self && !cell.in_sync && cell.state != BucketState::kReleased) return FillRole::kOwner;
  if (cell.new_owner == self && cell.state == BucketState::kMoving && !cell.new_filled) return FillRole::kNewOwner;
  return FillRole::kNone;
}

namespace {

FillStep step_as_owner(const ClusterMap& map, BucketId bucket, Level level, NodeId self) {
  const Cell& own = map.cell(bucket);
  // The latest seq at which anybody else may have been in sync: then it may hold what this node has missed.
  Seq others = own.bucket_in_sync;
  for (std::uint32_t j = 1; j < level.redundancy(); ++j) {
    const BucketId sibling = placement::by_distance(bucket, j);
    const Cell& cell = map.cell(sibling);
    if (map.is_in_sync(sibling)) {
      if (cell.owner == self) return {FillStep::Kind::kComplete, level, self, sibling};
      return {FillStep::Kind::kFetch, level, cell.owner, sibling};
    }
    others = std::max(others, cell.bucket_in_sync);
  }
  const bool was_last = own.owner_in_sync >= others;
  return {was_last ? FillStep::Kind::kComplete : FillStep::Kind::kWait, level, NodeId{}, bucket};
}

}  // namespace

std::vector<FillStep> fill_steps(const ClusterMap& map, BucketId bucket, NodeId self) {
  const Cell& cell = map.cell(bucket);
  const Level lowest = placement::level_of(map.settings().min_redundancy).value_or(Level{0});
  std::vector<FillStep> steps;
  // A new owner may have records of a level that was allowed once, from before it was away for long: they go, too.
  const bool is_owner = fill_role(cell, self) == FillRole::kOwner;
  for (std::uint8_t k = is_owner ? lowest.value : 0; k < placement::kLevelCount; ++k) {
    if (is_owner) {
      steps.push_back(step_as_owner(map, bucket, Level{k}, self));
    } else if (map.is_in_sync(bucket)) {
      steps.push_back({FillStep::Kind::kFetch, Level{k}, cell.owner, bucket});
    } else {
      steps.push_back({FillStep::Kind::kWait, Level{k}, cell.owner, bucket});
    }
  }
  return steps;
}

bool is_lost(const ClusterMap& map, BucketId bucket) {
  const Cell& cell = map.cell(bucket);
  if (cell.owner && !map.is_up(cell.owner)) {
    const std::uint32_t copies = map.settings().min_redundancy;
    for (std::uint32_t j = 0; j < copies; ++j)
      if (map.is_in_sync(placement::by_distance(bucket, j))) return false;
    return true;
  }
  if (!cell.owner || fill_role(cell, cell.owner) == FillRole::kNone) return false;
  return std::ranges::any_of(fill_steps(map, bucket, cell.owner),
                             [](const FillStep& step) { return step.kind == FillStep::Kind::kWait; });
}

Seq fill_since(const ClusterMap& map, BucketId bucket, NodeId self) {
  const Cell& cell = map.cell(bucket);
  return std::max(map.node(self)->changed,
                  fill_role(cell, self) == FillRole::kOwner ? cell.assigned : cell.new_assigned);
}

bool vouches(const ClusterMap& map, NodeId self, BucketId home, Level level, const Filled& filled) {
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    const Cell& cell = map.cell(bucket);
    const auto at = filled.find(bucket);
    const bool is_filled = (cell.new_owner == self && cell.new_filled) ||
                           (at != filled.end() && fill_since(map, bucket, self) <= at->second);
    if (is_filled || serves(map, self, bucket)) return true;
  }
  return false;
}

std::optional<BucketId> needed_by(const ClusterMap& map, NodeId self, BucketId home, Level level) {
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    if (fill_role(map.cell(bucket), self) != FillRole::kOwner) continue;
    for (const FillStep& step : fill_steps(map, bucket, self)) {
      const bool was_last = step.kind == FillStep::Kind::kComplete && !step.source;
      if (was_last && step.level < level && j < step.level.redundancy()) return bucket;
    }
  }
  return std::nullopt;
}

NodeId in_sync_sibling(const ClusterMap& map, BucketId home, Level level, NodeId self) {
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    const NodeId owner = map.cell(bucket).owner;
    if (owner != self && map.is_in_sync(bucket)) return owner;
  }
  return NodeId{};
}

std::vector<NodeId> in_sync_nodes(const ClusterMap& map, BucketId home, Level level) {
  std::vector<NodeId> nodes;
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    const NodeId owner = map.cell(bucket).owner;
    if (map.is_in_sync(bucket) && std::ranges::find(nodes, owner) == nodes.end()) nodes.push_back(owner);
  }
  return nodes;
}

std::vector<NodeId> comparison_partners(const ClusterMap& map, BucketId home, Level level, NodeId self) {
  std::vector<NodeId> nodes = in_sync_nodes(map, home, level);
  const auto here = std::ranges::find(nodes, self);
  if (here == nodes.end()) return {};
  if (here != nodes.begin()) return {nodes.front()};
  nodes.erase(here);
  return nodes;
}

}  // namespace brigade::replication
