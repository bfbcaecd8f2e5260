// What the store holds, in memory.  Source: design §6 (content index by home bucket), §5 (digest per bucket and level).
// Concept: for each home bucket its records, sorted by id, 40 bytes each; digests, counts and bytes kept along. Knows
//          no files: where a record is, is a slot and an offset that mean nothing here. A record known corrupt stays
//          listed but counts neither in the digest nor as live.
// Thread:  any thread; one lock per 256 buckets.
// Cost:    find O(log n), put and erase O(n) moves of 40 bytes, n the records of one home bucket.
// Invariants: C1 digest, objects and bytes of a bucket are those of its live records   C2 one record per id, rising
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "brigade/base/checksum.h"
#include "brigade/base/ids.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

/// Where a record is: the number of its segment in memory, and its place there in units of 64 bytes.
struct Location {
  std::uint32_t slot = 0;
  std::uint32_t unit = 0;
  auto operator<=>(const Location&) const = default;
  [[nodiscard]] std::uint64_t offset() const { return std::uint64_t{unit} * 64; }
};

/// All that the index knows of a record.
struct IndexRecord {
  static constexpr std::uint32_t kSlotMax = (1u << 22) - 1;
  static constexpr std::uint32_t kUnitMax = (1u << 22) - 1;
  static constexpr std::uint64_t kLsnMax = (std::uint64_t{1} << 46) - 1;

  IndexEntry entry;
  std::uint64_t lsn = 0;          ///< of the operation that put it; at most kLsnMax
  Location at;                    ///< at most kSlotMax and kUnitMax
  bool large = false;             ///< the body is in a file of its own
  std::uint8_t header_units = 0;  ///< of the record in its segment, at most 63
  bool operator==(const IndexRecord&) const = default;

  /// What the record takes in its segment.
  [[nodiscard]] std::uint64_t record_bytes() const {
    const std::uint64_t body = large || entry.tombstone ? 0 : (entry.size + 63) / 64 * 64;
    return header_units * std::uint64_t{64} + body + 64;
  }
};

class ContentIndex {
 public:
  ContentIndex();
  ~ContentIndex();

  [[nodiscard]] std::optional<IndexEntry> find(const ObjectId& id) const;
  [[nodiscard]] std::optional<IndexRecord> find_record(const ObjectId& id) const;
  /// Adds the record or replaces the one with its id, and returns that.
  std::optional<IndexRecord> put(const IndexRecord& record);
  /// Returns what was there.
  std::optional<IndexRecord> erase(const ObjectId& id);
  /// Moves the record if it still has this lsn and place. False: it has not.
  bool relocate(const ObjectId& id, std::uint64_t lsn, Location from, Location to);
  /// Puts `record` in the place of the one with its id and lsn, if that is still at `from`. False: it is not.
  bool exchange(const IndexRecord& record, Location from);
  /// True if the record has this revision and was not known to be corrupt.
  bool mark_corrupt(const ObjectId& id, Revision revision);

  [[nodiscard]] Digest digest(BucketId home, std::uint8_t level) const;
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home) const;
  /// Records known to be corrupt, up to `most`.
  [[nodiscard]] std::vector<IndexEntry> damaged(std::size_t most) const;
  /// Calls `visit` for each record with home bucket `home`, rising, under the bucket's lock: it must not come back
  /// here.
  void visit(BucketId home, const std::function<void(const IndexRecord&)>& visit) const;
  /// Forgets all.
  void clear();
  [[nodiscard]] StoreStats stats(BucketId home) const;
  [[nodiscard]] StoreStats stats() const;

 private:
  struct Packed;
  struct Bucket;
  struct Region {
    mutable std::mutex mutex;
    std::array<std::unique_ptr<Bucket>, 256> buckets;  ///< made when first needed
  };

  [[nodiscard]] const Region& region(BucketId home) const { return (*regions_)[home.value >> 8]; }
  [[nodiscard]] Region& region(BucketId home) { return (*regions_)[home.value >> 8]; }
  [[nodiscard]] Bucket* bucket_of(const Region& here, BucketId home) const;
  [[nodiscard]] static Packed* find_in(Bucket* bucket, const ObjectId& id);
  void count(Bucket& bucket, const IndexRecord& record, bool add);

  std::unique_ptr<std::array<Region, 256>> regions_;
  std::atomic<std::uint64_t> objects_{0}, tombstones_{0}, bytes_{0}, corrupt_{0}, damaged_{0};
};

/// The first 16 bits.
constexpr BucketId home_of(const ObjectId& id) {
  return BucketId{static_cast<std::uint16_t>(id.high >> 48)};
}

}  // namespace brigade::store
