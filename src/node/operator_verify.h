// The proof that every object has its copies, for `brigade verify`.
// Source: design §9 "A proof of redundancy".
// Concept: each node compares what it has with its siblings and mends what differs (comparer.h); the node that was
// asked
//          adds up. Siblings compare one digest for each home bucket and level, so this takes a moment.
// Thread:  the data plane's executor.
#pragma once

#include "comparer.h"
#include "node_context.h"

#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "brigade/base/result.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/net/http_server.h"

namespace brigade::node {

/// What one node says of itself. `key_of` gives the key of an object that is here, or nothing.
boost::json::object comparison_json(const cluster::ClusterMap& map, NodeId self, const Comparison& comparison);

/// What several nodes say, added up. Errors: kBadGateway: one of them makes no sense.
Result<boost::json::object> add_up(const std::vector<boost::json::object>& parts);

/// GET /cluster/verify: {"whole": every object has its copies, "seq", "records", "short", "crowded", "compared",
/// "mended", "differing", "differences": [{"id", "bucket", "redundancy", "node", "revision", "other",
/// "other_revision"}], "shortages": [{"bucket", "redundancy", "copies", "records"}], "silent": [nodes],
/// "unknown_buckets", "down": [nodes]}.
asio::awaitable<boost::json::object> verify_all(NodeContext& context);

asio::awaitable<void> handle_peer_verify(NodeContext& context, net::Request& request, net::Response& response);

}  // namespace brigade::node
