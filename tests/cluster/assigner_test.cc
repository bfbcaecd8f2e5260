#include "brigade/cluster/assigner.h"

#include "harness.h"

#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"

namespace brigade::cluster {
namespace {

BucketId bucket_at(std::size_t i) {
  return BucketId{static_cast<std::uint16_t>(i)};
}
const auto kNobodyLost = [](NodeId) { return false; };

/// Applies what the assigner wants, with nodes that fill and release at once, until it wants nothing.
struct Cluster {
  ClusterMap map;
  Assigner assigner;

  void apply(const std::vector<wire::Change>& changes) {
    for (const wire::Change& change : changes) {
      REQUIRE(wire::encoded_bytes(change) <= limits::kEntryBytesMax);
      map.apply({{1, NodeId{1}}, next(map.seq()), change});
    }
  }
  void work_off_reports() {
    std::map<NodeId, BucketSet> filled;
    std::map<NodeId, BucketSet> released;
    for (std::size_t i = 0; i < kBucketCount; ++i) {
      const Cell& c = map.cell(bucket_at(i));
      if (c.owner && !c.in_sync && map.is_up(c.owner)) filled[c.owner].add(bucket_at(i));
      if (c.state == BucketState::kMoving && !c.new_filled) filled[c.new_owner].add(bucket_at(i));
      if (c.state == BucketState::kMoving && c.new_filled) released[c.owner].add(bucket_at(i));
    }
    for (auto& [node, set] : filled)
      for (BucketSet& part : set.split(kSetBytesMax)) apply({wire::BucketsFilled{node, std::move(part)}});
    for (auto& [node, set] : released)
      for (BucketSet& part : set.split(kSetBytesMax)) apply({wire::BucketsReleased{node, std::move(part)}});
  }
  /// Rounds until nothing is wanted and nothing is reported.
  int settle(const std::function<bool(NodeId)>& is_lost = kNobodyLost) {
    for (int round = 1; round <= 400; ++round) {
      const auto changes = assigner.next(map, is_lost, 64);
      REQUIRE(changes.size() <= 64);
      const Seq before = map.seq();
      apply(changes);
      work_off_reports();
      if (map.seq() == before) return round;
    }
    FAIL("never comes to rest");
    return 0;
  }
  [[nodiscard]] std::map<NodeId, std::size_t> owned() const {
    std::map<NodeId, std::size_t> counts;
    for (std::size_t i = 0; i < kBucketCount; ++i) ++counts[map.cell(bucket_at(i)).owner];
    return counts;
  }
};

Cluster cluster_of(std::uint64_t nodes) {
  return {*ClusterMap::from(snapshot_of(nodes)), {}};
}

TEST_CASE("buckets without an owner are given out at once, and a share moves to every node that is up") {
  wire::Snapshot snapshot = snapshot_of(4);
  for (wire::Cell& cell : snapshot.cells) cell = {};
  Cluster c{*ClusterMap::from(snapshot), {}};
  c.settle();
  for (const auto& [node, count] : c.owned()) CHECK(count == kBucketCount / 4);
  for (std::size_t i = 0; i < kBucketCount; ++i) REQUIRE(c.map.is_in_sync(bucket_at(i)));
}

TEST_CASE("one node's pairs are parted at once, and all else spreads a bounded number at a time") {
  Cluster c = cluster_of(3);
  c.apply(c.assigner.next(c.map, kNobodyLost, 1000));
  std::size_t moving = 0;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const Cell& cell = c.map.cell(bucket_at(i));
    const Cell& sibling = c.map.cell(bucket_at(i ^ 1));
    moving += cell.state == BucketState::kMoving ? 1 : 0;
    // Whoever writes now reaches two nodes.
    REQUIRE(std::set<NodeId>{cell.owner, cell.new_owner, sibling.owner, sibling.new_owner, NodeId{}}.size() > 2);
  }
  CHECK(moving <= kBucketCount / 2 + 2048);
  c.settle();
  for (const auto& [node, count] : c.owned()) CHECK((count == 21845 || count == 21846));
}

TEST_CASE("who is about to go down gets stand-ins on nodes that are up, not the sibling's where there is a choice") {
  Cluster c = cluster_of(4);
  c.settle();
  c.apply(Assigner::stand_ins(c.map, NodeId{2}));
  c.apply({wire::NodeDown{NodeId{2}}});
  std::map<NodeId, std::size_t> stand_ins;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const Cell& cell = c.map.cell(bucket_at(i));
    if (cell.owner != NodeId{2}) continue;
    REQUIRE(cell.state == BucketState::kStandIn);
    REQUIRE(c.map.is_up(cell.new_owner));
    REQUIRE(cell.new_owner != c.map.cell(bucket_at(i ^ 1)).owner);
    ++stand_ins[cell.new_owner];
  }
  REQUIRE(stand_ins.size() >= 2);
  for (const auto& [node, count] : stand_ins) CHECK(count > 4000);
}

TEST_CASE("a stand-in that goes down itself is replaced; one whose owner is back is let go") {
  Cluster c = cluster_of(4);
  c.settle();
  c.apply(Assigner::stand_ins(c.map, NodeId{2}));
  c.apply({wire::NodeDown{NodeId{2}}});
  c.apply(Assigner::stand_ins(c.map, NodeId{3}));
  c.apply({wire::NodeDown{NodeId{3}}});
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const Cell& cell = c.map.cell(bucket_at(i));
    if (!c.map.is_up(cell.owner)) REQUIRE((cell.state == BucketState::kStandIn && c.map.is_up(cell.new_owner)));
  }
  for (std::uint64_t id : {2, 3}) c.apply({wire::NodeUp{info(id), Incarnation{2}}});
  c.settle();
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    REQUIRE(c.map.is_in_sync(bucket_at(i)));
    REQUIRE_FALSE(c.map.cell(bucket_at(i)).new_owner);
  }
}

TEST_CASE("stand-ins of a node that did not go down after all are let go") {
  Cluster c = cluster_of(4);
  c.settle();
  c.apply(Assigner::stand_ins(c.map, NodeId{2}));
  c.settle();
  for (std::size_t i = 0; i < kBucketCount; ++i) REQUIRE(c.map.cell(bucket_at(i)).state == BucketState::kServing);
}

TEST_CASE("a node that is drained ends with nothing and stands in for nobody, and gets its share back when it is not") {
  Cluster c = cluster_of(4);
  c.settle();
  c.apply({wire::NodeDraining{NodeId{2}, true}});
  c.settle();
  CHECK(c.owned().count(NodeId{2}) == 0);
  for (std::size_t i = 0; i < kBucketCount; ++i) REQUIRE(c.map.is_in_sync(bucket_at(i)));
  c.apply(Assigner::stand_ins(c.map, NodeId{3}));
  c.apply({wire::NodeDown{NodeId{3}}});
  for (std::size_t i = 0; i < kBucketCount; ++i) REQUIRE(c.map.cell(bucket_at(i)).new_owner != NodeId{2});
  c.apply({wire::NodeUp{info(3), Incarnation{2}}, wire::NodeDraining{NodeId{2}, false}});
  c.settle();
  CHECK(c.owned().at(NodeId{2}) == kBucketCount / 4);
}

TEST_CASE("a node that holds nothing takes the place of another: what that had moves once, and nothing else") {
  Cluster c = cluster_of(4);
  c.apply({wire::NodeReshaped{NodeId{4}, "", 0}});
  c.settle();
  CHECK(c.owned().count(NodeId{4}) == 0);
  std::vector<NodeId> before;
  for (std::size_t i = 0; i < kBucketCount; ++i) before.push_back(c.map.cell(bucket_at(i)).owner);
  c.apply({wire::NodeReplaced{NodeId{2}, NodeId{4}}});
  c.settle();
  for (std::size_t i = 0; i < kBucketCount; ++i)
    REQUIRE(c.map.cell(bucket_at(i)).owner == (before[i] == NodeId{2} ? NodeId{4} : before[i]));
}

TEST_CASE("what a lost node owned goes to its stand-ins, and the rest is balanced") {
  Cluster c = cluster_of(4);
  c.settle();
  c.apply(Assigner::stand_ins(c.map, NodeId{2}));
  c.apply({wire::NodeDown{NodeId{2}}});
  CHECK(c.settle() >= 1);
  CHECK(c.owned()[NodeId{2}] == kBucketCount / 4);  // away, not lost
  c.settle([](NodeId id) { return id == NodeId{2}; });
  CHECK(c.owned()[NodeId{2}] == 0);
  for (std::uint64_t id : {1, 3, 4}) CHECK((c.owned()[NodeId{id}] == 21845 || c.owned()[NodeId{id}] == 21846));
}

TEST_CASE("what only lost nodes have waits for them, and is theirs again when they are back") {
  Cluster c = cluster_of(5);
  c.settle();
  const NodeId one = c.map.cell(bucket_at(0)).owner;
  const NodeId other = c.map.cell(bucket_at(1)).owner;
  for (NodeId id : {one, other}) {
    c.apply(Assigner::stand_ins(c.map, id));
    c.apply({wire::NodeDown{id}});
  }
  const auto is_lost = [&](NodeId id) { return id == one || id == other; };
  c.apply(c.assigner.next(c.map, is_lost, 1000));
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const Cell& cell = c.map.cell(bucket_at(i));
    const bool sibling_serves = c.map.is_in_sync(BucketId(static_cast<std::uint16_t>(i ^ 1)));
    if (c.map.is_up(cell.owner)) continue;
    REQUIRE_FALSE(sibling_serves);
    REQUIRE(cell.state == BucketState::kStandIn);
    ++waiting;
  }
  CHECK(waiting >= 2);
  CHECK(waiting < kBucketCount / 2);  // the others have been taken over
  for (NodeId id : {one, other}) c.apply({wire::NodeUp{info(id.value), Incarnation{2}}});
  c.settle();
  for (std::size_t i = 0; i < kBucketCount; ++i) REQUIRE(c.map.is_in_sync(bucket_at(i)));
}

TEST_CASE("a batch names each node and role once and keeps every entry small") {
  ChangeBatch batch;
  for (std::size_t i = 0; i < kBucketCount; i += 3) batch.add(wire::Role::kOwner, NodeId{1 + i % 2}, bucket_at(i));
  std::vector<wire::Change> changes;
  batch.flush(wire::Reason::kBootstrap, changes);
  std::size_t buckets = 0;
  for (const wire::Change& change : changes) {
    CHECK(wire::encoded_bytes(change) <= limits::kEntryBytesMax);
    for (const wire::Assignment& a : std::get<wire::BucketsAssigned>(change).assignments) buckets += a.buckets.size();
  }
  CHECK(buckets == (kBucketCount + 2) / 3);
  changes.clear();
  batch.flush(wire::Reason::kBootstrap, changes);
  CHECK(changes.empty());
}

}  // namespace
}  // namespace brigade::cluster
