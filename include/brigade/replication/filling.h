// What a node must fetch before a bucket of its is in sync.  Source: design §5 "Filling a bucket", "Moving a bucket".
// Concept: pure. For each level at or above the lowest allowed one: from whom, or why nothing is needed, or why it must
//          wait. The exchange itself is node/filler.
// Thread:  pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/placement/replicas.h"

namespace brigade::replication {

/// The part that a node has in a bucket that it fills.
enum class FillRole : std::uint8_t { kNone, kOwner, kNewOwner };
FillRole fill_role(const cluster::Cell& cell, NodeId self);

struct FillStep {
  enum class Kind : std::uint8_t {
    kFetch,     ///< compare with, and fetch from, `source`
    kComplete,  ///< nobody was in sync after this node: it holds all there is
    kWait,      ///< somebody was, and is away
  };
  Kind kind = Kind::kWait;
  placement::Level level;
  NodeId source;
  BucketId source_bucket;
};

/// One step for each level that objects may have; as new owner, or may once have had. Requires fill_role(...) != kNone.
std::vector<FillStep> fill_steps(const cluster::ClusterMap& map, BucketId bucket, NodeId self);

/// True if the bucket can't serve before some node that is away is back: its owner is, and no sibling of the lowest
/// allowed redundancy has what is in it; or its owner lacks what only such nodes have.
bool is_lost(const cluster::ClusterMap& map, BucketId bucket);

/// The transaction that gave this node its part in the bucket. Requires that it is in the roster.
Seq fill_since(const cluster::ClusterMap& map, BucketId bucket, NodeId self);

/// What this node has filled, and by which map.
using Filled = std::map<BucketId, Seq>;

/// True if this node is in sync for one of the replica buckets of (home, level), or has said so, which must stay true:
/// then a record that a sibling does not know is no leftover.
bool vouches(const cluster::ClusterMap& map, NodeId self, BucketId home, placement::Level level, const Filled& filled);

/// The bucket, if any, for which this node is the last that was in sync at a level below `level`: a record there may
/// have taken the place of one that nobody else has, so it is kept, though those who share `level` do not know it. What
/// that means for other buckets shows when this one is in sync.
std::optional<BucketId> needed_by(const cluster::ClusterMap& map, NodeId self, BucketId home, placement::Level level);

/// The node nearest to home, and other than `self`, that is in sync for (home, level); none if there is none.
NodeId in_sync_sibling(const cluster::ClusterMap& map, BucketId home, placement::Level level, NodeId self);

/// The nodes that are in sync for one of the replica buckets of (home, level), the nearest to home first, each once.
std::vector<NodeId> in_sync_nodes(const cluster::ClusterMap& map, BucketId home, placement::Level level);

/// With whom this node compares what it has of (home, level): the first of those in sync with all others, any other one
/// with the first. So whichever of two lacks something, the one that has it asks. Nobody, if this node itself is not in
/// sync for it: then it fills, and what it has from before is not spread.
std::vector<NodeId> comparison_partners(const cluster::ClusterMap& map, BucketId home, placement::Level level,
                                        NodeId self);

}  // namespace brigade::replication
