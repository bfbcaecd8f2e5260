// The peer listener's routes: node to node only, every request signed.  Source: design §7; proto/README.md "Peer
// requests". Thread:  the data plane's executor.
#pragma once

#include "node_context.h"
#include "replica_endpoint.h"

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

class PeerEndpoint {
 public:
  explicit PeerEndpoint(NodeContext& context) : context_(context), replica_(context) {}
  asio::awaitable<void> handle(net::Request& request, net::Response& response);

 private:
  asio::awaitable<void> handle_object(std::string_view action, std::string_view rest, net::Request& request,
                                      net::Response& response);
  asio::awaitable<void> handle_write(std::string_view key, net::Request& request, net::Response& response);
  asio::awaitable<void> handle_index(net::Response& response);

  NodeContext& context_;
  ReplicaEndpoint replica_;
};

}  // namespace brigade::node
