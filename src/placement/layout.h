// A bucket map while it is being planned, and what is wrong with it.
// Concept: owners and zones by index, and a cost that counts siblings that share a node or a zone. The cost is one
//          number with a field per kind of conflict, so that comparing numbers compares pairs first, then fours,
//          eights, sixteens, and in each the node before the zone.
// Thread:  one owner.
#pragma once

#include "quotas.h"

#include <cstdint>
#include <vector>

#include "brigade/base/ids.h"

namespace brigade::placement {

using Cost = std::int64_t;

/// The same scattered order of 2^64 values on all machines. (The finalizer of splitmix64.)
constexpr std::uint64_t scatter(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

class Layout {
 public:
  static constexpr std::uint32_t kRun = 16;  ///< The longest run of siblings.

  /// `before`: the node of each bucket, kNobody where there is none. `zones`: the zone of each node.
  Layout(std::vector<std::uint16_t> before, std::vector<std::uint16_t> zones);

  [[nodiscard]] std::uint16_t owner(std::uint32_t bucket) const { return static_cast<std::uint16_t>(owner_[bucket]); }
  [[nodiscard]] std::uint16_t zone(std::uint32_t bucket) const { return static_cast<std::uint16_t>(zone_[bucket]); }
  [[nodiscard]] std::uint16_t zone_of_node(std::uint16_t node) const { return zones_[node]; }
  [[nodiscard]] std::size_t node_count() const { return zones_.size(); }
  [[nodiscard]] bool is_moved(std::uint32_t bucket) const { return owner_[bucket] != before_[bucket]; }
  [[nodiscard]] std::uint16_t before(std::uint32_t bucket) const { return before_[bucket]; }
  /// `node` may be kNobody.
  void assign(std::uint32_t bucket, std::uint16_t node);

  /// The conflicts that `node` has, or would have, as the owner of `bucket`.
  [[nodiscard]] Cost cost(std::uint32_t bucket, std::uint16_t node) const;

  /// How many more buckets differ from before if `a` and `b` swap their owners: -2..2.
  [[nodiscard]] int swap_moves(std::uint32_t a, std::uint32_t b) const;
  /// How the cost changes if they do. Requires buckets of different runs of 16.
  [[nodiscard]] Cost swap_cost(std::uint32_t a, std::uint32_t b) const;
  void swap(std::uint32_t a, std::uint32_t b);

 private:
  const std::vector<std::uint16_t> before_;
  const std::vector<std::uint16_t> zones_;
  // Wider than the indices, for cost().
  std::vector<std::uint32_t> owner_;
  std::vector<std::uint32_t> zone_;  ///< zones_[owner_[b]]
};

/// Fills an empty layout by `quotas`. All runs are as good as these quotas allow, at all levels, nodes and zones.
void fill_fresh(Layout& layout, const std::vector<std::uint32_t>& quotas);

/// Gives buckets without owner, and buckets of nodes above their quota, to the nodes below it: exactly as many as the
/// quotas demand. Conflicts are few, but not excluded.
void rebalance(Layout& layout, const std::vector<std::uint32_t>& quotas);

/// Swaps buckets that move anyway where that takes conflicts away. Moves nothing else.
void polish(Layout& layout);

/// Swaps until every pair that can be on two nodes and in two zones is. Prefers buckets that move anyway, but moves
/// others where it must.
void repair_pairs(Layout& layout);

}  // namespace brigade::placement
