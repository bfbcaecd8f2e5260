#include "hand_over.h"

#include <chrono>

namespace brigade::node {

namespace {
constexpr std::chrono::milliseconds kRepeat{100};
constexpr std::chrono::milliseconds kPatience{1000};  ///< beyond a lease
}  // namespace

asio::awaitable<void> hand_over(NodeContext& context) {
  const auto deadline = std::chrono::steady_clock::now() + context.view()->map.settings().lease + kPatience;
  for (;;) {
    const auto view = context.view();
    const auto now = std::chrono::steady_clock::now();
    const bool follows = view->state == cluster::State::kNormal && !view->is_coordinator;
    if (!follows || !view->map.is_up(context.self) || now >= deadline) co_return;
    context.complain_about(context.self, view->map.seq());
    co_await context.wait_for_view(now + kRepeat);
  }
}

}  // namespace brigade::node
