// Bits that turned over, files that were cut off, and sectors that can't be read.
#include "support.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>

#include <catch2/catch.hpp>

#include "brigade/base/checksum.h"
#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::Body;
using testing::body;
using testing::get;
using testing::id_of;
using testing::key_of;
using testing::put;

const ObjectId kA = id_of(0x1200, 1), kB = id_of(0x1200, 2);
const BucketId kHome{0x1200};

struct Report {
  std::string file;
  std::uint64_t offset;
  std::string reason;
};

struct Fixture {
  testing::TempDir dir;
  PosixFileSystem fs;
  std::vector<Report> reports;
  SegmentStoreOptions options = testing::tiny_options();
  std::unique_ptr<ObjectStore> store = open();

  std::unique_ptr<ObjectStore> open() {
    options.on_corrupt = [this](const std::string& file, std::uint64_t offset, const std::string& reason) {
      reports.push_back({file, offset, reason});
    };
    auto opened = open_segment_store(fs, dir.path("store"), options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  void reopen() {
    store.reset();
    store = open();
  }
  std::vector<std::string> files(const std::string& in) {
    std::vector<std::string> paths;
    for (const std::string& name : testing::files_below(dir.path("store/objects/" + in)))
      paths.push_back(dir.path("store/objects/" + in + "/" + name));
    return paths;
  }
  std::string first_segment() { return dir.path("store/objects/segments/00000001.seg"); }
  /// Overwrites a third object until all that was there before has been compacted or written anew.
  void churn(int puts = 60) {
    for (int i = 0; i < puts; ++i) {
      ++churned;
      REQUIRE(put(*store, id_of(7, 7), churned, body(churned, 1900)));
      testing::maintain_all(*store);
    }
  }
  std::uint64_t churned = 0;
};

/// Where the first record of a segment starts, and its body if its header is short.
constexpr std::uint64_t kFirst = 4096, kFirstBody = 4096 + 256;

TEST_CASE_METHOD(Fixture, "a store with a segment of another format version is refused, and left as it is") {
  REQUIRE(put(*store, kA, 1, body(100, 1)));
  store.reset();
  std::fstream file(first_segment(), std::ios::in | std::ios::out | std::ios::binary);
  std::array<char, 56> header{};
  file.read(header.data(), header.size());
  header[8] = 2;
  const std::uint64_t sum = checksum(std::as_bytes(std::span(header).first(48)));
  std::memcpy(header.data() + 48, &sum, sizeof sum);
  for (const int copy : {0, 2048}) {
    file.seekp(copy);
    file.write(header.data(), header.size());
  }
  file.close();
  std::ofstream(dir.path("store/objects/tmp/upload")) << "half";
  const auto before = testing::files_below(dir.path("store"));
  const auto opened = open_segment_store(fs, dir.path("store"), options);
  REQUIRE_FALSE(opened);
  REQUIRE(opened.error().code() == Errc::kConflict);
  REQUIRE(opened.error().detail().find("00000001.seg: it has format version 2") != std::string::npos);
  REQUIRE(testing::files_below(dir.path("store")) == before);
  REQUIRE(reports.empty());
}

TEST_CASE_METHOD(Fixture, "a bit that turned over in a body is never returned") {
  const Body bytes = body(1, 200'000);
  REQUIRE(put(*store, kA, 10, bytes));
  // Within the 3rd of 4 blocks, or its checksum in the trailer.
  const std::uint64_t offset = GENERATE(4096u + 131'072u + 5u, 4096u + 200'000u + 16u);
  const std::string file = files("large").front();
  testing::flip_bit(file, offset, 3);
  const auto reader = store->open(kA, key_of(kA));
  REQUIRE(reader);

  Body part(60'000);
  REQUIRE(*(*reader)->read(0, part) == part.size());
  REQUIRE(std::equal(part.begin(), part.end(), bytes.begin()));
  REQUIRE((*reader)->read(140'000, part).error().code() == Errc::kCorrupt);
  // A read that begins before the damage gives what is good, and then says so.
  Body all(200'000);
  REQUIRE(*(*reader)->read(0, all) == 131'072);
  REQUIRE((*reader)->read(131'072, all).error().code() == Errc::kCorrupt);
  REQUIRE(*(*reader)->read(196'608, part) == 200'000 - 196'608);

  REQUIRE(reports.size() == 1);
  REQUIRE(reports.front().file == file);
  REQUIRE(reports.front().offset == 4096 + 131'072);  // the block
  REQUIRE(store->stats().corrupt == 1);
  REQUIRE(store->find(kA)->corrupt);
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  // It is not vouched for, and not denied either.
  REQUIRE(store->digest(kHome, 1) == Digest{});
  REQUIRE(store->list(kHome, 1).size() == 1);
  testing::require_consistent(*store, {kHome.value});
}

TEST_CASE_METHOD(Fixture, "a damaged record is repaired by a commit of the same revision") {
  const bool large = GENERATE(false, true);
  const Body bytes = body(1, large ? 200'000 : 2000);
  REQUIRE(put(*store, kA, 10, bytes));
  testing::flip_bit(large ? files("large").front() : first_segment(), 5000);
  REQUIRE(get(*store, kA).error().code() == Errc::kCorrupt);
  REQUIRE(put(*store, kA, 9, bytes).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 10, bytes));
  for (int round = 0; round < 2; ++round) {
    REQUIRE(get(*store, kA).value() == bytes);
    REQUIRE_FALSE(store->find(kA)->corrupt);
    testing::require_consistent(*store, {kHome.value});
    reopen();
  }
}

TEST_CASE_METHOD(Fixture, "a record that its reader found damaged can be repaired too") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  store->mark_corrupt(kA, Revision{9});
  REQUIRE_FALSE(store->find(kA)->corrupt);
  store->mark_corrupt(kA, Revision{10});
  store->mark_corrupt(kA, Revision{10});
  REQUIRE(reports.size() == 1);
  REQUIRE(store->open(kA).error().code() == Errc::kCorrupt);
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(get(*store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "a damaged record is found at the start, reported, and not taken for absence") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(put(*store, kB, 10, body(2, 100)));
  SECTION("a bit of the header") {
    testing::flip_bit(first_segment(), kFirst + 33);
  }
  SECTION("the magic") {
    testing::flip_bit(first_segment(), kFirst);
  }
  SECTION("the lengths") {
    testing::flip_bit(first_segment(), kFirst + 136);
  }
  reopen();
  REQUIRE(reports.size() == 1);
  REQUIRE(reports.front().file == first_segment());
  REQUIRE(reports.front().offset == kFirst);
  REQUIRE(reports.front().reason.find(to_string(kA)) != std::string::npos);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(store->stats().objects - (churned > 0 ? 1 : 0) == 1);
    REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
    REQUIRE(store->meta(kA).error().code() == Errc::kCorrupt);
    REQUIRE(store->find(kA)->revision == Revision{10});
    REQUIRE(store->find(kA)->corrupt);
    REQUIRE(get(*store, kB).value() == body(2, 100));
    testing::require_consistent(
        *store, churned > 0 ? std::vector<std::uint16_t>{kHome.value, 7} : std::vector<std::uint16_t>{kHome.value});
    // The segment is set aside when what is good in it was copied; that there was a record is not forgotten.
    if (round == 0) churn();
    if (round == 1) REQUIRE(files("corrupt").size() == 1);
    if (round == 1) reopen();
  }
  REQUIRE(put(*store, kA, 9, body(1, 100)).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  reports.clear();
  reopen();
  REQUIRE(reports.empty());
  REQUIRE(get(*store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "damage to what was written last before an orderly end is not taken for a torn write") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  store->confirm();
  store.reset();
  testing::flip_bit(first_segment(), kFirstBody);
  store = open();
  REQUIRE(get(*store, kA).error().code() == Errc::kCorrupt);
  REQUIRE(reports.size() == 1);
  REQUIRE(reports.front().offset == kFirst);
}

TEST_CASE_METHOD(Fixture, "a body that turned bad is found before its segment is compacted away") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(put(*store, kB, 10, body(2, 100)));
  testing::flip_bit(first_segment(), kFirstBody + 7);
  churn();
  REQUIRE(reports.size() == 1);
  REQUIRE(reports.front().file == first_segment());
  REQUIRE(reports.front().offset == kFirst);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
    REQUIRE(get(*store, kB).value() == body(2, 100));
    reopen();
  }
}

TEST_CASE_METHOD(Fixture, "a header that was damaged while the store runs is found when it is needed") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  testing::flip_bit(first_segment(), kFirst + 33);
  SECTION("by a read") {
    REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  }
  SECTION("by the commit that repairs it") {}
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(reports.size() == 1);
  REQUIRE(get(*store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "a file that vanished is damage, not absence") {
  REQUIRE(put(*store, kA, 10, body(1, 9000)));
  std::filesystem::remove(files("large").front());
  if (GENERATE(false, true)) reopen();
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(store->find(kA)->corrupt);
  REQUIRE(put(*store, kA, 11, body(2, 9000)));
  REQUIRE(get(*store, kA).value() == body(2, 9000));
}

TEST_CASE_METHOD(Fixture, "a segment that vanished is damage to all that the snapshot says it held") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(put(*store, kB, 10, body(1, 100)));
  for (std::uint64_t i = 0; i < 20; ++i) REQUIRE(put(*store, id_of(8, i), 1, body(i, 1900)));
  testing::maintain_all(*store);
  REQUIRE(std::filesystem::exists(dir.path("store/objects/index.snap")));
  store.reset();
  std::filesystem::remove(first_segment());
  store = open();
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(reports.size() >= 2);
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  churn();
  reopen();
  REQUIRE(get(*store, kA).value() == body(1, 100));
  REQUIRE(store->find(kB)->corrupt);
}

TEST_CASE_METHOD(Fixture, "two files that changed names are both damaged") {
  REQUIRE(put(*store, kA, 10, body(1, 9000)));
  REQUIRE(put(*store, kB, 10, body(2, 9000)));
  const std::string a = files("large")[0], b = files("large")[1];
  std::filesystem::rename(a, dir.path("x"));
  std::filesystem::rename(b, a);
  std::filesystem::rename(dir.path("x"), b);
  if (GENERATE(false, true)) reopen();
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(store->open(kB, key_of(kB)).error().code() == Errc::kCorrupt);
}

TEST_CASE_METHOD(Fixture, "two segments that changed names are both damaged, and the start goes on") {
  for (std::uint64_t i = 0; i < 20; ++i) REQUIRE(put(*store, id_of(0x1200, i), 1, body(i, 1900)));
  store.reset();
  const std::string a = first_segment(), b = dir.path("store/objects/segments/00000002.seg");
  std::filesystem::rename(a, dir.path("x"));
  std::filesystem::rename(b, a);
  std::filesystem::rename(dir.path("x"), b);
  store = open();
  REQUIRE(reports.size() >= 2);
  for (std::uint64_t i = 0; i < 20; ++i)
    if (const auto got = get(*store, id_of(0x1200, i)); got) REQUIRE(*got == body(i, 1900));
  REQUIRE(put(*store, kA, 10, body(1, 100)));
}

TEST_CASE_METHOD(Fixture, "files that are none of the store's are left alone") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  for (const std::string name : {"segments/notes.txt", "large/notes.txt", "segments/0000000G.seg"})
    std::ofstream(dir.path("store/objects/" + name)) << "hello";
  reopen();
  REQUIRE(reports.empty());
  REQUIRE(get(*store, kA).value() == body(1, 100));
  REQUIRE(std::filesystem::exists(dir.path("store/objects/segments/notes.txt")));
}

TEST_CASE_METHOD(Fixture, "an older revision does not come back because the newer one is damaged") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(testing::remove(*store, kA, 20));
  REQUIRE(put(*store, kB, 1, body(1, 100)));
  testing::flip_bit(first_segment(), kFirst + 256 + 128 + 64 + 33);  // the tombstone's header
  reopen();
  REQUIRE(reports.size() == 1);
  REQUIRE(store->find(kA)->revision == Revision{20});
  REQUIRE(store->find(kA)->tombstone);
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
}

TEST_CASE_METHOD(Fixture, "without a single segment header that can be read the store is not taken for empty") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  store.reset();
  testing::flip_bit(first_segment(), 20);
  SECTION("one copy of the header is enough") {
    store = open();
    REQUIRE(get(*store, kA).value() == body(1, 100));
    REQUIRE(reports.empty());
  }
  SECTION("both are gone") {
    testing::flip_bit(first_segment(), 2048 + 20);
    REQUIRE(open_segment_store(fs, dir.path("store"), options).error().code() == Errc::kCorrupt);
  }
}

TEST_CASE_METHOD(Fixture, "a segment without a header is read with what its neighbours know") {
  for (std::uint64_t i = 0; i < 20; ++i) REQUIRE(put(*store, id_of(0x1200, i), 1, body(i, 1900)));
  store.reset();
  testing::flip_bit(first_segment(), 20);
  testing::flip_bit(first_segment(), 2048 + 20);
  store = open();
  REQUIRE(reports.size() == 1);
  for (std::uint64_t i = 0; i < 20; ++i) REQUIRE(get(*store, id_of(0x1200, i)).value() == body(i, 1900));
}

TEST_CASE("a sector that can't be read is damage to a record, not the end of the store") {
  MemoryFileSystem fs;
  auto store = open_segment_store(fs, "/store", testing::tiny_options());
  REQUIRE(store);
  const std::size_t size = GENERATE(100u, 9000u);
  REQUIRE(put(**store, kA, 10, body(1, size)));
  fs.fail_from_now(Fault::kIo);
  REQUIRE((*store)->open(kA).error().code() == Errc::kCorrupt);
  fs.heal();
  REQUIRE((*store)->find(kA)->corrupt);
  REQUIRE_FALSE((*store)->failed());
  REQUIRE(put(**store, kA, 10, body(1, size)));
  REQUIRE(get(**store, kA).value() == body(1, size));
}

/// A store in memory with a few objects, the same each time, so that any byte of its files can be damaged in turn.
struct Victims {
  MemoryFileSystem fs;
  SegmentStoreOptions options = testing::tiny_options();
  std::map<ObjectId, Body> bodies;
  std::vector<Report> reports;

  explicit Victims(bool with_snapshot) {
    options.snapshot_every_bytes = with_snapshot ? 1 : 1 << 20;
    options.on_corrupt = [this](const std::string& file, std::uint64_t offset, const std::string& reason) {
      reports.push_back({file, offset, reason});
    };
    auto store = open_segment_store(fs, "/store", options);
    for (std::uint64_t i = 0; i < 12; ++i) {
      const ObjectId id = id_of(0x1200, i);
      bodies[id] = body(i, i == 5 ? 3000 : i * 113);
      REQUIRE(put(**store, id, 5, body(i + 100, 50)));
      REQUIRE(put(**store, id, 10, bodies[id]));
    }
    // Until then what came last could not be told from a write that a power cut tore.
    testing::maintain_all(**store);
    REQUIRE(fs.info("/store/objects/index.snap").has_value() == with_snapshot);
  }

  std::vector<std::string> files() {
    std::vector<std::string> all;
    for (const std::string dir : {"/store/objects", "/store/objects/segments", "/store/objects/large/12"})
      for (const std::string& name : *fs.list(dir))
        if (!fs.info(dir + "/" + name)->is_directory && !name.ends_with(".spare")) all.push_back(dir + "/" + name);
    return all;
  }

  void flip(const std::string& name, std::uint64_t offset) {
    auto file = fs.open(name, OpenMode::kWrite);
    std::array<std::byte, 1> one{};
    REQUIRE(*(*file)->read(offset, one) == 1);
    one[0] ^= static_cast<std::byte>(1 << (offset % 8));
    REQUIRE((*file)->write(offset, one));
  }

  void check() {
    auto store = open_segment_store(fs, "/store", options);
    REQUIRE(store);
    std::size_t wrong = 0;
    for (const auto& [id, bytes] : bodies) {
      const Result<Body> got = get(**store, id);
      if (got) REQUIRE(*got == bytes);
      if (!got) ++wrong;
    }
    // Others are unharmed, and whatever was harmed was reported with its place.
    REQUIRE(wrong <= 1);
    if (wrong > 0) REQUIRE_FALSE(reports.empty());
    for (const Report& report : reports) {
      REQUIRE(report.file.starts_with("/store/objects/"));
      REQUIRE_FALSE(report.reason.empty());
    }
    testing::require_consistent(**store, {0x1200});
  }
};

TEST_CASE("no bit of a segment or snapshot can turn over and give a wrong byte or harm another object") {
  const bool with_snapshot = GENERATE(false, true);
  const std::vector<std::string> names = Victims(with_snapshot).files();
  REQUIRE(names.size() == (with_snapshot ? 4 : 3));
  std::uint64_t found = 0;
  for (const std::string& name : names) {
    const std::uint64_t size = Victims(with_snapshot).fs.info(name)->bytes;
    for (std::uint64_t offset = 0; offset < size; offset += 61) {
      INFO(name << " offset " << offset);
      Victims victims(with_snapshot);
      victims.flip(name, offset);
      victims.check();
      if (!victims.reports.empty()) ++found;
    }
  }
  REQUIRE(found > 100);
}

}  // namespace
}  // namespace brigade::store
