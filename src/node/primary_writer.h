// PUT and DELETE at the primary: stage everywhere, give the revision, commit everywhere, acknowledge.
// Source: design §5 Writes.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"
#include "brigade/placement/replicas.h"

namespace brigade::node {

/// Answers the request, whoever sent it: a client through this node, or another gateway. False, without an answer and
/// with nothing of the body read, if this node is not primary by its own map.
asio::awaitable<bool> put_as_primary(NodeContext& context, std::string key, net::Request& request,
                                     net::Response& response);
asio::awaitable<bool> delete_as_primary(NodeContext& context, std::string key, net::Request& request,
                                        net::Response& response);

/// When the object of a PUT with these fields expires: by `Brigade-Expires-In`, or `Expires`; 0: never. Errors:
/// kInvalid.
Result<WallTime> wanted_expiry(const net::Fields& fields, WallTime now);
/// The level that a PUT with these fields asks for. Errors: kInvalid.
Result<placement::Level> wanted_level(const NodeContext& context, const net::Fields& fields);

}  // namespace brigade::node
