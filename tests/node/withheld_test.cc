#include "withheld.h"

#include "node/fakes.h"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using testing::MapMaker;

constexpr BucketId kBucket{7};
constexpr NodeId kSelf{1};

TEST_CASE("a bucket that was given up is held back until the map knows of another new owner, or none") {
  MapMaker maker;
  maker.node(1).node(2).serving(1, kBucket.value);
  Withheld withheld;
  CHECK_FALSE(withheld.holds_back(maker.map(), kSelf, kBucket));
  maker.assign(wire::Role::kNewOwner, 2, kBucket.value);
  const Seq assigned = maker.map().cell(kBucket).new_assigned;
  withheld.change([&](auto& buckets) { buckets.released[kBucket] = assigned; });
  CHECK(withheld.holds_back(maker.map(), kSelf, kBucket));
  // That node went away before it took over, and it is another one's turn.
  maker.down(2).assign(wire::Role::kNewOwner, 2, kBucket.value);
  CHECK_FALSE(withheld.holds_back(maker.map(), kSelf, kBucket));
}

TEST_CASE("without one of its disks a node serves nothing, and then all but what that disk had") {
  MapMaker maker;
  maker.node(1).serving(1, kBucket.value).serving(1, 8);
  const cluster::ClusterMap map = maker.map();
  Withheld withheld;
  withheld.change([](auto& buckets) { buckets.is_whole = false; });
  CHECK(withheld.holds_back(map, kSelf, kBucket));
  CHECK(withheld.holds_back(map, kSelf, BucketId{8}));
  withheld.change([&](auto& buckets) {
    buckets.is_whole = true;
    buckets.emptied[kBucket] = map.seq();
  });
  CHECK(withheld.holds_back(map, kSelf, kBucket));
  CHECK(withheld.is_emptied(map, kSelf, kBucket));
  CHECK_FALSE(withheld.holds_back(map, kSelf, BucketId{8}));
}

TEST_CASE("other threads see at once what is held back") {
  MapMaker maker;
  maker.node(1).serving(1, kBucket.value);
  const cluster::ClusterMap map = maker.map();
  Withheld withheld;
  std::atomic<int> turn{0};
  std::atomic<int> seen{0};
  bool right = true;
  std::thread reader([&] {
    while (seen < 1000) {
      const int now = turn;
      if (now == seen) continue;
      right = right && withheld.holds_back(map, kSelf, kBucket) == (now % 2 == 1);
      seen = now;
    }
  });
  for (int i = 1; i <= 1000; ++i) {
    withheld.change([&](auto& buckets) { buckets.is_whole = i % 2 == 0; });
    turn = i;
    while (seen != i) std::this_thread::yield();
  }
  reader.join();
  CHECK(right);
}

}  // namespace
}  // namespace brigade::node
