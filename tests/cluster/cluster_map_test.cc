#include "brigade/cluster/cluster_map.h"

#include "harness.h"

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

constexpr BucketId kBucket{300};
constexpr NodeId kA{1};
constexpr NodeId kB{2};
constexpr NodeId kC{3};

/// A map and a log that goes on from it.
struct Story {
  ClusterMap map = *ClusterMap::from(snapshot_of(3));

  Seq then(wire::Change change) {
    const Seq seq = next(map.seq());
    map.apply({{1, kA}, seq, std::move(change)});
    return seq;
  }
  Seq assign(wire::Role role, NodeId node, wire::Reason reason = wire::Reason::kBalance) {
    return then(wire::BucketsAssigned{reason, {{role, node, BucketSet::of(kBucket)}}});
  }
  Seq filled(NodeId node) { return then(wire::BucketsFilled{node, BucketSet::of(kBucket)}); }
  [[nodiscard]] const Cell& cell() const { return map.cell(kBucket); }
};

TEST_CASE("a new map has no roster and no owners") {
  const ClusterMap map(kCluster);
  CHECK(map.roster().empty());
  CHECK(map.cell(kBucket) == Cell{});
  CHECK_FALSE(map.is_in_sync(kBucket));
}

TEST_CASE("a node is added once, never after it was removed, and never under a name that is taken") {
  Story s;
  const Seq added = s.then(wire::NodeAdded{info(9)});
  REQUIRE(s.map.node(NodeId{9}) != nullptr);
  CHECK(s.map.roster_seq() == added);
  CHECK_FALSE(s.map.is_up(NodeId{9}));
  CHECK(s.map.node_named("n9")->node.id == NodeId{9});
  wire::NodeInfo twin = info(10);
  twin.name = "n9";
  s.then(wire::NodeAdded{twin});
  s.then(wire::NodeAdded{info(9)});
  CHECK(s.map.roster().size() == 4);
  s.then(wire::NodeRemoved{NodeId{9}});
  CHECK(s.map.was_removed(NodeId{9}));
  s.then(wire::NodeAdded{info(9)});
  CHECK(s.map.node(NodeId{9}) == nullptr);
}

TEST_CASE("an assigned bucket is filling until its owner has filled it") {
  Story s;
  s.then(wire::NodeDown{kA});
  const Seq assigned = s.assign(wire::Role::kOwner, kB, wire::Reason::kLoss);
  CHECK(s.cell().owner == kB);
  CHECK(s.cell().state == BucketState::kFilling);
  CHECK(s.cell().assigned == assigned);
  CHECK(s.cell().reason == wire::Reason::kLoss);
  CHECK_FALSE(s.map.is_in_sync(kBucket));
  s.filled(kC);  // not its owner
  CHECK(s.cell().state == BucketState::kFilling);
  const Seq filled = s.filled(kB);
  CHECK(s.cell().state == BucketState::kServing);
  CHECK(s.map.is_in_sync(kBucket));
  CHECK(s.map.view() == filled);
}

TEST_CASE("a bucket moves by filling, release and change of owner, and nobody serves in between") {
  Story s;
  s.assign(wire::Role::kNewOwner, kB);
  CHECK(s.cell().state == BucketState::kMoving);
  CHECK(s.map.is_in_sync(kBucket));
  s.then(wire::BucketsReleased{kA, BucketSet::of(kBucket)});  // too early
  CHECK(s.cell().state == BucketState::kMoving);
  s.filled(kB);
  CHECK(s.cell().new_filled);
  CHECK(s.cell().owner == kA);
  s.then(wire::BucketsMoved{kB, BucketSet::of(kBucket)});  // not released yet
  CHECK(s.cell().owner == kA);
  s.then(wire::BucketsReleased{kA, BucketSet::of(kBucket)});
  CHECK(s.cell().state == BucketState::kReleased);
  CHECK_FALSE(s.map.is_in_sync(kBucket));
  s.then(wire::BucketsMoved{kC, BucketSet::of(kBucket)});  // not the new owner
  CHECK(s.cell().owner == kA);
  const Seq moved = s.then(wire::BucketsMoved{kB, BucketSet::of(kBucket)});
  CHECK(s.cell().owner == kB);
  CHECK_FALSE(s.cell().new_owner);
  CHECK(s.cell().state == BucketState::kServing);
  CHECK(s.map.is_in_sync(kBucket));
  CHECK(s.map.view() == moved);
}

TEST_CASE("that a node is draining is remembered, through its restarts too") {
  Story s;
  s.then(wire::NodeDraining{kB, true});
  s.then(wire::NodeDraining{NodeId{9}, true});  // nobody
  s.then(wire::NodeDown{kB});
  s.then(wire::NodeUp{info(2), Incarnation{5}});
  CHECK(s.map.node(kB)->draining);
  CHECK_FALSE(s.map.node(kA)->draining);
  CHECK(ClusterMap::from(s.map.snapshot())->node(kB)->draining);
  CHECK(ClusterMap::from(s.map.snapshot())->state_digest() == s.map.state_digest());
  s.then(wire::NodeDraining{kB, false});
  CHECK_FALSE(s.map.node(kB)->draining);
}

TEST_CASE("where a node stands and how much it holds is what operators said last, whatever it starts with") {
  Story s;
  const Seq view = s.map.view();
  s.then(wire::NodeReshaped{kB, "south", 5});
  s.then(wire::NodeReshaped{NodeId{9}, "south", 5});  // nobody
  CHECK(s.map.view() == view);
  wire::NodeInfo started = info(2);
  started.client = "10.0.0.9:8080";
  started.weight = 7;
  s.then(wire::NodeUp{started, Incarnation{5}});
  CHECK(s.map.node(kB)->node.client == "10.0.0.9:8080");
  CHECK(s.map.node(kB)->node.zone == "south");
  CHECK(s.map.node(kB)->node.weight == 5);
  CHECK(ClusterMap::from(s.map.snapshot())->state_digest() == s.map.state_digest());
  s.then(wire::NodeReshaped{kB, "", 0});
  CHECK_FALSE(s.map.node(kB)->takes_share());
}

TEST_CASE("who replaces a node takes its weight, and the node gives away what it has") {
  Story s;
  s.then(wire::NodeReshaped{kA, "", 6});
  s.then(wire::NodeReshaped{kB, "south", 0});
  s.then(wire::NodeDraining{kB, true});
  s.then(wire::NodeReplaced{kA, NodeId{9}});  // nobody
  CHECK_FALSE(s.map.node(kA)->draining);
  s.then(wire::NodeReplaced{kA, kB});
  CHECK(s.map.node(kA)->draining);
  CHECK(s.map.node(kB)->takes_share());
  CHECK(s.map.node(kB)->node.weight == 6);
  CHECK(s.map.node(kB)->node.zone == "south");
}

TEST_CASE("a node whose disk failed fills the buckets that were on it anew") {
  Story s;
  const Seq emptied = s.then(wire::BucketsEmptied{kA, BucketSet::of(kBucket)});
  CHECK(s.cell().owner == kA);
  CHECK(s.cell().state == BucketState::kFilling);
  CHECK(s.cell().assigned == emptied);     // what it said of its part before does not count
  CHECK(s.cell().owner_in_sync == Seq{});  // it is not the last that was whole
  CHECK(s.cell().bucket_in_sync == emptied);
  CHECK(s.map.view() == emptied);
  CHECK(s.map.is_up(kA));
  s.filled(kA);
  CHECK(s.cell().state == BucketState::kServing);
  s.then(wire::BucketsEmptied{kC, BucketSet::of(kBucket)});  // not its own
  CHECK(s.cell().state == BucketState::kServing);
}

TEST_CASE("a node that comes with another store while its bucket moves leaves the rest to whoever was to have it") {
  wire::NodeInfo fresh = info(1);
  fresh.store = StoreId{77};
  SECTION("and that one is not whole yet") {
    Story s;
    s.assign(wire::Role::kNewOwner, kB);
    s.then(wire::NodeUp{fresh, Incarnation{2}});
    CHECK(s.cell().owner == kA);
    CHECK(s.cell().state == BucketState::kFilling);
    CHECK_FALSE(s.cell().new_owner);
  }
  SECTION("and that one is whole") {
    Story s;
    s.assign(wire::Role::kNewOwner, kB);
    s.then(wire::BucketsFilled{kB, BucketSet::of(kBucket)});
    s.then(wire::NodeUp{fresh, Incarnation{2}});
    CHECK(s.cell().owner == kB);
    CHECK(s.map.is_in_sync(kBucket));
  }
  SECTION("and has released it") {
    Story s;
    s.assign(wire::Role::kNewOwner, kB);
    s.then(wire::BucketsFilled{kB, BucketSet::of(kBucket)});
    s.then(wire::BucketsReleased{kA, BucketSet::of(kBucket)});
    s.then(wire::NodeUp{fresh, Incarnation{2}});
    CHECK(s.cell().state == BucketState::kReleased);
    CHECK(s.cell().new_owner == kB);
  }
}

TEST_CASE("when a loss is accepted, who has the bucket counts as the last that was in sync") {
  Story s;
  s.then(wire::LossAccepted{BucketSet::of(kBucket)});  // it is served
  CHECK_FALSE(s.cell().owner_in_sync);
  s.then(wire::NodeDown{kA});
  const Seq before = s.cell().owner_in_sync;
  s.then(wire::LossAccepted{BucketSet::of(kBucket)});  // its node is down
  CHECK(s.cell().owner_in_sync == before);
  s.assign(wire::Role::kOwner, kB, wire::Reason::kLoss);
  CHECK_FALSE(s.cell().owner_in_sync);
  const Seq accepted = s.then(wire::LossAccepted{BucketSet::of(kBucket)});
  CHECK(s.cell().owner_in_sync == accepted);
  CHECK_FALSE(s.map.is_in_sync(kBucket));
}

TEST_CASE("when a loss is accepted whose node is away, its stand-in goes on as the owner") {
  Story s;
  s.assign(wire::Role::kStandIn, kB);
  s.then(wire::NodeDown{kA});
  const Seq accepted = s.then(wire::LossAccepted{BucketSet::of(kBucket)});
  CHECK(s.cell().owner == kB);
  CHECK_FALSE(s.cell().new_owner);
  CHECK(s.cell().state == BucketState::kFilling);
  CHECK(s.cell().owner_in_sync == accepted);
}

TEST_CASE("while a bucket moves, either node's disk may fail") {
  Story s;
  s.assign(wire::Role::kNewOwner, kB);
  SECTION("the new owner's: it is let go") {
    s.filled(kB);
    s.then(wire::BucketsEmptied{kB, BucketSet::of(kBucket)});
    CHECK_FALSE(s.cell().new_owner);
    CHECK(s.cell().state == BucketState::kServing);
    CHECK(s.cell().owner == kA);
  }
  SECTION("the new owner's, after the release: the owner was the last to serve") {
    s.filled(kB);
    const Seq released = s.then(wire::BucketsReleased{kA, BucketSet::of(kBucket)});
    s.then(wire::BucketsEmptied{kB, BucketSet::of(kBucket)});
    CHECK(s.cell().state == BucketState::kFilling);
    CHECK(s.cell().owner_in_sync == released);
  }
  SECTION("the owner's, and the new one is not whole yet") {
    s.then(wire::BucketsEmptied{kA, BucketSet::of(kBucket)});
    CHECK_FALSE(s.cell().new_owner);
    CHECK(s.cell().state == BucketState::kFilling);
  }
  SECTION("the owner's, and the new one is whole: it takes over") {
    s.filled(kB);
    s.then(wire::BucketsEmptied{kA, BucketSet::of(kBucket)});
    CHECK(s.cell().owner == kB);
    CHECK(s.cell().state == BucketState::kServing);
  }
  SECTION("the owner's, after the release: the move goes on") {
    s.filled(kB);
    s.then(wire::BucketsReleased{kA, BucketSet::of(kBucket)});
    s.then(wire::BucketsEmptied{kA, BucketSet::of(kBucket)});
    CHECK(s.cell().state == BucketState::kReleased);
    s.then(wire::BucketsMoved{kB, BucketSet::of(kBucket)});
    CHECK(s.cell().owner == kB);
  }
}

TEST_CASE("a node that goes down is out of sync, and its whole successor takes over") {
  Story s;
  SECTION("alone") {
    const Seq down = s.then(wire::NodeDown{kA});
    CHECK(s.cell().state == BucketState::kFilling);
    CHECK(s.cell().owner_in_sync == down);
    CHECK(s.cell().bucket_in_sync == down);
    CHECK(s.map.view() == down);
    s.then(wire::NodeUp{info(1), Incarnation{2}});
    CHECK(s.cell().state == BucketState::kFilling);
    s.filled(kA);
    CHECK(s.map.is_in_sync(kBucket));
  }
  SECTION("with a stand-in, which is let go when the owner is back in sync") {
    s.assign(wire::Role::kStandIn, kB);
    CHECK(s.map.is_in_sync(kBucket));
    s.then(wire::NodeDown{kA});
    CHECK(s.cell().state == BucketState::kStandIn);
    CHECK(s.cell().owner == kA);
    s.filled(kB);  // a stand-in fills nothing
    CHECK_FALSE(s.cell().new_filled);
    s.then(wire::NodeUp{info(1), Incarnation{2}});
    s.filled(kA);
    CHECK(s.cell().state == BucketState::kServing);
    CHECK_FALSE(s.cell().new_owner);
  }
  SECTION("while a filled new owner waits for the release") {
    s.assign(wire::Role::kNewOwner, kB);
    s.filled(kB);
    s.then(wire::NodeDown{kA});
    CHECK(s.cell().owner == kB);
    CHECK(s.map.is_in_sync(kBucket));
  }
  SECTION("a new owner goes down: the owner goes on") {
    s.assign(wire::Role::kNewOwner, kB);
    s.then(wire::NodeDown{kB});
    CHECK(s.cell().state == BucketState::kServing);
    CHECK_FALSE(s.cell().new_owner);
  }
  SECTION("a stand-in of a node that serves after all is let go") {
    s.assign(wire::Role::kStandIn, kB);
    s.then(wire::BucketsAssigned{wire::Reason::kFailure, {{wire::Role::kNone, NodeId{}, BucketSet::of(kBucket)}}});
    CHECK(s.cell().state == BucketState::kServing);
    CHECK_FALSE(s.cell().new_owner);
  }
}

TEST_CASE("a node that comes with another store has lost what it had; a quick restart with the same has not") {
  Story s;
  const Seq restarted = s.then(wire::NodeUp{info(1), Incarnation{2}});
  CHECK(s.map.is_in_sync(kBucket));
  CHECK(s.map.node(kA)->incarnation == Incarnation{2});
  // Revisions that it gave and has forgotten are not given again, and what it had under way counts no more.
  CHECK(s.map.view() == restarted);
  CHECK(s.map.node(kA)->changed == restarted);
  s.then(wire::NodeUp{info(1), Incarnation{2}});
  CHECK(s.map.view() == restarted);
  wire::NodeInfo fresh = info(1);
  fresh.store = StoreId{77};
  const Seq lost = s.then(wire::NodeUp{fresh, Incarnation{3}});
  CHECK_FALSE(s.map.is_in_sync(kBucket));
  CHECK(s.cell().state == BucketState::kFilling);
  CHECK_FALSE(s.cell().owner_in_sync);
  CHECK(s.cell().bucket_in_sync == lost);
  CHECK(s.map.view() == lost);
}

TEST_CASE("a removed node's buckets go to whoever was to have them") {
  Story s;
  s.assign(wire::Role::kStandIn, kB);
  s.then(wire::NodeDown{kA});
  s.then(wire::NodeRemoved{kA});
  CHECK(s.cell().owner == kB);
  CHECK(s.cell().state == BucketState::kFilling);
  CHECK(s.map.cell(BucketId{5}).state == BucketState::kUnassigned);
  CHECK_FALSE(s.map.cell(BucketId{5}).owner);
}

TEST_CASE("a setting changes as a whole or not at all") {
  Story s;
  s.then(wire::SettingChanged{"lease", "700ms"});  // longer than the failure timeout allows
  CHECK(s.map.settings() == Settings{});
  s.then(wire::SettingChanged{"no-such", "1"});
  CHECK(s.map.setting_texts().empty());
  s.then(wire::SettingChanged{"grace", "3s"});
  CHECK(s.map.settings().grace == std::chrono::seconds{3});
}

TEST_CASE("a copy keeps its state while the other changes") {
  Story s;
  const ClusterMap copy = s.map;
  const std::uint64_t digest = copy.state_digest();
  s.assign(wire::Role::kNewOwner, kB);
  s.then(wire::NodeDown{kC});
  s.then(wire::SettingChanged{"grace", "3s"});
  CHECK(copy.state_digest() == digest);
  CHECK(copy.cell(kBucket).state == BucketState::kServing);
  CHECK(copy.is_up(kC));
  CHECK(s.map.state_digest() != digest);
}

TEST_CASE("a snapshot whose settings can't be read is refused") {
  wire::Snapshot snapshot = snapshot_of(1);
  snapshot.settings["lease"] = "soon";
  const auto map = ClusterMap::from(snapshot);
  REQUIRE_FALSE(map);
  CHECK(map.error().code() == Errc::kInvalid);
}

}  // namespace
}  // namespace brigade::cluster
