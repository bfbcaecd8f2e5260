// PUT and DELETE at the primary: stage everywhere, give the revision, commit everywhere, acknowledge.
// Source: design §5 Writes.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// Answers the request, whoever sent it: a client through this node, or another gateway. False, without an answer and
/// with nothing of the body read, if this node is not primary by its own map.
asio::awaitable<bool> put_as_primary(NodeContext& context, std::string key, net::Request& request,
                                     net::Response& response);
asio::awaitable<bool> delete_as_primary(NodeContext& context, std::string key, net::Request& request,
                                        net::Response& response);

}  // namespace brigade::node
