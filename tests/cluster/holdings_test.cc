#include "brigade/cluster/holdings.h"

#include "harness.h"

#include <catch2/catch.hpp>

namespace brigade::cluster {
namespace {

/// Nodes 1 to 3; bucket 0 and 1 are siblings, on 1 and 2; 2 on 3, and 3 nobody's. All else is 1's.
wire::Snapshot four_buckets() {
  wire::Snapshot s = snapshot_of(3);
  s.cells[1].owner = NodeId{2};
  s.cells[2].owner = NodeId{3};
  s.cells[3] = wire::Cell{};
  return s;
}

/// As NodeDown leaves it: nothing of it is in sync.
void take_down(wire::Snapshot& s, std::size_t node) {
  s.roster[node].up = false;
  for (wire::Cell& cell : s.cells) {
    if (cell.owner != s.roster[node].node.id) continue;
    cell.in_sync = false;
    cell.state = BucketState::kFilling;
  }
}

ClusterMap map_of(const wire::Snapshot& snapshot) {
  return ClusterMap::from(snapshot).value();
}

}  // namespace

TEST_CASE("a bucket is alone with a node if nobody else is in sync for one that shares all its objects") {
  wire::Snapshot s = four_buckets();
  CHECK(holdings(map_of(s), NodeId{2}).owned == 1);
  CHECK(holdings(map_of(s), NodeId{2}).alone == 0);
  CHECK(holdings(map_of(s), NodeId{3}).owned == 1);
  CHECK(holdings(map_of(s), NodeId{3}).alone == 1);  // bucket 3 is nobody's
  // Its own other bucket goes with it.
  CHECK(holdings(map_of(s), NodeId{1}).owned == kBucketCount - 3);
  CHECK(holdings(map_of(s), NodeId{1}).alone == kBucketCount - 4);
}

TEST_CASE("a sibling whose node is down, or that fills, is no other copy; a new owner that has all is one") {
  wire::Snapshot s = four_buckets();
  take_down(s, 0);
  CHECK(holdings(map_of(s), NodeId{2}).alone == 1);
  s.roster[0].up = true;  // and fills what it has
  CHECK(holdings(map_of(s), NodeId{2}).alone == 1);
  s.cells[1].state = BucketState::kMoving;
  s.cells[1].new_owner = NodeId{3};
  CHECK(holdings(map_of(s), NodeId{2}).alone == 1);
  s.cells[1].new_filled = true;
  CHECK(holdings(map_of(s), NodeId{2}).alone == 0);
}

TEST_CASE("where one copy is allowed, nobody else need have anything") {
  wire::Snapshot s = four_buckets();
  s.settings["min_redundancy"] = "1";
  CHECK(holdings(map_of(s), NodeId{2}).alone == 1);
}

TEST_CASE("the refusal to remove a node says how many buckets it owns, how many alone, and the command to run") {
  wire::Snapshot s = four_buckets();
  auto text = [&](NodeId node) {
    const ClusterMap map = map_of(s);
    return refusal_to_remove(map, node, holdings(map, node));
  };
  CHECK(text(NodeId{2}) ==
        "n2 is up: stop it first. Before that, `brigade drain n2 --wait` gives others what it owns: 1 buckets, of "
        "which 0 "
        "have no other copy in sync");
  take_down(s, 1);
  take_down(s, 2);
  CHECK(text(NodeId{2}) ==
        "n2 is down and still owns 1 buckets, of which 0 have no other copy in sync: others take them when the setting "
        "grace is over, or now if you say `brigade drain n2 --wait`");
  CHECK(
      text(NodeId{3}) ==
      "n3 is down and still owns 1 buckets, of which 1 have no other copy in sync, and the objects in them would be "
      "lost: start it and `brigade drain n3 --wait`; if it never comes back, `brigade bucket accept-loss --all` shows "
      "what is lost, and gives it up");
}

}  // namespace brigade::cluster
