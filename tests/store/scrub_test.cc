// A scrub finds every injected fault (R5), marks what is damaged, and what is good goes on.
#include "support.h"

#include <filesystem>
#include <set>

#include <catch2/catch.hpp>

#include "brigade/base/prng.h"
#include "brigade/store/offline.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::body;
using testing::id_of;

struct Fixture {
  testing::TempDir temp;
  PosixFileSystem fs;
  std::string dir = temp.path("store");
  SegmentStoreOptions options = testing::tiny_options();
  std::vector<std::string> reports;
  std::unique_ptr<ObjectStore> store = open();

  std::unique_ptr<ObjectStore> open() {
    options.on_corrupt = [this](const std::string& file, std::uint64_t offset, const std::string& reason) {
      reports.push_back(file + " " + std::to_string(offset) + " " + reason);
    };
    auto opened = open_segment_store(fs, dir, options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  static ObjectId id(std::uint64_t i) { return id_of(static_cast<std::uint16_t>(i % 5), i); }
  static std::size_t size(std::uint64_t i) { return i % 10 == 0 ? 150'000 : 100 + i * 17; }
  void fill(std::uint64_t objects = 60) {
    for (std::uint64_t i = 1; i <= objects; ++i) REQUIRE(testing::put(*store, id(i), 1, body(i, size(i))));
    testing::maintain_all(*store);
  }
  /// One pass, in pieces of `bytes`.
  std::uint64_t scrub(std::uint64_t bytes = 5000) {
    const std::uint64_t before = store->scrub_progress().passes;
    store->restart_scrub();
    std::uint64_t read = 0;
    for (int i = 0; store->scrub_progress().passes == before; ++i) {
      REQUIRE(i < 10'000);
      read += store->scrub(bytes, WallTime{7});
    }
    return read;
  }
  std::vector<DumpedRecord> live() {
    std::vector<DumpedRecord> records;
    const auto add = [&](const DumpedRecord& record) {
      if (record.state == RecordState::kLive) records.push_back(record);
    };
    REQUIRE(dump_store(fs, dir, std::nullopt, add, {}));
    return records;
  }
  DumpedRecord record_of(std::uint64_t i) {
    for (const DumpedRecord& record : live())
      if (record.id == id(i)) return record;
    FAIL("object " << i << " is not there");
    return {};
  }
};

TEST_CASE_METHOD(Fixture, "a scrub of a store without damage finds none, and says how far it is") {
  fill();
  REQUIRE(store->scrub_progress().started.unix_ms == 0);
  const std::uint64_t read = scrub();
  REQUIRE(reports.empty());
  const ScrubProgress progress = store->scrub_progress();
  REQUIRE(progress.passes == 1);
  REQUIRE(progress.started == WallTime{7});
  REQUIRE(progress.bytes_done == progress.bytes_total);
  REQUIRE(read >= 6 * 150'000 + 60 * 256);
  REQUIRE(progress.bytes_total <= read);
  REQUIRE(store->stats().damaged == 0);
}

TEST_CASE_METHOD(Fixture, "a scrub of an empty store ends at once") {
  REQUIRE(scrub() == 0);
  REQUIRE(store->scrub_progress().bytes_total == 0);
}

TEST_CASE_METHOD(Fixture,
                 "a scrub finds every fault: in header, body, footer, index, and in each part of a large file") {
  fill();
  const std::uint64_t hit = GENERATE(3, 30, 60);  // an early, a large, the last
  const DumpedRecord record = record_of(hit);
  const std::uint64_t head = 256, body_bytes = record.body_file.empty() ? (record.size + 63) / 64 * 64 : 0;
  const int part = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(hit, part, record.file, record.offset);
  const bool is_large = !record.body_file.empty();
  switch (part) {
    case 0:
      testing::flip_bit(record.file, record.offset + 70, 3);
      break;
    case 1:
      is_large ? testing::flip_bit(record.body_file, 4096 + 70'000)
               : testing::flip_bit(record.file, record.offset + head + 50);
      break;
    case 2:
      testing::flip_bit(record.file, record.offset + head + body_bytes + 30);
      break;
    case 3:  // both ends: nothing in the segment says that there was a record
      testing::flip_bit(record.file, record.offset + 70, 3);
      testing::flip_bit(record.file, record.offset + head + body_bytes + 30);
      break;
    case 4:
      if (is_large)
        std::filesystem::remove(record.body_file);
      else
        testing::flip_bit(record.file, record.offset + head);
      break;
    default:
      break;
  }
  scrub(GENERATE(1u, 5000u, 1'000'000u));
  REQUIRE(store->stats().damaged == 1);
  REQUIRE(store->damaged(10).size() == 1);
  REQUIRE(store->damaged(10).front().id == id(hit));
  REQUIRE_FALSE(reports.empty());
  const std::size_t told = reports.size();
  scrub();
  REQUIRE(reports.size() == told);

  // Replaced: all is good again, and the damaged segment is out of the way.
  REQUIRE(testing::put(*store, id(hit), 1, body(hit, size(hit))));
  REQUIRE(store->stats().damaged == 0);
  REQUIRE(store->stats().repaired == 1);
  testing::maintain_all(*store);
  REQUIRE(store->scrub_progress().set_aside == 0);
  for (std::uint64_t i = 1; i <= 60; ++i) REQUIRE(testing::get(*store, id(i)).value() == body(i, size(i)));
  store.reset();
  const Result<CheckReport> report = check_store(fs, dir, {});
  REQUIRE(report);
  for (const Damage& d : report->damage) UNSCOPED_INFO(d.file << " " << d.offset << " " << d.reason);
  REQUIRE(report->damage.empty());
}

TEST_CASE_METHOD(Fixture, "a scrub finds many faults in one pass") {
  fill(200);
  std::set<ObjectId> hit;
  for (const DumpedRecord& record : live()) {
    if (record.lsn % 3 != 0) continue;
    hit.insert(record.id);
    testing::flip_bit(record.body_file.empty() ? record.file : record.body_file,
                      record.body_file.empty() ? record.offset + 256 + 20 : 4096 + record.lsn % 100);
  }
  scrub();
  std::set<ObjectId> found;
  for (const IndexEntry& entry : store->damaged(1000)) found.insert(entry.id);
  REQUIRE(found == hit);
  REQUIRE(store->damaged(5).size() == 5);
  testing::maintain_all(*store);  // what is good is moved, what is damaged is remembered
  REQUIRE(store->stats().damaged == hit.size());
  for (std::uint64_t i = 1; i <= 200; ++i) {
    if (hit.contains(id(i))) REQUIRE(testing::put(*store, id(i), 1, body(i, size(i))));
    REQUIRE(testing::get(*store, id(i)).value() == body(i, size(i)));
  }
  REQUIRE(store->stats().repaired == hit.size());
}

TEST_CASE_METHOD(Fixture, "wherever bits turn over, after one pass each object is right or known to be damaged") {
  const auto seed = GENERATE(range(1u, 13u));
  CAPTURE(seed);
  Prng prng(seed);
  fill(150);
  for (std::uint64_t i = 1; i <= 150; i += 4) REQUIRE(testing::put(*store, id(i), 2, body(i, size(i))));
  const auto revision = [](std::uint64_t i) { return i % 4 == 1 ? 2u : 1u; };
  testing::maintain_all(*store);
  for (const std::string& name : testing::files_below(dir + "/objects")) {
    if (!name.ends_with(".seg") && !name.starts_with("large/")) continue;
    const std::string path = dir + "/objects/" + name;
    for (int flips = 0; flips < 3; ++flips)
      testing::flip_bit(path, 4096 + prng.below(std::filesystem::file_size(path) - 4096), flips);
  }
  scrub();
  std::set<ObjectId> damaged;
  for (const IndexEntry& entry : store->damaged(1000)) damaged.insert(entry.id);
  REQUIRE_FALSE(damaged.empty());
  for (std::uint64_t i = 1; i <= 150; ++i) {
    if (damaged.contains(id(i)))
      REQUIRE(testing::put(*store, id(i), revision(i), body(i, size(i))));
    else
      REQUIRE(testing::get(*store, id(i)).value() == body(i, size(i)));
  }
  REQUIRE(store->stats().damaged == 0);
  testing::maintain_all(*store);
  const std::size_t told = reports.size();
  scrub();
  REQUIRE(reports.size() == told);
  for (std::uint64_t i = 1; i <= 150; ++i) REQUIRE(testing::get(*store, id(i)).value() == body(i, size(i)));
  store.reset();
  const Result<CheckReport> report = check_store(fs, dir, {});
  REQUIRE(report);
  for (const Damage& d : report->damage) UNSCOPED_INFO(d.file << " " << d.offset << " " << d.reason);
  REQUIRE(report->damage.empty());
}

TEST_CASE_METHOD(Fixture, "damage in a record that does not count any more puts the segment aside") {
  fill(20);
  const DumpedRecord record = record_of(3);
  REQUIRE(testing::put(*store, id(3), 2, body(99, 50)));
  testing::flip_bit(record.file, record.offset + 256 + 5);
  scrub();
  REQUIRE(reports.size() == 1);
  REQUIRE(store->stats().damaged == 0);
  REQUIRE(store->scrub_progress().set_aside == 1);
  testing::maintain_all(*store);
  REQUIRE(store->scrub_progress().set_aside == 0);
  REQUIRE_FALSE(std::filesystem::exists(record.file));
}

TEST_CASE_METHOD(Fixture, "a scrub goes on under writes, removals and compaction, and takes none of them for damage") {
  fill(100);
  for (std::uint64_t round = 2; round < 30; ++round) {
    for (std::uint64_t i = round % 7; i < 100; i += 7) {
      if (i == 0) continue;
      if (round % 5 == 0)
        REQUIRE(testing::remove(*store, id(i), round));
      else
        REQUIRE(testing::put(*store, id(i), round, body(i, size(i))));
      store->scrub(700, WallTime{round > 5 ? 1 : 2});
      store->maintain(WallTime{});
    }
  }
  scrub();
  REQUIRE(reports.empty());
  REQUIRE(store->stats().damaged == 0);
}

TEST_CASE_METHOD(Fixture, "a pass goes on after a restart where it was, roughly") {
  fill(100);
  while (store->scrub_progress().bytes_done * 2 < store->scrub_progress().bytes_total + 1)
    store->scrub(5000, WallTime{7});
  const ScrubProgress before = store->scrub_progress();
  store.reset();
  store = open();
  store->scrub(1, WallTime{8});
  const ScrubProgress after = store->scrub_progress();
  REQUIRE(after.started == WallTime{7});
  REQUIRE(after.bytes_done > 0);
  REQUIRE(after.bytes_done <= before.bytes_done + 2000);
  SECTION("but what was noted is no more than a hint") {
    store.reset();
    testing::flip_bit(dir + "/objects/scrub.position", 2);
    store = open();
    store->scrub(1, WallTime{9});
    REQUIRE(store->scrub_progress().started == WallTime{9});
  }
}

}  // namespace
}  // namespace brigade::store
