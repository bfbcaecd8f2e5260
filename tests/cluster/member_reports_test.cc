// What the coordinator makes of what the nodes' data planes tell it.
#include "harness.h"

#include <optional>

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a report holds for the part that the node had when it made it") {
  Driven n(1);
  lead(n);
  pass_answered(n, 600ms);
  const auto filled = [&] { return n.logged<wire::BucketsFilled>().has_value(); };
  // The planner moves buckets to node 2; it can't have filled them before they were given to it.
  std::optional<BucketId> moving;
  for (std::size_t i = 0; i < kBucketCount && !moving; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    if (n->map().cell(bucket).new_owner == NodeId{2}) moving = bucket;
  }
  REQUIRE(moving.has_value());
  n.hear(2, wire::Report{wire::ReportKind::kFilled, Seq{1}, BucketSet::of(*moving), {}});
  CHECK_FALSE(filled());
  n.hear(3, wire::Report{wire::ReportKind::kFilled, n->commit(), BucketSet::of(*moving), {}});
  CHECK_FALSE(filled());
  n.hear(2, wire::Report{wire::ReportKind::kReleased, n->commit(), BucketSet::of(*moving), {}});
  CHECK_FALSE(n.logged<wire::BucketsReleased>());
  n.hear(2, wire::Report{wire::ReportKind::kFilled, n->commit(), BucketSet::of(*moving), {}});
  CHECK(filled());
}

TEST_CASE("what a node lost with a disk is emptied, for the part that it had then") {
  Driven n(1);
  lead(n);
  pass_answered(n, 600ms);
  std::optional<BucketId> own;
  for (std::size_t i = 0; i < kBucketCount && !own; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    if (n->map().cell(bucket).owner == NodeId{1} && !n->map().cell(bucket).new_owner) own = bucket;
  }
  REQUIRE(own.has_value());
  const auto emptied = [&] { return n.logged<wire::BucketsEmptied>().has_value(); };
  n.hear(2, wire::Report{wire::ReportKind::kEmptied, n->commit(), BucketSet::of(*own), {}});
  CHECK_FALSE(emptied());
  const Seq before{n->map().cell(*own).assigned.value - 1};
  n.report({wire::ReportKind::kEmptied, before, BucketSet::of(*own), {}});
  CHECK_FALSE(emptied());
  n.report({wire::ReportKind::kEmptied, n->commit(), BucketSet::of(*own), {}});
  CHECK(emptied());
}

TEST_CASE("who could not reach a node before that began its present life is not heard") {
  Driven n(1);
  lead(n);
  pass_answered(n, 600ms);
  const Seq before = previous(n->map().node(NodeId{2})->changed);
  for (std::uint64_t from : {1, 3}) n.hear(from, wire::Report{wire::ReportKind::kUnreachable, before, {}, NodeId{2}});
  pass_answered(n, 2000ms);
  CHECK(n->map().is_up(NodeId{2}));
}

TEST_CASE("who could not reach a node before it fell is not heard while the log has yet to tell of its new life") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 600ms);
  const Seq tried = n->map().node(NodeId{2})->changed;
  // It fell and is back. Who met a closed door meanwhile says so a moment later.
  n.hear(2, wire::Accept{epoch, n->last(), info(2)}, 2);
  for (std::uint64_t from : {1, 3}) n.hear(from, wire::Report{wire::ReportKind::kUnreachable, tried, {}, NodeId{2}});
  for (int i = 0; i < 300; ++i) {
    n.pass(5ms);
    n.flush();
    const wire::Heartbeat h = n.last<wire::Heartbeat>();
    for (std::uint64_t id : {2, 3})
      n.hear(id, wire::HeartbeatReply{epoch, h.round, n->last().seq, n->commit()}, id == 2 ? 2 : 1);
    REQUIRE(n->map().is_up(NodeId{2}));
  }
  CHECK(n->map().node(NodeId{2})->incarnation == Incarnation{2});
}

TEST_CASE("what was said of a node before it fell is forgotten when it accepts an invitation in its new life") {
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 600ms);
  n.hear(3, wire::Report{wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{2}});
  n.hear(2, wire::Accept{epoch, n->last(), info(2)}, 2);
  for (int i = 0; i < 300; ++i) {
    n.pass(5ms);
    n.flush();
    const wire::Heartbeat h = n.last<wire::Heartbeat>();
    for (std::uint64_t id : {2, 3})
      n.hear(id, wire::HeartbeatReply{epoch, h.round, n->last().seq, n->commit()}, id == 2 ? 2 : 1);
    REQUIRE(n->map().is_up(NodeId{2}));
  }
  CHECK(n->map().node(NodeId{2})->incarnation == Incarnation{2});
}

TEST_CASE("a node that was out of reach is taken back at once in a new life, and only later in the same") {
  const bool restarts = GENERATE(true, false);
  Driven n(1);
  const Epoch epoch = lead(n);
  pass_answered(n, 600ms);
  n.flush();
  for (std::uint64_t from : {1, 3})
    n.hear(from, wire::Report{wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{2}});
  for (int i = 0; i < 400 && n->map().is_up(NodeId{2}); ++i) {
    pass_answered(n, 5ms);
    n.flush();
  }
  REQUIRE_FALSE(n->map().is_up(NodeId{2}));
  const std::uint64_t life = restarts ? 2 : 1;
  n.hear(2, wire::HeartbeatReply{epoch, n.last<wire::Heartbeat>().round, Seq{1}, Seq{1}}, life);
  n.hear(2, wire::Accept{epoch, n->last(), info(2)}, life);
  for (int i = 0; i < 100; ++i) {
    n.pass(10ms);
    n.flush();
    const wire::Heartbeat h = n.last<wire::Heartbeat>();
    n.hear(2, wire::HeartbeatReply{epoch, h.round, n->last().seq, n->commit()}, life);
    n.hear(3, wire::HeartbeatReply{epoch, h.round, n->last().seq, n->commit()});
  }
  CHECK(n->map().is_up(NodeId{2}) == restarts);
}

TEST_CASE("a node that is about to stop is taken out when its last grant has run out, and nobody else is") {
  Driven n(1);
  lead(n);
  pass_answered(n, 600ms);
  const Instant said = n.now();
  n.hear(2, wire::Report{wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{2}});
  const Instant ends = said + n->map().settings().lease;
  while (n->map().is_up(NodeId{2})) {
    REQUIRE(n.now() < ends + 100ms);
    pass_answered(n, 5ms);
    n.flush();
  }
  // It was granted what was left of the lease when the last heartbeat went out.
  CHECK(n.now() > ends - 2 * n->map().settings().heartbeat);
  CHECK(n->map().is_up(NodeId{3}));
  CHECK(n->map().is_up(NodeId{1}));
}

TEST_CASE("a coordinator that is about to stop does not take itself out") {
  Driven n(1);
  lead(n);
  pass_answered(n, 600ms);
  n.report({wire::ReportKind::kUnreachable, n->commit(), {}, NodeId{1}});
  pass_answered(n, 1000ms);
  for (std::uint64_t id : {1, 2, 3}) CHECK(n->map().is_up(NodeId{id}));
}

}  // namespace
}  // namespace brigade::cluster
