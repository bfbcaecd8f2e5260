#include "brigade/store/segment_store.h"

#include "body_buffer.h"
#include "commit_queue.h"
#include "committer.h"
#include "content_index.h"
#include "expiry_calendar.h"
#include "housekeeping.h"
#include "large_files.h"
#include "object_file.h"
#include "record_opener.h"
#include "recovery.h"
#include "retained_index.h"
#include "scrubber.h"
#include "segment_log.h"
#include "sharing.h"
#include "snapshotter.h"
#include "staged_body.h"
#include "staged_file.h"

#include <atomic>
#include <chrono>
#include <random>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

constexpr std::size_t kBatchOperationsMax = 512;

WallTime system_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

std::uint64_t draw_salt() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

Status check_key(std::string_view key) {
  if (key.empty() || key.size() > limits::kKeyBytesMax)
    return Error(Errc::kInvalid, "a key has 1 to " + std::to_string(limits::kKeyBytesMax) + " bytes");
  return {};
}

Status check_info(const CommitInfo& info) {
  if (info.level > kLevelMax) return Error(Errc::kInvalid, "a level is at most " + std::to_string(kLevelMax));
  if (info.content_type.size() > limits::kContentTypeBytesMax)
    return Error(Errc::kInvalid,
                 "a content type has at most " + std::to_string(limits::kContentTypeBytesMax) + " bytes");
  if (info.user_headers.size() > kUserHeaderBytesMax)
    return Error(Errc::kInvalid, "user headers have at most " + std::to_string(kUserHeaderBytesMax) + " bytes");
  return {};
}

class SegmentStore final : public ObjectStore {
 public:
  SegmentStore(FileSystem& file_system, const std::string& dir, SegmentStoreOptions options);

  Status start();

  Result<std::unique_ptr<StagedObject>> stage(const ObjectId& id, std::string_view key,
                                              std::uint64_t size_hint) override;
  Result<ObjectMeta> commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) override;
  Work commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info, Done done) override;
  Result<ObjectMeta> remove(const ObjectId& id, std::string_view key, const CommitInfo& info) override;
  Work remove(const ObjectId& id, std::string_view key, const CommitInfo& info, Done done) override;
  Status forget(const ObjectId& id, Revision revision) override;
  [[nodiscard]] Revision highest_forgotten() const override { return committer_.highest_forgotten(); }
  [[nodiscard]] std::optional<IndexEntry> find(const ObjectId& id) const override { return index_.find(id); }
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id, std::string_view key) override;
  std::unique_ptr<ObjectReader> open_cached(const ObjectId& id, std::string_view key) override;
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id) override { return opener_.open(id); }
  [[nodiscard]] std::vector<RetainedRevision> retained(const ObjectId& id) const override;
  Result<std::unique_ptr<ObjectReader>> open_retained(const ObjectId& id, Revision revision) override {
    return opener_.open_retained(id, revision);
  }
  void set_retention(Duration retention) override { committer_.set_retention(retention); }
  void set_compaction_bandwidth(std::uint64_t bytes_per_second) override {
    housekeeping_.set_compaction_bandwidth(bytes_per_second);
  }
  [[nodiscard]] Digest digest(BucketId home, std::uint8_t level) const override { return index_.digest(home, level); }
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home, std::uint8_t level) const override;
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home) const override { return index_.list(home); }
  Result<ObjectMeta> meta(const ObjectId& id) override;
  void mark_corrupt(const ObjectId& id, Revision revision) override {
    committer_.report_corrupt(id, revision, "found damaged by its reader");
  }
  [[nodiscard]] std::vector<IndexEntry> damaged(std::size_t most) const override { return index_.damaged(most); }
  std::uint64_t scrub(std::uint64_t bytes, WallTime now) override { return scrubber_.step(bytes, now); }
  void restart_scrub() override { scrubber_.restart(); }
  [[nodiscard]] ScrubProgress scrub_progress() const override { return scrubber_.progress(); }
  MaintainResult maintain(WallTime now) override { return housekeeping_.step(now); }
  void confirm() override { housekeeping_.confirm(); }
  [[nodiscard]] StoreStats stats(BucketId home) const override { return index_.stats(home); }
  [[nodiscard]] StoreStats stats() const override;
  [[nodiscard]] std::optional<std::string> failed() const override { return latch_.reason(); }

 private:
  StoreParts parts();
  Result<std::unique_ptr<StagedFile>> make_file(const ObjectId& id, std::string_view key, std::uint64_t size_hint);
  struct Prepared {
    std::unique_ptr<Operation> operation;
    std::unique_ptr<StagedObject> staged;  ///< of a large object, to be published first
  };
  Result<Prepared> prepare_put(std::unique_ptr<StagedObject> staged, const CommitInfo& info);
  Result<Prepared> prepare_remove(const ObjectId& id, std::string_view key, const CommitInfo& info);
  /// Compares with what is there; of a large object publishes the file. Sets the result if it comes to nothing more.
  void begin(Prepared& prepared);
  Result<ObjectMeta> run(Result<Prepared> prepared);
  Work submit(Result<Prepared> prepared, Done done);
  [[nodiscard]] bool has_expired(const ObjectMeta& meta) const {
    return meta.expires.unix_ms > 0 && meta.expires <= clock_();
  }

  FileSystem& file_system_;
  std::string objects_;
  SegmentStoreOptions options_;
  std::function<WallTime()> clock_;
  FailureLatch latch_;
  std::shared_ptr<BodyPool> body_pool_ = std::make_shared<BodyPool>();
  ContentIndex index_;
  RetainedIndex retained_;
  ExpiryCalendar calendar_;
  SegmentLog log_;
  LargeFiles large_;
  Committer committer_;
  RecordOpener opener_;
  CommitQueue queue_;
  Snapshotter snapshotter_;
  Housekeeping housekeeping_;
  Scrubber scrubber_;
  std::atomic<std::uint64_t> next_temporary_{0};
};

SegmentStore::SegmentStore(FileSystem& file_system, const std::string& dir, SegmentStoreOptions options)
    : file_system_(file_system),
      objects_(dir + "/objects"),
      options_(std::move(options)),
      clock_(options_.clock ? options_.clock : system_time),
      log_(file_system, {.folder = {.path = objects_ + "/segments",
                                    .corrupt = objects_ + "/corrupt",
                                    .reserve_bytes = options_.reserve_bytes},
                         .segment_bytes_min = options_.segment_bytes_min,
                         .segment_bytes_max = options_.segment_bytes_max}),
      large_(file_system, objects_ + "/large"),
      committer_(parts(), clock_),
      opener_(parts(), committer_),
      queue_({.bytes = options_.batch_bytes_max, .operations = kBatchOperationsMax},
             [this](CommitQueue::Batch& batch) { committer_.commit(batch); }),
      snapshotter_(parts(), committer_, objects_, options_.snapshot_every_bytes),
      housekeeping_(parts(), committer_, snapshotter_, options_.step_bytes,
                    [this](const ObjectId& id, Revision revision) { return forget(id, revision); }),
      scrubber_(parts(), committer_, objects_) {
  BRIGADE_CHECK(options_.small_bytes_max + kRecordHeaderBytesMax + kUnit + kFooterBytes + kSegmentHeaderBytes <=
                        options_.segment_bytes_min &&
                    options_.segment_bytes_max / kUnit <= IndexRecord::kUnitMax + 1,
                "segments of " << options_.segment_bytes_min << " to " << options_.segment_bytes_max << " bytes");
}

StoreParts SegmentStore::parts() {
  return {file_system_, log_, index_, retained_, calendar_, large_, latch_, options_.on_corrupt};
}

Status SegmentStore::start() {
  Recovery recovery(parts(), {.objects = objects_,
                              .new_salt = options_.salt ? *options_.salt : draw_salt(),
                              .retains = options_.retention > Duration{},
                              .now = clock_(),
                              .on_progress = options_.on_progress});
  const Result<Recovery::Outcome> outcome = recovery.run();
  if (!outcome) return outcome.error();
  committer_.restore(outcome->next_lsn);
  committer_.set_retention(options_.retention);
  static_cast<void>(log_.check_space());
  snapshotter_.restore(outcome->snapshot_lsn);
  return {};
}

Result<std::unique_ptr<StagedFile>> SegmentStore::make_file(const ObjectId& id, std::string_view key,
                                                            std::uint64_t size_hint) {
  const Result<std::uint64_t> free = file_system_.free_bytes(objects_);
  if (!free) return latch_.note(free.error());
  if (*free < options_.reserve_bytes || *free - options_.reserve_bytes < file_bytes(size_hint))
    return Error(Errc::kNoSpace, std::to_string(*free) + " bytes are free in " + objects_ + ", of which " +
                                     std::to_string(options_.reserve_bytes) + " are kept in reserve; free some space");
  const std::string path = objects_ + "/tmp/" + std::to_string(next_temporary_.fetch_add(1));
  return StagedFile::create({file_system_, latch_, path, options_.reserve_bytes}, id, key, size_hint);
}

Result<std::unique_ptr<StagedObject>> SegmentStore::stage(const ObjectId& id, std::string_view key,
                                                          std::uint64_t size_hint) {
  if (Status ok = latch_.check(); !ok) return ok.error();
  if (Status ok = check_key(key); !ok) return ok.error();
  if (Status space = log_.check_space(); !space) return latch_.note(space.error());
  if (size_hint > limits::kObjectBytesMax)
    return Error(Errc::kTooLarge, "an object has at most " + std::to_string(limits::kObjectBytesMax) + " bytes");
  auto make = [this](const ObjectId& body, std::string_view name, std::uint64_t hint) {
    return make_file(body, name, hint);
  };
  return std::unique_ptr<StagedObject>(
      std::make_unique<StagedBody>(body_pool_, id, key, size_hint, options_.small_bytes_max, std::move(make)));
}

Result<SegmentStore::Prepared> SegmentStore::prepare_put(std::unique_ptr<StagedObject> staged, const CommitInfo& info) {
  auto* body = dynamic_cast<StagedBody*>(staged.get());
  BRIGADE_CHECK(body != nullptr && body->is_finished(), "commit needs a finished object that this store has staged");
  if (Status ok = latch_.check(); !ok) return ok.error();
  if (Status ok = check_info(info); !ok) return ok.error();
  auto operation = std::make_unique<Operation>();
  operation->meta = {.id = body->id(),
                     .key = body->key(),
                     .revision = info.revision,
                     .level = info.level,
                     .size = body->size(),
                     .checksum = body->checksum(),
                     .modified = info.modified,
                     .content_type = info.content_type,
                     .expires = info.expires,
                     .user_headers = info.user_headers};
  if (body->file() != nullptr) return Prepared{std::move(operation), std::move(staged)};
  operation->buffer = body->take_buffer();
  operation->body = operation->buffer.bytes().first(static_cast<std::size_t>(operation->meta.size));
  return Prepared{std::move(operation), nullptr};
}

Result<SegmentStore::Prepared> SegmentStore::prepare_remove(const ObjectId& id, std::string_view key,
                                                            const CommitInfo& info) {
  if (Status ok = latch_.check(); !ok) return ok.error();
  if (Status ok = check_key(key); !ok) return ok.error();
  if (Status ok = check_info(info); !ok) return ok.error();
  auto operation = std::make_unique<Operation>();
  operation->kind = Operation::Kind::kRemove;
  operation->meta = {.id = id,
                     .key = std::string(key),
                     .revision = info.revision,
                     .level = info.level,
                     .tombstone = true,
                     .modified = info.modified,
                     .content_type = info.content_type,
                     .expires = info.expires,
                     .user_headers = info.user_headers};
  return Prepared{std::move(operation), nullptr};
}

void SegmentStore::begin(Prepared& prepared) {
  Operation& operation = *prepared.operation;
  committer_.compare(operation);
  if (operation.result || !prepared.staged) return;
  StagedFile& file = *static_cast<StagedBody&>(*prepared.staged).file();
  const Result<std::uint64_t> published = large_.publish(file, operation.meta);
  if (published)
    operation.file = *published;
  else
    operation.result = latch_.note(published.error());
}

Result<ObjectMeta> SegmentStore::run(Result<Prepared> prepared) {
  if (!prepared) return prepared.error();
  begin(*prepared);
  std::unique_ptr<Operation>& operation = prepared->operation;
  if (operation->result) return std::move(*operation->result);
  return queue_.run(std::move(operation));
}

ObjectStore::Work SegmentStore::submit(Result<Prepared> prepared, Done done) {
  if (!prepared) {
    done(prepared.error());
    return {};
  }
  prepared->operation->done = std::move(done);
  auto enqueue = [this](std::unique_ptr<Operation> operation) -> Work {
    if (operation->result) {
      operation->done(std::move(*operation->result));
      return {};
    }
    if (!queue_.submit(std::move(operation))) return {};
    return [this] { queue_.lead(); };
  };
  const bool waits = prepared->staged || !committer_.compare(*prepared->operation, Access::kMemory);
  if (!waits) return enqueue(std::move(prepared->operation));
  return [this, enqueue, kept = std::make_shared<Prepared>(std::move(*prepared))] {
    begin(*kept);
    if (const Work lead = enqueue(std::move(kept->operation))) lead();
  };
}

Result<ObjectMeta> SegmentStore::commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) {
  return run(prepare_put(std::move(staged), info));
}

ObjectStore::Work SegmentStore::commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info, Done done) {
  return submit(prepare_put(std::move(staged), info), std::move(done));
}

Result<ObjectMeta> SegmentStore::remove(const ObjectId& id, std::string_view key, const CommitInfo& info) {
  return run(prepare_remove(id, key, info));
}

ObjectStore::Work SegmentStore::remove(const ObjectId& id, std::string_view key, const CommitInfo& info, Done done) {
  return submit(prepare_remove(id, key, info), std::move(done));
}

Status SegmentStore::forget(const ObjectId& id, Revision revision) {
  if (Status ok = latch_.check(); !ok) return ok;
  auto operation = std::make_unique<Operation>();
  operation->kind = Operation::Kind::kForget;
  operation->meta.id = id;
  operation->meta.revision = revision;
  const Result<ObjectMeta> done = run(Prepared{std::move(operation), nullptr});
  return done ? Status() : Status(done.error());
}

Result<std::unique_ptr<ObjectReader>> SegmentStore::open(const ObjectId& id, std::string_view key) {
  Result<std::unique_ptr<ObjectReader>> reader = open(id);
  if (!reader) return reader;
  const ObjectMeta& meta = (*reader)->meta();
  if (meta.tombstone || has_expired(meta)) return Error(Errc::kNotFound, "no such object");
  if (meta.key != key) return Error(Errc::kConflict, "another key has this object id");
  return reader;
}

std::unique_ptr<ObjectReader> SegmentStore::open_cached(const ObjectId& id, std::string_view key) {
  std::unique_ptr<ObjectReader> reader = opener_.open_cached(id);
  if (!reader || reader->meta().key != key || has_expired(reader->meta())) return nullptr;
  return reader;
}

Result<ObjectMeta> SegmentStore::meta(const ObjectId& id) {
  Result<FoundRecord> found = committer_.read(id);
  if (!found) return found.error();
  return std::move(found->header.meta);
}

std::vector<IndexEntry> SegmentStore::list(BucketId home, std::uint8_t level) const {
  std::vector<IndexEntry> entries = index_.list(home);
  std::erase_if(entries, [level](const IndexEntry& entry) { return entry.level != level; });
  return entries;
}

std::vector<RetainedRevision> SegmentStore::retained(const ObjectId& id) const {
  std::vector<RetainedRevision> revisions;
  for (const RetainedRecord& r : retained_.list(id))
    revisions.push_back({r.record.entry.revision, r.record.entry.level, r.record.entry.size, r.replaced});
  return revisions;
}

StoreStats SegmentStore::stats() const {
  StoreStats stats = index_.stats();
  stats.repaired = committer_.repaired();
  return stats;
}

}  // namespace

Status check_store_versions(FileSystem& file_system, const std::string& dir) {
  return SegmentFolder(file_system, {.path = dir + "/objects/segments", .corrupt = {}}).check_versions();
}

Result<std::unique_ptr<ObjectStore>> open_segment_store(FileSystem& file_system, const std::string& dir,
                                                        SegmentStoreOptions options) {
  auto store = std::make_unique<SegmentStore>(file_system, dir, std::move(options));
  if (Status ok = store->start(); !ok) return ok.error();
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace brigade::store
