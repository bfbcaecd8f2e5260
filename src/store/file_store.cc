#include "brigade/store/file_store.h"

#include "content_index.h"
#include "file_reader.h"
#include "file_scan.h"
#include "object_file.h"
#include "sharing.h"
#include "staged_file.h"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

/// What a store knows of one of its directories.
struct Directory {
  std::mutex mutex;  // guards `made`
  bool made = false;
  GroupSync sync;
  /// Superseded files removed, and how many of these removals are on disk for sure: the others could come back.
  std::atomic<std::uint64_t> removals{0}, removals_synced{0};
};

Error no_such_object() {
  return {Errc::kNotFound, "no such object"};
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
  return {};
}

class FileStore final : public ObjectStore {
 public:
  FileStore(FileSystem& file_system, const std::string& dir, FileStoreOptions options)
      : file_system_(file_system), dir_(dir), objects_(dir + "/objects"), options_(std::move(options)) {}

  Status start();

  Result<std::unique_ptr<StagedObject>> stage(const ObjectId& id, std::string_view key,
                                              std::uint64_t size_hint) override;
  Result<ObjectMeta> commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) override;
  Result<ObjectMeta> remove(const ObjectId& id, std::string_view key, const CommitInfo& info) override;
  Status forget(const ObjectId& id, Revision revision) override;
  [[nodiscard]] std::optional<IndexEntry> find(const ObjectId& id) const override { return index_.find(id); }
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id, std::string_view key) override;
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id) override;
  [[nodiscard]] Digest digest(BucketId home, std::uint8_t level) const override { return index_.digest(home, level); }
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home, std::uint8_t level) const override;
  [[nodiscard]] std::vector<IndexEntry> list(BucketId home) const override { return index_.list(home); }
  Result<ObjectMeta> meta(const ObjectId& id) override;
  void mark_corrupt(const ObjectId& id, Revision revision) override {
    report_corrupt(id, revision, "found damaged by its reader");
  }
  [[nodiscard]] StoreStats stats(BucketId home) const override { return index_.stats(home); }
  [[nodiscard]] StoreStats stats() const override { return index_.stats(); }
  [[nodiscard]] std::optional<std::string> failed() const override { return latch_.reason(); }

 private:
  struct Opened {
    std::unique_ptr<File> file;
    ObjectMeta meta;
  };

  [[nodiscard]] std::string path_of(const IndexEntry& entry) const {
    return objects_ + "/" + directory_name(directory_of(entry.id)) + "/" +
           to_string(RecordName{entry.id, entry.revision, entry.level, entry.tombstone});
  }
  [[nodiscard]] std::string temporary_path() {
    return objects_ + "/tmp/" + std::to_string(next_temporary_.fetch_add(1));
  }

  Status make_directory(std::size_t number);
  Status sync_directory(std::size_t number);
  Result<ObjectMeta> put(StagedFile& file, const ObjectMeta& meta);
  Result<std::optional<ObjectMeta>> compare_present(const IndexEntry& present, const ObjectMeta& meta);
  Result<Opened> open_record(const ObjectId& id);
  std::unique_ptr<ObjectReader> make_reader(Opened opened);
  void report_corrupt(const ObjectId& id, Revision revision, const std::string& why);

  FileSystem& file_system_;
  std::string dir_;
  std::string objects_;
  FileStoreOptions options_;
  FailureLatch latch_;
  ContentIndex index_;
  BusyIds busy_;
  std::array<Directory, kDirectories> directories_;
  std::atomic<std::uint64_t> next_temporary_{0};
};

Status FileStore::start() {
  for (const std::string& path : {dir_, objects_, objects_ + "/tmp", objects_ + "/corrupt"})
    if (Status ok = file_system_.make_directory(path); !ok) return ok;
  const std::size_t slash = dir_.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : dir_.substr(0, slash);
  for (const std::string& path : {parent, dir_, objects_})
    if (Status ok = file_system_.sync_directory(path); !ok) return ok;

  const Result<std::vector<std::string>> leftovers = file_system_.list(objects_ + "/tmp");
  if (!leftovers) return leftovers.error();
  for (const std::string& name : *leftovers)
    if (Status ok = file_system_.remove(objects_ + "/tmp/" + name); !ok) return ok;

  const ScanOptions scan{.objects = objects_,
                         .threads = options_.scan_threads,
                         .on_progress = options_.on_progress,
                         .on_corrupt = options_.on_corrupt};
  const Result<ScanResult> found = scan_objects(file_system_, scan, index_);
  if (!found) return found.error();
  for (const std::size_t number : found->directories) directories_[number].made = true;
  for (const std::size_t number : found->cleaned) ++directories_[number].removals;
  return {};
}

Status FileStore::make_directory(std::size_t number) {
  Directory& directory = directories_[number];
  const std::lock_guard lock(directory.mutex);
  if (directory.made) return {};
  if (Status ok = file_system_.make_directory(objects_ + "/" + directory_name(number)); !ok)
    return latch_.note(ok.error());
  if (Status ok = file_system_.sync_directory(objects_); !ok) return latch_.note(Error(Errc::kIo, ok.error().detail()));
  directory.made = true;
  return {};
}

Status FileStore::sync_directory(std::size_t number) {
  Directory& directory = directories_[number];
  const Status synced = directory.sync.run([&] {
    const std::uint64_t removals = directory.removals;
    Status status = file_system_.sync_directory(objects_ + "/" + directory_name(number));
    if (status) directory.removals_synced = removals;
    return status;
  });
  // Whatever the reason, names that were to become durable are in doubt: no later sync makes up for it.
  if (!synced) return latch_.note(Error(Errc::kIo, synced.error().detail()));
  return {};
}

void FileStore::report_corrupt(const ObjectId& id, Revision revision, const std::string& why) {
  const std::optional<IndexEntry> entry = index_.find(id);
  if (!index_.mark_corrupt(id, revision) || !entry) return;
  if (options_.on_corrupt) options_.on_corrupt(path_of(*entry), why);
}

Result<std::unique_ptr<StagedObject>> FileStore::stage(const ObjectId& id, std::string_view key,
                                                       std::uint64_t size_hint) {
  if (Status ok = latch_.check(); !ok) return ok.error();
  if (Status ok = check_key(key); !ok) return ok.error();
  if (size_hint > limits::kObjectBytesMax)
    return Error(Errc::kTooLarge, "an object has at most " + std::to_string(limits::kObjectBytesMax) + " bytes");
  const Result<std::uint64_t> free = file_system_.free_bytes(objects_);
  if (!free) return latch_.note(free.error());
  if (*free < options_.reserve_bytes || *free - options_.reserve_bytes < file_bytes(size_hint))
    return Error(Errc::kNoSpace, std::to_string(*free) + " bytes are free in " + objects_ + ", of which " +
                                     std::to_string(options_.reserve_bytes) + " are kept in reserve; free some space");
  Result<std::unique_ptr<StagedFile>> file =
      StagedFile::create({file_system_, latch_, temporary_path(), options_.reserve_bytes}, id, key, size_hint);
  if (!file) return file.error();
  return std::unique_ptr<StagedObject>(std::move(*file));
}

Result<ObjectMeta> FileStore::commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) {
  auto* file = dynamic_cast<StagedFile*>(staged.get());
  BRIGADE_CHECK(file != nullptr && file->is_finished(), "commit needs a finished object that this store has staged");
  if (Status ok = check_info(info); !ok) return ok.error();
  return put(*file, {.id = file->id(),
                     .key = file->key(),
                     .revision = info.revision,
                     .level = info.level,
                     .size = file->size(),
                     .checksum = file->checksum(),
                     .sha256 = file->sha256(),
                     .modified = info.modified,
                     .content_type = info.content_type});
}

Result<ObjectMeta> FileStore::remove(const ObjectId& id, std::string_view key, const CommitInfo& info) {
  if (Status ok = latch_.check(); !ok) return ok.error();
  if (Status ok = check_key(key); !ok) return ok.error();
  if (Status ok = check_info(info); !ok) return ok.error();
  // No look at the reserve: it is there so that deletes go through on a full disk.
  const Result<std::unique_ptr<StagedFile>> file =
      StagedFile::create({file_system_, latch_, temporary_path()}, id, key, 0);
  if (!file) return file.error();
  return put(**file, {.id = id,
                      .key = std::string(key),
                      .revision = info.revision,
                      .level = info.level,
                      .tombstone = true,
                      .modified = info.modified,
                      .content_type = info.content_type});
}

/// What the present record means for a commit of `meta`: nothing (go on), the record itself (already done), or an
/// error.
Result<std::optional<ObjectMeta>> FileStore::compare_present(const IndexEntry& present, const ObjectMeta& meta) {
  const Error stale(Errc::kStale, "revision " + to_string(present.revision) + " of the object is here already");
  bool damaged = present.corrupt;
  if (!damaged) {
    Result<Opened> opened = open_record(present.id);
    if (opened) {
      // The key first: a collision must never look like a newer revision of the same object.
      if (opened->meta.key != meta.key)
        return Error(Errc::kConflict, "another key has this object id already; store the object under another key");
      if (present.revision == meta.revision && opened->meta.checksum == meta.checksum &&
          opened->meta.size == meta.size && opened->meta.tombstone == meta.tombstone)
        return std::optional(std::move(opened->meta));
    } else if (opened.error().code() == Errc::kCorrupt) {
      damaged = true;
    } else {
      return opened.error();
    }
  }
  if (present.revision > meta.revision || (present.revision == meta.revision && !damaged)) return stale;
  return std::optional<ObjectMeta>();
}

Result<ObjectMeta> FileStore::put(StagedFile& file, const ObjectMeta& meta) {
  if (Status ok = latch_.check(); !ok) return ok.error();
  const BusyIds::Guard guard(busy_, meta.id);
  const std::optional<IndexEntry> present = index_.find(meta.id);
  if (present) {
    Result<std::optional<ObjectMeta>> there = compare_present(*present, meta);
    if (!there) return there.error();
    if (*there) return std::move(**there);
  }
  const std::size_t number = directory_of(meta.id);
  if (Status ok = make_directory(number); !ok) return ok.error();
  const IndexEntry entry{
      .id = meta.id, .revision = meta.revision, .level = meta.level, .tombstone = meta.tombstone, .size = meta.size};
  const std::string path = path_of(entry);
  if (Status ok = file.publish(meta, path); !ok) return ok.error();
  if (Status ok = sync_directory(number); !ok) return ok.error();
  index_.put({.entry = entry});
  if (present && path_of(*present) != path) {
    // The new record is durable, the commit has succeeded. If the old file stays, the next start removes it.
    const Status removed = file_system_.remove(path_of(*present));
    if (!removed && removed.error().code() != Errc::kNotFound) static_cast<void>(latch_.note(removed.error()));
    ++directories_[number].removals;
  }
  return meta;
}

Status FileStore::forget(const ObjectId& id, Revision revision) {
  if (Status ok = latch_.check(); !ok) return ok;
  const BusyIds::Guard guard(busy_, id);
  const std::optional<IndexEntry> present = index_.find(id);
  if (!present || present->revision != revision) return {};
  const std::size_t number = directory_of(id);
  // Were this record's removal to reach the disk before that of the one it superseded, a power cut would bring back the
  // older: a deleted object, say.
  if (directories_[number].removals_synced != directories_[number].removals)
    if (Status ok = sync_directory(number); !ok) return ok;
  index_.erase(id);
  const Status removed = file_system_.remove(path_of(*present));
  if (removed || removed.error().code() == Errc::kNotFound) return {};
  index_.put({.entry = *present});
  return latch_.note(removed.error());
}

Result<FileStore::Opened> FileStore::open_record(const ObjectId& id) {
  for (;;) {
    const std::optional<IndexEntry> entry = index_.find(id);
    if (!entry) return no_such_object();
    if (entry->corrupt) return Error(Errc::kCorrupt, "the record is damaged; a commit of its revision repairs it");
    Result<std::unique_ptr<File>> file = file_system_.open(path_of(*entry), OpenMode::kRead);
    if (!file && file.error().code() == Errc::kOverloaded) return file.error();
    // Replaced or forgotten between the look at the index and the open: look again. Each turn is somebody's progress.
    if (!file && file.error().code() == Errc::kNotFound && index_.find(id) != entry) continue;
    Result<ObjectMeta> meta = file ? read_header(**file) : Result<ObjectMeta>(file.error());
    if (meta && (meta->id != id || meta->revision != entry->revision))
      meta = Error(Errc::kCorrupt, "the header belongs to another record");
    if (meta) return Opened{std::move(*file), std::move(*meta)};
    if (meta.error().code() == Errc::kOverloaded) return meta.error();
    report_corrupt(id, entry->revision, meta.error().detail());
    return Error(Errc::kCorrupt, meta.error().detail());
  }
}

std::unique_ptr<ObjectReader> FileStore::make_reader(Opened opened) {
  const ObjectId id = opened.meta.id;
  const Revision revision = opened.meta.revision;
  return std::make_unique<FileReader>(
      std::move(opened.file), std::move(opened.meta),
      [this, id, revision](const std::string& why) { report_corrupt(id, revision, why); });
}

Result<std::unique_ptr<ObjectReader>> FileStore::open(const ObjectId& id, std::string_view key) {
  Result<Opened> opened = open_record(id);
  if (!opened) return opened.error();
  if (opened->meta.tombstone) return no_such_object();
  if (opened->meta.key != key) return Error(Errc::kConflict, "another key has this object id");
  return make_reader(std::move(*opened));
}

Result<std::unique_ptr<ObjectReader>> FileStore::open(const ObjectId& id) {
  Result<Opened> opened = open_record(id);
  if (!opened) return opened.error();
  return make_reader(std::move(*opened));
}

Result<ObjectMeta> FileStore::meta(const ObjectId& id) {
  Result<Opened> opened = open_record(id);
  if (!opened) return opened.error();
  return std::move(opened->meta);
}

std::vector<IndexEntry> FileStore::list(BucketId home, std::uint8_t level) const {
  std::vector<IndexEntry> entries = index_.list(home);
  std::erase_if(entries, [level](const IndexEntry& entry) { return entry.level != level; });
  return entries;
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_file_store(FileSystem& file_system, const std::string& dir,
                                                     FileStoreOptions options) {
  auto store = std::make_unique<FileStore>(file_system, dir, std::move(options));
  if (Status ok = store->start(); !ok) return ok.error();
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace brigade::store
