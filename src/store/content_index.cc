#include "content_index.h"

#include "object_file.h"

#include <algorithm>

#include <boost/container/deque.hpp>

#include "brigade/base/check.h"

namespace brigade::store {

/// The home bucket's 16 bits of the id are left out.
struct ContentIndex::Packed {
  std::uint64_t id_low;
  std::uint64_t id_high : 48;
  std::uint64_t size_low : 16;
  std::uint64_t revision;
  std::uint64_t lsn : 46;
  std::uint64_t expires : 1;
  std::uint64_t level : 3;
  std::uint64_t tombstone : 1;
  std::uint64_t corrupt : 1;
  std::uint64_t large : 1;
  std::uint64_t header_units : 6;
  std::uint64_t size_middle : 5;
  std::uint64_t slot : 22;
  std::uint64_t unit : 22;
  std::uint64_t size_high : 20;

  static constexpr std::uint64_t kIdMask = (std::uint64_t{1} << 48) - 1;

  explicit Packed(const IndexRecord& r)
      : id_low(r.entry.id.low),
        id_high(r.entry.id.high & kIdMask),
        size_low(r.entry.size & 0xffff),
        revision(r.entry.revision.value),
        lsn(r.lsn & IndexRecord::kLsnMax),
        expires(r.entry.expires ? 1 : 0),
        level(r.entry.level & 7u),
        tombstone(r.entry.tombstone ? 1 : 0),
        corrupt(r.entry.corrupt ? 1 : 0),
        large(r.large ? 1 : 0),
        header_units(r.header_units & 63u),
        size_middle((r.entry.size >> 16) & 31),
        slot(r.at.slot & IndexRecord::kSlotMax),
        unit(r.at.unit & IndexRecord::kUnitMax),
        size_high((r.entry.size >> 21) & 0xfffff) {
    static_assert(sizeof(Packed) == 40, "the budget of the index is 48 bytes per object, all told");
  }
  [[nodiscard]] std::uint64_t size() const {
    return std::uint64_t{size_low} | std::uint64_t{size_middle} << 16 | std::uint64_t{size_high} << 21;
  }
  [[nodiscard]] IndexEntry entry(BucketId home) const {
    return {.id = {std::uint64_t{home.value} << 48 | id_high, id_low},
            .revision = Revision{revision},
            .level = static_cast<std::uint8_t>(level),
            .tombstone = tombstone != 0,
            .size = size(),
            .corrupt = corrupt != 0,
            .expires = expires != 0};
  }
  [[nodiscard]] Location location() const {
    return {static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(unit)};
  }
  [[nodiscard]] IndexRecord record(BucketId home) const {
    return {.entry = entry(home),
            .lsn = lsn,
            .at = location(),
            .large = large != 0,
            .header_units = static_cast<std::uint8_t>(header_units)};
  }
  [[nodiscard]] bool is_before(const ObjectId& id) const {
    const std::uint64_t high = id.high & kIdMask;
    return id_high != high ? id_high < high : id_low < id.low;
  }
  [[nodiscard]] bool is(const ObjectId& id) const { return id_high == (id.high & kIdMask) && id_low == id.low; }
};

struct ContentIndex::Bucket {
  /// Pieces of one size, all full but those at the ends: as a vector grows, what it leaves behind fits nobody, and
  /// takes a fifth of the memory.
  using Records =
      boost::container::deque<Packed, void, boost::container::deque_options<boost::container::block_size<12U>>::type>;

  Records records;                                             // rising by id
  std::array<std::unique_ptr<Digest>, kLevelMax + 1> digests;  // made when first needed
  StoreStats stats;

  [[nodiscard]] Records::iterator at_or_after(const ObjectId& id) {
    return std::lower_bound(records.begin(), records.end(), id,
                            [](const Packed& r, const ObjectId& i) { return r.is_before(i); });
  }
};

ContentIndex::ContentIndex() : regions_(std::make_unique<std::array<Region, 256>>()) {}
ContentIndex::~ContentIndex() = default;

ContentIndex::Bucket* ContentIndex::bucket_of(const Region& here, BucketId home) const {
  return here.buckets[home.value & 0xff].get();
}

ContentIndex::Packed* ContentIndex::find_in(Bucket* bucket, const ObjectId& id) {
  if (bucket == nullptr) return nullptr;
  const auto at = bucket->at_or_after(id);
  return at == bucket->records.end() || !at->is(id) ? nullptr : &*at;
}

void ContentIndex::count(Bucket& bucket, const IndexRecord& record, bool add) {
  const std::uint64_t one = add ? 1 : ~std::uint64_t{0};
  const IndexEntry& entry = record.entry;
  if (entry.tombstone) {
    bucket.stats.tombstones += one;
    tombstones_ += one;
  } else if (!entry.corrupt) {
    std::unique_ptr<Digest>& digest = bucket.digests[entry.level];
    if (!digest) digest = std::make_unique<Digest>();
    add ? digest->add(entry.id, entry.revision) : digest->remove(entry.id, entry.revision);
    const std::uint64_t bytes = add ? entry.size : ~entry.size + 1;
    bucket.stats.objects += one;
    bucket.stats.bytes += bytes;
    objects_ += one;
    bytes_ += bytes;
  }
  if (!entry.corrupt) return;
  bucket.stats.damaged += one;
  damaged_ += one;
  if (add) {
    ++bucket.stats.corrupt;
    ++corrupt_;
  }
}

std::optional<IndexRecord> ContentIndex::find_record(const ObjectId& id) const {
  const BucketId home = home_of(id);
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Packed* found = find_in(bucket_of(here, home), id);
  if (found == nullptr) return std::nullopt;
  return found->record(home);
}

std::optional<IndexEntry> ContentIndex::find(const ObjectId& id) const {
  const BucketId home = home_of(id);
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Packed* found = find_in(bucket_of(here, home), id);
  if (found == nullptr) return std::nullopt;
  return found->entry(home);
}

std::optional<IndexRecord> ContentIndex::put(const IndexRecord& record) {
  BRIGADE_CHECK(record.entry.level <= kLevelMax, "level " << int{record.entry.level});
  BRIGADE_CHECK(
      record.lsn <= IndexRecord::kLsnMax && record.at.slot <= IndexRecord::kSlotMax &&
          record.at.unit <= IndexRecord::kUnitMax && record.header_units < 64,
      "a record that does not fit: lsn " << record.lsn << ", slot " << record.at.slot << ", unit " << record.at.unit);
  const ObjectId& id = record.entry.id;
  const BucketId home = home_of(id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  std::unique_ptr<Bucket>& bucket = here.buckets[home.value & 0xff];
  if (!bucket) bucket = std::make_unique<Bucket>();
  std::optional<IndexRecord> before;
  if (Packed* found = find_in(bucket.get(), id)) {
    before = found->record(home);
    count(*bucket, *before, false);
    *found = Packed(record);
  } else {
    bucket->records.insert(bucket->at_or_after(id), Packed(record));
  }
  count(*bucket, record, true);
  return before;
}

std::optional<IndexRecord> ContentIndex::erase(const ObjectId& id) {
  const BucketId home = home_of(id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Bucket* bucket = bucket_of(here, home);
  Packed* found = find_in(bucket, id);
  if (found == nullptr) return std::nullopt;
  const IndexRecord before = found->record(home);
  count(*bucket, before, false);
  bucket->records.erase(bucket->at_or_after(id));
  return before;
}

bool ContentIndex::relocate(const ObjectId& id, std::uint64_t lsn, Location from, Location to) {
  const BucketId home = home_of(id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Packed* found = find_in(bucket_of(here, home), id);
  if (found == nullptr || found->lsn != lsn || found->location() != from) return false;
  found->slot = to.slot & IndexRecord::kSlotMax;
  found->unit = to.unit & IndexRecord::kUnitMax;
  return true;
}

bool ContentIndex::exchange(const IndexRecord& record, Location from) {
  const BucketId home = home_of(record.entry.id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Bucket* bucket = bucket_of(here, home);
  Packed* found = find_in(bucket, record.entry.id);
  if (found == nullptr || found->lsn != record.lsn || found->location() != from) return false;
  const bool known = found->corrupt != 0;
  count(*bucket, found->record(home), false);
  *found = Packed(record);
  count(*bucket, record, true);
  if (known && record.entry.corrupt) {  // counted when it was found
    --bucket->stats.corrupt;
    --corrupt_;
  }
  return true;
}

void ContentIndex::clear() {
  for (Region& here : *regions_) {
    const std::lock_guard lock(here.mutex);
    for (std::unique_ptr<Bucket>& bucket : here.buckets) bucket.reset();
  }
  objects_ = tombstones_ = bytes_ = corrupt_ = damaged_ = 0;
}

bool ContentIndex::mark_corrupt(const ObjectId& id, Revision revision) {
  const BucketId home = home_of(id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Bucket* bucket = bucket_of(here, home);
  Packed* found = find_in(bucket, id);
  if (found == nullptr || found->revision != revision.value || found->corrupt != 0) return false;
  count(*bucket, found->record(home), false);
  found->corrupt = 1;
  count(*bucket, found->record(home), true);
  return true;
}

Digest ContentIndex::digest(BucketId home, std::uint8_t level) const {
  BRIGADE_CHECK(level <= kLevelMax, "level " << int{level});
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = bucket_of(here, home);
  return bucket == nullptr || !bucket->digests[level] ? Digest{} : *bucket->digests[level];
}

std::vector<IndexEntry> ContentIndex::list(BucketId home) const {
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = bucket_of(here, home);
  std::vector<IndexEntry> entries;
  if (bucket == nullptr) return entries;
  entries.reserve(bucket->records.size());
  for (const Packed& record : bucket->records) entries.push_back(record.entry(home));
  return entries;
}

std::vector<IndexEntry> ContentIndex::damaged(std::size_t most) const {
  std::vector<IndexEntry> entries;
  for (std::uint32_t home = 0; home <= 0xffff && damaged_ > 0 && entries.size() < most; ++home) {
    const BucketId bucket{static_cast<std::uint16_t>(home)};
    if (stats(bucket).damaged == 0) continue;
    for (const IndexEntry& entry : list(bucket))
      if (entry.corrupt && entries.size() < most) entries.push_back(entry);
  }
  return entries;
}

void ContentIndex::visit(BucketId home, const std::function<void(const IndexRecord&)>& visit) const {
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = bucket_of(here, home);
  if (bucket == nullptr) return;
  for (const Packed& record : bucket->records) visit(record.record(home));
}

StoreStats ContentIndex::stats(BucketId home) const {
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = bucket_of(here, home);
  return bucket == nullptr ? StoreStats{} : bucket->stats;
}

StoreStats ContentIndex::stats() const {
  return {.objects = objects_, .tombstones = tombstones_, .bytes = bytes_, .corrupt = corrupt_, .damaged = damaged_};
}

}  // namespace brigade::store
