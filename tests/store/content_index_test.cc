#include "content_index.h"

#include "support.h"

#include <map>

#include <catch2/catch.hpp>

#include "brigade/base/prng.h"

namespace brigade::store {
namespace {

TEST_CASE("the index agrees with a plain map, whatever is put, erased and found corrupt") {
  Prng prng(42);
  ContentIndex index;
  std::map<ObjectId, IndexEntry> model;
  const std::vector<std::uint16_t> homes = {0, 1, 0x1200, 0xffff};
  std::uint64_t corrupt = 0;
  for (int step = 0; step < 5000; ++step) {
    const ObjectId id = testing::id_of(homes[prng.below(homes.size())], prng.below(40));
    switch (prng.below(8)) {
      case 0:
        index.erase(id);
        model.erase(id);
        break;
      case 1: {
        const auto found = model.find(id);
        const Revision revision = found == model.end() ? Revision{1} : found->second.revision;
        const bool expected = found != model.end() && !found->second.corrupt;
        REQUIRE(index.mark_corrupt(id, revision) == expected);
        REQUIRE_FALSE(index.mark_corrupt(id, Revision{revision.value + 1}));
        if (expected) {
          found->second.corrupt = true;
          ++corrupt;
        }
        break;
      }
      default: {
        const bool tombstone = prng.chance(1, 4);
        const IndexEntry entry{.id = id,
                               .revision = Revision{prng.next()},
                               .level = static_cast<std::uint8_t>(prng.below(5)),
                               .tombstone = tombstone,
                               .size = tombstone ? 0 : prng.below((std::uint64_t{1} << 40) + 1)};
        const auto known = model.find(id);
        const IndexRecord record{.entry = entry,
                                 .lsn = prng.below(IndexRecord::kLsnMax + 1),
                                 .at = {static_cast<std::uint32_t>(prng.below(IndexRecord::kSlotMax + 1)),
                                        static_cast<std::uint32_t>(prng.below(IndexRecord::kUnitMax + 1))},
                                 .large = prng.chance(1, 3),
                                 .header_units = static_cast<std::uint8_t>(prng.below(64))};
        const auto before = index.put(record);
        REQUIRE(before.has_value() == (known != model.end()));
        if (before) REQUIRE(before->entry == known->second);
        REQUIRE(index.find_record(id) == record);
        model[id] = entry;
        const Location to{7, 9};
        REQUIRE_FALSE(index.relocate(id, record.lsn ^ 1, record.at, to));
        REQUIRE_FALSE(index.relocate(id, record.lsn, {record.at.slot ^ 1, record.at.unit}, to));
        REQUIRE(index.relocate(id, record.lsn, record.at, to));
        REQUIRE(index.find_record(id)->at == to);
      }
    }
    if (step % 50 != 0) continue;
    StoreStats total;
    for (const std::uint16_t home : homes) {
      std::vector<IndexEntry> expected;
      std::array<Digest, 5> digests{};
      for (const auto& [at, entry] : model) {
        if (home_of(at).value != home) continue;
        expected.push_back(entry);
        REQUIRE(index.find(at) == entry);
        if (entry.tombstone) ++total.tombstones;
        if (entry.tombstone || entry.corrupt) continue;
        digests[entry.level].add(at, entry.revision);
        ++total.objects;
        total.bytes += entry.size;
      }
      REQUIRE(index.list(BucketId{home}) == expected);
      for (std::uint8_t level = 0; level < 5; ++level) REQUIRE(index.digest(BucketId{home}, level) == digests[level]);
    }
    REQUIRE(index.stats().objects == total.objects);
    REQUIRE(index.stats().tombstones == total.tombstones);
    REQUIRE(index.stats().bytes == total.bytes);
    REQUIRE(index.stats().corrupt == corrupt);
  }
  REQUIRE(corrupt > 10);
  REQUIRE_FALSE(index.find(testing::id_of(77, 1)));
  REQUIRE(index.list(BucketId{77}).empty());
}

}  // namespace
}  // namespace brigade::store
