// What would happen if some nodes stopped now.  Source: design §4 (quorum), §5 (who knows an object).
// Thread:  pure.
#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"

namespace brigade::node {

/// GET /cluster/can-stop: `safe`, and why not: the quorum, buckets whose objects nobody else could serve, nodes that
/// writes need. What is out of reach already, without them stopping, does not count.
boost::json::object can_stop_json(const cluster::ClusterMap& map, const std::vector<NodeId>& nodes);

}  // namespace brigade::node
