// Objects that expire: gone from reads at the time, and for good soon after, whatever happens.
#include "crash_model.h"

#include <catch2/catch.hpp>

namespace brigade::store {
namespace {

using testing::body_of;
using testing::id_of;
using testing::key_of;

const ObjectId kA = id_of(0x1200, 1), kB = id_of(0x1200, 2);
constexpr std::int64_t kHour = 3'600'000;

struct Fixture {
  std::unique_ptr<MemoryFileSystem> fs = testing::fresh_disk();
  WallTime now{100 * kHour};
  bool strict = true;
  SegmentStoreOptions options = make_options();
  std::unique_ptr<ObjectStore> store = open();

  SegmentStoreOptions make_options() {
    SegmentStoreOptions made = testing::tiny_options();
    made.on_corrupt = [this](const std::string& file, std::uint64_t offset, const std::string& reason) {
      if (strict) FAIL(file << " at " << offset << " reported corrupt: " << reason);
    };
    made.clock = [this] { return now; };
    return made;
  }
  std::unique_ptr<ObjectStore> open() {
    auto opened = open_segment_store(*fs, "/data/store", options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  void reopen(bool with_snapshot) {
    store.reset();
    if (!with_snapshot) static_cast<void>(fs->remove("/data/store/objects/index.snap"));
    store = open();
  }
  Status put(const ObjectId& id, std::uint64_t revision, std::size_t size, WallTime expires) {
    auto staged = store->stage(id, key_of(id), size);
    if (!staged) return staged.error();
    if (Status ok = (*staged)->write(body_of(id, revision, size)); !ok) return ok;
    if (Status ok = (*staged)->finish(); !ok) return ok;
    CommitInfo info = testing::info(revision);
    info.expires = expires;
    const auto done = store->commit(std::move(*staged), info);
    return done ? Status() : Status(done.error());
  }
  bool can_read(const ObjectId& id) { return store->open(id, key_of(id)).has_value(); }
  void maintain() {
    for (int steps = 0; store->maintain(now).again; ++steps) REQUIRE(steps < 10'000);
  }
};

TEST_CASE_METHOD(Fixture, "an object that expires is read until then, not after, and goes soon") {
  const std::size_t size = GENERATE(100, 5000);
  REQUIRE(put(kA, 10, size, {now.unix_ms + kHour}));
  REQUIRE(put(kB, 10, 100, {}));
  REQUIRE(store->find(kA)->expires);
  REQUIRE_FALSE(store->find(kB)->expires);
  const Digest with = store->digest(BucketId{0x1200}, 1);
  now.unix_ms += kHour - 1;
  maintain();
  REQUIRE(can_read(kA));
  REQUIRE(store->digest(BucketId{0x1200}, 1) == with);
  now.unix_ms += 1;
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kNotFound);
  REQUIRE(can_read(kB));
  now.unix_ms += 60'000;
  maintain();
  REQUIRE_FALSE(store->find(kA));
  REQUIRE(store->highest_forgotten() == Revision{10});
  REQUIRE(store->stats().objects == 1);
  REQUIRE(store->retained(kA).empty());
  testing::require_consistent(*store, {0x1200});
  for (const std::string& dir : *fs->list("/data/store/objects/large"))
    REQUIRE(fs->list("/data/store/objects/large/" + dir)->empty());
}

TEST_CASE_METHOD(Fixture, "a later write counts, whether it expires or not") {
  REQUIRE(put(kA, 10, 100, {now.unix_ms + kHour}));
  REQUIRE(put(kA, 20, 100, {now.unix_ms + 3 * kHour}));
  REQUIRE(put(kB, 10, 100, {now.unix_ms + kHour}));
  REQUIRE(put(kB, 20, 100, {}));
  now.unix_ms += 2 * kHour;
  maintain();
  REQUIRE(can_read(kA));
  REQUIRE(can_read(kB));
  now.unix_ms += 2 * kHour;
  maintain();
  REQUIRE_FALSE(store->find(kA));
  REQUIRE(can_read(kB));
}

TEST_CASE_METHOD(Fixture, "times are known after a start, with a snapshot or without, and after compaction") {
  const bool with_snapshot = GENERATE(true, false);
  REQUIRE(put(kA, 10, 100, {now.unix_ms + kHour}));
  for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(put(kB, 10 + i, 1700, {}));
  maintain();
  REQUIRE(fs->info("/data/store/objects/index.snap"));
  reopen(with_snapshot);
  REQUIRE(can_read(kA));
  REQUIRE(store->find(kA)->expires);
  now.unix_ms += 2 * kHour;
  reopen(with_snapshot);
  REQUIRE_FALSE(can_read(kA));
  maintain();
  REQUIRE_FALSE(store->find(kA));
  reopen(with_snapshot);
  REQUIRE_FALSE(store->find(kA));
}

TEST_CASE("an older revision never comes back in the place of one that expired, wherever power is cut") {
  bool reached_the_end = false;
  for (std::uint64_t call = 0; !reached_the_end; ++call) {
    INFO("power off at call " << call);
    Fixture f;
    f.options.snapshot_every_bytes = 10'000;
    f.reopen(false);
    REQUIRE(f.put(kA, 10, 1700, {}));
    REQUIRE(f.put(kA, 20, 1700, {f.now.unix_ms + kHour}));
    const std::uint64_t begun = f.fs->calls();
    f.fs->fail_at(begun + call, Fault::kPowerOff);
    f.strict = false;
    f.now.unix_ms += 2 * kHour;
    bool works = true;
    for (std::uint64_t i = 0; i < 30 && works; ++i) {
      if (i % 3 == 0) f.maintain();
      works = f.put(kB, 10 + i, 1700, {}).has_value();
    }
    reached_the_end = f.fs->calls() <= begun + call;
    f.store.reset();
    Prng prng(call);
    f.fs->crash(prng);
    f.strict = true;
    f.reopen(call % 2 == 0);
    REQUIRE_FALSE(f.can_read(kA));
    f.maintain();
    REQUIRE_FALSE(f.store->find(kA));
  }
}

}  // namespace
}  // namespace brigade::store
