#include "layout.h"

#include <array>
#include <bit>
#include <utility>

#include "brigade/base/check.h"

namespace brigade::placement {
namespace {

// Four bits per field: a bucket has at most 8 siblings that it first meets at one level, and 8 < 16. As it meets only
// one at the first level, a sum has 29 bits.
constexpr std::int32_t zone_weight(int level) {
  return std::int32_t{1} << (8 * (4 - level));
}
constexpr std::int32_t node_weight(int level) {
  return std::int32_t{1} << (8 * (4 - level) + 4);
}

/// [place in the run][place of the sibling]: what a shared zone, or node, costs. Nothing for the bucket itself.
using Weights = std::array<std::array<std::int32_t, Layout::kRun>, Layout::kRun>;

/// Two buckets of one run first meet at the level that is the width of the exclusive or of their places.
constexpr Weights weights_by_place(std::int32_t (*weight)(int level)) {
  Weights weights{};
  for (std::uint32_t i = 0; i < Layout::kRun; ++i)
    for (std::uint32_t j = 0; j < Layout::kRun; ++j)
      if (i != j) weights[i][j] = weight(static_cast<int>(std::bit_width(i ^ j)));
  return weights;
}
constexpr Weights kZoneWeights = weights_by_place(zone_weight);
constexpr Weights kNodeWeights = weights_by_place(node_weight);

}  // namespace

Layout::Layout(std::vector<std::uint16_t> before, std::vector<std::uint16_t> zones)
    : before_(std::move(before)),
      zones_(std::move(zones)),
      owner_(before_.begin(), before_.end()),
      zone_(kBucketCount, kNobody) {
  BRIGADE_CHECK(before_.size() == kBucketCount, before_.size() << " owners");
  for (std::uint32_t b = 0; b < kBucketCount; ++b)
    if (owner_[b] != kNobody) zone_[b] = zones_[owner_[b]];
}

void Layout::assign(std::uint32_t bucket, std::uint16_t node) {
  owner_[bucket] = node;
  zone_[bucket] = node == kNobody ? kNobody : zones_[node];
}

Cost Layout::cost(std::uint32_t bucket, std::uint16_t node) const {
  const std::uint32_t zone = zones_[node];
  const std::uint32_t place = bucket % kRun;
  const std::uint32_t* run_owners = &owner_[bucket - place];
  const std::uint32_t* run_zones = &zone_[bucket - place];
  // Without branches and in one width, so that the compiler makes vector instructions of it: this is where the time
  // goes.
  std::int32_t sum = 0;
  for (std::uint32_t i = 0; i < kRun; ++i) {
    sum += (run_zones[i] == zone ? -1 : 0) & kZoneWeights[place][i];
    sum += (run_owners[i] == node ? -1 : 0) & kNodeWeights[place][i];
  }
  return sum;
}

int Layout::swap_moves(std::uint32_t a, std::uint32_t b) const {
  const int after = (owner_[b] != before_[a] ? 1 : 0) + (owner_[a] != before_[b] ? 1 : 0);
  return after - (is_moved(a) ? 1 : 0) - (is_moved(b) ? 1 : 0);
}

Cost Layout::swap_cost(std::uint32_t a, std::uint32_t b) const {
  return cost(a, owner(b)) + cost(b, owner(a)) - cost(a, owner(a)) - cost(b, owner(b));
}

void Layout::swap(std::uint32_t a, std::uint32_t b) {
  std::swap(owner_[a], owner_[b]);
  std::swap(zone_[a], zone_[b]);
}

}  // namespace brigade::placement
