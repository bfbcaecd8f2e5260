#include "brigade/replication/placement_view.h"

#include <algorithm>

namespace brigade::replication {

namespace {

void add_once(std::vector<NodeId>& nodes, NodeId node) {
  auto at = std::ranges::lower_bound(nodes, node);
  if (at == nodes.end() || *at != node) nodes.insert(at, node);
}

}  // namespace

ReplicaSet replica_set(const ClusterMap& map, const ObjectId& id, Level level) {
  const BucketId home = placement::home_bucket(id);
  ReplicaSet set;
  auto consider = [&](NodeId node, Seq assigned) {
    const cluster::RosterEntry* entry = node ? map.node(node) : nullptr;
    if (entry == nullptr) return;
    set.since = std::max({set.since, assigned, entry->changed});
    if (entry->up) add_once(set.live, node);
  };
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    const cluster::Cell& cell = map.cell(bucket);
    consider(cell.owner, cell.assigned);
    consider(cell.new_owner, cell.new_assigned);
    if (!set.primary && map.is_in_sync(bucket)) {
      set.primary = cell.owner;
      set.primary_bucket = bucket;
      set.primary_knows = j < map.settings().min_redundancy;
    }
  }
  return set;
}

ReadCandidates read_candidates(const ClusterMap& map, const ObjectId& id) {
  const BucketId home = placement::home_bucket(id);
  const std::uint32_t known = map.settings().min_redundancy;
  ReadCandidates candidates;
  for (std::uint32_t j = 0; j < placement::kWidestLevel.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    const cluster::Cell& cell = map.cell(bucket);
    if (!cell.in_sync) continue;
    const auto is_same = [&](const ReadCandidate& c) { return c.node == cell.owner; };
    if (std::ranges::none_of(candidates, is_same)) candidates.push_back({cell.owner, bucket, j < known});
  }
  return candidates;
}

std::optional<ReadCandidate> nearest_candidate(const ClusterMap& map, const ObjectId& id) {
  for (std::uint32_t j = 0; j < placement::kWidestLevel.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(placement::home_bucket(id), j);
    if (const cluster::Cell& cell = map.cell(bucket); cell.in_sync)
      return ReadCandidate{cell.owner, bucket, j < map.settings().min_redundancy};
  }
  return std::nullopt;
}

bool serves(const ClusterMap& map, NodeId node, BucketId bucket) {
  return map.cell(bucket).owner == node && map.is_in_sync(bucket);
}

bool is_replica_bucket(BucketId bucket, const ObjectId& id, Level level) {
  return static_cast<std::uint32_t>(bucket.value ^ placement::home_bucket(id).value) < level.redundancy();
}

bool is_placed(const ClusterMap& map, NodeId node, BucketId home, Level level) {
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const cluster::Cell& cell = map.cell(placement::by_distance(home, j));
    if (cell.owner == node || cell.new_owner == node) return true;
  }
  return false;
}

std::optional<std::vector<NodeId>> settled_run(const ClusterMap& map, BucketId home, Level widest) {
  std::vector<NodeId> owners;
  for (std::uint32_t j = 0; j < widest.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(home, j);
    const cluster::Cell& cell = map.cell(bucket);
    if (!map.is_in_sync(bucket) || cell.new_owner) return std::nullopt;
    add_once(owners, cell.owner);
  }
  std::ranges::sort(owners);
  return owners;
}

std::size_t copies_needed(const ClusterMap& map, const ObjectId& id, Level level) {
  std::vector<NodeId> placed;
  for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
    const cluster::Cell& cell = map.cell(placement::by_distance(placement::home_bucket(id), j));
    if (cell.owner) add_once(placed, cell.owner);
  }
  return std::min<std::size_t>(map.settings().write_copies, placed.size());
}

std::optional<Revision> next_revision(const ClusterMap& map, Revision highest) {
  const Seq view = map.view();
  if (highest.view() > view || view.value > Revision::kViewMax) return std::nullopt;
  if (highest.view() < view) return Revision::of(view, 1);
  if (highest.count() == Revision::kCountMax) return std::nullopt;
  return Revision::of(view, highest.count() + 1);
}

}  // namespace brigade::replication
