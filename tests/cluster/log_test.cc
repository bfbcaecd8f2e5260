#include "brigade/cluster/log.h"

#include "harness.h"

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"
#include "brigade/cluster/lease.h"
#include "brigade/cluster/reorder_buffer.h"

namespace brigade::cluster {
namespace {

using namespace std::chrono_literals;

constexpr Epoch kOne{1, NodeId{1}};
constexpr Epoch kTwo{2, NodeId{2}};

TEST_CASE("a log knows what it holds, and forgets a tail or a head") {
  Log log({kOne, Seq{10}});
  CHECK(log.last() == Position{kOne, Seq{10}});
  CHECK_FALSE(log.has(Seq{10}));
  CHECK(log.holds({kOne, Seq{10}}));
  CHECK_FALSE(log.holds({kTwo, Seq{10}}));
  for (std::uint64_t seq = 11; seq <= 15; ++seq) log.append(entry(seq < 14 ? kOne : kTwo, seq));
  CHECK(log.last() == Position{kTwo, Seq{15}});
  CHECK(log.holds({kOne, Seq{13}}));
  CHECK_FALSE(log.holds({kTwo, Seq{13}}));
  CHECK_FALSE(log.holds({kTwo, Seq{16}}));
  log.truncate_from(Seq{15});
  CHECK(log.last() == Position{kTwo, Seq{14}});
  log.truncate_from(Seq{20});
  CHECK(log.last() == Position{kTwo, Seq{14}});
  log.cut_to(Seq{12});
  CHECK(log.base() == Position{kOne, Seq{12}});
  CHECK(log.first_seq() == Seq{13});
  CHECK(log.at(Seq{13}).seq == Seq{13});
}

TEST_CASE("a log that is put upon a snapshot keeps what continues it, and nothing else") {
  Log log({kOne, Seq{1}});
  for (std::uint64_t seq = 2; seq <= 5; ++seq) log.append(entry(kOne, seq));
  SECTION("continues") {
    log.rebase({kOne, Seq{3}});
    CHECK(log.last() == Position{kOne, Seq{5}});
    CHECK(log.first_seq() == Seq{4});
  }
  SECTION("another history") {
    log.rebase({kTwo, Seq{3}});
    CHECK(log.last() == Position{kTwo, Seq{3}});
  }
  SECTION("beyond") {
    log.rebase({kTwo, Seq{30}});
    CHECK(log.last() == Position{kTwo, Seq{30}});
  }
}

TEST_CASE("the reorder buffer gives back what follows, by epoch and seq, and is bounded") {
  ReorderBuffer buffer;
  REQUIRE(buffer.insert(kOne, entry(kOne, 5)));
  REQUIRE(buffer.insert(kOne, entry(kOne, 5)));
  REQUIRE(buffer.insert(kOne, entry(kTwo, 6)));
  CHECK(buffer.size() == 2);
  CHECK_FALSE(buffer.take_after({kTwo, Seq{4}}));
  CHECK_FALSE(buffer.take_after({kOne, Seq{3}}));
  REQUIRE(buffer.take_after({kOne, Seq{4}}));
  CHECK(buffer.first_seq() == Seq{6});
  buffer.drop_to(Seq{6});
  CHECK(buffer.empty());
  for (std::uint64_t i = 0; i < limits::kReorderEntriesMax; ++i) REQUIRE(buffer.insert(kOne, entry(kOne, 10 + i)));
  const Status full = buffer.insert(kOne, entry(kOne, 5000));
  REQUIRE_FALSE(full);
  CHECK(full.error().code() == Errc::kBufferFull);
}

TEST_CASE("a coordinator's lease runs from when the round was sent that a quorum answered") {
  CoordinatorLease lease;
  const auto quorum = [](const std::set<NodeId>& nodes) { return nodes.size() >= 2; };
  const std::uint64_t first = lease.begin_round(kStart, 400ms, NodeId{1});
  const std::uint64_t second = lease.begin_round(kStart + 100ms, 400ms, NodeId{1});
  CHECK_FALSE(lease.on_answer(kStart + 250ms, first, NodeId{1}, quorum));
  CHECK(lease.until() == Instant{});
  CHECK(lease.on_answer(kStart + 250ms, second, NodeId{2}, quorum));
  CHECK(lease.until() == kStart + 500ms);
  CHECK_FALSE(lease.on_answer(kStart + 250ms, first, NodeId{3}, quorum));  // an older round makes it no shorter
  CHECK(lease.until() == kStart + 500ms);
  CHECK_FALSE(lease.on_answer(kStart + 250ms, 99, NodeId{3}, quorum));
  CHECK(lease.answered(1).contains(NodeId{3}));
  CHECK_FALSE(lease.answered(1).contains(NodeId{2}));
}

TEST_CASE("a grant's end is the latest one, also of the group before") {
  CoordinatorLease before;
  before.granted(NodeId{2}, kStart + 300ms);
  before.granted(NodeId{2}, kStart + 100ms);
  CHECK(before.grant_end(NodeId{2}) == kStart + 300ms);
  CHECK(before.grant_end(NodeId{3}) == Instant{});
  CoordinatorLease anew;
  anew.take_over_grants(before);
  CHECK(anew.grant_end(NodeId{2}) == kStart + 300ms);
}

TEST_CASE("a member's lease knows rounds and epochs apart, and its debt outlives it") {
  MemberLease lease;
  lease.on_answering(kStart, kOne, 1, 400ms);
  lease.on_confirmed(kTwo, 1, 300ms, Seq{1});
  CHECK(lease.until() == Instant{});
  lease.on_confirmed(kOne, 2, 300ms, Seq{1});
  CHECK(lease.until() == Instant{});
  lease.on_confirmed(kOne, 1, 300ms, Seq{7});
  CHECK(lease.until() == kStart + shorter_by_drift(300ms));
  lease.on_confirmed(kOne, 1, 100ms, Seq{5});
  CHECK(lease.until() == kStart + shorter_by_drift(300ms));
  CHECK(lease.grant_seq() == Seq{7});
  CHECK(lease.holdoff() == kStart + longer_by_drift(400ms));
  lease.drop();
  CHECK(lease.until() == Instant{});
  CHECK(lease.holdoff() == kStart + longer_by_drift(400ms));
}

TEST_CASE("leases bear clocks that differ by one percent") {
  // The granter's clock is fast, the grantee's slow: true time of a second on each.
  const auto true_time = [](Duration d, int ppm) { return d * 1'000'000 / (1'000'000 + ppm); };
  CHECK(true_time(shorter_by_drift(1s), -10'000) <= true_time(1s, 10'000));
  CHECK(true_time(longer_by_drift(1s), 10'000) >= true_time(1s, -10'000) - 1ms);
}

}  // namespace
}  // namespace brigade::cluster
