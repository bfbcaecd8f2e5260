// Any log: whatever it says, sensible or not, the map that follows from it is whole.
#include "harness.h"

#include <catch2/catch.hpp>

#include "brigade/base/prng.h"
#include "brigade/cluster/cluster_map.h"

namespace brigade::cluster {
namespace {

/// Any change, sensible or not, about few nodes and buckets so that they meet.
wire::Change any_change(Prng& prng) {
  const auto node = [&] { return NodeId{prng.below(6)}; };
  const auto buckets = [&] {
    BucketSet set;
    for (std::uint64_t n = prng.below(4); n > 0; --n)
      set.add(BucketId{static_cast<std::uint16_t>(prng.below(6) * 200)});
    return set;
  };
  switch (prng.below(10)) {
    case 0:
      return wire::GroupFormed{{node()}, 0};
    case 1:
      return wire::NodeAdded{info(prng.below(6) + 1)};
    case 2:
      return prng.chance(1, 5) ? wire::Change{wire::NodeRemoved{node()}} : wire::Change{wire::NodeDown{node()}};
    case 3: {
      wire::NodeInfo up = info(prng.below(6) + 1);
      if (prng.chance(1, 4)) up.store = StoreId{prng.below(3) + 1};
      return wire::NodeUp{up, Incarnation{prng.below(5)}};
    }
    case 4:
      if (prng.chance(1, 3)) return wire::NodeDraining{node(), prng.chance(1, 2)};
      if (prng.chance(1, 3)) return wire::NodeReshaped{node(), "z", static_cast<std::uint32_t>(prng.below(4))};
      if (prng.chance(1, 3)) return wire::NodeReplaced{node(), node()};
      return wire::NodeDown{node()};
    case 5:
    case 6: {
      wire::BucketsAssigned assigned{static_cast<wire::Reason>(prng.below(8)), {}};
      for (std::uint64_t n = prng.below(3); n > 0; --n)
        assigned.assignments.push_back({static_cast<wire::Role>(prng.below(4)), node(), buckets()});
      return assigned;
    }
    case 7:
      return wire::BucketsFilled{node(), buckets()};
    case 8:
      if (prng.chance(1, 3)) return wire::BucketsEmptied{node(), buckets()};
      if (prng.chance(1, 3)) return wire::LossAccepted{buckets()};
      return wire::BucketsReleased{node(), buckets()};
    default:
      return prng.chance(1, 3) ? wire::Change{wire::SettingChanged{"retention", prng.chance(1, 2) ? "2h" : "?"}}
                               : wire::Change{wire::BucketsMoved{node(), buckets()}};
  }
}

void check_cell(const ClusterMap& map, const Cell& cell) {
  const auto known = [&](NodeId id) { return map.node(id) != nullptr; };
  if (cell.owner) REQUIRE(known(cell.owner));
  if (cell.new_owner) REQUIRE((known(cell.new_owner) && cell.new_owner != cell.owner));
  const bool has_new =
      cell.state == BucketState::kMoving || cell.state == BucketState::kReleased || cell.state == BucketState::kStandIn;
  REQUIRE(has_new == static_cast<bool>(cell.new_owner));
  REQUIRE((cell.state == BucketState::kUnassigned) == !cell.owner);
  if (cell.state == BucketState::kServing || cell.state == BucketState::kMoving) REQUIRE(cell.in_sync);
  if (cell.state == BucketState::kFilling || cell.state == BucketState::kReleased) REQUIRE_FALSE(cell.in_sync);
  // Nobody that is down counts as in sync.
  if (cell.in_sync) REQUIRE(map.is_up(cell.owner));
}

TEST_CASE("whatever the log says, the map stays whole, equal logs make equal maps, and snapshots hold it all") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Prng prng(seed);
    ClusterMap a = *ClusterMap::from(snapshot_of(3));
    ClusterMap b = a;
    ClusterMap restored = a;
    for (int i = 0; i < 120; ++i) {
      const wire::Change change = any_change(prng);
      INFO("change " << i << ", " << wire::kind_name(change));
      const ClusterMap before = a;
      const Seq seq = next(a.seq());
      for (ClusterMap* map : {&a, &b, &restored}) map->apply({{1, NodeId{1}}, seq, change});
      for (std::uint16_t k = 0; k < 6; ++k) check_cell(a, a.cell(BucketId{static_cast<std::uint16_t>(k * 200)}));
      // A copy is not touched by what happens to the other.
      REQUIRE(before.seq() == previous(seq));
      if (i % 40 == 20) restored = *ClusterMap::from(a.snapshot());
    }
    REQUIRE(a.state_digest() == b.state_digest());
    REQUIRE(a.snapshot() == b.snapshot());
    REQUIRE(restored.snapshot() == a.snapshot());
  }
}

}  // namespace
}  // namespace brigade::cluster
