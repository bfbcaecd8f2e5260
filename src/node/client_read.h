// GET and HEAD of /o/KEY, on any loop.  Source: design §5 Reads, §7.
// Thread:  the loop's executor.
#pragma once

#include "loop_context.h"

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// True for what serve_client_read() is for.
bool is_client_read(const net::RequestHead& head);
/// Answers with the object, or with a redirect to a node that holds it, where that is wanted.
asio::awaitable<void> serve_client_read(LoopContext& context, net::Request& request, net::Response& response);

}  // namespace brigade::node
