// A layout from nothing: systematic sampling, run by run.
//
// Put all buckets that the nodes still need on a circle, the nodes of a zone side by side, and take 16 points at equal
// distances for a run of 16: the two buckets of a pair from opposite points, those of a four from quarters, and so on
// (the places of the run in bit-reversed order). A node or zone that needs at most half of the circle holds at most
// one of two opposite points, one that needs at most a quarter at most one of four, and what is larger is spread as
// evenly as can be. A run takes its share, rounded down or up, from every node and zone; so those bounds still hold on
// the smaller circle that is left, and the last run takes the rest exactly.
//
// The order round the circle changes as the runs go on. With one order, a node would share all its pairs with the same
// one or two others, and a later change could not shift buckets between these without moving others too.
#include "layout.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace brigade::placement {
namespace {

constexpr std::uint32_t kRunCount = kBucketCount / Layout::kRun;
constexpr std::uint32_t kRunsPerOrder = 64;

constexpr std::array<std::uint32_t, Layout::kRun> kReversed{0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};

/// The nodes with a quota, zone by zone, both scattered by `number`.
std::vector<std::uint16_t> circle_order(const Layout& layout, const std::vector<std::uint32_t>& quotas,
                                        std::uint64_t number) {
  std::vector<std::tuple<std::uint64_t, std::uint16_t, std::uint64_t, std::uint16_t>> keyed;
  for (std::uint16_t n = 0; n < quotas.size(); ++n) {
    if (quotas[n] == 0) continue;
    const std::uint16_t zone = layout.zone_of_node(n);
    const std::uint64_t zone_key = scatter(number << 32 | zone);
    keyed.emplace_back(zone_key, zone, scatter(zone_key ^ scatter(n)), n);
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::uint16_t> order;
  order.reserve(keyed.size());
  for (const auto& entry : keyed) order.push_back(std::get<3>(entry));
  return order;
}

}  // namespace

void fill_fresh(Layout& layout, const std::vector<std::uint32_t>& quotas) {
  std::vector<std::uint32_t> left = quotas;
  std::vector<std::uint16_t> order;
  for (std::uint32_t run = 0; run < kRunCount; ++run) {
    if (run % kRunsPerOrder == 0) order = circle_order(layout, quotas, run);
    const std::uint32_t distance = kRunCount - run;  // 16 of it make the circle
    const std::uint64_t draw = scatter(run);
    std::uint32_t point = static_cast<std::uint32_t>(draw % distance);
    const auto turn = static_cast<std::uint32_t>(draw >> 60);
    std::uint32_t taken = 0;
    std::uint32_t end = 0;  // of the node's part of the circle, exclusive
    for (const std::uint16_t n : order) {
      end += left[n];
      for (; point < end; point += distance, ++taken) {
        layout.assign(run * Layout::kRun + kReversed[(taken + turn) % Layout::kRun], n);
        --left[n];
      }
      if (taken == Layout::kRun) break;
    }
  }
}

}  // namespace brigade::placement
