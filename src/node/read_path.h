// GET and HEAD of an object, from wherever an in-sync replica is.  Source: design §5 Reads, §9 "404 with evidence".
// Thread:  the executor of the loop whose context it is.
#pragma once

#include "loop_context.h"

#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// Answers a client: from here, or streamed from another node, the next one where one fails, also in mid-body.
asio::awaitable<void> read_object(LoopContext& context, const std::string& key, net::Request& request,
                                  net::Response& response);

/// True for what read_for_peer() is for: GET or HEAD of /peer/read/ID?bucket=B.
bool is_peer_read(const net::RequestHead& head);
/// Answers another gateway. 404 says that the record is not here; what that proves is the gateway's to know. 421 if
/// this node does not serve the bucket.
asio::awaitable<void> read_for_peer(LoopContext& context, net::Request& request, net::Response& response);

}  // namespace brigade::node
