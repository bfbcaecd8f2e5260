#include "brigade/replication/placement_view.h"

#include "replication/maps.h"

#include <catch2/catch.hpp>

using namespace brigade;               // NOLINT(google-build-using-namespace)
using namespace brigade::replication;  // NOLINT(google-build-using-namespace)
using replication::testing::id_in;
using replication::testing::MapMaker;

namespace {
const std::vector<NodeId> kBoth{NodeId{1}, NodeId{2}};
constexpr Level kTwo{1};
}  // namespace

TEST_CASE("the primary is the owner of the home bucket while that is in sync") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7);
  CHECK(replica_set(m.map(), id_in(6), kTwo).primary == NodeId{1});
  CHECK(replica_set(m.map(), id_in(7), kTwo).primary == NodeId{2});
  CHECK(replica_set(m.map(), id_in(6), kTwo).live == kBoth);
}

TEST_CASE("with the home bucket's node down its sibling is primary, and the stand-in takes writes") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(2, 7).assign(wire::Role::kStandIn, 3, 6).down(1);
  const auto set = replica_set(m.map(), id_in(6), kTwo);
  CHECK(set.primary == NodeId{2});
  CHECK(set.live == std::vector<NodeId>{NodeId{2}, NodeId{3}});
  CHECK(set.since == m.map().seq());
}

TEST_CASE("a bucket that fills takes writes and is never primary") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).assign(wire::Role::kOwner, 2, 7);
  const auto set = replica_set(m.map(), id_in(7), kTwo);
  CHECK(set.primary == NodeId{1});
  CHECK(set.live == kBoth);
}

TEST_CASE("a new owner is a live replica from its assignment on, which a primary that lags does not know") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(2, 7);
  const Seq before = m.map().seq();
  m.assign(wire::Role::kNewOwner, 3, 7);
  const auto set = replica_set(m.map(), id_in(6), kTwo);
  CHECK(set.since > before);
  CHECK(set.live.size() == 3);
}

TEST_CASE("with no replica in sync there is no primary and nobody to ask") {
  MapMaker m;
  m.node(1).node(2).assign(wire::Role::kOwner, 1, 6).assign(wire::Role::kOwner, 2, 7);
  CHECK_FALSE(replica_set(m.map(), id_in(6), kTwo).primary);
  CHECK(read_candidates(m.map(), id_in(6)).empty());
  CHECK_FALSE(nearest_candidate(m.map(), id_in(6)));
}

TEST_CASE("reads ask home first; home and the lowest allowed level's siblings may say that an object does not exist") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 8).serving(2, 9).serving(3, 10);
  const auto candidates = read_candidates(m.map(), id_in(9));
  REQUIRE_FALSE(candidates.empty());
  CHECK(nearest_candidate(m.map(), id_in(9))->bucket == candidates[0].bucket);
  CHECK(nearest_candidate(m.map(), id_in(9))->node == candidates[0].node);
  REQUIRE(candidates.size() == 3);
  CHECK(candidates[0].node == NodeId{2});
  CHECK(candidates[0].knows);
  CHECK(candidates[1].node == NodeId{1});
  CHECK(candidates[1].knows);
  CHECK(candidates[2].node == NodeId{3});
  CHECK_FALSE(candidates[2].knows);
}

TEST_CASE("copies needed fall with redundancy and with the nodes that the replica buckets are on") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(1, 7);
  CHECK(copies_needed(m.map(), id_in(6), kTwo) == 1);
  m.serving(2, 7);
  CHECK(copies_needed(m.map(), id_in(6), kTwo) == 2);
  CHECK(copies_needed(m.map(), id_in(6), Level{0}) == 1);
  m.down(2);
  CHECK(copies_needed(m.map(), id_in(6), kTwo) == 2);
}

TEST_CASE("a revision of a later view is above all of an earlier one") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7);
  const auto first = next_revision(m.map(), Revision{});
  REQUIRE(first);
  const auto second = next_revision(m.map(), *first);
  REQUIRE(second);
  CHECK(*second > *first);
  CHECK(second->view() == first->view());
  m.down(1);
  const auto third = next_revision(m.map(), *first);
  REQUIRE(third);
  CHECK(*third > *second);
  CHECK(third->count() == 1);
}

TEST_CASE("a map that is older than the object gives no revision") {
  MapMaker m;
  m.node(1).serving(1, 6);
  CHECK_FALSE(next_revision(m.map(), Revision::of(next(m.map().seq()), 1)));
  CHECK_FALSE(next_revision(m.map(), Revision::of(m.map().view(), Revision::kCountMax)));
}

TEST_CASE("an object is placed on the owners and new owners of its level's run, and on nobody else") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 4).serving(2, 5).serving(3, 6).assign(wire::Role::kNewOwner, 3, 5);
  CHECK(is_placed(m.map(), NodeId{3}, BucketId{4}, kTwo));
  CHECK_FALSE(is_placed(m.map(), NodeId{3}, BucketId{4}, Level{0}));
  CHECK(is_placed(m.map(), NodeId{3}, BucketId{4}, Level{2}));
}

TEST_CASE("a run is settled while all that own its buckets are in sync and stay") {
  constexpr Level four{2};
  MapMaker m;
  m.node(1).node(2).node(3).serving(2, 4).serving(1, 5).serving(2, 6);
  CHECK_FALSE(settled_run(m.map(), BucketId{6}, four));  // bucket 7 is nobody's
  m.serving(1, 7);
  CHECK(settled_run(m.map(), BucketId{6}, four) == kBoth);
  CHECK(settled_run(m.map(), BucketId{4}, four) == kBoth);
  SECTION("one moves") {
    m.assign(wire::Role::kNewOwner, 3, 5);
  }
  SECTION("one fills") {
    m.assign(wire::Role::kOwner, 3, 4);
  }
  SECTION("one is down") {
    m.down(1);
  }
  CHECK_FALSE(settled_run(m.map(), BucketId{6}, four));
  CHECK(settled_run(m.map(), BucketId{6}, Level{0}) == std::vector{NodeId{2}});  // the others don't matter to it
}
