// What a coordinator may do, and when.
#include "harness.h"

#include <algorithm>

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

using namespace std::chrono_literals;

constexpr Position kBase{{1, NodeId{1}}, Seq{1}};

/// The answer to the round before, or to the one before that.
bool confirms(const wire::Heartbeat& h, std::size_t index) {
  return index < h.answered.size() && (h.answered[index] || h.answered_earlier[index]);
}

TEST_CASE("an invitation leaves only when the own promise is on disk") {
  Driven n(1);
  n.pass(kHoldoff);
  for (int i = 0; i < 30; ++i) {
    for (std::uint64_t id : {2, 3}) n.hear(id, wire::ProbeReply{n.last<wire::Probe>().round, kBase, {}, std::nullopt});
    n.pass(10ms);
  }
  CHECK(n.told(Event::Kind::kInviting));
  CHECK(n.count<wire::Invitation>() == 0);
  n.flush();
  CHECK(n.count<wire::Invitation>() >= 1);
}

TEST_CASE("a group stands with the Accepts of a quorum of the roster, and Ready waits for the disk") {
  Driven n(1, boot_of(5));
  n.pass(kHoldoff);
  for (int i = 0; i < 50 && n.count<wire::Invitation>() == 0; ++i) {
    for (std::uint64_t id : {2, 3, 4}) n.hear(id, wire::ProbeReply{n.last<wire::Probe>().round, kBase, {}, {}});
    n.pass(10ms);
    n.flush();
  }
  const Epoch epoch = n.last<wire::Invitation>().epoch;
  REQUIRE(epoch.counter == 2);
  n.hear(2, wire::Accept{epoch, kBase, info(2)});
  n.hear(2, wire::Accept{epoch, kBase, info(2)});    // twice is once
  n.hear(99, wire::Accept{epoch, kBase, info(99)});  // a stranger counts for nothing
  n.hear(4, wire::Accept{{2, NodeId{4}}, kBase, info(4)});
  CHECK_FALSE(n->is_coordinator());
  n.hear(3, wire::Accept{epoch, kBase, info(3)});
  REQUIRE(n->is_coordinator());
  CHECK(n.count<wire::Ready>() == 0);
  CHECK(n.count<wire::Heartbeat>() == 0);
  n.flush();
  CHECK(n.last<wire::Ready>() == wire::Ready{epoch, Seq{2}});
}

TEST_CASE("an Accept of an earlier life counts for nothing, for the store may have been changed since") {
  Driven n(1, boot_of(5));
  n.pass(kHoldoff);
  for (int i = 0; i < 50 && n.count<wire::Invitation>() == 0; ++i) {
    for (std::uint64_t id : {2, 3, 4}) n.hear(id, wire::ProbeReply{n.last<wire::Probe>().round, kBase, {}, {}});
    n.pass(10ms);
    n.flush();
  }
  const Epoch epoch = n.last<wire::Invitation>().epoch;
  n.hear(2, wire::Accept{epoch, kBase, info(2)});
  n.hear(2, wire::Probe{1, kBase, epoch, {}}, 2);
  n.hear(3, wire::Accept{epoch, kBase, info(3)});
  CHECK_FALSE(n->is_coordinator());
  wire::NodeInfo changed = info(2);
  changed.store = StoreId{1002};
  n.hear(2, wire::Accept{epoch, kBase, changed}, 2);
  REQUIRE(n->is_coordinator());
  for (int i = 0; i < 40; ++i) {
    n.pass(10ms);
    n.flush();
    const wire::Heartbeat h = n.last<wire::Heartbeat>();
    for (std::uint64_t id : {2, 3})
      n.hear(id, wire::HeartbeatReply{epoch, h.round, n->last().seq, n->commit()}, id == 2 ? 2 : 1);
  }
  CHECK(n->map().node(NodeId{2})->incarnation == Incarnation{2});
  CHECK(n->map().node(NodeId{2})->node.store == StoreId{1002});
}

TEST_CASE("an inviter takes the log of the acceptor that is furthest before it leads") {
  Driven n(1);
  const Epoch other{1, NodeId{2}};
  const Epoch epoch = lead(n, {other, Seq{3}});
  CHECK_FALSE(n->is_coordinator());
  REQUIRE(n.count<wire::LogRequest>() >= 1);
  CHECK(n.last<wire::LogRequest>() == wire::LogRequest{epoch, Seq{2}, Seq{4}});
  n.hear(3, wire::Append{epoch, kBase, Seq{1}, true, {entry(other, 2), entry(other, 3)}});
  REQUIRE(n->is_coordinator());
  CHECK(n->last() == Position{epoch, Seq{4}});
  CHECK(n->commit() == Seq{1});
}

TEST_CASE("an inviter whose log ends below where the best acceptor's begins lets that one invite") {
  Driven n(1);
  const Position further{{4, NodeId{2}}, Seq{9}};
  const Epoch epoch = lead(n, further);
  REQUIRE(n.count<wire::LogRequest>() > 0);
  n.hear(2, wire::LogCut{epoch, Seq{8}});
  n.sent.clear();
  // The others answer at once whenever it asks.
  const auto pass_replied = [&](Duration d) {
    for (const Instant end = n.now() + d; n.now() < end; n.pass(std::chrono::milliseconds{10})) {
      const wire::Probe probe = n.last<wire::Probe>();
      for (std::uint64_t id : {2, 3}) n.hear(id, wire::ProbeReply{probe.round, further, further.epoch, std::nullopt});
      n.flush();
    }
  };
  pass_replied(std::chrono::milliseconds{700});
  CHECK(n.count<wire::Invitation>() == 0);
  CHECK(n.count<wire::Probe>() > 0);
  pass_replied(std::chrono::milliseconds{300});  // nobody does
  CHECK(n.count<wire::Invitation>() > 0);
}

TEST_CASE("the Accept of a node whose log has lost entries counts for no quorum") {
  auto acceptors_needed = [](std::uint64_t nodes, std::set<std::uint64_t> damaged) {
    Driven n(1, boot_of(nodes));
    n.pass(kHoldoff);
    for (int i = 0; i < 50 && n.count<wire::Invitation>() == 0; ++i) {
      const std::uint64_t round = n.last<wire::Probe>().round;
      for (std::uint64_t id = 2; id <= nodes; ++id)
        n.hear(id, wire::ProbeReply{round, {{1, NodeId{1}}, Seq{1}}, {}, std::nullopt});
      n.pass(10ms);
      n.flush();
    }
    const Epoch epoch = n.last<wire::Invitation>().epoch;
    std::uint64_t accepted = 1;
    while (!n->is_coordinator() && accepted < nodes) {
      ++accepted;
      n.hear(accepted, wire::Accept{epoch, {{1, NodeId{1}}, Seq{1}}, info(accepted), damaged.contains(accepted)});
    }
    return n->is_coordinator() ? accepted : 0;
  };
  CHECK(acceptors_needed(3, {}) == 2);
  CHECK(acceptors_needed(3, {2}) == 3);
  CHECK(acceptors_needed(3, {2, 3}) == 0);
  CHECK(acceptors_needed(5, {2, 4}) == 5);
  // Both hold what two committed; but a third may have been added since, and have it with the damaged one alone.
  CHECK(acceptors_needed(2, {2}) == 0);
}

TEST_CASE("priority is the epoch of the last entry before its seq") {
  Boot boot = boot_of(3);
  for (std::uint64_t seq : {2, 3, 4, 5}) boot.log.push_back(entry({1, NodeId{1}}, seq));
  Driven n(1, std::move(boot));
  const Epoch newer{3, NodeId{2}};
  const Epoch epoch = lead(n, {newer, Seq{2}});
  CHECK_FALSE(n->is_coordinator());
  n.hear(2, wire::Append{epoch, kBase, Seq{1}, true, {entry(newer, 2)}});
  REQUIRE(n->is_coordinator());
  CHECK(n->log().at(Seq{2}).epoch == newer);
  CHECK(n->last() == Position{epoch, Seq{3}});
}

TEST_CASE("committed is what a quorum has on disk, the coordinator's own disk included") {
  Driven n(1);
  const Epoch epoch = lead(n);
  REQUIRE(n->is_coordinator());
  n.hear(2, wire::Ack{epoch, Seq{2}});
  CHECK(n->commit() == Seq{1});
  SECTION("the own disk makes the quorum") {
    n.flush();
  }
  SECTION("two others are a quorum without it") {
    n.hear(3, wire::Ack{epoch, Seq{2}});
  }
  CHECK(n->commit() == Seq{2});
}

TEST_CASE("entries of older epochs are never counted for themselves") {
  Boot boot = boot_of(3);
  boot.log.push_back(entry({1, NodeId{1}}, 2));
  Driven n(1, std::move(boot));
  const Epoch epoch = lead(n);
  n.flush();
  REQUIRE(n->last() == Position{epoch, Seq{3}});
  for (std::uint64_t id : {2, 3}) n.hear(id, wire::Ack{epoch, Seq{2}});
  CHECK(n->commit() == Seq{1});
  n.hear(2, wire::Ack{epoch, Seq{3}});
  CHECK(n->commit() == Seq{3});
}

TEST_CASE("acknowledgements of another epoch, of strangers, and beyond the log count for nothing") {
  Driven n(1);
  const Epoch epoch = lead(n);
  n.flush();
  n.hear(2, wire::Ack{{1, NodeId{1}}, Seq{2}});
  n.hear(77, wire::Ack{epoch, Seq{2}});
  n.hear(77, wire::HeartbeatReply{epoch, 1, Seq{2}, Seq{1}});
  CHECK(n->commit() == Seq{1});
  n.hear(2, wire::Ack{epoch, Seq{1000}});
  CHECK(n->commit() == Seq{2});
  n.pass(50ms);
  n.flush();
  REQUIRE(n->last().seq > Seq{2});
  CHECK(n->commit() == Seq{2});  // the claim of 1000 was not kept for later
}

TEST_CASE("a coordinator serves only on a quorum's answers, and steps down without them") {
  Driven n(1);
  lead(n);
  n.flush();
  n.pass(10ms);
  CHECK_FALSE(n->may_serve(n.now()));
  answer(n);
  pass_answered(n, 300ms);
  CHECK(n->may_serve(n.now()));
  n.pass(450ms);
  CHECK_FALSE(n->may_serve(n.now()));
  n.pass(300ms);
  CHECK_FALSE(n->is_coordinator());
  CHECK(n.told(Event::Kind::kSteppedDown));
}

/// The latest moment until which a grant to the node at `index` may run, by the heartbeats that were sent.
class GrantWatch {
 public:
  explicit GrantWatch(std::size_t index) : index_(index) {}
  void look(const Driven& n) {
    const auto beats = n.all<wire::Heartbeat>();
    for (; seen_ < beats.size(); ++seen_)
      if (confirms(beats[seen_], index_)) end_ = std::max(end_, n.now() - 5ms + beats[seen_].grant);
  }
  [[nodiscard]] Instant end() const { return end_; }

 private:
  std::size_t index_;
  std::size_t seen_ = 0;
  Instant end_{};
};

TEST_CASE("NodeDown is logged only when the node's last grant has run out, with stand-ins before it") {
  Driven n(1);
  lead(n);
  GrantWatch watch(1);
  for (int i = 0; i < 100; ++i) {
    pass_answered(n, 5ms);
    watch.look(n);
  }
  REQUIRE(watch.end() > n.now() + 200ms);
  // 3 can't reach 2, and 2 does not know: the coordinator decides to take one of them out.
  n.hear(3, wire::Report{wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{2}});
  n.hear(1, wire::Report{wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{2}});
  std::optional<wire::NodeDown> down;
  for (int i = 0; i < 400 && !down; ++i) {
    pass_answered(n, 5ms);
    watch.look(n);
    down = n.logged<wire::NodeDown>();
    if (down && down->node == NodeId{2}) CHECK(n.now() >= watch.end());
  }
  REQUIRE(down.has_value());
}

TEST_CASE("a group that its coordinator forms anew remembers what it granted before") {
  Driven n(1);
  lead(n);
  GrantWatch watch(1);
  for (int i = 0; i < 100; ++i) {
    pass_answered(n, 5ms);
    watch.look(n);
  }
  const Epoch before = n->epoch();
  n.hear(3, wire::Refusal{before, {before.counter + 3, NodeId{3}}});
  n.flush();
  const Epoch epoch = n.last<wire::Invitation>().epoch;
  REQUIRE(epoch > before);
  n.hear(3, wire::Accept{epoch, n->last(), info(3)});
  REQUIRE(n->is_coordinator());
  answer(n, {3});
  REQUIRE(n->commit() == n->last().seq);
  n.hear(3, wire::Report{wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{2}});
  REQUIRE(watch.end() > n.now() + 200ms);
  std::optional<wire::NodeDown> down;
  for (int i = 0; i < 400 && !down; ++i) {
    pass_answered(n, 5ms, {3});
    down = n.logged<wire::NodeDown>();
  }
  REQUIRE(down.has_value());
  if (down->node == NodeId{2}) CHECK(n.now() >= watch.end());
}

TEST_CASE("a node that is silent for the failure timeout goes down, and comes up when it has applied that") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 500ms);
  pass_answered(n, 450ms, {2});
  CHECK_FALSE(n.logged<wire::NodeDown>());
  pass_answered(n, 600ms, {2});
  REQUIRE(n.logged<wire::NodeDown>());
  CHECK(n.logged<wire::NodeDown>()->node == NodeId{3});
  REQUIRE_FALSE(n->map().is_up(NodeId{3}));
  const Seq down = n->map().node(NodeId{3})->changed;
  for (int i = 0; i < 20; ++i) {
    n.hear(3, wire::HeartbeatReply{epoch, n.last<wire::Heartbeat>().round, previous(down), previous(down)});
    pass_answered(n, 10ms, {2});
  }
  CHECK_FALSE(n->map().is_up(NodeId{3}));
  pass_answered(n, 300ms);
  CHECK(n->map().is_up(NodeId{3}));
}

TEST_CASE("a quick restart keeps the epoch, and is written down") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 500ms);
  REQUIRE(n.propose(wire::SettingChanged{"retention", "3h"}));
  const Seq uncommitted = n->last().seq;
  n.flush();
  n.sent.clear();
  n.hear(2, wire::HeartbeatReply{epoch, n.last<wire::Heartbeat>().round, Seq{1}, Seq{1}}, 2);
  // Its Accept would say who it is now: it is asked for.
  REQUIRE(n.count<wire::Invitation>() == 1);
  CHECK(n.last<wire::Invitation>().epoch == epoch);
  for (int i = 0; i < 30; ++i) {
    n.pass(10ms);
    const wire::Heartbeat h = n.last<wire::Heartbeat>();
    if (h.round == 0) continue;
    n.hear(2, wire::HeartbeatReply{epoch, h.round, Seq{1}, Seq{1}}, 2);
    n.hear(3, wire::HeartbeatReply{epoch, h.round, Seq{1}, Seq{1}});
  }
  REQUIRE(n->commit() < uncommitted);
  n.hear(2, wire::Accept{epoch, n->last(), info(2)}, 2);
  for (int i = 0; i < 40; ++i) {
    n.pass(10ms);
    n.flush();
    const wire::Heartbeat h = n.last<wire::Heartbeat>();
    for (std::uint64_t id : {2, 3})
      n.hear(id, wire::HeartbeatReply{epoch, h.round, n->last().seq, n->commit()}, id == 2 ? 2 : 1);
  }
  CHECK(n->epoch() == epoch);
  CHECK(confirms(n.last<wire::Heartbeat>(), 1));
  CHECK(n->map().node(NodeId{2})->incarnation == Incarnation{2});
  CHECK(n->map().is_up(NodeId{2}));
}

TEST_CASE("a long log is cut after a snapshot, and who lags behind it is told so") {
  Driven n(1, boot_of(1));
  n.pass(500ms);
  n.flush();
  n.pass(100ms);
  for (int i = 0; i < 8300; ++i) {
    if (!n.propose(wire::SettingChanged{"retention", std::to_string(i % 100 + 1) + "h"})) n.pass(20ms);
    n.flush();
    if (i % 64 == 0) n.pass(20ms), n.sent.clear(), n.events.clear();
  }
  CHECK(n->log().base().seq > Seq{1000});
  CHECK(n->log().base().seq < n->commit());
  bool installed = false;
  for (const PersistBatch& batch : n.done)
    for (const PersistOp& op : batch.ops) installed |= std::holds_alternative<InstallSnapshot>(op);
  CHECK(installed);
  n.hear(2, wire::LogRequest{n->epoch(), Seq{2}, Seq{9}});
  CHECK(n.last<wire::LogCut>().first == n->log().first_seq());
}

}  // namespace
}  // namespace brigade::cluster
