// The client's door to objects: /o/KEY.  Source: design §5, §7.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

class ClientEndpoint {
 public:
  explicit ClientEndpoint(NodeContext& context) : context_(context) {}
  /// Requires a target that starts with "/o/".
  asio::awaitable<void> handle(net::Request& request, net::Response& response);

 private:
  NodeContext& context_;
};

}  // namespace brigade::node
