// How many buckets each node should own.  Source: design §3; largest remainder (Hamilton's method), in integers.
// Concept: zones first, then the nodes of each zone: every zone and every node gets its share rounded down or up, so
//          that a zone with half of the weight never gets a bucket more than half. Where it is open who is rounded
//          up, those are that hold more than the rounded-down share now: a plan that stands is not unsettled.
// Thread:  pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace brigade::placement {

inline constexpr std::uint16_t kNobody = 0xffff;

/// The nodes of a plan, by rising id. Everything below the planner names nodes and zones by index.
struct Shareholders {
  std::vector<std::uint64_t> weights;  ///< 0: draining
  std::vector<std::uint16_t> zones;    ///< index of the node's zone, below zone_count
  std::uint16_t zone_count = 0;
};

/// Buckets per node, kBucketCount in all, given how many each holds now. Requires a weight above zero.
std::vector<std::uint32_t> quotas(const Shareholders& nodes, const std::vector<std::uint32_t>& held);

}  // namespace brigade::placement
