// How the roster and the settings change: newcomers, and what operators propose.
#include "harness.h"

#include <algorithm>

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a newcomer is invited into the epoch that stands, and added once; a name that is taken is refused") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 900ms);
  n.sent.clear();
  wire::Probe probe;
  probe.join = info(9);
  n.hear(9, probe);
  CHECK(n.last<wire::Invitation>().epoch == epoch);
  n.hear(9, wire::Accept{epoch, {}, info(9)});
  n.hear(9, wire::Accept{epoch, {}, info(9)});
  pass_answered(n, 100ms);
  CHECK(n->map().node(NodeId{9}) != nullptr);
  CHECK(n->quorum_needed() == 3);
  wire::NodeInfo same_name = info(2);
  same_name.id = NodeId{10};
  probe.join = same_name;
  n.hear(10, probe);
  CHECK_THAT(n.last<wire::JoinRefusal>().why, Catch::Contains("n2"));
  pass_answered(n, 600ms);
  CHECK(n->map().node(NodeId{10}) == nullptr);
}

TEST_CASE("a newcomer joins a group that stands only if it hears its heartbeats") {
  const Epoch epoch{5, NodeId{1}};
  const wire::Heartbeat beat{epoch, 1, Seq{1}, {true}, 100ms, Seq{1}, Seq{1}, Seq{1}, 400ms};
  Driven n(9, Boot{});
  n.pass(kHoldoff);
  SECTION("invited first") {
    n.hear(1, wire::Invitation{epoch, true});
    n.pass(kHoldoff);
    n.flush();
    CHECK(n.count<wire::Accept>() == 0);
    n.hear(1, beat);
  }
  SECTION("after a heartbeat") {
    n.hear(1, beat);
    n.hear(1, wire::Invitation{epoch, true});
  }
  SECTION("a group that is being formed has no heartbeats, and may need it") {
    n.hear(1, wire::Invitation{epoch});
  }
  n.flush();
  CHECK(n.last<wire::Accept>().epoch == epoch);
  n.pass(2s);
  CHECK_FALSE(n.told(Event::Kind::kJoinRefused));
}

TEST_CASE("a newcomer that never hears a heartbeat says what is wrong, and costs the others nothing") {
  Driven n(9, Boot{});
  n.pass(kHoldoff);
  const Epoch epoch{5, NodeId{1}};
  for (int i = 0; i < 30; ++i) {
    n.hear(1, wire::Invitation{epoch, true});
    n.hear(2, wire::Heartbeat{{4, NodeId{2}}, 1, Seq{1}, {true}, 100ms, Seq{1}, Seq{1}, Seq{1}, 400ms});
    n.pass(100ms);
    n.flush();
  }
  CHECK(n.count<wire::Accept>() == 0);
  CHECK(std::ranges::count_if(n.events, [](const Event& e) { return e.kind == Event::Kind::kJoinRefused; }) == 1);
}

TEST_CASE("a newcomer that follows, but whose wish was lost with the coordinator before, is asked again") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 900ms);
  n.sent.clear();
  n.hear(9, wire::HeartbeatReply{epoch, 1, Seq{1}, Seq{1}});
  CHECK(n.count<wire::Invitation>() == 1);
}

TEST_CASE("for a newcomer that has promised a higher epoch the group is formed anew above it") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 900ms);
  n.sent.clear();
  const Epoch promised{epoch.counter + 3, NodeId{9}};
  SECTION("newcomer") {
    n.hear(9, wire::Refusal{epoch, promised});
    n.flush();
    REQUIRE(n.count<wire::Invitation>() == 1);
    CHECK(n.last<wire::Invitation>().epoch > promised);
  }
  SECTION("without a lease that would keep others from leading") {
    n.pass(390ms);
    n.hear(9, wire::Refusal{epoch, promised});
    n.flush();
    CHECK(n.count<wire::Invitation>() == 0);
  }
}

TEST_CASE("a newcomer that is in the log counts at an election, though it does not know of it yet") {
  Boot boot = boot_of(1);
  boot.log.push_back({{1, NodeId{1}}, Seq{2}, wire::NodeAdded{info(2)}});
  Driven n(1, std::move(boot));
  n.pass(kHoldoff);
  for (int i = 0; i < 30 && n.count<wire::Invitation>() == 0; ++i) {
    wire::Probe probe;
    probe.join = info(2);
    n.hear(2, probe);
    n.pass(10ms);
    n.flush();
  }
  REQUIRE(n.count<wire::Invitation>() >= 1);
  const Epoch epoch = n.last<wire::Invitation>().epoch;
  n.hear(2, wire::Accept{epoch, {}, info(2)});
  n.flush();
  REQUIRE(n->is_coordinator());
  // It can't commit before the newcomer has the log, and that needs the index first.
  n.pass(10ms);
  n.hear(2, wire::HeartbeatReply{epoch, n.last<wire::Heartbeat>().round, {}, {}});
  CHECK_FALSE(n->may_serve(n.now()));
  CHECK(n->may_hand_out_index(n.now()));
}

TEST_CASE("roster changes go one at a time") {
  Driven n(1);
  lead(n);
  pass_answered(n, 900ms);
  const Epoch epoch = n->epoch();
  for (std::uint64_t id : {8, 9}) n.hear(id, wire::Accept{epoch, {}, info(id)});
  n.pass(30ms);
  std::size_t added = 0;
  for (Seq seq = n->log().first_seq(); seq <= n->last().seq; seq = next(seq))
    added += std::holds_alternative<wire::NodeAdded>(n->log().at(seq).change) ? 1 : 0;
  CHECK(added == 1);
  CHECK(n->quorum_needed() == 3);  // it counts from the moment when it was appended
}

TEST_CASE("only an operator's changes can be proposed, by a coordinator with a lease") {
  Driven follower(2);
  CHECK(follower.propose(wire::SettingChanged{"retention", "3h"}).error().code() == Errc::kNoQuorum);
  Driven n(1);
  lead(n);
  n.flush();
  CHECK(n.propose(wire::SettingChanged{"retention", "3h"}).error().code() == Errc::kNoQuorum);
  pass_answered(n, 600ms);
  CHECK(n.propose(wire::SettingChanged{"lease", "1ms"}).error().code() == Errc::kInvalid);
  CHECK(n.propose(wire::NodeDown{NodeId{2}}).error().code() == Errc::kInvalid);
  CHECK(n.propose(wire::NodeRemoved{NodeId{2}}).error().code() == Errc::kConflict);
  CHECK(n.propose(wire::NodeRemoved{NodeId{44}}).error().code() == Errc::kNotFound);
  CHECK(n.propose(wire::SettingChanged{"retention", "3h"}));
  CHECK(n.propose(wire::NodeDraining{NodeId{44}, true}).error().code() == Errc::kNotFound);
  CHECK(n.propose(wire::NodeDraining{NodeId{2}, true}));
  const auto refused = n.propose(wire::NodeDraining{NodeId{3}, true});  // one would be left for two copies
  CHECK(refused.error().code() == Errc::kConflict);
  CHECK(refused.error().detail().find("add a node first") != std::string::npos);
  CHECK(n.propose(wire::NodeReshaped{NodeId{3}, "", 0}).error().code() == Errc::kConflict);
  CHECK(n.propose(wire::NodeReplaced{NodeId{3}, NodeId{44}}).error().code() == Errc::kNotFound);
  CHECK(n.propose(wire::NodeReplaced{NodeId{3}, NodeId{2}}));
  CHECK(n.propose(wire::NodeDraining{NodeId{3}, false}));
  CHECK(n.propose(wire::NodeReshaped{NodeId{3}, "south", 0}));
  const auto nothing = n.propose(wire::NodeReplaced{NodeId{3}, NodeId{2}});  // 2 would hold nothing, either
  CHECK(nothing.error().code() == Errc::kConflict);
  CHECK(n.propose(wire::NodeReshaped{NodeId{3}, "south", 2}));
  CHECK(n.propose(wire::LossAccepted{BucketSet::of(BucketId{6})}).error().code() == Errc::kConflict);
}

}  // namespace
}  // namespace brigade::cluster
