// Who should own which bucket.  Source: design §3.
// Concept: a pure, deterministic function of (nodes, present owners) to target owners. It knows nothing of states,
//          leases or time; the coordinator carries its plan out step by step through the log.
// Bounds:  P1 every accepting node has its weighted share of buckets, rounded down or up; so has every zone.
//          P2 the two buckets of a pair are on different nodes and in different zones: always, as long as no node
//          (zone) has more than half of all buckets; if one has, exactly its excess is not. On a fresh cluster the same
//          holds for fours, eights and sixteens, and what can't be apart is spread evenly. After changes these are best
//          effort: buckets that move anyway go where they share least, and nothing else moves for them. Measured:
//          one of 1000 equal nodes in 10 zones comes or goes: at most 1 of 1000 fours; one of 17 nodes in 5 zones
//          goes: no four shares a node, 8 of 100 share a zone, a third of the sixteens are on 15 nodes instead of 16.
//          P3 no more buckets move than the new shares force, plus 1 % (of all buckets), unless pairs demand more. They
//          do if they were not apart before, and if a zone or node that gets nearly half has to grow by more than
//          others give up beside buckets that are not its own: each bucket beyond that takes one more move. In random
//          histories of small clusters with few zones that is 4 changes in 100.
//          P4 nodes that do not accept get nothing new and, as long as any other node accepts, end with nothing.
//          P5 a plan that is carried out is planned again without a move.
// Cost:    of processor time for 1000 nodes about 10 ms if one changes or the cluster is fresh, 0.1 s if all change.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "brigade/base/ids.h"

namespace brigade::placement {

struct PlanNode {
  NodeId id;
  std::string zone;
  std::uint32_t weight = 1;  ///< 0..limits::kWeightMax; 0: nothing is for it
  bool accepts = true;       ///< false: draining
};

struct Plan {
  std::vector<NodeId> owners;     ///< kBucketCount targets; none only if no node accepts
  std::uint32_t moves = 0;        ///< Buckets whose owner was another node of the cluster before.
  std::uint32_t assignments = 0;  ///< Buckets that had no owner, or one that is not in `nodes`.
  std::uint32_t lower_bound = 0;  ///< Moves that no plan with these shares can go below, wherever the pairs are.
};

/// `current` has kBucketCount owners, NodeId{} where there is none; owners that are not in `nodes` count as none. The
/// order of `nodes` does not matter. Requires distinct ids that are not none, weights in range, and at most
/// limits::kNodesMax nodes. If no node accepts, everything stays with whom it is, and lower_bound is 0.
Plan plan(std::span<const PlanNode> nodes, std::span<const NodeId> current);

/// Each node's exact share of buckets (rational, as a double for people and tests), in the order of `nodes`.
std::vector<double> shares(std::span<const PlanNode> nodes);

}  // namespace brigade::placement
