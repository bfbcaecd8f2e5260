// What the coordinator does with the buckets next.  Source: design §3, §4 "Failure of a node", §5 "Moving a bucket".
// Concept: compares the map with the plan and names the next changes, a bounded number at a time. It decides nothing by
//          time but what it is told; every change that it names is safe whatever happens before it commits.
// Thread:  owned by the control plane.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/placement/planner.h"
#include "brigade/wire/transaction.h"

namespace brigade::cluster {

class Assigner {
 public:
  /// `is_lost(node)`: down, and not waited for any more. `map` is what has been appended so far.
  /// At most `changes_max` changes, in the order in which to append them.
  std::vector<wire::Change> next(const ClusterMap& map, const std::function<bool(NodeId)>& is_lost,
                                 std::size_t changes_max);

  /// Stand-ins for all that `node`, which is about to be declared down, owns; what `node` itself stands in for gets
  /// another. Append NodeDown right after these.
  static std::vector<wire::Change> stand_ins(const ClusterMap& map, NodeId node);

 private:
  const placement::Plan& plan_for(const ClusterMap& map, const std::function<bool(NodeId)>& is_lost);

  static constexpr std::size_t kMovingMax = 2048;  ///< buckets on the move at once
  std::vector<placement::PlanNode> planned_nodes_;
  placement::Plan plan_;
};

/// Bucket sets to changes of bounded size.
class ChangeBatch {
 public:
  void add(wire::Role role, NodeId node, BucketId bucket);
  /// Appends BucketsAssigned changes, each within limits::kEntryBytesMax, to `out`.
  void flush(wire::Reason reason, std::vector<wire::Change>& out);

 private:
  struct Key {
    wire::Role role;
    NodeId node;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<std::pair<Key, BucketSet>> sets_;
};

/// Largest encoded bucket set that an entry may carry, with room for what else is in it.
inline constexpr std::size_t kSetBytesMax = 800;

}  // namespace brigade::cluster
