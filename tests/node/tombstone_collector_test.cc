#include "tombstone_collector.h"

#include "node/local_node.h"
#include "record_fields.h"
#include "replica_endpoint.h"
#include "sibling_lists.h"

#include <chrono>

#include <catch2/catch.hpp>

#include "brigade/placement/replicas.h"

namespace brigade::node {
namespace {

using testing::commit_info;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::LocalNode;

constexpr WallTime kDeleted{1'000'000};

/// Node 1 has the tombstone of `k`, and serves all of the run around it.
class Collector : public LocalNode {
 public:
  Collector() {
    id = remove("k", commit_info(1, kDeleted));
    maker.node(1).node(2);
    for (std::uint32_t j = 0; j < placement::kWidestLevel.redundancy(); ++j) maker.serving(1, bucket(j));
    show();
  }
  [[nodiscard]] std::uint16_t bucket(std::uint32_t distance) const {
    return placement::by_distance(placement::home_bucket(id), distance).value;
  }
  /// That long after the deletion.
  std::uint64_t pass(Duration after) {
    std::uint64_t gone = 0;
    run(pass_into(gone, after));
    return gone;
  }
  /// What this node answers a sibling that asks about its tombstone of `k`.
  std::vector<store::IndexEntry> older_than(Revision revision, Seq as_of) {
    std::string body;
    append_entry(body, {.id = id, .revision = revision, .tombstone = true});
    net::RequestHead head("POST", "/peer/older");
    head.fields.add(kMapSeqField, to_string(as_of));
    FakeRequest request(std::move(head), std::move(body));
    FakeResponse response;
    ReplicaEndpoint endpoint(context());
    run(endpoint.older(request, response));
    REQUIRE(response.head.status == 200);
    return parse_entries(response.body).value();
  }
  [[nodiscard]] Duration needed() { return tombstone_age(context().view()->map.settings()); }

  ObjectId id;

 private:
  asio::awaitable<void> pass_into(std::uint64_t& gone, Duration after) {
    TombstoneCollector collector(context());
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(after).count();
    gone = co_await collector.pass(WallTime{kDeleted.unix_ms + ms});
  }
};

constexpr Duration kMoment = std::chrono::seconds{1};

TEST_CASE_METHOD(Collector, "a tombstone goes once the retention is over, and its revision is remembered") {
  CHECK(needed() >= context().view()->map.settings().retention);
  CHECK(pass(needed() - kMoment) == 0);
  CHECK(store().find(id));
  CHECK(pass(needed() + kMoment) == 1);
  CHECK_FALSE(store().find(id));
  CHECK(store().highest_forgotten() == Revision::of(Seq{1}, 1));
  CHECK(context().stats.tombstones_collected == 1);
}

TEST_CASE_METHOD(Collector, "an object stays, however old it is") {
  const ObjectId object = put("o", commit_info(1, kDeleted));
  CHECK(pass(100 * needed()) == 1);
  CHECK(store().find(object));
}

TEST_CASE_METHOD(Collector, "a tombstone stays while somebody may come who has never heard of it") {
  SECTION("a bucket of the run fills") {
    maker.assign(wire::Role::kOwner, 2, bucket(9));
  }
  SECTION("a bucket of the run moves") {
    maker.assign(wire::Role::kNewOwner, 2, bucket(3));
  }
  SECTION("a node of the run gives no answer") {
    maker.serving(2, bucket(15));
  }
  SECTION("a node of the run is down") {
    maker.serving(2, bucket(15)).down(2);
  }
  SECTION("this node holds no lease") {
    control.serves = false;
  }
  show();
  CHECK(pass(needed() + kMoment) == 0);
  CHECK(store().find(id));
}

TEST_CASE_METHOD(Collector, "a sibling is told what would come back without its tombstone") {
  const Seq now = maker.map().seq();
  CHECK(older_than(Revision::of(Seq{1}, 1), now).empty());         // the same
  CHECK(older_than(Revision::of(Seq{2}, 0), now).size() == 1);     // ours is older
  CHECK(older_than(Revision::of(Seq{1}, 0), now).empty());         // ours is newer
  CHECK(older_than(Revision::of(Seq{1}, 1), Seq{1}).size() == 1);  // it asks under a map from before the placement
  REQUIRE(store().forget(id, Revision::of(Seq{1}, 1)));
  CHECK(older_than(Revision::of(Seq{2}, 0), now).empty());  // nothing here
}

}  // namespace
}  // namespace brigade::node
