#include "fill_pace.h"

#include "node_context.h"

#include <algorithm>

namespace brigade::node {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn{50};
constexpr milliseconds kLate{3};       ///< from here on clients feel it
constexpr milliseconds kHoldMost{20};  ///< so that a sibling always gets some hundred objects a second
constexpr std::uint64_t kFirstRate = std::uint64_t{64} << 20;
constexpr std::uint64_t kLeastRate = std::uint64_t{4} << 20;
constexpr std::uint64_t kMostRate = std::uint64_t{4} << 30;
constexpr std::uint64_t kStep = std::uint64_t{1} << 20;

/// Grows with whatever is done for clients, through this node or another.
std::uint64_t answered(const DataStats& stats) {
  return stats.gets + stats.heads + stats.puts + stats.deletes + stats.bytes_out;
}

/// A spell that goes on like this ends after the target. A tenth of it is allowed for what is done in large pieces.
bool is_behind(const FillPace::Turn& now, Duration target) {
  if (target.count() == 0) return true;
  return std::chrono::duration<double>(now.since_begin) > (now.filled + 0.1) * std::chrono::duration<double>(target);
}

}  // namespace

void FillPace::turn(const Turn& now, const Settings& settings) {
  const bool is_late = now.has_clients && now.late >= kLate;
  hold_ = is_late ? std::min(now.late, kHoldMost) : milliseconds{0};
  if (!now.has_clients || is_behind(now, settings.repair_target)) {
    rate_ = settings.repair_bandwidth;
    return;
  }
  const std::uint64_t before = rate_ == 0 ? kFirstRate : rate_;
  rate_ = std::clamp(is_late ? before / 2 : before + before / 16 + kStep, kLeastRate, kMostRate);
  if (settings.repair_bandwidth > 0) rate_ = std::min(rate_, settings.repair_bandwidth);
}

asio::awaitable<void> FillPacer::run() {
  std::uint64_t before = answered(context_.total_stats());
  while (!stopped_) {
    const auto due = std::chrono::steady_clock::now() + kTurn;
    co_await pause_for(kTurn);
    const auto now = std::chrono::steady_clock::now();
    FillPace::Turn turn;
    turn.late = std::chrono::duration_cast<milliseconds>(now - due);
    turn.has_clients = answered(context_.total_stats()) != before;
    turn.filled = context_.fill.share();
    turn.since_begin = std::chrono::duration_cast<milliseconds>(now - context_.fill.began());
    before = answered(context_.total_stats());
    context_.pace.turn(turn, context_.view()->map.settings());
  }
}

}  // namespace brigade::node
