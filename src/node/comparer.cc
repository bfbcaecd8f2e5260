#include "comparer.h"

#include "own_store.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "brigade/replication/filling.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {
constexpr std::chrono::seconds kInterval{10};
constexpr std::chrono::milliseconds kTurn{200};
constexpr std::chrono::milliseconds kSecondLook{1000};
constexpr std::size_t kPartsPerQuestion = 4096;
constexpr std::size_t kPartsPerList = 64;
}  // namespace

asio::awaitable<void> Comparer::run() {
  // The first comparison follows the start: writes that were under way when this node fell are settled by it.
  auto next = std::chrono::steady_clock::now();
  while (!stopped_) {
    if (std::chrono::steady_clock::now() >= next && context_.control.may_serve()) {
      co_await compare_all();
      co_await clear_unplaced();
      next = std::chrono::steady_clock::now() + (suspect_.empty() ? std::chrono::milliseconds(kInterval) : kSecondLook);
    }
    co_await pause_for(kTurn);
  }
}

asio::awaitable<void> Comparer::compare_all() {
  const auto view = context_.view();
  std::map<NodeId, std::vector<SharedPart>> questions;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId home{static_cast<std::uint16_t>(i)};
    for (std::uint8_t k = 1; k < placement::kLevelCount; ++k) {
      const SharedPart part{home, placement::Level{k}};
      if (context_.store.digest(home, k).count == 0) continue;  // whoever has something there asks us
      const NodeId partner = replication::comparison_partner(view->map, home, part.level, context_.self);
      if (partner) questions[partner].push_back(part);
    }
  }
  for (auto& [partner, parts] : questions) {
    for (std::size_t at = 0; at < parts.size() && !stopped_; at += kPartsPerQuestion) {
      const auto begin = parts.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = parts.begin() + static_cast<std::ptrdiff_t>(std::min(parts.size(), at + kPartsPerQuestion));
      std::vector<SharedPart> some(begin, end);
      co_await compare_with(partner, std::move(some));
    }
  }
}

asio::awaitable<void> Comparer::compare_with(NodeId partner, std::vector<SharedPart> parts) {
  const Seq as_of = context_.view()->map.seq();
  auto unequal = co_await fetcher_.differing(partner, as_of, parts);
  if (!unequal) co_return;
  std::vector<SharedPart> again;
  for (const SharedPart& part : parts) {
    const bool differs = std::ranges::find(*unequal, part) != unequal->end();
    if (!differs) {
      suspect_.erase(part);
    } else if (!suspect_.insert(part).second) {
      again.push_back(part);
    }
  }
  for (std::size_t at = 0; at < again.size() && !stopped_; at += kPartsPerList) {
    const auto begin = again.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = again.begin() + static_cast<std::ptrdiff_t>(std::min(again.size(), at + kPartsPerList));
    std::vector<SharedPart> some(begin, end);
    spdlog::info("siblings differ partner={} parts={}: mending", NodeContext::name_of(context_.view()->map, partner),
                 some.size());
    auto mended = co_await fetcher_.exchange(partner, as_of, std::move(some));
    if (!mended) spdlog::warn("siblings differ partner={} error=\"{}\"", to_string(partner), mended.error().detail());
  }
}

/// By the map as it is now. Somebody serves it, or it stays: the last copy is never dropped.
bool Comparer::is_unplaced(BucketId home, placement::Level level) const {
  const auto view = context_.view();
  return !replication::is_placed(view->map, context_.self, home, level) &&
         replication::comparison_partner(view->map, home, level, context_.self) && context_.control.may_serve();
}

asio::awaitable<void> Comparer::clear_unplaced() {
  for (std::size_t i = 0; i < kBucketCount && !stopped_; ++i) {
    const BucketId home{static_cast<std::uint16_t>(i)};
    for (std::uint8_t k = 0; k < placement::kLevelCount; ++k) {
      const placement::Level level{k};
      if (context_.store.digest(home, k).count == 0 || !is_unplaced(home, level)) continue;
      for (const store::IndexEntry& e : context_.store.list(home, k)) {
        if (!is_unplaced(home, level) || stopped_) break;
        const auto gone = co_await forget_here(context_, e.id, e.revision);
        if (!gone) break;
      }
    }
  }
}

}  // namespace brigade::node
