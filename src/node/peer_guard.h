// Ends waiting for a peer that is down: TCP itself says nothing for long when packets vanish.
// Source: design §5 Writes 4 ("wait until it answers or the log says that it is down"); testing "TCP over a one-way
// cut". Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <memory>

#include "brigade/net/http_client.h"

namespace brigade::node {

/// As long as it lives: cancels the exchange soon after the map says that `node` is down, or when this node has been
/// without a lease for a second.
class PeerGuard {
 public:
  PeerGuard(NodeContext& context, NodeId node, net::Exchange& exchange);
  ~PeerGuard();
  PeerGuard(const PeerGuard&) = delete;
  PeerGuard& operator=(const PeerGuard&) = delete;

 private:
  struct Watch;
  static void arm(const std::shared_ptr<Watch>& watch);
  std::shared_ptr<Watch> watch_;  ///< shared with the timer's handler, which may come later
};

}  // namespace brigade::node
