#include "support.h"

#include <cstdint>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::Body;
using testing::body;
using testing::get;
using testing::id_of;
using testing::info;
using testing::put;

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;
constexpr std::size_t kBytes = 1'900;

struct FullDisk {
  MemoryFileSystem fs;
  SegmentStoreOptions options = testing::tiny_options();
  std::unique_ptr<ObjectStore> store = open();
  std::uint64_t puts = 0;

  std::unique_ptr<ObjectStore> open() {
    fs.set_free_bytes(kPlenty);
    fs.make_directory("/data").value();
    options.reserve_bytes = std::uint64_t{4} << 20;
    auto opened = open_segment_store(fs, "/data/store", options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  std::unique_ptr<StagedObject> staged() {
    const ObjectId id = id_of(7, ++puts);
    auto object = store->stage(id, testing::key_of(id), kBytes);
    REQUIRE(object);
    REQUIRE((*object)->write(body(puts, kBytes)));
    REQUIRE((*object)->finish());
    return std::move(*object);
  }
  Result<ObjectMeta> put_next() {
    ++puts;
    return put(*store, id_of(7, puts), 1, body(puts, kBytes));
  }
  /// Some segments, and then puts until one is refused.
  void fill() {
    for (int i = 0; i < 100; ++i) REQUIRE(put_next());
    fs.set_free_bytes(options.reserve_bytes);
    for (int i = 0; i < 10'000; ++i) {
      const auto done = put_next();
      if (done) continue;
      REQUIRE(done.error().code() == Errc::kNoSpace);
      return;
    }
    FAIL("the disk never gets full");
  }
};

TEST_CASE_METHOD(FullDisk, "a put that was begun while there was space is committed when there is none any more") {
  std::vector<std::unique_ptr<StagedObject>> begun;
  for (int i = 0; i < 20; ++i) begun.push_back(staged());
  fill();
  std::uint64_t number = 0;
  for (auto& object : begun) REQUIRE(store->commit(std::move(object), info(1)));
  for (std::size_t i = 0; i < begun.size(); ++i) {
    ++number;
    const auto found = get(*store, id_of(7, number));
    REQUIRE(found);
    REQUIRE(*found == body(number, kBytes));
  }
}

TEST_CASE_METHOD(FullDisk, "a full disk refuses puts where they begin, also after a restart, until there is space") {
  fill();
  if (GENERATE(false, true)) {
    store.reset();
    auto opened = open_segment_store(fs, "/data/store", options);
    REQUIRE(opened);
    store = std::move(*opened);
  }
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{kBytes}}) {
    const auto refused = store->stage(id_of(8, 1), testing::key_of(id_of(8, 1)), size);
    REQUIRE(!refused);
    REQUIRE(refused.error().code() == Errc::kNoSpace);
  }
  REQUIRE_FALSE(store->failed());
  REQUIRE(testing::remove(*store, id_of(7, 1), 2));
  REQUIRE(get(*store, id_of(7, 2)));
  fs.set_free_bytes(kPlenty);
  REQUIRE(put(*store, id_of(8, 1), 1, body(1, kBytes)));
}

TEST_CASE_METHOD(FullDisk, "deletes on a full disk make space for puts") {
  options.retention = {};
  store->set_retention({});
  fill();
  for (std::uint64_t number = 1; number < puts; ++number) REQUIRE(testing::remove(*store, id_of(7, number), 2));
  testing::maintain_all(*store);
  REQUIRE(put(*store, id_of(8, 1), 1, body(1, kBytes)));
}

}  // namespace
}  // namespace brigade::store
