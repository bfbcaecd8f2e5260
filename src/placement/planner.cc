#include "brigade/placement/planner.h"

#include "layout.h"

#include <algorithm>
#include <numeric>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::placement {
namespace {

/// The nodes by rising id: what the caller's order was must not matter.
std::vector<const PlanNode*> sorted_nodes(std::span<const PlanNode> nodes) {
  std::vector<const PlanNode*> sorted;
  sorted.reserve(nodes.size());
  for (const PlanNode& node : nodes) sorted.push_back(&node);
  std::sort(sorted.begin(), sorted.end(), [](const PlanNode* a, const PlanNode* b) { return a->id < b->id; });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    BRIGADE_CHECK(sorted[i]->id, "a node without id");
    BRIGADE_CHECK(i == 0 || sorted[i - 1]->id != sorted[i]->id, "two nodes " << to_string(sorted[i]->id));
    BRIGADE_CHECK(sorted[i]->weight <= limits::kWeightMax, "weight " << sorted[i]->weight);
  }
  return sorted;
}

Shareholders shareholders(const std::vector<const PlanNode*>& nodes) {
  std::vector<std::string_view> names;
  for (const PlanNode* node : nodes) names.push_back(node->zone);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  Shareholders result;
  result.zone_count = static_cast<std::uint16_t>(names.size());
  for (const PlanNode* node : nodes) {
    result.weights.push_back(node->accepts ? node->weight : 0);
    const auto at = std::lower_bound(names.begin(), names.end(), std::string_view(node->zone));
    result.zones.push_back(static_cast<std::uint16_t>(at - names.begin()));
  }
  return result;
}

std::vector<std::uint16_t> owner_indices(const std::vector<const PlanNode*>& nodes, std::span<const NodeId> current) {
  std::vector<std::uint16_t> indices(kBucketCount, kNobody);
  for (std::uint32_t b = 0; b < kBucketCount; ++b) {
    const auto at = std::lower_bound(nodes.begin(), nodes.end(), current[b],
                                     [](const PlanNode* node, NodeId id) { return node->id < id; });
    if (at != nodes.end() && (*at)->id == current[b]) indices[b] = static_cast<std::uint16_t>(at - nodes.begin());
  }
  return indices;
}

Plan described(const std::vector<const PlanNode*>& nodes, const Layout& layout) {
  Plan plan;
  plan.owners.resize(kBucketCount);
  for (std::uint32_t b = 0; b < kBucketCount; ++b) {
    if (layout.owner(b) == kNobody) continue;
    plan.owners[b] = nodes[layout.owner(b)]->id;
    if (layout.before(b) == kNobody)
      ++plan.assignments;
    else if (layout.is_moved(b))
      ++plan.moves;
  }
  return plan;
}

}  // namespace

Plan plan(std::span<const PlanNode> nodes, std::span<const NodeId> current) {
  BRIGADE_CHECK(current.size() == kBucketCount, current.size() << " owners");
  BRIGADE_CHECK(nodes.size() <= limits::kNodesMax, nodes.size() << " nodes");
  const std::vector<const PlanNode*> sorted = sorted_nodes(nodes);
  const Shareholders holders = shareholders(sorted);
  Layout layout(owner_indices(sorted, current), holders.zones);
  if (std::none_of(nodes.begin(), nodes.end(), [](const PlanNode& node) { return node.accepts && node.weight > 0; }))
    return described(sorted, layout);

  std::vector<std::uint32_t> held(sorted.size());
  for (std::uint32_t b = 0; b < kBucketCount; ++b)
    if (layout.owner(b) != kNobody) ++held[layout.owner(b)];
  const std::vector<std::uint32_t> targets = quotas(holders, held);
  std::uint32_t kept = 0;
  std::uint32_t lower_bound = 0;
  for (std::size_t n = 0; n < targets.size(); ++n) {
    kept += std::min(held[n], targets[n]);
    lower_bound += held[n] - std::min(held[n], targets[n]);
  }
  if (kept == 0) {
    fill_fresh(layout, targets);
  } else {
    rebalance(layout, targets);
    polish(layout);
    repair_pairs(layout);
  }
  Plan result = described(sorted, layout);
  result.lower_bound = lower_bound;
  return result;
}

std::vector<double> shares(std::span<const PlanNode> nodes) {
  std::uint64_t weight_sum = 0;
  for (const PlanNode& node : nodes) weight_sum += node.accepts ? node.weight : 0;
  std::vector<double> result;
  result.reserve(nodes.size());
  for (const PlanNode& node : nodes) {
    const std::uint64_t product = node.accepts ? std::uint64_t{node.weight} * kBucketCount : 0;
    result.push_back(weight_sum == 0 ? 0.0 : static_cast<double>(product) / static_cast<double>(weight_sum));
  }
  return result;
}

}  // namespace brigade::placement
