// Proposals, addresses and what other threads read: the parts of the control plane that need no sockets.
#include "control_address_book.h"
#include "control_proposals.h"
#include "control_published.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1h};
const NodeId kSelf{1};

wire::LogEntry entry(std::uint64_t counter, std::uint64_t seq) {
  return {Epoch{counter, kSelf}, Seq{seq}, wire::NodeDown{NodeId{9}}};
}

struct Outcome {
  Errc code = Errc::kInternal;
  int times = 0;
  Proposals::Done done() {
    return [this](const Result<Position>& r) {
      code = r ? Errc::kOk : r.error().code();
      ++times;
    };
  }
};

wire::NodeInfo node(std::uint64_t id, const std::string& name, const std::string& peer) {
  wire::NodeInfo out;
  out.id = NodeId{id};
  out.name = name;
  out.peer = peer;
  return out;
}

/// A member that knows n1 (itself) and n2, and, above what is committed, n3.
std::unique_ptr<cluster::Member> member() {
  cluster::Boot boot;
  boot.cluster = ClusterId{7};
  boot.incarnation = Incarnation{1};
  boot.log.push_back({Epoch{1, kSelf}, Seq{1}, wire::NodeAdded{node(1, "n1", "10.0.0.1:1")}});
  boot.log.push_back({Epoch{1, kSelf}, Seq{2}, wire::NodeAdded{node(2, "n2", "10.0.0.2:1")}});
  boot.log.push_back({Epoch{1, kSelf}, Seq{3}, wire::NodeAdded{node(3, "n3", "10.0.0.3:1")}});
  boot.commit = Seq{2};
  return cluster::Member::make(node(1, "n1", "10.0.0.1:1"), std::move(boot), Prng(1), kStart).value();
}

wire::Envelope from(std::uint64_t id, wire::Message message) {
  return {NodeId{id}, Incarnation{1}, std::move(message)};
}

wire::Envelope join(const wire::NodeInfo& who) {
  wire::Probe probe;
  probe.join = who;
  return from(who.id.value, probe);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a proposal succeeds when its own entry is committed, and fails when another stands there") {
  Proposals proposals;
  Outcome mine;
  Outcome other;
  proposals.add(kStart, {Epoch{4, kSelf}, Seq{10}}, mine.done());
  proposals.add(kStart, {Epoch{4, kSelf}, Seq{11}}, other.done());
  proposals.on_committed(entry(4, 9));
  proposals.on_step(kStart, Seq{9});
  CHECK(mine.times + other.times == 0);
  proposals.on_committed(entry(4, 10));
  proposals.on_committed(entry(5, 11));
  proposals.on_step(kStart, Seq{11});
  CHECK(mine.code == Errc::kOk);
  CHECK(other.code == Errc::kUnavailable);
  CHECK(mine.times == 1);
  CHECK(other.times == 1);
  CHECK(proposals.empty());
}

TEST_CASE("a proposal whose fate is not seen in time, or was in an index, is open") {
  Proposals proposals;
  Outcome late;
  Outcome skipped;
  proposals.add(kStart, {Epoch{4, kSelf}, Seq{10}}, skipped.done());
  proposals.add(kStart, {Epoch{4, kSelf}, Seq{30}}, late.done());
  proposals.on_step(kStart + Proposals::kDeadline - 1ns, Seq{20});
  CHECK(skipped.code == Errc::kUnavailable);
  CHECK(late.times == 0);
  proposals.on_step(kStart + Proposals::kDeadline, Seq{20});
  CHECK(late.code == Errc::kTimeout);
}

TEST_CASE("a callback may propose again") {
  Proposals proposals;
  Outcome second;
  proposals.add(kStart, {Epoch{4, kSelf}, Seq{10}}, [&](const Result<Position>&) {
    proposals.add(kStart, {Epoch{4, kSelf}, Seq{11}}, second.done());
  });
  proposals.on_committed(entry(4, 10));
  CHECK(second.times == 0);
  proposals.on_committed(entry(4, 11));
  CHECK(second.code == Errc::kOk);
}

TEST_CASE("everyone is the roster, committed or not, and who was heard of late, but not this node") {
  AddressBook book(kSelf);
  book.read_roster(*member());
  CHECK(book.everyone(kStart) == Lines{"10.0.0.2:1", "10.0.0.3:1"});
  CHECK(book.name(NodeId{3}) == "n3");
  CHECK(book.name(Epoch{7, NodeId{2}}) == "7.n2");
  CHECK(book.address(NodeId{4}).empty());

  book.heard(kStart, join(node(4, "n4", "10.0.0.4:1")), "10.0.0.4:1");
  CHECK(book.everyone(kStart + 10s) == Lines{"10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"});
  CHECK(book.name(NodeId{4}) == "n4");
  CHECK(book.everyone(kStart + 11s) == Lines{"10.0.0.2:1", "10.0.0.3:1"});
}

TEST_CASE("a node is where its last datagram came from") {
  AddressBook book(kSelf);
  book.read_roster(*member());
  CHECK(book.address(NodeId{2}) == "10.0.0.2:1");
  book.heard(kStart, from(2, wire::Ack{}), "10.0.0.9:1");
  CHECK(book.address(NodeId{2}) == "10.0.0.9:1");
  book.read_roster(*member());
  CHECK(book.everyone(kStart) == Lines{"10.0.0.3:1", "10.0.0.9:1"});
}

TEST_CASE("a request to join that another node passed on is answered to the one that asks") {
  AddressBook book(kSelf);
  book.read_roster(*member());
  book.heard(kStart, join(node(4, "n4", "10.0.0.4:1")), "10.0.0.2:1");
  CHECK(book.address(NodeId{4}) == "10.0.0.4:1");
  CHECK(book.address(NodeId{2}) == "10.0.0.2:1");
}

TEST_CASE("the last transactions are kept, oldest first, and no more than a few thousand") {
  Published published;
  for (std::uint64_t seq = 1; seq <= Published::kLinesKept + 10; ++seq) published.keep(entry(1, seq), WallTime{5});
  const auto first = published.lines(Seq{}, 3);
  REQUIRE(first.size() == 3);
  CHECK(first.front().position.seq == Seq{11});
  CHECK(first.back().position.seq == Seq{13});
  CHECK(first.front().applied == WallTime{5});
  CHECK(published.lines(Seq{Published::kLinesKept + 9}, 100).size() == 1);
  CHECK(published.lines(Seq{Published::kLinesKept + 10}, 100).empty());
}

TEST_CASE("a node serves until the end of its lease and not at that moment") {
  Published published;
  CHECK_FALSE(published.may_serve(kStart));
  published.set_serve_until(kStart + 1s);
  CHECK(published.may_serve(kStart + 1s - 1ns));
  CHECK_FALSE(published.may_serve(kStart + 1s));
}

}  // namespace brigade::node
