// Bits that turned over, files that were cut off, and sectors that can't be read.
#include "support.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "brigade/store/file_store.h"
#include "brigade/store/memory_file_system.h"

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

struct Fixture {
  testing::TempDir dir;
  PosixFileSystem fs;
  std::vector<std::pair<std::string, std::string>> reports;  // file, reason
  std::unique_ptr<ObjectStore> store = open();

  std::unique_ptr<ObjectStore> open() {
    FileStoreOptions options;
    options.on_corrupt = [this](const std::string& file, const std::string& reason) {
      reports.emplace_back(file, reason);
    };
    auto opened = open_file_store(fs, dir.path("store"), options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  void reopen() {
    store.reset();
    store = open();
  }
  std::string only_file() {
    const auto files = testing::files_below(dir.path("store"));
    REQUIRE(files.size() == 1);
    return dir.path("store/" + files.front());
  }
};

TEST_CASE_METHOD(Fixture, "a bit that turned over in a body is never returned") {
  const Body bytes = body(1, 200'000);
  REQUIRE(put(*store, kA, 10, bytes));
  // Within the 3rd of 4 blocks, or its checksum in the trailer.
  const std::uint64_t offset = GENERATE(4096u + 131'072u + 5u, 4096u + 200'000u + 16u);
  testing::flip_bit(only_file(), offset, 3);
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
  REQUIRE(reports.front().first == only_file());
  REQUIRE(store->stats().corrupt == 1);
  REQUIRE(store->find(kA)->corrupt);
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  // It is not vouched for, and not denied either.
  REQUIRE(store->digest(kHome, 1) == Digest{});
  REQUIRE(store->list(kHome, 1).size() == 1);
  testing::require_consistent(*store, {kHome.value});
}

TEST_CASE_METHOD(Fixture, "a damaged record is repaired by a commit of the same revision") {
  const Body bytes = body(1, 200'000);
  REQUIRE(put(*store, kA, 10, bytes));
  testing::flip_bit(only_file(), 5000);
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

TEST_CASE_METHOD(Fixture, "a damaged header is found at the start, reported, and not taken for absence") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  const std::string file = only_file();
  REQUIRE(put(*store, kB, 10, body(2, 100)));
  SECTION("a bit") {
    testing::flip_bit(file, 33);
  }
  SECTION("the magic") {
    testing::flip_bit(file, 0);
  }
  SECTION("cut off in the body") {
    std::filesystem::resize_file(file, 4150);
  }
  SECTION("cut off in the header") {
    std::filesystem::resize_file(file, 100);
  }
  SECTION("empty") {
    std::filesystem::resize_file(file, 0);
  }
  SECTION("too long") {
    std::filesystem::resize_file(file, 9000);
  }
  reopen();
  REQUIRE(reports.size() == 1);
  REQUIRE(reports.front().first == file);
  REQUIRE_FALSE(reports.front().second.empty());
  REQUIRE(store->stats().corrupt == 1);
  REQUIRE(store->stats().objects == 1);
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(store->meta(kA).error().code() == Errc::kCorrupt);
  REQUIRE(store->find(kA)->revision == Revision{10});
  REQUIRE(get(*store, kB).value() == body(2, 100));
  testing::require_consistent(*store, {kHome.value});

  REQUIRE(put(*store, kA, 9, body(1, 100)).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  reopen();
  REQUIRE(reports.size() == 1);
  REQUIRE(get(*store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "a header that was damaged while the store runs is found when it is needed") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  testing::flip_bit(only_file(), 33);
  SECTION("by a read") {
    REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  }
  SECTION("by the commit that repairs it") {}
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(reports.size() == 1);
  REQUIRE(get(*store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "a file that vanished is damage, not absence") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  std::filesystem::remove(only_file());
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(store->find(kA)->corrupt);
  REQUIRE(put(*store, kA, 11, body(2, 100)));
  REQUIRE(get(*store, kA).value() == body(2, 100));
}

TEST_CASE_METHOD(Fixture, "two files that changed names are both damaged") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  const std::string a = only_file();
  REQUIRE(put(*store, kB, 10, body(2, 100)));
  const auto files = testing::files_below(dir.path("store"));
  const std::string b = dir.path("store/" + files[1]);
  std::filesystem::rename(a, dir.path("x"));
  std::filesystem::rename(b, a);
  std::filesystem::rename(dir.path("x"), b);
  SECTION("found at the start") {
    reopen();
    REQUIRE(reports.size() == 2);
  }
  SECTION("found by a read") {}
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(store->open(kB, key_of(kB)).error().code() == Errc::kCorrupt);
}

TEST_CASE_METHOD(Fixture, "what is no object file is moved aside and reported") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  const std::string file = only_file();
  std::ofstream(dir.path("store/objects/12/notes.txt")) << "hello";
  // A record in a directory where nobody would look for it.
  std::filesystem::create_directory(dir.path("store/objects/77"));
  const std::string name = std::filesystem::path(file).filename();
  std::filesystem::copy_file(file, dir.path("store/objects/77/" + name));
  reopen();
  REQUIRE(reports.size() == 2);
  REQUIRE(std::filesystem::exists(dir.path("store/objects/corrupt/notes.txt")));
  REQUIRE(std::filesystem::exists(dir.path("store/objects/corrupt/" + name)));
  REQUIRE(store->stats().objects == 1);
  reopen();
  REQUIRE(reports.size() == 2);
}

TEST_CASE_METHOD(Fixture, "an older revision does not come back because the newer one is damaged") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  const std::string old_file = only_file();
  std::filesystem::copy_file(old_file, dir.path("kept"));
  REQUIRE(testing::remove(*store, kA, 20));
  testing::flip_bit(only_file(), 33);
  std::filesystem::copy_file(dir.path("kept"), old_file);  // its removal did not reach the disk
  reopen();
  REQUIRE(store->find(kA)->revision == Revision{20});
  REQUIRE(store->find(kA)->tombstone);
  REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kCorrupt);
  REQUIRE(reports.size() == 2);
  REQUIRE(testing::files_below(dir.path("store/objects/corrupt")).size() == 1);  // kept for people
}

TEST_CASE("a sector that can't be read is damage to a record, not the end of the store") {
  MemoryFileSystem fs;
  auto store = open_file_store(fs, "/store");
  REQUIRE(store);
  REQUIRE(put(**store, kA, 10, body(1, 100)));
  auto reader = (*store)->open(kA);
  REQUIRE(reader);
  fs.fail_at(fs.calls(), Fault::kIo);
  Body part(100);
  REQUIRE((*reader)->read(0, part).error().code() == Errc::kCorrupt);
  REQUIRE((*store)->find(kA)->corrupt);
  REQUIRE_FALSE((*store)->failed());
  REQUIRE(put(**store, kA, 10, body(1, 100)));
  REQUIRE(get(**store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "no bit of a small object's file can turn over and give a wrong byte") {
  const Body bytes = body(1, 40);
  REQUIRE(put(*store, kA, 10, bytes));
  const std::string file = only_file();
  std::uint64_t found = 0;
  for (std::uint64_t offset = 0; offset < std::filesystem::file_size(file); offset += offset < 4096 ? 7 : 1) {
    INFO("offset " << offset);
    testing::flip_bit(file, offset, static_cast<int>(offset % 8));
    const Result<Body> got = get(*store, kA);
    if (got) REQUIRE(*got == bytes);  // in the unused part of the header's place
    if (!got) {
      REQUIRE(got.error().code() == Errc::kCorrupt);
      ++found;
      testing::flip_bit(file, offset, static_cast<int>(offset % 8));
      REQUIRE(put(*store, kA, 10, bytes));
    } else {
      testing::flip_bit(file, offset, static_cast<int>(offset % 8));
    }
  }
  REQUIRE(found > 48);
}

}  // namespace
}  // namespace brigade::store
