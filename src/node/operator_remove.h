// What is said when a node is not removed because data would go with it.  Source: design §7 `brigade remove`.
// Concept: the coordinator refuses by the map; the node that was asked adds how many buckets, and keys of a few objects
//          that would be lost, as far as nodes that are up have records of them.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// Answers with the problem `error`, and beside its detail `buckets`, `buckets_alone` and `keys`.
asio::awaitable<void> refuse_removal(NodeContext& context, NodeId node, Error error, net::Response& response);

/// GET /peer/alone/NODE: keys of a few records here that have no copy in sync, and would have one if NODE were back.
asio::awaitable<void> handle_peer_alone(NodeContext& context, std::string node, net::Response& response);

}  // namespace brigade::node
