#include "quotas.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "brigade/base/check.h"
#include "brigade/base/ids.h"
#include "brigade/base/limits.h"

namespace brigade::placement {
namespace {

// Weights add up to at most this; times the buckets it is far from 2^64, and no wider arithmetic is needed.
constexpr std::uint64_t kWeightSumMax = std::uint64_t{limits::kNodesMax} * limits::kWeightMax;
static_assert(kWeightSumMax < (std::uint64_t{1} << 63) / kBucketCount);

/// Rounds the shares weights[i] * kBucketCount / weight_sum of `members` so that they add up to `total`, which lies
/// between the sums of the shares rounded down and up.
void apportion(const std::vector<std::uint64_t>& weights, std::uint64_t weight_sum,
               const std::vector<std::uint32_t>& held, const std::vector<std::uint16_t>& members, std::uint32_t total,
               std::vector<std::uint32_t>& out) {
  // (not held above the floor, remainder from the top, index): who comes first is rounded up first.
  std::vector<std::tuple<bool, std::uint64_t, std::uint16_t>> order;
  std::uint32_t given = 0;
  for (const std::uint16_t i : members) {
    const std::uint64_t product = weights[i] * kBucketCount;
    out[i] = static_cast<std::uint32_t>(product / weight_sum);
    given += out[i];
    const std::uint64_t remainder = product % weight_sum;
    if (remainder != 0) order.emplace_back(held[i] <= out[i], weight_sum - remainder, i);
  }
  BRIGADE_CHECK(given <= total && total - given <= order.size(), given << " + " << order.size() << " for " << total);
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < total - given; ++i) ++out[std::get<2>(order[i])];
}

}  // namespace

std::vector<std::uint32_t> quotas(const Shareholders& nodes, const std::vector<std::uint32_t>& held) {
  const std::uint64_t weight_sum = std::accumulate(nodes.weights.begin(), nodes.weights.end(), std::uint64_t{0});
  BRIGADE_CHECK(weight_sum > 0 && weight_sum <= kWeightSumMax, "weights add up to " << weight_sum);
  std::vector<std::uint64_t> zone_weights(nodes.zone_count);
  std::vector<std::uint32_t> zone_held(nodes.zone_count);
  std::vector<std::vector<std::uint16_t>> zone_members(nodes.zone_count);
  for (std::uint16_t n = 0; n < nodes.weights.size(); ++n) {
    zone_weights[nodes.zones[n]] += nodes.weights[n];
    zone_held[nodes.zones[n]] += held[n];
    zone_members[nodes.zones[n]].push_back(n);
  }
  std::vector<std::uint16_t> zones(nodes.zone_count);
  std::iota(zones.begin(), zones.end(), std::uint16_t{0});
  std::vector<std::uint32_t> zone_quotas(nodes.zone_count);
  apportion(zone_weights, weight_sum, zone_held, zones, kBucketCount, zone_quotas);
  std::vector<std::uint32_t> result(nodes.weights.size());
  for (const std::uint16_t z : zones)
    apportion(nodes.weights, weight_sum, held, zone_members[z], zone_quotas[z], result);
  return result;
}

}  // namespace brigade::placement
