// What operators read, as JSON.  Source: design §7 `GET /cluster`; proto/README.md has the fields.
// Concept: pure functions from a view of the cluster to JSON; who asks, and how the answer travels, is the endpoint's.
//          Units are in the names; nodes are named by their names, ids are 16 hex digits; what is not known is null.
// Thread:  pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "brigade/base/ids.h"
#include "brigade/base/time.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/node/config.h"
#include "brigade/node/control.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

/// How many buckets are in which condition. The first four are disjoint and sum up to kBucketCount.
struct BucketCounts {
  std::uint32_t unassigned = 0;
  std::uint32_t filling = 0;  ///< owned, not in sync: to be fetched, or its owner is away
  std::uint32_t serving = 0;  ///< in sync, and its node is up
  std::uint32_t lost = 0;     ///< not in sync, and what it lacks is with nobody who is: waits for a node that is away
  std::uint32_t stand_ins = 0;
  std::uint32_t moving = 0;
  std::array<std::uint32_t, 6> by_state{};  ///< index: wire::BucketState
  std::map<NodeId, std::uint32_t> owned;
  std::map<NodeId, std::uint32_t> in_sync;
};
/// Cost: looks at every bucket; some milliseconds. Keep it for as long as the map's seq stays.
BucketCounts count_buckets(const cluster::ClusterMap& map);

/// Home buckets of whose objects nobody can tell now: no replica of the lowest allowed redundancy is in sync.
std::uint32_t unknown_buckets(const cluster::ClusterMap& map);

/// "serving", "no-quorum", "joining".
std::string_view node_state(const View& view, bool may_serve);

/// GET /cluster, but what the process knows of itself (version, uptime).
boost::json::object cluster_json(const View& view, const BucketCounts& counts, const Config& config, bool may_serve,
                                 const store::StoreStats& stored);
/// The same fields, of a node that is still reading its store.
boost::json::object starting_json(const Config& config);
/// GET /cluster/nodes.
boost::json::object nodes_json(const View& view, const BucketCounts& counts, bool may_serve);

/// GET /cluster/map. `nodes` is the roster; `owners` has two characters for each bucket: the index into `nodes` in base
/// 64 (digits 0-9 A-Z a-z - _, high one first), "__" for none; `states` has one: u unassigned, f filling, s serving,
/// m moving, r released, t stand-in, in upper case where the bucket is in sync. `new_owners` lists [bucket, index].
boost::json::object map_json(const cluster::ClusterMap& map);

/// GET /cluster/settings.
boost::json::object settings_json(const cluster::ClusterMap& map);

/// "n3 down", "512 buckets to n2 (join)". Names as `map` knows them.
std::string change_text(const cluster::ClusterMap& map, const wire::Change& change);
/// GET /cluster/log. `first_kept`: the oldest transaction that could be shown, none if there is none.
boost::json::object log_json(const cluster::ClusterMap& map, const std::vector<LogLine>& lines, Seq first_kept);

/// "2026-01-31T12:34:56.789Z".
std::string iso_time(WallTime time);
/// With a newline at the end.
std::string json_text(const boost::json::object& object);

}  // namespace brigade::node
