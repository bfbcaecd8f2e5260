#include "peer_guard.h"

namespace brigade::node {

struct PeerGuard::Watch {
  NodeContext& context;
  NodeId node;
  net::Exchange* exchange;  ///< none: the guard is gone
  asio::steady_timer timer;
  int looks_without_lease = 0;
};

PeerGuard::PeerGuard(NodeContext& context, NodeId node, net::Exchange& exchange)
    : watch_(std::make_shared<Watch>(Watch{context, node, &exchange, asio::steady_timer(context.executor)})) {
  arm(watch_);
}

PeerGuard::~PeerGuard() {
  watch_->exchange = nullptr;
  watch_->timer.cancel();
}

void PeerGuard::arm(const std::shared_ptr<Watch>& watch) {
  constexpr std::chrono::milliseconds kLook{100};
  constexpr int kLooksWithoutLease = 10;  // an election is over in less, and an upload should outlast it
  watch->timer.expires_after(kLook);
  watch->timer.async_wait([watch](const boost::system::error_code&) {
    if (watch->exchange == nullptr) return;
    watch->looks_without_lease = watch->context.control.may_serve() ? 0 : watch->looks_without_lease + 1;
    if (watch->context.view()->map.is_up(watch->node) && watch->looks_without_lease < kLooksWithoutLease) {
      arm(watch);
    } else {
      watch->exchange->cancel();
    }
  });
}

}  // namespace brigade::node
