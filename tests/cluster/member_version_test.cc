// Nodes of two releases in one cluster: the next protocol version is made up.  Source: proto/README.md "Versions".
#include "harness.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kNow = wire::kProtocolVersion;
constexpr std::uint32_t kNext = kNow + 1;

wire::Envelope from(std::uint64_t id, std::uint32_t speaks, wire::Message message) {
  return {NodeId{id}, Incarnation{1}, std::move(message), kNow, speaks};
}

/// Node `id` says that it has a program that speaks `speaks`.
void change_release(Driven& lead, std::uint64_t id, std::uint32_t speaks) {
  lead.hear(from(id, speaks, wire::Accept{lead->epoch(), lead->last(), info(id, speaks)}));
}

/// A cluster that has the next version in force.
Boot raised() {
  Boot boot = boot_of(3);
  boot.snapshot->version = kNext;
  for (wire::RosterEntry& e : boot.snapshot->roster) e.node.speaks = kNext;
  return boot;
}

std::vector<Send> refusals(const Driven& node) {
  std::vector<Send> found;
  for (const Send& s : node.sent)
    if (std::holds_alternative<wire::JoinRefusal>(s.message)) found.push_back(s);
  return found;
}

}  // namespace

TEST_CASE("the protocol version rises when the last of the roster speaks the next one, and not before") {
  Driven n(1, boot_of(3), kNext);
  lead(n);
  pass_answered(n, milliseconds{100});
  change_release(n, 2, kNext);
  pass_answered(n, milliseconds{200});
  REQUIRE(n->map().node(NodeId{2})->node.speaks == kNext);
  CHECK_FALSE(n.logged<wire::VersionRaised>());
  for (const Send& s : n.sent) REQUIRE(s.version == kNow);

  change_release(n, 3, kNext);
  n.peers_speak = kNext;
  for (int i = 0; i < 100 && n->map().version() == kNow; ++i) pass_answered(n, milliseconds{10});
  CHECK(n->map().version() == kNext);
  CHECK(n.logged<wire::VersionRaised>() == wire::VersionRaised{kNext});
  n.sent.clear();
  pass_answered(n, milliseconds{300});
  REQUIRE_FALSE(n.sent.empty());
  for (const Send& s : n.sent) CHECK(s.version == kNext);
}

TEST_CASE("a node that is down and has the old release keeps the version where it is") {
  Boot boot = boot_of(3);
  boot.snapshot->roster[1].node.speaks = kNext;
  boot.snapshot->roster[2].up = false;
  Driven n(1, std::move(boot), kNext);
  lead(n);
  pass_answered(n, milliseconds{500}, {2});
  CHECK_FALSE(n.logged<wire::VersionRaised>());
}

TEST_CASE("what was written in the version before goes from the disk when the next one is in force") {
  Driven n(2, boot_of(3), kNext);
  const Epoch epoch{2, NodeId{1}};
  follow(n, epoch);
  const Position start{{1, NodeId{1}}, Seq{1}};
  n.hear(1, wire::Append{epoch, start, Seq{1}, false, {entry(epoch, 2), {epoch, Seq{3}, wire::VersionRaised{kNext}}}});
  n.flush();
  n.done.clear();
  n.hear(1, wire::Append{epoch, {epoch, Seq{3}}, Seq{3}, false, {entry(epoch, 4)}});
  n.flush();
  std::optional<wire::Snapshot> written;
  for (const PersistBatch& batch : n.done)
    for (const PersistOp& op : batch.ops)
      if (const auto* install = std::get_if<InstallSnapshot>(&op)) written = *install->snapshot;
  REQUIRE(written);
  CHECK(written->version == kNext);
  CHECK(written->last.seq == Seq{3});
  CHECK(n->log().has(Seq{2}));  // for others that lag; written anew, in the version in force
}

TEST_CASE("a node that does not speak what is in force does not start from its log, and says both versions") {
  auto made = Member::make(info(1, kNow), raised(), Prng(1), kStart);
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == Errc::kConflict);
  CHECK(made.error().detail() ==
        "the log has protocol version 2, and this program reads version 1: run a newer release");

  Boot in_the_log = boot_of(3);
  in_the_log.log = {{{1, NodeId{1}}, Seq{2}, wire::VersionRaised{kNext}}};
  CHECK_FALSE(Member::make(info(1, kNow), in_the_log, Prng(1), kStart));
  CHECK(Member::make(info(1, kNext), in_the_log, Prng(1), kStart));
}

TEST_CASE("a node does not skip a release") {
  CHECK(Member::make(info(1, kNext), boot_of(3), Prng(1), kStart));
  const auto made = Member::make(info(1, kNext + 1), boot_of(3), Prng(1), kStart);
  REQUIRE_FALSE(made);
  CHECK(made.error().detail() ==
        "the log has protocol version 1, and this program reads versions 2 and 3: run the releases in between first, "
        "one after "
        "the other");
}

TEST_CASE("a node of the roster that comes back with too old a program is told so in the version that it reads") {
  Driven n(1, raised(), kNext);
  n.peers_speak = kNext;
  lead(n);
  pass_answered(n, milliseconds{100}, {2});
  n.sent.clear();
  n.hear(from(3, kNow, wire::Probe{7, n->last(), {}, std::nullopt}));
  REQUIRE(refusals(n).size() == 1);
  CHECK(refusals(n)[0].to == NodeId{3});
  CHECK(refusals(n)[0].version == kNow);
  CHECK(std::get<wire::JoinRefusal>(refusals(n)[0].message).why ==
        "the cluster has protocol version 2, and this program reads version 1: run a newer release");
  // Nothing else that it says counts.
  n.hear(from(3, kNow, wire::Accept{n->epoch(), n->last(), info(3, kNow)}));
  CHECK(n.count<wire::Ready>() == 0);

  Driven old(3, boot_of(3), kNow);
  old.hear(from(1, kNext, wire::JoinRefusal{"too old"}));
  CHECK(old.told(Event::Kind::kJoinRefused));
}

TEST_CASE("a newcomer that speaks less than what is in force is not taken") {
  Driven n(1, raised(), kNext);
  n.peers_speak = kNext;
  lead(n);
  pass_answered(n, milliseconds{1000});
  n.hear(from(4, kNow, wire::Probe{1, {}, {}, info(4, kNow)}));
  REQUIRE(refusals(n).size() == 1);
  CHECK(refusals(n)[0].version == kNow);
  n.sent.clear();
  n.hear({NodeId{5}, Incarnation{1}, wire::Probe{1, {}, {}, info(5, kNext)}, kNext, kNext});
  CHECK(refusals(n).empty());
  CHECK(n.count<wire::Invitation>() == 1);
}

TEST_CASE("a newcomer that speaks two versions asks in both, and goes on in the one in which it is answered") {
  Boot boot;
  boot.cluster = kCluster;
  boot.incarnation = Incarnation{1};
  Driven n(4, std::move(boot), kNext);
  n.pass(milliseconds{500});
  std::set<std::uint32_t> asked;
  for (const Send& s : n.sent) asked.insert(s.version);
  CHECK(asked == std::set<std::uint32_t>{kNow, kNext});
  n.sent.clear();
  n.hear({NodeId{1}, Incarnation{1}, wire::Invitation{{2, NodeId{1}}}, kNext, kNext});
  n.flush();
  REQUIRE(n.count<wire::Accept>() == 1);
  CHECK(n.sent.back().version == kNext);
}

TEST_CASE("a node that went back to a release that is too old leaves rather than take what it can't read") {
  Driven n(2, boot_of(3), kNow);
  const Epoch epoch{2, NodeId{1}};
  follow(n, epoch);
  const Position start{{1, NodeId{1}}, Seq{1}};
  n.hear(from(1, kNext, wire::Append{epoch, start, Seq{2}, false, {{epoch, Seq{2}, wire::VersionRaised{kNext}}}}));
  n.flush();
  CHECK(n.told(Event::Kind::kOutdated));
  CHECK(n->last() == start);
  CHECK(n->map().version() == kNow);
  CHECK(n.last<wire::Ack>().seq < Seq{2});
}

}  // namespace brigade::cluster
