#include "brigade/replication/filling.h"

#include "replication/maps.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace brigade;               // NOLINT(google-build-using-namespace)
using namespace brigade::replication;  // NOLINT(google-build-using-namespace)
using replication::testing::MapMaker;

namespace {

bool all_are(const std::vector<FillStep>& steps, FillStep::Kind kind) {
  return std::ranges::all_of(steps, [&](const FillStep& s) { return s.kind == kind; });
}

FillStep step_at(const std::vector<FillStep>& steps, std::uint8_t level) {
  auto at = std::ranges::find_if(steps, [&](const FillStep& s) { return s.level.value == level; });
  REQUIRE(at != steps.end());
  return *at;
}

}  // namespace

TEST_CASE("a bucket that nobody ever served needs nothing") {
  MapMaker m;
  m.node(1).node(2).assign(wire::Role::kOwner, 1, 6).assign(wire::Role::kOwner, 2, 7);
  CHECK(all_are(fill_steps(m.map(), BucketId{6}, NodeId{1}), FillStep::Kind::kComplete));
}

TEST_CASE("a filling owner fetches each level from the nearest sibling in sync") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(2, 7).serving(3, 4).assign(wire::Role::kOwner, 1, 6);
  const auto steps = fill_steps(m.map(), BucketId{6}, NodeId{1});
  CHECK(step_at(steps, 1).source == NodeId{2});
  CHECK(step_at(steps, 2).source == NodeId{2});
  CHECK(all_are(steps, FillStep::Kind::kFetch));
}

TEST_CASE("no level below the lowest allowed redundancy is asked for") {
  MapMaker m;
  m.node(1).assign(wire::Role::kOwner, 1, 6);
  CHECK(fill_steps(m.map(), BucketId{6}, NodeId{1}).front().level.value == 1);
  m.apply(wire::SettingChanged{"min_redundancy", "1"});
  CHECK(fill_steps(m.map(), BucketId{6}, NodeId{1}).front().level.value == 0);
}

TEST_CASE("of two that went down one after the other, the last is complete and the first waits for it") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7).down(1).down(2).up(1);
  CHECK(step_at(fill_steps(m.map(), BucketId{6}, NodeId{1}), 1).kind == FillStep::Kind::kWait);
  m.up(2);
  CHECK(step_at(fill_steps(m.map(), BucketId{7}, NodeId{2}), 1).kind == FillStep::Kind::kComplete);
  CHECK(step_at(fill_steps(m.map(), BucketId{6}, NodeId{1}), 1).kind == FillStep::Kind::kWait);
  m.filled(2, 7);
  CHECK(step_at(fill_steps(m.map(), BucketId{6}, NodeId{1}), 1).kind == FillStep::Kind::kFetch);
}

TEST_CASE("a new owner in place of one that was lost is not complete, however long ago that was") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(2, 7).down(2).down(1).assign(wire::Role::kOwner, 3, 6);
  CHECK(step_at(fill_steps(m.map(), BucketId{6}, NodeId{3}), 1).kind == FillStep::Kind::kWait);
}

TEST_CASE("a moving bucket is filled from the owner that serves it, at every level") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).assign(wire::Role::kNewOwner, 2, 6);
  CHECK(fill_role(m.map().cell(BucketId{6}), NodeId{2}) == FillRole::kNewOwner);
  // What it has of a level that is no longer allowed is compared, too: else it would serve what was given up.
  CHECK(fill_steps(m.map(), BucketId{6}, NodeId{2}).front().level.value == 0);
  for (const FillStep& step : fill_steps(m.map(), BucketId{6}, NodeId{2})) {
    CHECK(step.kind == FillStep::Kind::kFetch);
    CHECK(step.source == NodeId{1});
  }
}

TEST_CASE("a sibling in sync on the same node leaves nothing to fetch") {
  MapMaker m;
  m.node(1).serving(1, 7).assign(wire::Role::kOwner, 1, 6);
  CHECK(all_are(fill_steps(m.map(), BucketId{6}, NodeId{1}), FillStep::Kind::kComplete));
}

TEST_CASE("comparison is with another node that is in sync") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7);
  CHECK(in_sync_sibling(m.map(), BucketId{6}, placement::Level{1}, NodeId{1}) == NodeId{2});
  CHECK_FALSE(in_sync_sibling(m.map(), BucketId{6}, placement::Level{0}, NodeId{1}));
  m.down(2);
  CHECK_FALSE(in_sync_sibling(m.map(), BucketId{6}, placement::Level{1}, NodeId{1}));
}

TEST_CASE("whoever has what another sibling lacks compares with it") {
  using Nodes = std::vector<NodeId>;
  MapMaker m;
  m.node(1).node(2).node(3).node(4).serving(1, 4).serving(2, 5).serving(3, 6).serving(3, 7);
  const placement::Level four{2};
  CHECK(in_sync_nodes(m.map(), BucketId{4}, four) == Nodes{NodeId{1}, NodeId{2}, NodeId{3}});
  CHECK(comparison_partners(m.map(), BucketId{4}, four, NodeId{1}) == Nodes{NodeId{2}, NodeId{3}});
  CHECK(comparison_partners(m.map(), BucketId{4}, four, NodeId{3}) == Nodes{NodeId{1}});
  CHECK(comparison_partners(m.map(), BucketId{4}, placement::Level{0}, NodeId{1}).empty());
  CHECK(comparison_partners(m.map(), BucketId{4}, four, NodeId{4}).empty());
  m.down(1);
  CHECK(comparison_partners(m.map(), BucketId{4}, four, NodeId{2}) == Nodes{NodeId{3}});
  m.assign(wire::Role::kOwner, 4, 4);  // it fills
  CHECK(comparison_partners(m.map(), BucketId{4}, four, NodeId{4}).empty());
}

TEST_CASE("a part begins with its assignment, or with the node's present life") {
  MapMaker m;
  m.node(1).node(2).serving(2, 6).assign(wire::Role::kNewOwner, 1, 6);
  const Seq assigned = m.map().seq();
  CHECK(fill_since(m.map(), BucketId{6}, NodeId{1}) == assigned);
  m.up(1);
  CHECK(fill_since(m.map(), BucketId{6}, NodeId{1}) == next(assigned));
}

TEST_CASE("what a node that is in sync has is no leftover, nor what it has said to be filled") {
  const placement::Level pair{1};
  MapMaker m;
  m.node(1).node(2).serving(2, 7).assign(wire::Role::kOwner, 1, 6);
  CHECK(vouches(m.map(), NodeId{2}, BucketId{6}, pair, {}));
  CHECK_FALSE(vouches(m.map(), NodeId{1}, BucketId{6}, pair, {}));
  CHECK(vouches(m.map(), NodeId{1}, BucketId{6}, pair, {{BucketId{6}, m.map().seq()}}));
  SECTION("but that is over when its part begins anew") {
    const Filled before{{BucketId{6}, m.map().seq()}};
    m.up(1);
    CHECK_FALSE(vouches(m.map(), NodeId{1}, BucketId{6}, pair, before));
  }
  SECTION("a new owner that the log calls filled vouches, too") {
    m.filled(1, 6).assign(wire::Role::kNewOwner, 2, 6);
    CHECK_FALSE(vouches(m.map(), NodeId{2}, BucketId{6}, placement::Level{0}, {}));
    m.filled(2, 6);
    CHECK(vouches(m.map(), NodeId{2}, BucketId{6}, placement::Level{0}, {}));
  }
}

TEST_CASE("a bucket is lost while those are away that have what it lacks, or until that is given up") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(2, 7).down(1).down(2);
  CHECK(is_lost(m.map(), BucketId{6}));
  CHECK(is_lost(m.map(), BucketId{7}));
  m.up(2);
  CHECK_FALSE(is_lost(m.map(), BucketId{7}));  // its node was the last
  m.down(2);
  m.assign(wire::Role::kOwner, 3, 6).assign(wire::Role::kOwner, 3, 7);
  CHECK(is_lost(m.map(), BucketId{6}));
  CHECK(is_lost(m.map(), BucketId{7}));
  m.apply(wire::LossAccepted{BucketSet::of(BucketId{7})});
  CHECK(is_lost(m.map(), BucketId{6}));
  CHECK_FALSE(is_lost(m.map(), BucketId{7}));
  m.filled(3, 7);
  CHECK_FALSE(is_lost(m.map(), BucketId{6}));  // now there is somebody to fetch from
}

TEST_CASE("a record is kept for the bucket that was the last in sync below its level") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7).serving(2, 4).serving(2, 5);
  m.apply(wire::SettingChanged{"min_redundancy", "1"});
  m.down(1).up(1);
  // Objects of redundancy 1 were on node 1 alone; an object that rose from there to 2 or 4 is kept until it is in sync.
  CHECK(needed_by(m.map(), NodeId{1}, BucketId{6}, placement::Level{1}) == BucketId{6});
  CHECK(needed_by(m.map(), NodeId{1}, BucketId{6}, placement::Level{2}) == BucketId{6});
  CHECK_FALSE(needed_by(m.map(), NodeId{1}, BucketId{6}, placement::Level{0}));
  // One whose home is elsewhere was never here at redundancy 1.
  CHECK_FALSE(needed_by(m.map(), NodeId{1}, BucketId{7}, placement::Level{1}));
  m.filled(1, 6);
  CHECK_FALSE(needed_by(m.map(), NodeId{1}, BucketId{6}, placement::Level{1}));
}
