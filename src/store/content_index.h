// What the store holds, in memory.  Source: design §6 (content index by home bucket), §5 (digest per bucket and level).
// Concept: for each home bucket its records, sorted by id, 32 bytes each; digests, counts and bytes kept along. Knows
// no
//          files. A record known corrupt stays listed but counts neither in the digest nor as live.
// Thread:  any thread; one lock per 256 buckets.
// Cost:    find O(log n), put and erase O(n) moves of 32 bytes, n the records of one home bucket.
// Invariants: C1 digest, objects and bytes of a bucket are those of its live records   C2 one record per id, rising
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "brigade/base/checksum.h"
#include "brigade/base/ids.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

class ContentIndex {
 public:
  ContentIndex();
  ~ContentIndex();

  [[nodiscard]] std::optional<IndexEntry> find(const ObjectId& id) const;
  /// Adds the record or replaces the one with its id.
  void put(const IndexEntry& entry);
  void erase(const ObjectId& id);
  /// True if the record has this revision and was not known to be corrupt.
  bool mark_corrupt(const ObjectId& id, Revision revision);

  [[nodiscard]] Digest digest(BucketId home, std::uint8_t level) const;
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home) const;
  [[nodiscard]] StoreStats stats(BucketId home) const;
  [[nodiscard]] StoreStats stats() const;

 private:
  struct Record;
  struct Bucket;
  struct Region {
    mutable std::mutex mutex;
    std::array<std::unique_ptr<Bucket>, 256> buckets;  ///< made when first needed
  };

  [[nodiscard]] const Region& region(BucketId home) const { return (*regions_)[home.value >> 8]; }
  [[nodiscard]] Region& region(BucketId home) { return (*regions_)[home.value >> 8]; }
  void count(Bucket& bucket, const Record& record, bool add);

  std::unique_ptr<std::array<Region, 256>> regions_;
  std::atomic<std::uint64_t> objects_{0}, tombstones_{0}, bytes_{0}, corrupt_{0};
};

/// The first 16 bits.
constexpr BucketId home_of(const ObjectId& id) {
  return BucketId{static_cast<std::uint16_t>(id.high >> 48)};
}

}  // namespace brigade::store
