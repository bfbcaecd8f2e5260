// A data plane without data: what a node says about its buckets, and which it serves.  Source: design §5 "Filling a
// bucket", "Moving a bucket".
// Concept: by the committed map it fills what it should fill and releases what a new owner has filled, and tells the
//          coordinator until the map says so. It reads no clock: the executor calls it when the time has passed.
// Thread:  one owner.
#pragma once

#include <map>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

class DataPlane {
 public:
  explicit DataPlane(NodeId self) : self_(self) {}

  /// Forgets releases that the map has carried out or taken back. Returns the buckets that this concerned.
  BucketSet on_map(const cluster::ClusterMap& map);
  /// What there is to be said now. Releases at once what it says to have released (added to `released`).
  std::vector<wire::Report> look(const cluster::ClusterMap& map, BucketSet& released);

  /// One of several disks has failed, and with it what this node held of these buckets.
  void lose(const BucketSet& buckets, const cluster::ClusterMap& map);
  /// A new life: what was released is forgotten, not what was lost.
  void restart() { released_.clear(); }

  /// By its own map and what it has released and lost this node would serve `bucket`, had it a lease.
  [[nodiscard]] bool serves(const cluster::ClusterMap& map, BucketId bucket) const {
    const cluster::Cell& cell = map.cell(bucket);
    return cell.owner == self_ && cell.in_sync && !is_released(cell, bucket) &&
           (serves_lost_ || !is_lost(cell, bucket));
  }

  /// For Flaw::kReleaseForgotten.
  void forget_releases() { forgets_ = true; }
  /// For Flaw::kLostServed.
  void serve_lost() { serves_lost_ = true; }

 private:
  [[nodiscard]] bool is_releasable(const cluster::Cell& cell) const {
    return cell.owner == self_ && cell.state == cluster::BucketState::kMoving && cell.new_filled;
  }
  [[nodiscard]] bool is_released(const cluster::Cell& cell, BucketId bucket) const {
    if (released_.empty() || !is_releasable(cell)) return false;
    auto at = released_.find(bucket);
    return at != released_.end() && at->second == cell.new_assigned;
  }

  [[nodiscard]] bool is_lost(const cluster::Cell& cell, BucketId bucket) const {
    if (lost_.empty()) return false;
    auto at = lost_.find(bucket);
    if (at == lost_.end()) return false;
    return (cell.owner == self_ && cell.assigned <= at->second) ||
           (cell.new_owner == self_ && cell.new_assigned <= at->second);
  }

  NodeId self_;
  std::map<BucketId, Seq> released_;  ///< with the assignment that it was released for
  std::map<BucketId, Seq> lost_;      ///< for the parts that this node had in a map up to that seq
  bool forgets_ = false;
  bool serves_lost_ = false;
};

}  // namespace brigade::sim
