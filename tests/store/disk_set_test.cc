#include "brigade/store/disk_set.h"

#include "support.h"

#include <map>
#include <set>
#include <utility>

#include <catch2/catch.hpp>

#include "brigade/store/memory_file_system.h"

namespace brigade::store {
namespace {

using testing::body;
using testing::get;
using testing::id_of;
using testing::key_of;
using testing::put;
using testing::remove;

struct Disks {
  std::map<std::string, MemoryFileSystem> files;  ///< one for each disk: it can fail alone

  DiskSet::Disk open(const std::string& path, std::uint64_t capacity = 100) {
    MemoryFileSystem& fs = files[path];
    fs.make_directory("/data").value();
    auto store = open_segment_store(fs, "/data/store", testing::tiny_options());
    REQUIRE(store);
    return {path, std::move(*store), capacity};
  }
  std::unique_ptr<DiskSet> make(const std::vector<std::string>& paths, bool some_are_lost = false) {
    std::vector<DiskSet::Disk> disks;
    for (const std::string& path : paths) disks.push_back(open(path));
    auto set = DiskSet::make(std::move(disks), some_are_lost);
    REQUIRE(set);
    return std::move(*set);
  }
};

/// An object of each family.
ObjectId in_family(std::uint16_t family, std::uint64_t number = 1) {
  return id_of(static_cast<std::uint16_t>(family * 16 + number % 16), number);
}

BucketId home_of(const ObjectId& id) {
  return BucketId{static_cast<std::uint16_t>(id.high >> 48)};
}

bool contains(const BucketSet& set, BucketId bucket) {
  bool found = false;
  set.for_each([&](BucketId each) { found = found || each == bucket; });
  return found;
}

std::vector<std::uint64_t> objects_of(const DiskSet& set) {
  std::vector<std::uint64_t> counts;
  for (const auto& state : set.states()) counts.push_back(state.stats.objects);
  return counts;
}

TEST_CASE("families are spread over the disks by their size, and stay where they are") {
  Disks disks;
  std::vector<DiskSet::Disk> three;
  three.push_back(disks.open("a", 100));
  three.push_back(disks.open("b", 100));
  three.push_back(disks.open("c", 200));
  auto set = *DiskSet::make(std::move(three), false);
  for (std::uint16_t family = 0; family < 40; ++family)
    for (std::uint64_t number = 1; number <= 3; ++number)
      REQUIRE(put(*set, in_family(family, number), 1, body(number, 100)));
  REQUIRE(objects_of(*set) == std::vector<std::uint64_t>{30, 30, 60});
  REQUIRE(set->stats().objects == 120);

  const auto before = objects_of(*set);
  set.reset();
  set = disks.make({"a", "b", "c", "d"});  // the new one gets what is new
  REQUIRE(objects_of(*set) == std::vector<std::uint64_t>{30, 30, 60, 0});
  for (std::uint16_t family = 0; family < 40; ++family) {
    REQUIRE(get(*set, in_family(family, 2)));
    REQUIRE(set->list(home_of(in_family(family, 2)), 1).size() == 1);
    REQUIRE(put(*set, in_family(family, 5), 1, body(5, 100)));
  }
  REQUIRE(objects_of(*set).back() == 0);
  REQUIRE(put(*set, in_family(50), 1, body(1, 100)));
  REQUIRE(objects_of(*set).back() == 1);
}

TEST_CASE("all that a store does is done by the disk that has the family") {
  Disks disks;
  auto set = disks.make({"a", "b"});
  const ObjectId id = in_family(3);
  REQUIRE_FALSE(set->find(id));
  REQUIRE(get(*set, id).error().code() == Errc::kNotFound);
  REQUIRE(set->forget(id, Revision{1}));
  REQUIRE(put(*set, id, 1, body(1, 100)));
  REQUIRE(put(*set, id, 2, body(2, 5000)));
  REQUIRE(set->meta(id)->revision == Revision{2});
  REQUIRE(set->digest(home_of(id), 1) != Digest{});
  REQUIRE(remove(*set, id, 3));
  REQUIRE(set->find(id)->tombstone);
  // A tombstone of what was never here, too.
  REQUIRE(remove(*set, in_family(4), 1));
  REQUIRE(set->stats().tombstones == 2);
  REQUIRE(set->forget(id, Revision{3}));
  REQUIRE(set->highest_forgotten() == Revision{3});
  REQUIRE_FALSE(set->find(id));
  testing::require_consistent(*set, {3 * 16 + 1, 4 * 16 + 1});
}

TEST_CASE("a disk that fails takes its families along and no others, and they are placed anew once they are released") {
  Disks disks;
  auto set = disks.make({"a", "b", "c"});
  for (std::uint16_t family = 0; family < 30; ++family) REQUIRE(put(*set, in_family(family), 1, body(family, 100)));
  REQUIRE(set->lost().empty());
  disks.files["b"].fail_from_now(Fault::kIo);
  std::set<std::uint16_t> failed;
  for (std::uint16_t family = 0; family < 30; ++family) {
    const auto done = put(*set, in_family(family, 2), 1, body(family, 100));
    if (done) continue;
    REQUIRE(done.error().code() == (failed.empty() ? Errc::kIo : Errc::kOverloaded));
    failed.insert(family);
  }
  REQUIRE(failed.size() == 10);
  REQUIRE(set->failed_disks() == std::vector<std::size_t>{1});
  REQUIRE_FALSE(set->failed());
  REQUIRE(set->states()[1].failed);
  REQUIRE(set->lost().size() == 160);
  for (const std::uint16_t family : failed) REQUIRE(contains(set->lost(), home_of(in_family(family))));

  for (const std::uint16_t family : failed) set->release(home_of(in_family(family)));
  REQUIRE(set->lost().empty());
  for (const std::uint16_t family : failed) {
    REQUIRE_FALSE(set->find(in_family(family)));
    REQUIRE(put(*set, in_family(family, 3), 1, body(family, 100)));
  }
  REQUIRE(set->stats().objects == 20 + 20 + 10);

  disks.files["a"].fail_from_now(Fault::kIo);
  for (std::uint16_t family = 0; family < 30; ++family)
    static_cast<void>(put(*set, in_family(family, 4), 1, body(family, 100)));
  REQUIRE(set->failed());  // the node's own
}

TEST_CASE("without a disk that was there, what may have been on it is not written until it is released") {
  Disks disks;
  {
    auto set = disks.make({"a", "b"});
    for (std::uint16_t family = 0; family < 10; ++family) REQUIRE(put(*set, in_family(family), 1, body(1, 100)));
  }
  auto set = disks.make({"a"}, true);
  const BucketSet lost = set->lost();
  REQUIRE(lost.size() == kBucketCount - 5 * DiskSet::kFamilyBuckets);
  int refused = 0;
  for (std::uint16_t family = 0; family < 10; ++family) {
    const auto done = put(*set, in_family(family, 2), 1, body(1, 100));
    REQUIRE(done.has_value() == !contains(lost, home_of(in_family(family))));
    if (done) continue;
    REQUIRE(done.error().code() == Errc::kOverloaded);
    REQUIRE(remove(*set, in_family(family, 2), 1).error().code() == Errc::kOverloaded);
    ++refused;
  }
  REQUIRE(refused == 5);
  lost.for_each([&](BucketId bucket) { set->release(bucket); });
  for (std::uint16_t family = 0; family < 10; ++family) REQUIRE(put(*set, in_family(family, 3), 1, body(1, 100)));
}

TEST_CASE("a family on two disks is a mix-up, not something to choose from") {
  Disks disks;
  for (const char* path : {"a", "b"}) REQUIRE(put(*disks.open(path).store, in_family(7), 1, body(1, 100)));
  std::vector<DiskSet::Disk> both;
  both.push_back(disks.open("a"));
  both.push_back(disks.open("b"));
  const auto set = DiskSet::make(std::move(both), false);
  REQUIRE(!set);
  REQUIRE(set.error().code() == Errc::kConflict);
}

TEST_CASE("a scrub and maintenance go over all disks") {
  Disks disks;
  auto set = disks.make({"a", "b", "c"});
  for (std::uint16_t family = 0; family < 30; ++family)
    for (std::uint64_t revision = 1; revision < 20; ++revision)
      REQUIRE(put(*set, in_family(family), revision, body(revision, 1500)));
  REQUIRE(testing::maintain_all(*set) > 3);
  std::uint64_t read = 0;
  while (const std::uint64_t n = set->scrub(10'000, WallTime{7})) read += n;
  REQUIRE(read >= 30 * 1500);
  REQUIRE(set->scrub_progress().passes == 1);
  REQUIRE(set->scrub_progress().bytes_done == set->scrub_progress().bytes_total);
}

}  // namespace
}  // namespace brigade::store
