#include "brigade/store/disk_set.h"

#include <algorithm>
#include <utility>

#include "brigade/base/check.h"

namespace brigade::store {

namespace {

std::size_t family_of(BucketId home) {
  return home.value / DiskSet::kFamilyBuckets;
}

BucketId home_of(const ObjectId& id) {
  return BucketId{static_cast<std::uint16_t>(id.high >> 48)};
}

template <class F>
void for_buckets_of(std::size_t family, F&& f) {
  for (std::size_t i = 0; i < DiskSet::kFamilyBuckets; ++i)
    f(BucketId{static_cast<std::uint16_t>(family * DiskSet::kFamilyBuckets + i)});
}

bool has_records(const ObjectStore& store, BucketId home) {
  const StoreStats stats = store.stats(home);
  // Damaged records are in the lists alone.
  return stats.objects + stats.tombstones > 0 || !store.list(home).empty();
}

/// Knows which disk it goes to.
class RoutedObject final : public StagedObject {
 public:
  RoutedObject(ObjectStore& store, std::unique_ptr<StagedObject> inner) : store_(store), inner_(std::move(inner)) {}
  std::span<std::byte> room() override { return inner_->room(); }
  void filled(std::size_t bytes) override { inner_->filled(bytes); }
  Status write(std::span<const std::byte> bytes) override { return inner_->write(bytes); }
  Status finish() override { return inner_->finish(); }
  [[nodiscard]] std::uint64_t size() const override { return inner_->size(); }
  [[nodiscard]] std::uint64_t checksum() const override { return inner_->checksum(); }

  [[nodiscard]] ObjectStore& store() const { return store_; }
  std::unique_ptr<StagedObject> take() { return std::move(inner_); }

 private:
  ObjectStore& store_;
  std::unique_ptr<StagedObject> inner_;
};

RoutedObject& routed(StagedObject& staged) {
  auto* object = dynamic_cast<RoutedObject*>(&staged);
  BRIGADE_CHECK(object != nullptr, "commit needs an object that this store has staged");
  return *object;
}

}  // namespace

Result<std::unique_ptr<DiskSet>> DiskSet::make(std::vector<Disk> disks, bool some_are_lost) {
  BRIGADE_CHECK(!disks.empty() && disks.size() <= 200, disks.size() << " disks");
  std::unique_ptr<DiskSet> set(new DiskSet(std::move(disks)));
  for (std::size_t family = 0; family < kFamilies; ++family) {
    Place found = kNone;
    for (std::size_t disk = 0; disk < set->disks_.size(); ++disk) {
      bool has = false;
      for_buckets_of(family, [&](BucketId home) { has = has || has_records(*set->disks_[disk].store, home); });
      if (has && found != kNone)
        return Error(Errc::kConflict, "objects of bucket " +
                                          to_string(BucketId{static_cast<std::uint16_t>(family * kFamilyBuckets)}) +
                                          " are in both " + set->disks_[found].path + " and " + set->disks_[disk].path +
                                          ": one of them is a copy, or was in use elsewhere; start without it");
      if (has) found = static_cast<Place>(disk);
    }
    if (found != kNone) ++set->families_[found];
    set->places_[family] = found == kNone && some_are_lost ? kLost : found;
  }
  return set;
}

std::vector<std::size_t> DiskSet::failed_disks() const {
  std::vector<std::size_t> failed;
  for (std::size_t disk = 1; disk < disks_.size(); ++disk)
    if (!is_usable(disk)) failed.push_back(disk);
  return failed;
}

std::vector<DiskSet::DiskState> DiskSet::states() const {
  std::vector<DiskState> states;
  for (const Disk& disk : disks_) states.push_back({disk.path, disk.store->failed(), disk.store->stats()});
  return states;
}

BucketSet DiskSet::lost() const {
  BucketSet lost;
  std::vector<bool> usable;
  for (std::size_t disk = 0; disk < disks_.size(); ++disk) usable.push_back(is_usable(disk));
  for (std::size_t family = 0; family < kFamilies; ++family) {
    const Place place = places_[family];
    if (place == kLost || (place != kNone && !usable[place]))
      for_buckets_of(family, [&](BucketId bucket) { lost.add(bucket); });
  }
  return lost;
}

void DiskSet::release(BucketId bucket) {
  const std::lock_guard lock(mutex_);
  std::atomic<Place>& place = places_[family_of(bucket)];
  if (place < disks_.size()) {
    BRIGADE_CHECK(!is_usable(place), "a family of a disk that works is not lost");
    --families_[place];
  }
  place = kNone;
}

ObjectStore* DiskSet::at(BucketId home) const {
  const Place place = places_[family_of(home)];
  return place < disks_.size() ? disks_[place].store.get() : nullptr;
}

ObjectStore* DiskSet::at(const ObjectId& id) const {
  return at(home_of(id));
}

Result<std::size_t> DiskSet::place(const ObjectId& id) {
  std::atomic<Place>& place = places_[family_of(home_of(id))];
  if (const Place now = place; now < disks_.size()) {
    if (is_usable(now)) return std::size_t{now};
    return Error(Errc::kOverloaded,
                 "the disk " + disks_[now].path + " has failed, and what was on it is placed anew: ask again");
  }
  const std::lock_guard lock(mutex_);
  if (place < disks_.size()) return std::size_t{place};
  if (place == kLost)
    return Error(Errc::kOverloaded, "a disk is gone, and the cluster does not know yet what was on it: ask again");
  std::size_t best = disks_.size();
  auto load = [&](std::size_t disk) {
    return static_cast<double>(families_[disk] + 1) / static_cast<double>(disks_[disk].capacity);
  };
  for (std::size_t disk = 0; disk < disks_.size(); ++disk)
    if (is_usable(disk) && (best == disks_.size() || load(disk) < load(best))) best = disk;
  if (best == disks_.size()) return Error(Errc::kIo, "all disks have failed");
  ++families_[best];
  place = static_cast<Place>(best);
  return best;
}

Result<std::unique_ptr<StagedObject>> DiskSet::stage(const ObjectId& id, std::string_view key,
                                                     std::uint64_t size_hint) {
  const Result<std::size_t> disk = place(id);
  if (!disk) return disk.error();
  ObjectStore& store = *disks_[*disk].store;
  Result<std::unique_ptr<StagedObject>> staged = store.stage(id, key, size_hint);
  if (!staged) return staged.error();
  return std::unique_ptr<StagedObject>(std::make_unique<RoutedObject>(store, std::move(*staged)));
}

Result<ObjectMeta> DiskSet::commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) {
  RoutedObject& object = routed(*staged);
  return object.store().commit(object.take(), info);
}

ObjectStore::Work DiskSet::commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info, Done done) {
  RoutedObject& object = routed(*staged);
  return object.store().commit(object.take(), info, std::move(done));
}

Result<ObjectMeta> DiskSet::remove(const ObjectId& id, std::string_view key, const CommitInfo& info) {
  const Result<std::size_t> disk = place(id);
  return disk ? disks_[*disk].store->remove(id, key, info) : disk.error();
}

ObjectStore::Work DiskSet::remove(const ObjectId& id, std::string_view key, const CommitInfo& info, Done done) {
  const Result<std::size_t> disk = place(id);
  if (disk) return disks_[*disk].store->remove(id, key, info, std::move(done));
  done(disk.error());
  return {};
}

Revision DiskSet::highest_forgotten() const {
  Revision highest;
  for (const Disk& disk : disks_) highest = std::max(highest, disk.store->highest_forgotten());
  return highest;
}

Status DiskSet::forget(const ObjectId& id, Revision revision) {
  ObjectStore* store = at(id);
  return store == nullptr ? Status{} : store->forget(id, revision);
}

std::optional<IndexEntry> DiskSet::find(const ObjectId& id) const {
  const ObjectStore* store = at(id);
  return store == nullptr ? std::nullopt : store->find(id);
}

Result<std::unique_ptr<ObjectReader>> DiskSet::open(const ObjectId& id, std::string_view key) {
  ObjectStore* store = at(id);
  if (store == nullptr) return Error(Errc::kNotFound, "no such object");
  return store->open(id, key);
}

std::unique_ptr<ObjectReader> DiskSet::open_cached(const ObjectId& id, std::string_view key) {
  ObjectStore* store = at(id);
  return store == nullptr ? nullptr : store->open_cached(id, key);
}

Result<std::unique_ptr<ObjectReader>> DiskSet::open(const ObjectId& id) {
  ObjectStore* store = at(id);
  if (store == nullptr) return Error(Errc::kNotFound, "no such object");
  return store->open(id);
}

std::vector<RetainedRevision> DiskSet::retained(const ObjectId& id) const {
  const ObjectStore* store = at(id);
  return store == nullptr ? std::vector<RetainedRevision>{} : store->retained(id);
}

Result<std::unique_ptr<ObjectReader>> DiskSet::open_retained(const ObjectId& id, Revision revision) {
  ObjectStore* store = at(id);
  if (store == nullptr) return Error(Errc::kNotFound, "no such revision is retained here");
  return store->open_retained(id, revision);
}

void DiskSet::set_retention(Duration retention) {
  for (const Disk& disk : disks_) disk.store->set_retention(retention);
}

void DiskSet::set_compaction_bandwidth(std::uint64_t bytes_per_second) {
  for (const Disk& disk : disks_) disk.store->set_compaction_bandwidth(bytes_per_second);
}

Digest DiskSet::digest(BucketId home, std::uint8_t level) const {
  const ObjectStore* store = at(home);
  return store == nullptr ? Digest{} : store->digest(home, level);
}

std::vector<IndexEntry> DiskSet::list(BucketId home, std::uint8_t level) const {
  const ObjectStore* store = at(home);
  return store == nullptr ? std::vector<IndexEntry>{} : store->list(home, level);
}

std::vector<IndexEntry> DiskSet::list(BucketId home) const {
  const ObjectStore* store = at(home);
  return store == nullptr ? std::vector<IndexEntry>{} : store->list(home);
}

Result<ObjectMeta> DiskSet::meta(const ObjectId& id) {
  ObjectStore* store = at(id);
  if (store == nullptr) return Error(Errc::kNotFound, "no such object");
  return store->meta(id);
}

void DiskSet::mark_corrupt(const ObjectId& id, Revision revision) {
  if (ObjectStore* store = at(id)) store->mark_corrupt(id, revision);
}

std::vector<IndexEntry> DiskSet::damaged(std::size_t most) const {
  std::vector<IndexEntry> all;
  for (std::size_t disk = 0; disk < disks_.size() && all.size() < most; ++disk) {
    if (!is_usable(disk)) continue;
    const std::vector<IndexEntry> some = disks_[disk].store->damaged(most - all.size());
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::uint64_t DiskSet::scrub(std::uint64_t bytes, WallTime now) {
  for (; scrubbed_ < disks_.size(); ++scrubbed_)
    if (is_usable(scrubbed_))
      if (const std::uint64_t read = disks_[scrubbed_].store->scrub(bytes, now); read > 0) return read;
  scrubbed_ = 0;
  return 0;
}

void DiskSet::restart_scrub() {
  for (const Disk& disk : disks_) disk.store->restart_scrub();
}

ScrubProgress DiskSet::scrub_progress() const {
  ScrubProgress all = disks_[0].store->scrub_progress();
  for (std::size_t disk = 1; disk < disks_.size(); ++disk) {
    if (!is_usable(disk)) continue;
    const ScrubProgress one = disks_[disk].store->scrub_progress();
    // The first begins a pass, and the others follow in turn.
    if (one.started >= all.started) all.bytes_done += one.bytes_done;
    all.bytes_total += one.bytes_total;
    all.passes = std::min(all.passes, one.passes);
    all.set_aside += one.set_aside;
  }
  return all;
}

MaintainResult DiskSet::maintain(WallTime now) {
  // A round in which none has anything to do is the end.
  MaintainResult nothing;
  for (std::size_t looked = 0; looked < disks_.size(); ++looked) {
    const std::size_t disk = maintained_;
    maintained_ = (maintained_ + 1) % disks_.size();
    if (!is_usable(disk)) continue;
    const MaintainResult result = disks_[disk].store->maintain(now);
    if (result.again) return result;
    if (result.rest > Duration{} && (nothing.rest == Duration{} || result.rest < nothing.rest))
      nothing.rest = result.rest;
  }
  return nothing;
}

void DiskSet::confirm() {
  for (const Disk& disk : disks_) disk.store->confirm();
}

StoreStats DiskSet::stats(BucketId home) const {
  const ObjectStore* store = at(home);
  return store == nullptr ? StoreStats{} : store->stats(home);
}

StoreStats DiskSet::stats() const {
  StoreStats all;
  for (std::size_t disk = 0; disk < disks_.size(); ++disk) {
    if (!is_usable(disk)) continue;
    const StoreStats one = disks_[disk].store->stats();
    all.objects += one.objects;
    all.tombstones += one.tombstones;
    all.bytes += one.bytes;
    all.corrupt += one.corrupt;
    all.damaged += one.damaged;
    all.repaired += one.repaired;
  }
  return all;
}

std::optional<std::string> DiskSet::failed() const {
  return disks_[0].store->failed();
}

}  // namespace brigade::store
