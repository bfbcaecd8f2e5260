// Random histories against a plain map: whatever is put, removed, forgotten, compacted, written to snapshots, and
// opened again, the store says what the map says.
#include "support.h"

#include <map>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::body;
using testing::id_of;

struct Known {
  std::uint64_t revision = 0;
  bool tombstone = false;
  std::size_t size = 0;
  std::uint8_t level = 0;
};

struct History {
  MemoryFileSystem fs;
  SegmentStoreOptions options = testing::tiny_options();
  std::unique_ptr<ObjectStore> store;
  std::map<ObjectId, Known> model;

  void open() {
    store.reset();
    auto opened = open_segment_store(fs, "/store", options);
    RC_ASSERT(opened.has_value());
    store = std::move(*opened);
  }

  void change(const ObjectId& id, int what, std::uint64_t revision, std::size_t size, std::uint8_t level) {
    const auto known = model.find(id);
    const std::uint64_t present = known == model.end() ? 0 : known->second.revision;
    if (what == 0) {  // forget, one time in two the revision that is there
      const std::uint64_t named = size % 2 == 0 ? present : revision;
      RC_ASSERT(store->forget(id, Revision{named}).has_value());
      if (known != model.end() && named == present) model.erase(known);
      return;
    }
    const bool tombstone = what == 1;
    if (tombstone) size = 0;
    const Result<ObjectMeta> done = tombstone ? testing::remove(*store, id, revision, level)
                                              : testing::put(*store, id, revision, body(revision, size), level);
    const bool is_same = known != model.end() && present == revision && known->second.tombstone == tombstone &&
                         known->second.size == size;
    if (revision > present || is_same) {
      if (!done) RC_FAIL(done.error().detail());
      if (!is_same) model[id] = {revision, tombstone, size, level};
    } else {
      RC_ASSERT(done.error().code() == Errc::kStale);
    }
  }

  void check() {
    std::uint64_t objects = 0, bytes = 0;
    for (const std::uint16_t home : {1, 2}) {
      std::array<Digest, 5> digests{};
      std::vector<IndexEntry> expected;
      for (const auto& [id, known] : model) {
        if (id.high >> 48 != home) continue;
        expected.push_back({.id = id,
                            .revision = Revision{known.revision},
                            .level = known.level,
                            .tombstone = known.tombstone,
                            .size = known.size});
        const Result<testing::Body> got = testing::get(*store, id);
        if (known.tombstone) {
          RC_ASSERT(got.error().code() == Errc::kNotFound);
          continue;
        }
        RC_ASSERT(got.has_value());
        RC_ASSERT(*got == body(known.revision, known.size));
        digests[known.level].add(id, Revision{known.revision});
        ++objects;
        bytes += known.size;
      }
      RC_ASSERT(store->list(BucketId{home}) == expected);
      for (std::uint8_t level = 0; level < 5; ++level)
        RC_ASSERT(store->digest(BucketId{home}, level) == digests[level]);
    }
    RC_ASSERT(store->stats().objects == objects);
    RC_ASSERT(store->stats().bytes == bytes);
    RC_ASSERT(store->stats().corrupt == 0u);
  }
};

TEST_CASE("any history of changes, maintenance and restarts leaves what a plain map would hold") {
  const bool ok = rc::check([] {
    History history;
    history.options.snapshot_every_bytes = *rc::gen::element<std::uint64_t>(1, 8'000, 1'000'000);
    history.options.on_corrupt = [](const std::string& file, std::uint64_t offset, const std::string& reason) {
      RC_FAIL(file + " " + std::to_string(offset) + " " + reason);
    };
    history.open();
    const auto steps = *rc::gen::resize(250, rc::gen::arbitrary<std::vector<std::uint64_t>>());
    std::uint64_t revision = 1;
    for (const std::uint64_t step : steps) {
      Prng prng(step);
      const ObjectId id = id_of(static_cast<std::uint16_t>(1 + prng.below(2)), prng.below(5));
      const std::uint64_t what = prng.below(20);
      if (what < 14) {
        revision += prng.below(3);
        const std::uint64_t named = prng.chance(1, 5) ? prng.below(revision) + 1 : revision;
        const std::size_t size = prng.chance(1, 6) ? prng.below(6000) : prng.below(2049);
        const int kind = prng.chance(3, 4) ? 2 : static_cast<int>(prng.below(2));
        history.change(id, kind, named, size, static_cast<std::uint8_t>(prng.below(5)));
      } else if (what < 18) {
        for (std::uint64_t i = prng.below(8); i > 0; --i) static_cast<void>(history.store->maintain(WallTime{}));
      } else if (what == 18) {
        history.open();
        history.check();
      } else {
        history.check();
      }
    }
    testing::maintain_all(*history.store);
    history.check();
    history.open();
    history.check();
  });
  REQUIRE(ok);
}

}  // namespace
}  // namespace brigade::store
