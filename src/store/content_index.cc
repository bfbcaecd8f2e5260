#include "content_index.h"

#include "object_file.h"

#include <algorithm>

#include "brigade/base/check.h"

namespace brigade::store {

struct ContentIndex::Record {
  ObjectId id;
  Revision revision;
  std::uint64_t size : 48;
  std::uint64_t level : 4;
  std::uint64_t tombstone : 1;
  std::uint64_t corrupt : 1;

  explicit Record(const IndexEntry& entry)
      : id(entry.id),
        revision(entry.revision),
        size(entry.size),
        level(entry.level),
        tombstone(entry.tombstone ? 1 : 0),
        corrupt(entry.corrupt ? 1 : 0) {
    static_assert(sizeof(Record) == 32, "the budget of the index is 48 bytes per object, all told");
  }
  [[nodiscard]] IndexEntry entry() const {
    return {.id = id,
            .revision = revision,
            .level = static_cast<std::uint8_t>(level),
            .tombstone = tombstone != 0,
            .size = size,
            .corrupt = corrupt != 0};
  }
};

struct ContentIndex::Bucket {
  std::vector<Record> records;  // rising by id
  std::array<Digest, kLevelMax + 1> digests{};
  StoreStats stats;

  [[nodiscard]] std::vector<Record>::iterator at_or_after(const ObjectId& id) {
    return std::lower_bound(records.begin(), records.end(), id,
                            [](const Record& r, const ObjectId& i) { return r.id < i; });
  }
};

ContentIndex::ContentIndex() : regions_(std::make_unique<std::array<Region, 256>>()) {}
ContentIndex::~ContentIndex() = default;

void ContentIndex::count(Bucket& bucket, const Record& record, bool add) {
  const std::uint64_t one = add ? 1 : ~std::uint64_t{0};
  if (record.tombstone != 0) {
    bucket.stats.tombstones += one;
    tombstones_ += one;
  } else if (record.corrupt == 0) {
    Digest& digest = bucket.digests[record.level];
    add ? digest.add(record.id, record.revision) : digest.remove(record.id, record.revision);
    const std::uint64_t bytes = add ? record.size : ~std::uint64_t{record.size} + 1;
    bucket.stats.objects += one;
    bucket.stats.bytes += bytes;
    objects_ += one;
    bytes_ += bytes;
  }
  if (record.corrupt != 0 && add) {
    ++bucket.stats.corrupt;
    ++corrupt_;
  }
}

std::optional<IndexEntry> ContentIndex::find(const ObjectId& id) const {
  const BucketId home = home_of(id);
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Bucket* bucket = here.buckets[home.value & 0xff].get();
  if (bucket == nullptr) return std::nullopt;
  const auto at = bucket->at_or_after(id);
  if (at == bucket->records.end() || at->id != id) return std::nullopt;
  return at->entry();
}

void ContentIndex::put(const IndexEntry& entry) {
  BRIGADE_CHECK(entry.level <= kLevelMax, "level " << int{entry.level});
  const Record record(entry);
  const BucketId home = home_of(entry.id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  std::unique_ptr<Bucket>& bucket = here.buckets[home.value & 0xff];
  if (!bucket) bucket = std::make_unique<Bucket>();
  std::vector<Record>& records = bucket->records;
  // Doubling would waste up to half of the memory; an eighth keeps the budget.
  if (records.size() == records.capacity()) records.reserve(records.size() + records.size() / 8 + 4);
  const auto at = bucket->at_or_after(entry.id);
  if (at != records.end() && at->id == entry.id) {
    count(*bucket, *at, false);
    *at = record;
  } else {
    records.insert(at, record);
  }
  count(*bucket, record, true);
}

void ContentIndex::erase(const ObjectId& id) {
  const BucketId home = home_of(id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Bucket* bucket = here.buckets[home.value & 0xff].get();
  if (bucket == nullptr) return;
  const auto at = bucket->at_or_after(id);
  if (at == bucket->records.end() || at->id != id) return;
  count(*bucket, *at, false);
  bucket->records.erase(at);
}

bool ContentIndex::mark_corrupt(const ObjectId& id, Revision revision) {
  const BucketId home = home_of(id);
  Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  Bucket* bucket = here.buckets[home.value & 0xff].get();
  if (bucket == nullptr) return false;
  const auto at = bucket->at_or_after(id);
  if (at == bucket->records.end() || at->id != id || at->revision != revision || at->corrupt != 0) return false;
  count(*bucket, *at, false);
  at->corrupt = 1;
  count(*bucket, *at, true);
  return true;
}

Digest ContentIndex::digest(BucketId home, std::uint8_t level) const {
  BRIGADE_CHECK(level <= kLevelMax, "level " << int{level});
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = here.buckets[home.value & 0xff].get();
  return bucket == nullptr ? Digest{} : bucket->digests[level];
}

std::vector<IndexEntry> ContentIndex::list(BucketId home) const {
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = here.buckets[home.value & 0xff].get();
  std::vector<IndexEntry> entries;
  if (bucket == nullptr) return entries;
  entries.reserve(bucket->records.size());
  for (const Record& record : bucket->records) entries.push_back(record.entry());
  return entries;
}

StoreStats ContentIndex::stats(BucketId home) const {
  const Region& here = region(home);
  const std::lock_guard lock(here.mutex);
  const Bucket* bucket = here.buckets[home.value & 0xff].get();
  return bucket == nullptr ? StoreStats{} : bucket->stats;
}

StoreStats ContentIndex::stats() const {
  return {.objects = objects_, .tombstones = tombstones_, .bytes = bytes_, .corrupt = corrupt_};
}

}  // namespace brigade::store
