// What is true of a plan, counted without the planner's help.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "brigade/placement/planner.h"

namespace brigade::placement {

using Owners = std::vector<NodeId>;

inline Owners nobody() {
  return Owners(kBucketCount);
}

struct PlanFacts {
  std::map<NodeId, std::uint32_t> buckets;
  std::map<std::string, std::uint32_t> zone_buckets;
  /// Runs of 2, 4, 8, 16 that lie on fewer nodes (zones) than the run has buckets.
  std::array<std::uint32_t, 4> shared_nodes{};
  std::array<std::uint32_t, 4> shared_zones{};
  /// Pairs that no assignment of these numbers could have kept apart.
  std::uint32_t forced_node_pairs = 0;
  std::uint32_t forced_zone_pairs = 0;
};

/// Counts, for runs of 2, 4, 8 and 16, those in which a value stands twice.
inline std::array<std::uint32_t, 4> shared_runs(const std::vector<std::uint32_t>& values) {
  std::array<std::uint32_t, 4> counts{};
  for (std::size_t first = 0; first < values.size(); first += 16) {
    std::array<std::uint32_t, 4> is_shared{};  // a bit for each run of that size among these 16
    for (std::uint32_t i = 0; i < 16; ++i)
      for (std::uint32_t j = i + 1; j < 16; ++j)
        if (values[first + i] == values[first + j])
          for (std::uint32_t level = static_cast<std::uint32_t>(std::bit_width(i ^ j)) - 1; level < 4; ++level)
            is_shared[level] |= 1U << (i >> (level + 1));
    for (std::uint32_t level = 0; level < 4; ++level)
      counts[level] += static_cast<std::uint32_t>(std::popcount(is_shared[level]));
  }
  return counts;
}

/// More than half of all buckets: what is over can't be kept out of a pair of its own.
inline std::uint32_t forced_pairs(const auto& counts) {
  std::uint32_t most = kBucketCount / 2;
  for (const auto& [key, count] : counts) most = std::max(most, count);
  return most - static_cast<std::uint32_t>(kBucketCount / 2);
}

inline PlanFacts facts_of(std::span<const PlanNode> nodes, const Owners& owners) {
  std::unordered_map<NodeId, std::uint32_t> index_of;  // strangers and nobody get the numbers that follow
  std::vector<std::uint32_t> zone_of;
  std::map<std::string, std::uint32_t> zone_numbers;
  for (const PlanNode& node : nodes) {
    index_of.emplace(node.id, static_cast<std::uint32_t>(index_of.size()));
    zone_of.push_back(zone_numbers.emplace(node.zone, static_cast<std::uint32_t>(zone_numbers.size())).first->second);
  }
  std::vector<std::uint32_t> indices;
  std::vector<std::uint32_t> zones;
  std::vector<std::uint32_t> counts(nodes.size());
  for (const NodeId owner : owners) {
    const std::uint32_t index = index_of.emplace(owner, static_cast<std::uint32_t>(index_of.size())).first->second;
    if (index >= zone_of.size()) zone_of.push_back(static_cast<std::uint32_t>(1'000'000 + index));
    if (index >= counts.size()) counts.push_back(0);
    indices.push_back(index);
    zones.push_back(zone_of[index]);
    ++counts[index];
  }
  PlanFacts facts;
  for (const auto& [id, index] : index_of) facts.buckets[id] = index < counts.size() ? counts[index] : 0;
  for (const PlanNode& node : nodes) facts.zone_buckets[node.zone] += facts.buckets[node.id];
  facts.forced_node_pairs = forced_pairs(facts.buckets);
  facts.forced_zone_pairs = forced_pairs(facts.zone_buckets);
  facts.shared_nodes = shared_runs(indices);
  facts.shared_zones = shared_runs(zones);
  return facts;
}

}  // namespace brigade::placement
