// What a member owes those who lead it.
#include "harness.h"

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

using namespace std::chrono_literals;

constexpr Epoch kOld{4, NodeId{1}};
constexpr Epoch kFive{5, NodeId{3}};
constexpr Epoch kSix{6, NodeId{1}};
constexpr Position kBase{{1, NodeId{1}}, Seq{1}};

TEST_CASE("an Accept leaves only when the promise is on disk") {
  Driven n(2);
  n.pass(kHoldoff);
  n.hear(3, wire::Invitation{kFive});
  CHECK(n->promised() == kFive);
  CHECK(n.count<wire::Accept>() == 0);
  n.flush();
  REQUIRE(n.count<wire::Accept>() == 1);
  CHECK(n.last<wire::Accept>().epoch == kFive);
}

TEST_CASE("a node that promised a higher epoch refuses the old coordinator") {
  Driven n(2);
  follow(n, kFive);
  n.hear(1, wire::Heartbeat{kOld, 1, Seq{1}, {true, true, true}, 100ms, {}, Seq{1}, Seq{1}, 400ms});
  n.hear(1, wire::Append{kOld, kBase, Seq{1}, false, {entry(kOld, 2)}});
  n.hear(1, wire::Invitation{kOld});
  n.flush();
  CHECK(n.count<wire::HeartbeatReply>() == 0);
  CHECK(n.count<wire::Accept>() == 0);
  CHECK(n->last() == kBase);
  REQUIRE(n.count<wire::Refusal>() == 3);
  CHECK(n.last<wire::Refusal>() == wire::Refusal{kOld, kFive});
}

TEST_CASE("who follows knows of a quorum, and of more when the coordinator says so") {
  Driven n(2);
  follow(n, kFive);
  REQUIRE(n->state() == State::kNormal);
  CHECK(n->present(n.now()) == 2);
  n.hear(3, wire::Heartbeat{kFive, 1, Seq{1}, {true, true, true}, 100ms, {}, Seq{1}, Seq{1}, 400ms});
  CHECK(n->present(n.now()) == 3);
}

TEST_CASE("a promise holds over a restart") {
  Boot boot = boot_of(3);
  boot.promised = kFive;
  Driven n(2, std::move(boot));
  n.pass(kHoldoff);
  n.hear(1, wire::Invitation{kOld});
  n.pass(kHoldoff);
  n.flush();
  CHECK(n.count<wire::Accept>() == 0);
  CHECK(n.last<wire::Refusal>() == wire::Refusal{kOld, kFive});
}

TEST_CASE("the epoch of an entry on disk counts as promised, so bootstrap's own number is not used again") {
  Boot boot = boot_of(1);
  boot.promised = Epoch{};
  Driven n(1, std::move(boot));
  n.pass(500ms);
  n.flush();
  REQUIRE(n.told(Event::Kind::kCoordinating));
  CHECK(n->epoch() == Epoch{2, NodeId{1}});
}

TEST_CASE("a node that has just started accepts nobody for one lease") {
  Driven n(2);
  n.hear(3, wire::Invitation{kFive});
  n.pass(400ms);
  n.flush();
  CHECK(n.count<wire::Accept>() == 0);
  n.pass(20ms);
  n.flush();
  CHECK(n.count<wire::Accept>() == 1);
}

TEST_CASE("a node that has answered a heartbeat accepts nobody else for one lease, but the same coordinator at once") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Heartbeat{kFive, 1, Seq{1}, {}, {}, {}, Seq{1}, Seq{1}, 400ms});
  REQUIRE(n.count<wire::HeartbeatReply>() == 1);
  SECTION("another") {
    n.hear(1, wire::Invitation{kSix});
    n.pass(400ms);
    n.flush();
    CHECK(n.count<wire::Accept>() == 0);
    n.pass(20ms);
    n.flush();
    CHECK(n.last<wire::Accept>().epoch == kSix);
  }
  SECTION("the same") {
    n.hear(3, wire::Invitation{{6, NodeId{3}}});
    n.flush();
    CHECK(n.last<wire::Accept>().epoch == Epoch{6, NodeId{3}});
  }
  SECTION("the same after a restart is another") {
    n.hear(3, wire::Invitation{{6, NodeId{3}}}, 2);
    n.flush();
    CHECK(n.count<wire::Accept>() == 0);
  }
}

TEST_CASE("a node whose log has lost entries says so, and invites nobody, until it holds all that a coordinator has") {
  Boot boot = boot_of(3);
  boot.damaged = true;
  Driven n(2, std::move(boot));
  n.pass(kHoldoff);
  n.hear(1, wire::Probe{1, kBase, kOld, std::nullopt});
  n.hear(1, wire::ProbeReply{n.last<wire::Probe>().round, kBase, kOld, std::nullopt});
  n.pass(500ms);
  n.flush();
  CHECK(n.count<wire::Invitation>() == 0);
  n.hear(3, wire::Invitation{kFive});
  n.flush();
  CHECK(n.last<wire::Accept>().damaged);
  n.hear(3, wire::Heartbeat{kFive, 1, Seq{1}, {}, {}, {}, Seq{2}, Seq{1}, 400ms});
  REQUIRE(n.count<wire::HeartbeatReply>() == 1);
  CHECK_FALSE(n->is_whole());
  n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2)}});
  n.flush();
  n.hear(3, wire::Heartbeat{kFive, 2, Seq{1}, {}, {}, {}, Seq{2}, Seq{2}, 400ms});
  CHECK(n->is_whole());
  n.hear(3, wire::Invitation{kFive});
  n.flush();
  CHECK_FALSE(n.last<wire::Accept>().damaged);
}

TEST_CASE("a newcomer whose addition was rolled back everywhere else asks again to join") {
  // Its own log ends with the NodeAdded that the group which stands has never heard of.
  Boot boot = boot_of(3);
  boot.log = {{kOld, Seq{2}, wire::NodeAdded{info(4)}}};
  boot.commit = Seq{1};
  Driven n(4, std::move(boot));
  REQUIRE(n->in_roster());
  n.pass(kHoldoff);
  n.flush();
  REQUIRE(n.count<wire::Probe>() > 0);
  CHECK(n.last<wire::Probe>().join == info(4));
}

TEST_CASE("entries are acknowledged when they are on disk") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2), entry(kFive, 3)}});
  CHECK(n.last<wire::Ack>().seq <= Seq{1});
  n.hear(3, wire::Heartbeat{kFive, 1, Seq{1}, {}, {}, {}, Seq{3}, Seq{1}, 400ms});
  CHECK(n.last<wire::HeartbeatReply>().acked == Seq{1});
  n.flush();
  CHECK(n.last<wire::Ack>() == wire::Ack{kFive, Seq{3}});
}

TEST_CASE("what arrives before its predecessor is neither taken nor acknowledged, and the gap is asked for") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Append{kFive, {kFive, Seq{3}}, Seq{1}, false, {entry(kFive, 4)}});
  n.flush();
  CHECK(n->last() == kBase);
  CHECK(n.last<wire::Ack>().seq <= Seq{1});
  REQUIRE(n.count<wire::LogRequest>() >= 1);
  CHECK(n.last<wire::LogRequest>().from == Seq{2});
  n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2), entry(kFive, 3)}});
  n.flush();
  CHECK(n->last() == Position{kFive, Seq{4}});
  CHECK(n.last<wire::Ack>().seq == Seq{4});
}

TEST_CASE("another entry at the same seq rolls the tail back; a repeat never shortens a log") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2), entry(kFive, 3), entry(kFive, 4)}});
  n.flush();
  SECTION("a repeat") {
    n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2)}});
    CHECK(n->last() == Position{kFive, Seq{4}});
    CHECK(n.pending.empty());
  }
  SECTION("another") {
    follow(n, kSix);
    n.hear(1, wire::Append{kSix, {kFive, Seq{2}}, Seq{1}, false, {entry(kSix, 3)}});
    CHECK(n.told(Event::Kind::kRolledBack));
    CHECK(n->last() == Position{kSix, Seq{3}});
    REQUIRE(n.pending.size() == 1);
    REQUIRE(n.pending[0].ops.size() == 2);
    CHECK(std::get<TruncateFrom>(n.pending[0].ops[0]).from == Seq{3});
    CHECK(std::get<AppendEntries>(n.pending[0].ops[1]).entries.size() == 1);
    CHECK(n.last<wire::Ack>().seq <= Seq{2});
    n.flush();
    CHECK(n.last<wire::Ack>() == wire::Ack{kSix, Seq{3}});
  }
}

TEST_CASE("only what equals the coordinator's log is committed, whatever it says") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2)}});
  n.flush();
  n.hear(3, wire::Heartbeat{kFive, 1, Seq{1}, {}, {}, {}, Seq{9}, Seq{9}, 400ms});
  CHECK(n->commit() == Seq{2});
  n.hear(3, wire::Append{kFive, {kFive, Seq{2}}, Seq{2}, false, {entry(kFive, 3)}});
  n.flush();
  follow(n, kSix);
  n.hear(1, wire::Heartbeat{kSix, 1, Seq{1}, {}, {}, {}, Seq{3}, Seq{3}, 400ms});
  CHECK(n->commit() == Seq{2});  // its 3 may be another than the new coordinator's
}

TEST_CASE("a member that lags behind a cut log fetches the index, and asks for what is missing above it") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Append{kFive, {kFive, Seq{9}}, Seq{9}, false, {entry(kFive, 10)}});
  n.hear(3, wire::LogCut{kFive, Seq{8}});
  REQUIRE(n.wanted.has_value());
  CHECK(n.wanted->from == NodeId{3});
  wire::Snapshot index = snapshot_of(3);
  index.cluster = ClusterId{8};
  index.last = {kFive, Seq{7}};
  n.index(index);
  CHECK(n->commit() == Seq{1});
  index.cluster = kCluster;
  // What is committed may end before the first entry that waits here. Nobody but this node may be able to change that.
  n.pass(50ms);
  n.index(index);
  CHECK(n->commit() == Seq{7});
  CHECK(n->last() == index.last);
  CHECK(n.last<wire::LogRequest>().from == Seq{8});
  n.hear(3, wire::Append{kFive, index.last, Seq{9}, false, {entry(kFive, 8), entry(kFive, 9)}});
  CHECK(n->commit() == Seq{9});
  CHECK(n->last() == Position{kFive, Seq{10}});
  CHECK(n.last<wire::Ack>().seq < Seq{9});
  n.flush();
  CHECK(n.last<wire::Ack>().seq == Seq{10});
}

TEST_CASE("an index takes a tail that is not its own off the disk too") {
  Driven n(2);
  follow(n, kFive);
  n.hear(3, wire::Append{kFive, kBase, Seq{1}, false, {entry(kFive, 2), entry(kFive, 3), entry(kFive, 4)}});
  n.flush();
  follow(n, kSix);
  n.hear(1, wire::LogCut{kSix, Seq{3}});
  wire::Snapshot index = snapshot_of(3);
  index.last = {kSix, Seq{3}};
  n.index(index);
  CHECK(n->last() == index.last);
  REQUIRE(n.pending.size() == 1);
  REQUIRE(n.pending[0].ops.size() == 2);
  CHECK(std::get<TruncateFrom>(n.pending[0].ops[0]).from == Seq{2});
  CHECK(std::holds_alternative<InstallSnapshot>(n.pending[0].ops[1]));
}

TEST_CASE("a lease runs from when the confirmed answer was sent, not from when the confirmation came") {
  Driven n(2);
  follow(n, kFive);
  auto heartbeat = [&](std::uint64_t round, bool confirmed, Seq grant_seq) {
    n.hear(3, wire::Heartbeat{kFive, round, Seq{1}, {true, confirmed, true}, 300ms, grant_seq, Seq{1}, Seq{1}, 400ms});
  };
  heartbeat(1, true, Seq{1});
  CHECK_FALSE(n->may_serve(n.now()));  // that was not its answer
  const Instant answered = n.now();
  n.pass(100ms);
  SECTION("confirmed") {
    heartbeat(2, true, Seq{1});
    CHECK(n->may_serve(n.now()));
    CHECK(n->serve_until() == answered + shorter_by_drift(300ms));
    n.pass(60ms);
    heartbeat(2, true, Seq{1});  // a repeat gives nothing
    CHECK(n->serve_until() == answered + shorter_by_drift(300ms));
  }
  SECTION("confirmed by the heartbeat after one that was lost") {
    n.pass(100ms);
    n.hear(3, wire::Heartbeat{
                  kFive, 3, Seq{1}, {true, false, true}, 300ms, Seq{1}, Seq{1}, Seq{1}, 400ms, {true, true, true}});
    CHECK(n->may_serve(n.now()));
    CHECK(n->serve_until() == answered + shorter_by_drift(300ms));
  }
  SECTION("not confirmed") {
    heartbeat(2, false, Seq{1});
    CHECK_FALSE(n->may_serve(n.now()));
  }
  SECTION("not yet at the seq that the grant names") {
    heartbeat(2, true, Seq{2});
    CHECK_FALSE(n->may_serve(n.now()));
    n.hear(3, wire::Append{kFive, kBase, Seq{2}, false, {entry(kFive, 2)}});
    CHECK(n->may_serve(n.now()));
  }
  SECTION("a confirmation that was long on its way gives nothing") {
    n.pass(180ms);
    n.hear(3, wire::Heartbeat{kFive, 9, Seq{1}, {}, {}, {}, Seq{1}, Seq{1}, 400ms});
    CHECK_FALSE(n->may_serve(n.now()));
    heartbeat(2, true, Seq{1});
    CHECK_FALSE(n->may_serve(n.now()));
  }
  SECTION("a node that goes over to another epoch serves no more") {
    heartbeat(2, true, Seq{1});
    n.hear(3, wire::Invitation{{6, NodeId{3}}});
    CHECK_FALSE(n->may_serve(n.now()));
  }
}

TEST_CASE("a member that hears nothing looks around, and again follows the same coordinator without a vote") {
  Driven n(2);
  follow(n, kFive);
  n.pass(350ms);
  CHECK(n->state() == State::kElection);
  CHECK(n.count<wire::Probe>() >= 1);
  n.hear(3, wire::Heartbeat{kFive, 7, Seq{1}, {}, {}, {}, Seq{1}, Seq{1}, 400ms});
  CHECK(n->epoch() == kFive);
  CHECK(n->promised() == kFive);
}

TEST_CASE("a node raises no epoch while anybody hears a coordinator, nor without a quorum") {
  Driven n(1);
  n.pass(kHoldoff);
  SECTION("nobody answers") {
    n.pass(2s);
  }
  SECTION("one answers that it follows somebody") {
    for (int i = 0; i < 100; ++i) {
      n.hear(2, wire::ProbeReply{n.last<wire::Probe>().round, kBase, kFive, kFive});
      n.hear(3, wire::ProbeReply{n.last<wire::Probe>().round, kBase, kFive, std::nullopt});
      n.pass(20ms);
    }
  }
  SECTION("strangers answer") {
    for (int i = 0; i < 100; ++i) {
      for (std::uint64_t id : {8, 9}) n.hear(id, wire::ProbeReply{n.last<wire::Probe>().round, kBase, kFive, {}});
      n.pass(20ms);
    }
  }
  CHECK(n.count<wire::Invitation>() == 0);
  CHECK(n->promised() == Epoch{1, NodeId{1}});
}

}  // namespace
}  // namespace brigade::cluster
