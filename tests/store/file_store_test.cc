#include "brigade/store/file_store.h"

#include "support.h"

#include <filesystem>

#include <catch2/catch.hpp>
#include <openssl/evp.h>

#include "brigade/base/checksum.h"
#include "brigade/base/limits.h"
#include "brigade/store/memory_file_system.h"

namespace brigade::store {
namespace {

using testing::Body;
using testing::body;
using testing::get;
using testing::id_of;
using testing::info;
using testing::key_of;
using testing::put;
using testing::remove;

const ObjectId kA = id_of(0x1200, 1), kB = id_of(0x1200, 2);
const BucketId kHome{0x1200};

struct Fixture {
  testing::TempDir dir;
  PosixFileSystem fs;
  std::unique_ptr<ObjectStore> store = open();

  std::unique_ptr<ObjectStore> open() {
    auto opened = open_file_store(fs, dir.path("store"));
    REQUIRE(opened);
    return std::move(*opened);
  }
  void reopen() {
    store.reset();
    store = open();
  }
};

TEST_CASE_METHOD(Fixture, "what was put comes back, byte by byte, whatever its size") {
  const std::vector<std::size_t> sizes = {0,      1,       4095,    4096,    4097,    65'535,  65'536,
                                          65'537, 131'072, 258'048, 262'144, 262'145, 1 << 20, 3'000'001};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Body bytes = body(i, sizes[i]);
    const Result<ObjectMeta> meta = put(*store, id_of(5, i), 10, bytes);
    REQUIRE(meta);
    REQUIRE(meta->size == sizes[i]);
    REQUIRE(meta->checksum == checksum(bytes));
    std::array<std::byte, 32> sha{};
    REQUIRE(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(sha.data()), nullptr, EVP_sha256(),
                       nullptr) == 1);
    REQUIRE(meta->sha256 == sha);
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      INFO(sizes[i] << " bytes, round " << round);
      const Body bytes = body(i, sizes[i]);
      const auto reader = store->open(id_of(5, i), key_of(id_of(5, i)));
      REQUIRE(reader);
      REQUIRE((*reader)->meta().content_type == "image/png");
      for (const std::size_t piece : {1000u, 65'536u, 100'000u, 4'000'000u})
        REQUIRE(testing::read(**reader, piece).value() == bytes);
      Body part(777);
      for (const std::size_t at : {std::size_t{0}, sizes[i] / 2, sizes[i] - std::min<std::size_t>(sizes[i], 3)}) {
        const Result<std::size_t> n = (*reader)->read(at, part);
        REQUIRE(*n == std::min(part.size(), sizes[i] - at));
        REQUIRE(std::equal(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*n),
                           bytes.begin() + static_cast<std::ptrdiff_t>(at)));
      }
      REQUIRE(*(*reader)->read(sizes[i], part) == 0);
    }
    testing::require_consistent(*store, {5});
    reopen();
  }
}

TEST_CASE_METHOD(Fixture, "a staged object is invisible until commit, and gone if it is dropped") {
  auto staged = store->stage(kA, "a", 3);
  REQUIRE(staged);
  REQUIRE((*staged)->write(body(1, 3)));
  REQUIRE((*staged)->finish());
  REQUIRE_FALSE(store->find(kA));
  REQUIRE(store->open(kA, "a").error().code() == Errc::kNotFound);
  REQUIRE(testing::files_below(dir.path("store")).size() == 1);
  staged->reset();
  REQUIRE(testing::files_below(dir.path("store")).empty());
  REQUIRE(store->digest(kHome, 1) == Digest{});
}

TEST_CASE_METHOD(Fixture, "checksum and size of a staged object follow its bytes") {
  auto staged = store->stage(kA, "a", 0);
  const Body bytes = body(1, 1000);
  REQUIRE((*staged)->write(std::span(bytes).first(400)));
  REQUIRE((*staged)->checksum() == checksum(std::span<const std::byte>(bytes).first(400)));
  const auto early = (*staged)->sha256();
  REQUIRE((*staged)->write(std::span(bytes).subspan(400)));
  REQUIRE((*staged)->size() == 1000);
  REQUIRE((*staged)->sha256() != early);
  REQUIRE((*staged)->finish());
  REQUIRE((*staged)->checksum() == checksum(bytes));
}

TEST_CASE_METHOD(Fixture, "only a higher revision replaces a record") {
  REQUIRE(put(*store, kA, 20, body(1, 100)));
  REQUIRE(put(*store, kA, 19, body(2, 100)).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 20, body(2, 100)).error().code() == Errc::kStale);
  REQUIRE(remove(*store, kA, 20).error().code() == Errc::kStale);
  REQUIRE(remove(*store, kA, 5).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 20, body(1, 100)));  // the same again is done already
  REQUIRE(get(*store, kA).value() == body(1, 100));
  REQUIRE(put(*store, kA, 21, body(3, 50)));
  REQUIRE(get(*store, kA).value() == body(3, 50));
  REQUIRE(testing::files_below(dir.path("store")).size() == 1);
  REQUIRE(store->stats().bytes == 50);
  REQUIRE(store->stats(kHome).objects == 1);
}

TEST_CASE_METHOD(Fixture, "a delete leaves a tombstone that a lower revision can't pass") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  const Result<ObjectMeta> meta = remove(*store, kA, 20);
  REQUIRE(meta);
  REQUIRE(meta->tombstone);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(store->open(kA, key_of(kA)).error().code() == Errc::kNotFound);
    REQUIRE(store->find(kA)->tombstone);
    REQUIRE(put(*store, kA, 15, body(1, 100)).error().code() == Errc::kStale);
    REQUIRE(remove(*store, kA, 20));  // a repeat
    const auto reader = store->open(kA);
    REQUIRE(reader);
    REQUIRE((*reader)->meta() == *meta);
    REQUIRE(testing::read(**reader)->empty());
    REQUIRE(store->digest(kHome, 1) == Digest{});
    REQUIRE(store->list(kHome, 1).size() == 1);
    REQUIRE(store->stats().objects == 0);
    REQUIRE(store->stats().tombstones == 1);
    reopen();
  }
  REQUIRE(put(*store, kA, 21, body(2, 10)));
  REQUIRE(get(*store, kA).value() == body(2, 10));
  REQUIRE(testing::files_below(dir.path("store")).size() == 1);
}

TEST_CASE_METHOD(Fixture, "a forgotten record leaves nothing, but only if it has the revision that was named") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(store->forget(kA, Revision{9}));
  REQUIRE(store->forget(kB, Revision{9}));
  REQUIRE(store->find(kA));
  REQUIRE(store->forget(kA, Revision{10}));
  REQUIRE_FALSE(store->find(kA));
  REQUIRE(testing::files_below(dir.path("store")).empty());
  REQUIRE(put(*store, kA, 5, body(2, 10)));  // an older revision is welcome again
  testing::require_consistent(*store, {kHome.value});
}

TEST_CASE_METHOD(Fixture, "a key whose id is another key's is refused and never gets the other's bytes") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  REQUIRE(store->open(kA, "other").error().code() == Errc::kConflict);
  for (const std::uint64_t revision : {5, 10, 20}) {
    auto staged = store->stage(kA, "other", 4);
    REQUIRE((*staged)->write(body(2, 4)));
    REQUIRE((*staged)->finish());
    REQUIRE(store->commit(std::move(*staged), info(revision)).error().code() == Errc::kConflict);
    REQUIRE(store->remove(kA, "other", info(revision)).error().code() == Errc::kConflict);
  }
  REQUIRE(get(*store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "levels have digests and lists of their own") {
  REQUIRE(put(*store, kA, 10, body(1, 100), 1));
  REQUIRE(put(*store, kB, 10, body(2, 100), 3));
  Digest of_a;
  of_a.add(kA, Revision{10});
  REQUIRE(store->digest(kHome, 1) == of_a);
  REQUIRE(store->list(kHome, 3).front().id == kB);
  REQUIRE(store->list(kHome).size() == 2);
  REQUIRE(put(*store, kA, 11, body(1, 100), 3));  // redundancy changed by a new revision
  REQUIRE(store->digest(kHome, 1) == Digest{});
  REQUIRE(store->list(kHome, 3).size() == 2);
  reopen();
  REQUIRE(store->digest(kHome, 1) == Digest{});
  REQUIRE(store->digest(kHome, 3).count == 2);
}

TEST_CASE_METHOD(Fixture, "input that no header can hold is refused before anything changes") {
  CommitInfo bad_level = info(10);
  bad_level.level = 5;
  CommitInfo bad_type = info(10);
  bad_type.content_type = std::string(limits::kContentTypeBytesMax + 1, 't');
  REQUIRE(store->remove(kA, "k", bad_level).error().code() == Errc::kInvalid);
  REQUIRE(store->remove(kA, "k", bad_type).error().code() == Errc::kInvalid);
  REQUIRE(store->remove(kA, "", info(10)).error().code() == Errc::kInvalid);
  REQUIRE(store->remove(kA, std::string(limits::kKeyBytesMax + 1, 'k'), info(10)).error().code() == Errc::kInvalid);
  REQUIRE(store->stage(kA, "", 1).error().code() == Errc::kInvalid);
  REQUIRE(store->stage(kA, "k", limits::kObjectBytesMax + 1).error().code() == Errc::kTooLarge);
  REQUIRE(testing::files_below(dir.path("store")).empty());
}

TEST_CASE_METHOD(Fixture, "a reader goes on after its object was overwritten, deleted and forgotten") {
  const Body bytes = body(1, 300'000);
  REQUIRE(put(*store, kA, 10, bytes));
  const auto reader = store->open(kA, key_of(kA));
  REQUIRE(reader);
  Body part(1000);
  REQUIRE((*reader)->read(0, part));
  REQUIRE(put(*store, kA, 20, body(2, 50)));
  REQUIRE(testing::read(**reader).value() == bytes);
  REQUIRE(remove(*store, kA, 30));
  REQUIRE(store->forget(kA, Revision{30}));
  REQUIRE(testing::read(**reader).value() == bytes);
  REQUIRE((*reader)->meta().revision == Revision{10});
}

TEST_CASE_METHOD(Fixture, "the start clears temporary files and keeps of two revisions the higher") {
  REQUIRE(put(*store, kA, 10, body(1, 100)));
  const std::string old_file = testing::files_below(dir.path("store")).front();
  std::filesystem::copy_file(dir.path("store/" + old_file), dir.path("kept"));
  REQUIRE(put(*store, kA, 20, body(2, 200)));
  store.reset();
  std::filesystem::copy_file(dir.path("kept"), dir.path("store/" + old_file));
  std::filesystem::copy_file(dir.path("kept"), dir.path("store/objects/tmp/17"));
  REQUIRE(testing::files_below(dir.path("store")).size() == 3);
  store = open();
  REQUIRE(testing::files_below(dir.path("store")).size() == 1);
  REQUIRE(get(*store, kA).value() == body(2, 200));
  REQUIRE(store->stats().corrupt == 0);
}

TEST_CASE_METHOD(Fixture, "the start tells how far it is, and finds the same with any number of threads") {
  for (std::uint64_t i = 0; i < 60; ++i)
    REQUIRE(put(*store, id_of(static_cast<std::uint16_t>(i * 1021), i), 10, body(i, 50)));
  std::vector<IndexEntry> all;
  for (std::uint64_t i = 0; i < 60; ++i)
    all.push_back(store->list(BucketId{static_cast<std::uint16_t>(i * 1021)}).front());
  store.reset();
  for (const unsigned threads : {0u, 1u, 7u}) {
    std::vector<std::uint64_t> progress;
    std::uint64_t of = 0;
    FileStoreOptions options{.scan_threads = threads};
    options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
      progress.push_back(done);
      of = total;
    };
    const auto opened = open_file_store(fs, dir.path("store"), options);
    REQUIRE(opened);
    REQUIRE(std::is_sorted(progress.begin(), progress.end()));
    REQUIRE(progress.back() == of);
    REQUIRE((*opened)->stats().objects == 60);
    for (const IndexEntry& entry : all) REQUIRE((*opened)->find(entry.id) == entry);
  }
}

TEST_CASE("after an I/O error the store writes no more, says why, and still reads") {
  MemoryFileSystem fs;
  auto store = open_file_store(fs, "/store");
  REQUIRE(store);
  REQUIRE(put(**store, kA, 10, body(1, 100)));
  auto staged = (*store)->stage(kB, key_of(kB), 10);
  REQUIRE((*staged)->write(body(2, 10)));
  fs.fail_from_now(Fault::kIo);
  REQUIRE((*staged)->finish().error().code() == Errc::kIo);
  fs.heal();
  REQUIRE((*store)->failed()->find("injected") != std::string::npos);
  REQUIRE(put(**store, kB, 10, body(1, 100)).error().code() == Errc::kIo);
  REQUIRE(remove(**store, kA, 20).error().code() == Errc::kIo);
  REQUIRE((*store)->forget(kA, Revision{10}).error().code() == Errc::kIo);
  REQUIRE(get(**store, kA).value() == body(1, 100));
}

}  // namespace
}  // namespace brigade::store
