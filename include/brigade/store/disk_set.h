// Several disks behind one store: each with a store of its own.  Source: design §6.
// Concept: all objects of a family of home buckets, those that replica buckets can have in common, are on one disk.
// Where
//          a family is, is known from the records that are there; one that has none yet gets a disk with its first
//          write, the one with the fewest for its size. So a new disk takes what comes to the node from then on, and
//          nothing is copied between disks. When a disk fails, its families stay with it, so that no write to them can
//          succeed, until the cluster knows that they are empty (`release`); then they get other disks.
// Thread:  as ObjectStore.
// Errors:  as ObjectStore; kOverloaded for a write to a family whose disk has failed, or that must not be placed yet:
//          nothing was written.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "brigade/base/bucket_set.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

class DiskSet final : public ObjectStore {
 public:
  struct Disk {
    std::string path;
    std::unique_ptr<ObjectStore> store;
    /// What it could hold in all; only ratios count. Not 0.
    std::uint64_t capacity = 1;
  };
  struct DiskState {
    std::string path;
    std::optional<std::string> failed;  ///< why
    StoreStats stats;
  };

  /// Buckets of one family lie side by side: a redundancy's replica buckets are a run of up to 16.
  static constexpr std::size_t kFamilyBuckets = 16;
  static constexpr std::size_t kFamilies = kBucketCount / kFamilyBuckets;

  /// The first disk is the node's own: if that fails, failed() says so. 1 to 200 disks. With `some_are_lost`, families
  /// without records take no writes until they are released: a disk that is not here may have had some.
  /// Errors: kConflict: records of one family are on two disks.
  static Result<std::unique_ptr<DiskSet>> make(std::vector<Disk> disks, bool some_are_lost);

  /// All but the first that have failed, as indexes.
  [[nodiscard]] std::vector<std::size_t> failed_disks() const;
  [[nodiscard]] std::vector<DiskState> states() const;
  /// Buckets whose families are on disks that have failed, or may have been on one that is not here.
  [[nodiscard]] BucketSet lost() const;
  /// The family of `bucket`, lost so far, may be placed on another disk.
  void release(BucketId bucket);

  using ObjectStore::commit;
  Result<std::unique_ptr<StagedObject>> stage(const ObjectId& id, std::string_view key,
                                              std::uint64_t size_hint) override;
  Result<ObjectMeta> commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) override;
  Work commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info, Done done) override;
  Result<ObjectMeta> remove(const ObjectId& id, std::string_view key, const CommitInfo& info) override;
  Work remove(const ObjectId& id, std::string_view key, const CommitInfo& info, Done done) override;
  Status forget(const ObjectId& id, Revision revision) override;
  [[nodiscard]] Revision highest_forgotten() const override;
  [[nodiscard]] std::optional<IndexEntry> find(const ObjectId& id) const override;
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id, std::string_view key) override;
  std::unique_ptr<ObjectReader> open_cached(const ObjectId& id, std::string_view key) override;
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id) override;
  [[nodiscard]] std::vector<RetainedRevision> retained(const ObjectId& id) const override;
  Result<std::unique_ptr<ObjectReader>> open_retained(const ObjectId& id, Revision revision) override;
  void set_retention(Duration retention) override;
  void set_compaction_bandwidth(std::uint64_t bytes_per_second) override;
  [[nodiscard]] Digest digest(BucketId home, std::uint8_t level) const override;
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home, std::uint8_t level) const override;
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home) const override;
  Result<ObjectMeta> meta(const ObjectId& id) override;
  void mark_corrupt(const ObjectId& id, Revision revision) override;
  [[nodiscard]] std::vector<IndexEntry> damaged(std::size_t most) const override;
  std::uint64_t scrub(std::uint64_t bytes, WallTime now) override;
  void restart_scrub() override;
  [[nodiscard]] ScrubProgress scrub_progress() const override;
  MaintainResult maintain(WallTime now) override;
  void confirm() override;
  [[nodiscard]] StoreStats stats(BucketId home) const override;
  [[nodiscard]] StoreStats stats() const override;
  [[nodiscard]] std::optional<std::string> failed() const override;

 private:
  using Place = std::uint8_t;  ///< a disk's index, or:
  static constexpr Place kNone = 255, kLost = 254;

  explicit DiskSet(std::vector<Disk> disks) : disks_(std::move(disks)), families_(disks_.size()) {}
  /// Null: no disk has anything of it.
  [[nodiscard]] ObjectStore* at(BucketId home) const;
  [[nodiscard]] ObjectStore* at(const ObjectId& id) const;
  /// Chooses a disk if the family has none.
  Result<std::size_t> place(const ObjectId& id);
  [[nodiscard]] bool is_usable(std::size_t disk) const { return !disks_[disk].store->failed(); }

  std::vector<Disk> disks_;
  std::array<std::atomic<Place>, kFamilies> places_{};
  mutable std::mutex mutex_;                   ///< for changes of places_
  std::vector<std::size_t> families_;          ///< how many each disk has
  std::size_t maintained_ = 0, scrubbed_ = 0;  ///< whose turn it is
};

}  // namespace brigade::store
