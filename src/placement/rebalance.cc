// From a standing layout to new quotas with as few moves as these force: nodes below their quota choose, one after the
// other, the buckets that they would own with the fewest conflicts, out of those without owner and those of nodes
// above their quota; then swaps among the buckets that move.
#include "layout.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "brigade/base/check.h"

namespace brigade::placement {
namespace {

/// Bounds the work: a plan looks at about this many (bucket, node) choices, however many nodes change.
constexpr std::size_t kChoicesMax = 3'000'000;
constexpr std::size_t kSwapTriesMax = 500'000;
constexpr std::uint32_t kTriesPerBucket = 24;
constexpr int kPolishRounds = 4;

class Rebalancer {
 public:
  Rebalancer(Layout& layout, const std::vector<std::uint32_t>& quotas) : layout_(layout), quotas_(quotas) {
    std::vector<std::uint32_t> held(quotas.size());
    for (std::uint32_t b = 0; b < kBucketCount; ++b)
      if (layout_.owner(b) != kNobody) ++held[layout_.owner(b)];
    surplus_.resize(quotas.size());
    missing_.resize(quotas.size());
    for (std::size_t n = 0; n < quotas.size(); ++n) {
      surplus_[n] = held[n] > quotas[n] ? held[n] - quotas[n] : 0;
      missing_[n] = quotas[n] > held[n] ? quotas[n] - held[n] : 0;
    }
  }

  void run() {
    // What a node without any quota holds goes in any case: nobody need avoid it as a sibling.
    for (std::uint32_t b = 0; b < kBucketCount; ++b) {
      const std::uint16_t owner = layout_.owner(b);
      if (owner == kNobody || quotas_[owner] != 0) continue;
      --surplus_[owner];
      layout_.assign(b, kNobody);
    }
    const std::vector<std::uint16_t> takers = takers_in_order();
    if (takers.empty()) return;
    for (std::uint32_t i = 0; i < kBucketCount; ++i) {
      // A fixed scattered order, so that equal choices are spread over the map.
      const std::uint32_t b = (i * 40503U + 12345U) % kBucketCount;
      if (is_open(b)) pool_.push_back(b);
    }
    choices_per_taker_ = std::max<std::size_t>(kChoicesMax / takers.size(), 64);
    for (const std::uint16_t taker : takers) serve(taker);
  }

 private:
  [[nodiscard]] bool is_open(std::uint32_t bucket) const {
    const std::uint16_t owner = layout_.owner(bucket);
    return owner == kNobody || surplus_[owner] > 0;
  }

  /// Those of large zones first, large ones first: they have the least choice.
  [[nodiscard]] std::vector<std::uint16_t> takers_in_order() const {
    std::vector<std::uint32_t> zone_quotas(quotas_.size());
    for (std::uint16_t n = 0; n < quotas_.size(); ++n) zone_quotas[layout_.zone_of_node(n)] += quotas_[n];
    std::vector<std::uint16_t> takers;
    for (std::uint16_t n = 0; n < quotas_.size(); ++n)
      if (missing_[n] > 0) takers.push_back(n);
    std::sort(takers.begin(), takers.end(), [&](std::uint16_t a, std::uint16_t b) {
      return std::tuple(zone_quotas[layout_.zone_of_node(b)], quotas_[b], a) <
             std::tuple(zone_quotas[layout_.zone_of_node(a)], quotas_[a], b);
    });
    return takers;
  }

  /// What conflicts change when `taker` gets `bucket`.
  [[nodiscard]] Cost change(std::uint32_t bucket, std::uint16_t taker) const {
    const std::uint16_t owner = layout_.owner(bucket);
    return layout_.cost(bucket, taker) - (owner == kNobody ? 0 : layout_.cost(bucket, owner));
  }

  void serve(std::uint16_t taker) {
    while (missing_[taker] > 0) {
      const std::size_t open_before = drop_closed();
      BRIGADE_CHECK(open_before > 0, "node " << taker << " lacks " << missing_[taker] << ", but all is given");
      // Four times what is needed at least; the window wanders through the pool from taker to taker.
      const std::size_t window =
          std::min(open_before, std::max<std::size_t>(choices_per_taker_, std::size_t{4} * missing_[taker]));
      using Choice = std::tuple<Cost, std::uint32_t, std::uint32_t>;  // change, place in the pool, bucket
      std::vector<Choice> choices;
      choices.reserve(window);
      for (std::size_t i = 0; i < window; ++i) {
        if (++cursor_ >= pool_.size()) cursor_ = 0;
        choices.emplace_back(change(pool_[cursor_], taker), static_cast<std::uint32_t>(cursor_), pool_[cursor_]);
      }
      std::priority_queue<Choice, std::vector<Choice>, std::greater<>> best(std::greater<>{}, std::move(choices));
      while (missing_[taker] > 0 && !best.empty()) {
        const auto [promised, place, bucket] = best.top();
        best.pop();
        if (!is_open(bucket) || layout_.owner(bucket) == taker) continue;
        // What was taken from the same run since may have made this one worse.
        if (const Cost now = change(bucket, taker); now > promised) {
          best.emplace(now, place, bucket);
          continue;
        }
        if (layout_.owner(bucket) != kNobody) --surplus_[layout_.owner(bucket)];
        layout_.assign(bucket, taker);
        --missing_[taker];
      }
    }
  }

  /// Forgets the buckets that were given away; the others keep their order.
  std::size_t drop_closed() {
    std::erase_if(pool_, [&](std::uint32_t b) { return !is_open(b); });
    return pool_.size();
  }

  Layout& layout_;
  const std::vector<std::uint32_t>& quotas_;
  std::vector<std::uint32_t> surplus_;
  std::vector<std::uint32_t> missing_;
  std::vector<std::uint32_t> pool_;
  std::size_t choices_per_taker_ = 0;
  std::size_t cursor_ = 0;
};

}  // namespace

void rebalance(Layout& layout, const std::vector<std::uint32_t>& quotas) {
  Rebalancer(layout, quotas).run();
}

void polish(Layout& layout) {
  std::vector<std::vector<std::uint32_t>> kept(layout.node_count());
  std::vector<std::uint32_t> moved;
  for (std::uint32_t b = 0; b < kBucketCount; ++b) {
    if (layout.is_moved(b))
      moved.push_back(b);
    else if (layout.owner(b) != kNobody)
      kept[layout.owner(b)].push_back(b);
  }
  std::size_t tries = 0;
  for (int round = 0; round < kPolishRounds && tries < kSwapTriesMax; ++round) {
    bool is_better = false;
    for (const std::uint32_t b : moved) {
      if (tries >= kSwapTriesMax) break;
      if (!layout.is_moved(b) || layout.cost(b, layout.owner(b)) == 0) continue;
      for (std::uint32_t i = 0; i < kTriesPerBucket; ++i, ++tries) {
        // Either another bucket that moves, or one that its old owner could give up in its place.
        const std::uint64_t draw = scatter(std::uint64_t{b} << 32 | static_cast<std::uint32_t>(round) << 16 | i);
        const std::uint16_t before = layout.before(b);
        const bool is_from_kept = i % 2 == 1 && before != kNobody && !kept[before].empty();
        const std::vector<std::uint32_t>& from = is_from_kept ? kept[before] : moved;
        const std::uint32_t other = from[draw % from.size()];
        if (other / Layout::kRun == b / Layout::kRun || layout.owner(other) == layout.owner(b)) continue;
        if (layout.swap_moves(b, other) > 0 || layout.swap_cost(b, other) >= 0) continue;
        layout.swap(b, other);
        is_better = true;
        if (!layout.is_moved(b)) break;
      }
    }
    if (!is_better) break;
  }
}

}  // namespace brigade::placement
