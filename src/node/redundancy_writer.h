// Another redundancy for an object that stays as it is, at the primary.  Source: design §5 Writes, §7.
// Concept: a write like any other, but its body is that of the revision that is there: whoever has that copies it from
//          its own disk, and only nodes that are to hold the object from now on get it sent.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// True if the request is one: PUT with the query `metadata`.
bool changes_metadata(const net::RequestHead& head);

/// As put_as_primary.
asio::awaitable<bool> change_redundancy_as_primary(NodeContext& context, std::string key, const net::Request& request,
                                                   net::Response& response);

}  // namespace brigade::node
