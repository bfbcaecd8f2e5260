// PUT and DELETE at the gateway: finds the primary and hands the request on.  Source: design §5 Writes 1.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// Answers a client's PUT or DELETE. While the primary changes it waits for the log, and tries again as long as no more
/// of the body was read than it still holds.
asio::awaitable<void> write_object(NodeContext& context, const std::string& key, net::Request& request,
                                   net::Response& response);

}  // namespace brigade::node
