// Who holds an object, who decides about it, whom to ask.  Source: design §2 (primary, in-sync), §5.
// Concept: pure functions of (map, object id, level). Nothing here knows whether a node can be reached.
// Thread:  pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <boost/container/static_vector.hpp>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/placement/replicas.h"

namespace brigade::replication {

using cluster::ClusterMap;
using placement::Level;

/// The nodes that a write of an object must reach.
struct ReplicaSet {
  NodeId primary;           ///< none: no replica bucket is in sync, or the nearest one has been released
  BucketId primary_bucket;  ///< that makes it the primary
  bool primary_knows =
      false;  ///< the primary's bucket is one of the lowest allowed level: what it doesn't know isn't there
  std::vector<NodeId> live;  ///< rising, distinct: owners and new owners that are up
  Seq since;                 ///< the last transaction that could have added a node to `live`
};
/// `level` is the higher one of the object's old and new levels.
ReplicaSet replica_set(const ClusterMap& map, const ObjectId& id, Level level);

/// Where to read, in the order of asking: home, home^1, ...
struct ReadCandidate {
  NodeId node;
  BucketId bucket;     ///< the in-sync replica bucket that it is asked as
  bool knows = false;  ///< its "not here" means that the object does not exist
};
/// One for each node at most; empty means that nobody can tell. Costs no memory but its own.
using ReadCandidates = boost::container::static_vector<ReadCandidate, placement::kWidestLevel.redundancy()>;
ReadCandidates read_candidates(const ClusterMap& map, const ObjectId& id);
/// The first of them.
std::optional<ReadCandidate> nearest_candidate(const ClusterMap& map, const ObjectId& id);

/// True if `node` serves `bucket` by this map.
bool serves(const ClusterMap& map, NodeId node, BucketId bucket);

/// True if `bucket` is one of the replica buckets of an object of that level. A record that a node holds otherwise is
/// left from when it had another bucket of the object: nobody keeps it up to date, and it is shown to nobody.
bool is_replica_bucket(BucketId bucket, const ObjectId& id, Level level);

/// True if `node` owns, or is to own, one of the replica buckets of (home, level): its records there are no garbage.
bool is_placed(const ClusterMap& map, NodeId node, BucketId home, Level level);

/// The nodes that own the buckets of the run of `widest` around `home`, rising, if all of these are in sync, and stay
/// where they are: what none of them knows is nowhere. Otherwise nothing.
std::optional<std::vector<NodeId>> settled_run(const ClusterMap& map, BucketId home, Level widest);

/// How many nodes must hold a write before it may be acknowledged: `write_copies`, less where the object's replica
/// buckets are on fewer nodes, up or down (design §5 Promise: redundancy or roster is smaller; or siblings that share a
/// node until the planner has moved one of them).
std::size_t copies_needed(const ClusterMap& map, const ObjectId& id, Level level);

/// The revision for the next write of a key. `highest` is the highest that any live replica holds.
/// Errors: nothing if this map is older than `highest` (wait for the log), or the count is used up.
std::optional<Revision> next_revision(const ClusterMap& map, Revision highest);

}  // namespace brigade::replication
