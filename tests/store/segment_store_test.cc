#include "brigade/store/segment_store.h"

#include "support.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

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
  SegmentStoreOptions options = testing::tiny_options();
  std::unique_ptr<ObjectStore> store = open();

  std::unique_ptr<ObjectStore> open() {
    auto opened = open_segment_store(fs, dir.path("store"), options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  void reopen() {
    store.reset();
    store = open();
  }
  /// Of large objects, and temporary ones.
  std::vector<std::string> body_files() {
    std::vector<std::string> files = testing::files_below(dir.path("store/objects/large"));
    for (const std::string& file : testing::files_below(dir.path("store/objects/tmp"))) files.push_back(file);
    return files;
  }
};

TEST_CASE_METHOD(Fixture, "what was put comes back, byte by byte, whatever its size") {
  if (GENERATE(false, true)) {
    options = {};
    options.segment_bytes_min = std::uint64_t{2} << 20;
    reopen();
  }
  const std::vector<std::size_t> sizes = {0,      1,       4095,    4096,    4097,    65'535,  65'536,
                                          65'537, 131'072, 258'048, 262'144, 262'145, 1 << 20, 3'000'001};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Body bytes = body(i, sizes[i]);
    const Result<ObjectMeta> meta = put(*store, id_of(5, i), 10, bytes);
    REQUIRE(meta);
    REQUIRE(meta->size == sizes[i]);
    REQUIRE(meta->checksum == checksum(bytes));
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
  const std::size_t size = GENERATE(3u, 5000u);
  auto staged = store->stage(kA, "a", GENERATE(0u, 3u, 5000u));
  REQUIRE(staged);
  REQUIRE((*staged)->write(body(1, size)));
  REQUIRE((*staged)->finish());
  REQUIRE_FALSE(store->find(kA));
  REQUIRE(store->open(kA, "a").error().code() == Errc::kNotFound);
  if (size > 3) REQUIRE(body_files().size() == 1);
  staged->reset();
  REQUIRE(testing::files_below(dir.path("store")).empty());
  REQUIRE(store->digest(kHome, 1) == Digest{});
}

TEST_CASE_METHOD(Fixture, "checksum and size of a staged object follow its bytes") {
  auto staged = store->stage(kA, "a", 0);
  const std::size_t size = GENERATE(1000u, 2048u, 2049u, 9000u);
  const Body bytes = body(1, size);
  REQUIRE((*staged)->write(std::span(bytes).first(400)));
  REQUIRE((*staged)->checksum() == checksum(std::span<const std::byte>(bytes).first(400)));
  REQUIRE((*staged)->write(std::span(bytes).subspan(400)));
  REQUIRE((*staged)->size() == size);
  REQUIRE((*staged)->finish());
  REQUIRE((*staged)->checksum() == checksum(bytes));
}

TEST_CASE_METHOD(Fixture, "only a higher revision replaces a record") {
  const std::size_t size = GENERATE(100u, 9000u);
  REQUIRE(put(*store, kA, 20, body(1, size)));
  REQUIRE(put(*store, kA, 19, body(2, 100)).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 20, body(2, 100)).error().code() == Errc::kStale);
  REQUIRE(remove(*store, kA, 20).error().code() == Errc::kStale);
  REQUIRE(remove(*store, kA, 5).error().code() == Errc::kStale);
  REQUIRE(put(*store, kA, 20, body(1, size)));  // the same again is done already
  REQUIRE(get(*store, kA).value() == body(1, size));
  REQUIRE(put(*store, kA, 21, body(3, size / 2)));
  REQUIRE(get(*store, kA).value() == body(3, size / 2));
  testing::maintain_all(*store);
  REQUIRE(body_files().size() == (size > 2048 ? 1 : 0));
  REQUIRE(store->stats().bytes == size / 2);
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
}

TEST_CASE_METHOD(Fixture, "a forgotten record leaves nothing, but only if it has the revision that was named") {
  REQUIRE(put(*store, kA, 10, body(1, GENERATE(100u, 9000u))));
  REQUIRE(store->forget(kA, Revision{9}));
  REQUIRE(store->forget(kB, Revision{9}));
  REQUIRE(store->find(kA));
  REQUIRE(store->highest_forgotten() == Revision{});
  REQUIRE(store->forget(kA, Revision{10}));
  REQUIRE_FALSE(store->find(kA));
  REQUIRE(store->highest_forgotten() == Revision{10});
  REQUIRE(put(*store, kB, 7, body(1, 10)));
  REQUIRE(store->forget(kB, Revision{7}));
  REQUIRE(store->highest_forgotten() == Revision{10});
  testing::maintain_all(*store);
  REQUIRE(body_files().empty());
  reopen();
  REQUIRE_FALSE(store->find(kA));
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
  const Body bytes = body(1, GENERATE(2000u, 300'000u));
  REQUIRE(put(*store, kA, 10, bytes));
  const auto reader = store->open(kA, key_of(kA));
  REQUIRE(reader);
  Body part(1000);
  REQUIRE((*reader)->read(0, part));
  REQUIRE(put(*store, kA, 20, body(2, 50)));
  // Its segment is compacted and its file written anew, as soon as nobody needs it.
  for (std::uint64_t i = 0; i < 100; ++i) {
    REQUIRE(put(*store, kB, i + 1, body(i, 2000)));
    testing::maintain_all(*store);
  }
  REQUIRE(testing::read(**reader).value() == bytes);
  REQUIRE(remove(*store, kA, 30));
  REQUIRE(store->forget(kA, Revision{30}));
  REQUIRE(testing::read(**reader).value() == bytes);
  REQUIRE((*reader)->meta().revision == Revision{10});
}

TEST_CASE_METHOD(Fixture,
                 "the start clears temporary files and of two bodies of an object the one that does not count") {
  REQUIRE(put(*store, kA, 10, body(1, 9000)));
  const std::string old_file = testing::files_below(dir.path("store/objects/large")).front();
  std::filesystem::copy_file(dir.path("store/objects/large/" + old_file), dir.path("kept"));
  REQUIRE(put(*store, kA, 20, body(2, 10'000)));
  REQUIRE(put(*store, kB, 10, body(3, 9000)));
  REQUIRE(put(*store, kB, 20, body(3, 90)));
  testing::maintain_all(*store);
  store.reset();
  REQUIRE(body_files().size() == 1);
  std::filesystem::copy_file(dir.path("kept"), dir.path("store/objects/large/" + old_file));
  std::filesystem::copy_file(dir.path("kept"), dir.path("store/objects/tmp/17"));
  std::filesystem::copy_file(dir.path("kept"),
                             dir.path("store/objects/large/12/" + to_string(kB) + ".0000000000000005"));
  REQUIRE(body_files().size() == 4);
  store = open();
  REQUIRE(body_files().size() == 1);
  REQUIRE(get(*store, kA).value() == body(2, 10'000));
  REQUIRE(get(*store, kB).value() == body(3, 90));
  REQUIRE(store->stats().corrupt == 0);
}

TEST_CASE_METHOD(Fixture, "the start tells how far it is, and finds the same with a snapshot and without") {
  for (std::uint64_t i = 0; i < 60; ++i) {
    REQUIRE(put(*store, id_of(static_cast<std::uint16_t>(i * 1021), i), 10, body(i, i % 10 == 0 ? 3000 : 50)));
    if (i % 7 == 0) REQUIRE(remove(*store, id_of(static_cast<std::uint16_t>(i * 1021), i), 11));
  }
  std::vector<IndexEntry> all;
  for (std::uint64_t i = 0; i < 60; ++i)
    all.push_back(store->list(BucketId{static_cast<std::uint16_t>(i * 1021)}).front());
  testing::maintain_all(*store);
  REQUIRE(std::filesystem::exists(dir.path("store/objects/index.snap")));
  for (const bool with_snapshot : {true, false}) {
    store.reset();
    if (!with_snapshot) std::filesystem::remove(dir.path("store/objects/index.snap"));
    std::vector<std::uint64_t> progress;
    std::uint64_t of = 0;
    options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
      progress.push_back(done);
      of = total;
    };
    store = open();
    REQUIRE(std::is_sorted(progress.begin(), progress.end()));
    REQUIRE(progress.back() == of);
    REQUIRE(store->stats().objects == 51);
    for (const IndexEntry& entry : all) REQUIRE(store->find(entry.id) == entry);
  }
}

TEST_CASE_METHOD(Fixture, "all that a commit was told comes back, also after compaction and for large objects") {
  const std::size_t size = GENERATE(100u, 9000u);
  CommitInfo told = info(10);
  told.expires = WallTime{99};
  told.user_headers = "X-Camera: box";
  auto staged = store->stage(kA, "a", size);
  REQUIRE((*staged)->write(body(1, size)));
  REQUIRE((*staged)->finish());
  const Result<ObjectMeta> meta = store->commit(std::move(*staged), told);
  REQUIRE(meta);
  for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(put(*store, kB, i + 1, body(i, 2000)));
  testing::maintain_all(*store);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(store->meta(kA).value() == *meta);
    REQUIRE(store->meta(kA)->expires == told.expires);
    REQUIRE(store->meta(kA)->user_headers == told.user_headers);
    REQUIRE((*store->open(kA, "a"))->meta() == *meta);
    reopen();
  }
}

TEST_CASE_METHOD(Fixture, "a script that knows only the format's description reads a segment") {
  REQUIRE(put(*store, kA, 10, body(1, 2000)));
  REQUIRE(put(*store, kB, 10, body(2, 0)));
  REQUIRE(put(*store, id_of(1, 3), 10, body(3, 5000)));
  REQUIRE(remove(*store, kB, 11));
  REQUIRE(store->forget(kB, Revision{11}));
  testing::maintain_all(*store);
  const std::string script = std::string(BRIGADE_TESTS_DIR) + "/store/read_segment.py";
  const std::string command = "python3 '" + script + "' --expect 2 '" +
                              dir.path("store/objects/segments/00000001.seg") + "' > '" + dir.path("out") + "' 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream stream(dir.path("out"));
  const std::string out((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  INFO(out);
  REQUIRE(status == 0);
  for (const std::string text : {"kind=large", "kind=tombstone", "kind=forget", "kind=void", "size=5000",
                                 "key=key/12000000000000000000000000000001", "type=image/png", "lsn=5"})
    REQUIRE(out.find(text) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "commits that nobody waits for are told what they came to") {
  std::vector<std::string> told;
  const auto commit = [&](std::uint64_t revision, std::size_t size) {
    auto staged = store->stage(kA, key_of(kA), size);
    REQUIRE((*staged)->write(body(revision, size)));
    REQUIRE((*staged)->finish());
    const auto tell = [&told, revision](const Result<ObjectMeta>& done) {
      told.push_back(std::to_string(revision) + (done ? " done" : " refused"));
    };
    if (const auto work = store->commit(std::move(*staged), info(revision), tell)) work();
  };
  commit(10, 100);
  commit(9, 100);
  commit(11, 9000);
  commit(11, 9001);
  const auto work = store->remove(kA, key_of(kA), info(20), [&](const Result<ObjectMeta>& done) {
    REQUIRE(done);
    REQUIRE(done->tombstone);
    told.emplace_back("removed");
  });
  REQUIRE(work);
  REQUIRE(told.size() == 4);
  work();
  REQUIRE(told == std::vector<std::string>{"10 done", "9 refused", "11 done", "11 refused", "removed"});
  testing::maintain_all(*store);
  REQUIRE(body_files().empty());
}

TEST_CASE_METHOD(Fixture, "who waits for a commit does not wait for a thread that is to come and write") {
  int told = 0;
  auto staged = store->stage(kA, key_of(kA), 3);
  REQUIRE((*staged)->write(body(1, 3)));
  REQUIRE((*staged)->finish());
  const auto work =
      store->commit(std::move(*staged), info(10), [&](const Result<ObjectMeta>& done) { told += done ? 1 : 0; });
  REQUIRE(work);
  REQUIRE(put(*store, kB, 10, body(2, 3)));
  REQUIRE(told == 1);
  work();  // nothing is left to do
  REQUIRE(told == 1);
  REQUIRE(put(*store, kA, 11, body(3, 3)));
}

TEST_CASE("after an I/O error the store writes no more, says why, and still reads") {
  MemoryFileSystem fs;
  auto store = open_segment_store(fs, "/store", testing::tiny_options());
  REQUIRE(store);
  REQUIRE(put(**store, kA, 10, body(1, 100)));
  const std::size_t size = GENERATE(10u, 9000u);
  auto staged = (*store)->stage(kB, key_of(kB), size);
  REQUIRE((*staged)->write(body(2, size)));
  if (size > 2048) {
    fs.fail_from_now(Fault::kIo);
    REQUIRE((*staged)->finish().error().code() == Errc::kIo);
  } else {
    REQUIRE((*staged)->finish());
    fs.fail_from_now(Fault::kIo);
    REQUIRE((*store)->commit(std::move(*staged), info(10)).error().code() == Errc::kIo);
  }
  fs.heal();
  REQUIRE_FALSE((*store)->maintain(WallTime{}).again);
  REQUIRE((*store)->failed()->find("injected") != std::string::npos);
  REQUIRE(put(**store, kB, 10, body(1, 100)).error().code() == Errc::kIo);
  REQUIRE(remove(**store, kA, 20).error().code() == Errc::kIo);
  REQUIRE((*store)->forget(kA, Revision{10}).error().code() == Errc::kIo);
  REQUIRE(get(**store, kA).value() == body(1, 100));
}

TEST_CASE_METHOD(Fixture, "what is in memory is read without waiting, if it is right") {
  REQUIRE(put(*store, kA, 10, body(1, 1500)));
  REQUIRE(put(*store, kB, 10, body(2, 5000)));
  {
    const auto reader = store->open_cached(kA, key_of(kA));
    REQUIRE(reader);
    const auto here = reader->in_memory();
    REQUIRE(Body(here.begin(), here.end()) == body(1, 1500));
    REQUIRE(*testing::read(*reader) == body(1, 1500));
  }
  REQUIRE_FALSE(store->open_cached(kA, "another key"));
  REQUIRE_FALSE(store->open_cached(kB, key_of(kB)));  // in a file of its own
  REQUIRE_FALSE(store->open_cached(id_of(1, 1), key_of(id_of(1, 1))));
  const auto slow = store->open(kA, key_of(kA));
  REQUIRE(slow);
  REQUIRE((*slow)->in_memory().empty());
  std::byte one{};
  REQUIRE((*slow)->read(0, std::span(&one, 1)));
  REQUIRE((*slow)->in_memory().size() == 1500);
  for (const std::string& name : testing::files_below(dir.path("store/objects/segments")))
    if (name.ends_with(".seg")) testing::flip_bit(dir.path("store/objects/segments/" + name), 4096 + 1000);
  REQUIRE_FALSE(store->open_cached(kA, key_of(kA)));
  REQUIRE(get(*store, kA).error().code() == Errc::kCorrupt);
  REQUIRE(remove(*store, kB, 20));
  REQUIRE_FALSE(store->open_cached(kB, key_of(kB)));
}

}  // namespace
}  // namespace brigade::store
