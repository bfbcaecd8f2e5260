// What was replaced or deleted can be had until its time is over, through restarts, compaction and power cuts.
#include "crash_model.h"

#include <algorithm>

#include <catch2/catch.hpp>

namespace brigade::store {
namespace {

using testing::Body;
using testing::body_of;
using testing::id_of;
using testing::Kind;
using testing::Op;
using testing::Seen;

const ObjectId kA = id_of(0x1200, 1), kB = id_of(0x1200, 2), kC = id_of(0x1234, 3);
const std::vector<ObjectId> kIds = {kA, kB, kC};
constexpr std::int64_t kDay = 86'400'000;

struct Fixture {
  std::unique_ptr<MemoryFileSystem> fs = testing::fresh_disk();
  WallTime now{kDay};
  bool strict = true;
  SegmentStoreOptions options = make_options();
  std::unique_ptr<ObjectStore> store = open();

  SegmentStoreOptions make_options() {
    SegmentStoreOptions made = testing::tiny_options();
    made.on_corrupt = [this](const std::string& file, std::uint64_t offset, const std::string& reason) {
      if (strict) FAIL(file << " at " << offset << " reported corrupt: " << reason);
    };
    made.retention = std::chrono::hours{24};
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
  void put(const ObjectId& id, std::uint64_t revision, std::size_t size) {
    REQUIRE(testing::apply(*store, {Kind::kPut, id, revision, size}));
    now.unix_ms += 1000;
  }
  void remove(const ObjectId& id, std::uint64_t revision) {
    REQUIRE(testing::apply(*store, {Kind::kRemove, id, revision}));
    now.unix_ms += 1000;
  }
  void maintain() {
    for (int steps = 0; store->maintain(now).again; ++steps) REQUIRE(steps < 10'000);
  }
  std::vector<std::uint64_t> revisions(const ObjectId& id) {
    std::vector<std::uint64_t> all;
    for (const RetainedRevision& r : store->retained(id)) {
      all.push_back(r.revision.value);
      const auto reader = store->open_retained(id, r.revision);
      REQUIRE(reader);
      const auto bytes = testing::read(**reader);
      REQUIRE(bytes);
      REQUIRE(*bytes == body_of(id, r.revision.value, static_cast<std::size_t>(r.size)));
      REQUIRE((*reader)->meta().revision == r.revision);
    }
    return all;
  }
};

using Revisions = std::vector<std::uint64_t>;

TEST_CASE_METHOD(Fixture, "what was replaced or deleted is there, the newest first, until its time is over") {
  put(kA, 10, 100);
  put(kA, 20, 1500);
  put(kB, 10, 70'000);
  remove(kB, 20);
  remove(kA, 30);
  put(kA, 40, 1);
  REQUIRE(revisions(kA) == Revisions{20, 10});
  REQUIRE(revisions(kB) == Revisions{10});
  REQUIRE(store->retained(kA)[1].replaced == WallTime{kDay + 1000});
  REQUIRE(store->open_retained(kA, Revision{40}).error().code() == Errc::kNotFound);
  REQUIRE(testing::get(*store, kB).error().code() == Errc::kNotFound);
  now.unix_ms = kDay + 1000 + kDay;
  maintain();
  REQUIRE(revisions(kA) == Revisions{20});
  now.unix_ms += kDay;
  maintain();
  REQUIRE(revisions(kA).empty());
  REQUIRE(revisions(kB).empty());
  REQUIRE(store->open_retained(kB, Revision{10}).error().code() == Errc::kNotFound);
  REQUIRE(*testing::get(*store, kA) == body_of(kA, 40, 1));
  // The body's file went with it.
  for (const std::string& dir : *fs->list("/data/store/objects/large"))
    REQUIRE(fs->list("/data/store/objects/large/" + dir)->empty());
}

TEST_CASE_METHOD(Fixture, "a shorter retention holds for what is retained already") {
  put(kA, 10, 100);
  put(kA, 20, 100);
  store->set_retention(std::chrono::seconds{0});
  maintain();
  REQUIRE(revisions(kA).empty());
  put(kA, 30, 100);
  REQUIRE(revisions(kA).empty());
}

TEST_CASE_METHOD(Fixture, "what was replaced outlives restarts and compaction, with or without a snapshot") {
  const bool with_snapshot = GENERATE(true, false);
  for (std::uint64_t i = 0; i < 40; ++i) {
    put(kIds[i % 2], 10 + i, 1700);
    if (i % 7 == 0) put(kC, 10 + i, 3000);
    if (i % 10 == 9) maintain();
  }
  const std::vector<Revisions> before = {revisions(kA), revisions(kB), revisions(kC)};
  REQUIRE(before[0].size() == 19);
  REQUIRE(before[2].size() == 5);
  const auto times = store->retained(kA);
  for (int round = 0; round < 3; ++round) {
    reopen(with_snapshot);
    REQUIRE(std::vector<Revisions>{revisions(kA), revisions(kB), revisions(kC)} == before);
    REQUIRE(store->retained(kA) == times);
    maintain();
  }
  // Half of the times is over; what remains is moved together.
  now.unix_ms = times[9].replaced.unix_ms + kDay;
  maintain();
  REQUIRE(store->retained(kA).size() == 9);
  reopen(with_snapshot);
  maintain();
  REQUIRE(store->retained(kA) == std::vector<RetainedRevision>(times.begin(), times.begin() + 9));
  REQUIRE(revisions(kA).size() == 9);
}

TEST_CASE_METHOD(Fixture, "space comes back once the time is over") {
  for (std::uint64_t i = 0; i < 200; ++i) put(kA, 10 + i, 1700);
  maintain();
  const std::size_t many = fs->list("/data/store/objects/segments")->size();
  now.unix_ms += 2 * kDay;
  maintain();
  REQUIRE(many > 20);
  REQUIRE(fs->list("/data/store/objects/segments")->size() <= 11);  // eight of them are kept to be written again
}

TEST_CASE_METHOD(Fixture, "what is forgotten is not retained, and a repeat or a repair replaces nothing") {
  put(kA, 10, 100);
  put(kA, 20, 100);
  REQUIRE(store->forget(kA, Revision{20}));
  REQUIRE(revisions(kA).empty());
  reopen(false);
  REQUIRE(revisions(kA).empty());
  put(kB, 10, 100);
  put(kB, 10, 100);
  REQUIRE(revisions(kB).empty());
  strict = false;
  store->mark_corrupt(kB, Revision{10});
  put(kB, 10, 100);
  REQUIRE(revisions(kB).empty());
  REQUIRE(*testing::get(*store, kB) == body_of(kB, 10, 100));
  reopen(false);
  REQUIRE(revisions(kB).empty());
}

/// What must be retained, by what was acknowledged.
struct Expected {
  std::map<ObjectId, Seen> now;
  std::map<ObjectId, std::vector<std::uint64_t>> retained;  // the newest first

  void acknowledged(const Op& op) {
    Seen& here = now[op.id];
    if (op.kind == Kind::kMaintain || (op.kind == Kind::kForget && here.revision != op.revision)) return;
    auto& old = retained[op.id];
    if (op.kind == Kind::kForget) {
      old.clear();
    } else if (here.revision != 0 && !here.tombstone && here.revision != op.revision) {
      old.insert(old.begin(), here.revision);
    }
    here = op.outcome();
  }
};

std::vector<Op> make_workload() {
  const Op maintain{Kind::kMaintain, {}};
  std::vector<Op> ops = {{Kind::kPut, kA, 10, 100},  {Kind::kPut, kA, 20, 2000},
                         {Kind::kRemove, kA, 30},    {Kind::kPut, kC, 10, 3000},
                         {Kind::kPut, kB, 10, 1000}, {Kind::kPut, kC, 20, 5000},
                         {Kind::kForget, kB, 10},    {Kind::kPut, kB, 9, 70},
                         {Kind::kPut, kB, 9, 70},    maintain,
                         {Kind::kPut, kC, 30, 10}};
  for (std::uint64_t i = 0; i < 14; ++i) {
    ops.push_back({Kind::kPut, kIds[i % 2], 50 + i, 1700});
    if (i % 5 == 4) ops.push_back(maintain);
  }
  ops.push_back({Kind::kForget, kA, 62});
  ops.push_back({Kind::kPut, kA, 90, 1700});
  ops.push_back({Kind::kPut, kA, 91, 1700});
  ops.push_back(maintain);
  return ops;
}

TEST_CASE("a power cut at any call loses nothing that is retained") {
  const std::vector<Op> workload = make_workload();
  bool reached_the_end = false;
  for (std::uint64_t call = 0; !reached_the_end; ++call) {
    for (std::uint64_t variant = 0; variant < 4; ++variant) {
      INFO("power off at call " << call << ", variant " << variant);
      Fixture f;
      f.store.reset();
      f.options.snapshot_every_bytes = 10'000;
      f.store = f.open();
      const std::uint64_t begun = f.fs->calls();
      f.fs->fail_at(begun + call, Fault::kPowerOff);
      f.strict = false;
      Expected expected;
      std::optional<Op> in_doubt;
      for (const Op& op : workload) {
        if (!testing::apply(*f.store, op)) {
          in_doubt = op;
          break;
        }
        expected.acknowledged(op);
      }
      reached_the_end = f.fs->calls() <= begun + call;
      f.store.reset();
      Prng prng(call * 4 + variant);
      f.fs->crash(prng);
      f.strict = true;
      f.reopen(variant % 2 == 0);
      for (const ObjectId& id : kIds) {
        const Seen seen = testing::look(*f.store, id);
        Expected here = expected;
        if (in_doubt && in_doubt->id == id && seen == in_doubt->outcome()) here.acknowledged(*in_doubt);
        INFO(to_string(id) << " at revision " << seen.revision);
        REQUIRE(seen == here.now[id]);
        REQUIRE(f.revisions(id) == here.retained[id]);
      }
    }
  }
}

}  // namespace
}  // namespace brigade::store
