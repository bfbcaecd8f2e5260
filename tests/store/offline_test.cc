// The tools for a node that is stopped: they find every damage, and change nothing.
#include "brigade/store/offline.h"

#include "support.h"

#include <filesystem>
#include <map>

#include <catch2/catch.hpp>

#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::body;
using testing::id_of;
using testing::key_of;

struct Fixture {
  testing::TempDir temp;
  PosixFileSystem fs;
  std::string dir = temp.path("store");

  std::unique_ptr<ObjectStore> open() {
    auto opened = open_segment_store(fs, dir, testing::tiny_options());
    REQUIRE(opened);
    return std::move(*opened);
  }
  /// Puts, overwrites, removals, forgets, large objects, compaction and index snapshots.
  void fill() {
    const auto store = open();
    for (std::uint64_t i = 1; i <= 120; ++i) {
      const ObjectId id = id_of(static_cast<std::uint16_t>(i % 3), i % 40);
      REQUIRE(testing::put(*store, id, i, body(i, i % 20 == 0 ? 70'000 : 100 + i * 7)));
      if (i % 9 == 0) REQUIRE(testing::remove(*store, id_of(0, i % 40), 1000 + i));
      if (i % 10 == 0) REQUIRE(store->forget(id, Revision{i}));
      if (i % 3 == 0) testing::maintain_all(*store);
    }
    REQUIRE(testing::put(*store, kKept, 1, body(1, 500)));
    REQUIRE(testing::put(*store, kKept, 2, body(2, 600)));
    REQUIRE(testing::put(*store, kLarge, 3, body(3, 150'000)));
    REQUIRE(testing::remove(*store, kGone, 4));
  }
  CheckReport check() {
    auto report = check_store(fs, dir, {});
    if (!report) FAIL(report.error().detail());
    for (const Damage& d : report->damage) UNSCOPED_INFO(d.file << " " << d.offset << " " << d.reason << " " << d.key);
    return std::move(*report);
  }
  std::vector<DumpedRecord> dump(std::optional<ObjectId> only = std::nullopt) {
    std::vector<DumpedRecord> records;
    REQUIRE(dump_store(fs, dir, only, [&](const DumpedRecord& record) { records.push_back(record); }, {}));
    return records;
  }
  DumpedRecord present(const ObjectId& id) {
    for (const DumpedRecord& record : dump(id))
      if (record.state == RecordState::kLive || record.state == RecordState::kTombstone) return record;
    FAIL("no record of " << to_string(id));
    return {};
  }
  std::map<std::string, std::pair<std::uintmax_t, std::filesystem::file_time_type>> state() {
    std::map<std::string, std::pair<std::uintmax_t, std::filesystem::file_time_type>> files;
    for (const std::string& name : testing::files_below(dir)) {
      const std::string path = dir + "/" + name;
      files[name] = {std::filesystem::file_size(path), std::filesystem::last_write_time(path)};
    }
    return files;
  }
  const ObjectId kKept = id_of(9, 1), kLarge = id_of(9, 2), kGone = id_of(9, 3);
};

TEST_CASE_METHOD(Fixture, "a store that was used hard is clean") {
  fill();
  const CheckReport report = check();
  REQUIRE(report.damage.empty());
  REQUIRE(report.has_snapshot);
  const StoreStats stats = open()->stats();
  REQUIRE(report.objects == stats.objects);
  REQUIRE(report.tombstones == stats.tombstones);
  REQUIRE(report.records > stats.objects);
  REQUIRE(report.large_files >= 1);
}

TEST_CASE_METHOD(Fixture, "neither a check nor a dump changes a file") {
  fill();
  const auto before = state();
  check();
  dump();
  REQUIRE(state() == before);
}

TEST_CASE_METHOD(Fixture, "a directory without a store is named, and not made") {
  const Result<CheckReport> report = check_store(fs, dir, {});
  REQUIRE(report.error().code() == Errc::kNotFound);
  REQUIRE_THAT(report.error().detail(), Catch::Contains(dir));
  REQUIRE(rebuild_index(fs, dir, {}).error().code() == Errc::kNotFound);
  REQUIRE_FALSE(std::filesystem::exists(dir));
}

TEST_CASE_METHOD(Fixture, "every damaged part of a record is found, with its key where the header is good") {
  fill();
  const DumpedRecord record = present(kKept);
  REQUIRE(record.state == RecordState::kLive);
  const std::uint64_t header = 256, footer = record.offset + header + 640;
  std::uint64_t at = 0;
  bool has_key = false;
  SECTION("its header") {
    at = record.offset + 40;
  }
  SECTION("its body") {
    at = record.offset + header + 17;
    has_key = true;
  }
  SECTION("what pads the body") {
    at = record.offset + header + 601;
    has_key = true;
  }
  SECTION("its footer") {
    at = footer + 20;
    has_key = true;
  }
  testing::flip_bit(record.file, at, 2);
  const CheckReport report = check();
  REQUIRE(report.damage.size() >= 1);
  REQUIRE(report.damage.front().file == record.file);
  REQUIRE(report.damage.front().offset == record.offset);
  REQUIRE(report.damage.front().key == (has_key ? key_of(kKept) : ""));
}

TEST_CASE_METHOD(Fixture, "a record of which nothing can be read is missed by the index") {
  fill();
  const DumpedRecord record = present(kKept);
  {
    const auto store = open();  // a start brings it into the index; what is written makes a snapshot due
    for (std::uint64_t i = 0; i < 30; ++i) {
      REQUIRE(testing::put(*store, id_of(5, i), 1, body(i, 1000)));
      testing::maintain_all(*store);
    }
  }
  const DumpedRecord now = present(kKept);
  testing::flip_bit(now.file, now.offset + 40);
  testing::flip_bit(now.file, now.offset + 256 + 640 + 20);
  const CheckReport report = check();
  REQUIRE_FALSE(report.damage.empty());
  bool is_missed = false;
  for (const Damage& d : report.damage) is_missed = is_missed || d.reason.find(to_string(kKept)) != std::string::npos;
  REQUIRE(is_missed);
}

TEST_CASE_METHOD(Fixture, "a large object's file is read to its end") {
  fill();
  const DumpedRecord record = present(kLarge);
  SECTION("a bit of a block") {
    testing::flip_bit(record.body_file, 4096 + 65536 + 9);
    const CheckReport report = check();
    REQUIRE(report.damage.size() == 1);
    REQUIRE(report.damage.front().file == record.body_file);
    REQUIRE(report.damage.front().offset == 4096 + 65536);
    REQUIRE(report.damage.front().key == key_of(kLarge));
  }
  SECTION("a bit of a block's checksum") {
    testing::flip_bit(record.body_file, 4096 + 150'000 + 3);
    REQUIRE(check().damage.size() == 1);
  }
  SECTION("a bit of its header") {
    testing::flip_bit(record.body_file, 50);
    REQUIRE(check().damage.size() == 1);
  }
  SECTION("it is gone") {
    std::filesystem::remove(record.body_file);
    REQUIRE(check().damage.size() == 1);
  }
}

TEST_CASE_METHOD(Fixture, "an index snapshot that is damaged is told of, and can be made anew") {
  fill();
  testing::flip_bit(dir + "/objects/index.snap", 700);
  const CheckReport report = check();
  REQUIRE(report.damage.size() == 1);
  REQUIRE(report.damage.front().file == dir + "/objects/index.snap");
  const auto before = dump();
  const Result<RebuildReport> rebuilt = rebuild_index(fs, dir, {});
  REQUIRE(rebuilt);
  REQUIRE(rebuilt->damage.empty());
  REQUIRE(rebuilt->objects == report.objects);
  REQUIRE(check().damage.empty());
  REQUIRE(check().has_snapshot);
  REQUIRE(dump().size() == before.size());
  REQUIRE(open()->stats().objects == report.objects);
}

TEST_CASE_METHOD(Fixture, "an index snapshot that says something else than the segments is told of") {
  fill();
  // Of another store with the same salt, where other objects are, in segments of the same names.
  const std::string own = dir;
  dir = temp.path("other");
  fill();
  {
    const auto store = open();
    for (std::uint64_t i = 0; i < 60; ++i) {
      REQUIRE(testing::put(*store, id_of(77, i), 1, body(i, 1900)));
      testing::maintain_all(*store);
    }
  }
  std::filesystem::copy_file(dir + "/objects/index.snap", own + "/objects/index.snap",
                             std::filesystem::copy_options::overwrite_existing);
  dir = own;
  const CheckReport report = check();
  REQUIRE_FALSE(report.damage.empty());
  REQUIRE_THAT(report.damage.back().reason, Catch::Contains("the index"));
  REQUIRE(rebuild_index(fs, dir, {}));
  REQUIRE(check().damage.empty());
}

TEST_CASE_METHOD(Fixture, "a dump tells what each record is") {
  fill();
  const auto kept = dump(kKept);
  REQUIRE(kept.size() >= 1);
  REQUIRE(kept.back().state == RecordState::kLive);
  REQUIRE(kept.back().revision == Revision{2});
  REQUIRE(kept.back().key == key_of(kKept));
  REQUIRE(kept.back().size == 600);
  for (std::size_t i = 0; i + 1 < kept.size(); ++i) REQUIRE(kept[i].state == RecordState::kSuperseded);
  REQUIRE(present(kGone).state == RecordState::kTombstone);
  REQUIRE_FALSE(present(kLarge).body_file.empty());
  std::map<RecordState, int> states;
  for (const DumpedRecord& record : dump()) ++states[record.state];
  REQUIRE(states[RecordState::kLive] == static_cast<int>(open()->stats().objects));
  REQUIRE(states[RecordState::kTombstone] == static_cast<int>(open()->stats().tombstones));
  REQUIRE(states[RecordState::kLost] == 0);
}

}  // namespace
}  // namespace brigade::store
