#include "file_scan.h"

#include "file_reader.h"
#include "object_file.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace brigade::store {
namespace {

struct Found {
  RecordName name;
  std::string file;
  std::uint64_t size = 0;
  std::string damage;  // empty: the header is good
};

/// The record that counts comes first.
bool counts_before(const Found& a, const Found& b) {
  if (a.name.id != b.name.id) return a.name.id < b.name.id;
  if (a.name.revision != b.name.revision) return a.name.revision > b.name.revision;
  if (a.damage.empty() != b.damage.empty()) return a.damage.empty();
  return a.file < b.file;
}

class Scan {
 public:
  Scan(FileSystem& file_system, const ScanOptions& options, ContentIndex& index)
      : file_system_(file_system), options_(options), index_(index) {}

  Result<ScanResult> run() {
    const Result<std::vector<std::string>> names = file_system_.list(options_.objects);
    if (!names) return names.error();
    for (std::size_t directory = 0; directory < kDirectories; ++directory)
      if (std::binary_search(names->begin(), names->end(), directory_name(directory)))
        result_.directories.push_back(directory);
    const auto helpers = std::min<std::size_t>(options_.threads, result_.directories.size());
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back([this] { work(); });
    work();
    threads.clear();
    if (error_) return *error_;
    return std::move(result_);
  }

 private:
  void work() {
    for (;;) {
      const std::size_t i = next_++;
      if (i >= result_.directories.size() || stop_) return;
      const Result<bool> cleaned = scan(result_.directories[i]);
      const std::lock_guard lock(mutex_);
      if (!cleaned) {
        stop_ = true;
        if (!error_) error_ = cleaned.error();
        return;
      }
      if (*cleaned) result_.cleaned.push_back(result_.directories[i]);
      ++done_;
      if (options_.on_progress) options_.on_progress(done_, result_.directories.size());
    }
  }

  /// True if superseded files were removed.
  Result<bool> scan(std::size_t directory) {
    const std::string path = options_.objects + "/" + directory_name(directory);
    const Result<std::vector<std::string>> files = file_system_.list(path);
    if (!files) return files.error();
    // What is seen now may be in the kernel's memory only, if a process and not the machine went down.
    if (Status ok = file_system_.sync_directory(path); !ok) return ok.error();
    std::vector<Found> found;
    found.reserve(files->size());
    for (const std::string& file : *files) {
      const std::optional<RecordName> name = parse_record_name(file);
      if (!name || directory_of(name->id) != directory) {
        if (Status ok = set_aside(path, file, "no name of an object file of this directory"); !ok) return ok.error();
        continue;
      }
      Result<Found> one = examine(path, file, *name);
      if (!one) return one.error();
      found.push_back(std::move(*one));
    }
    std::sort(found.begin(), found.end(), counts_before);
    return settle(path, found);
  }

  Result<Found> examine(const std::string& path, const std::string& file, const RecordName& name) {
    Found found{.name = name, .file = file};
    const Result<std::unique_ptr<File>> open = file_system_.open(path + "/" + file, OpenMode::kRead);
    if (!open && open.error().code() == Errc::kOverloaded) return open.error();
    const Result<ObjectMeta> meta = open ? read_header(**open) : Result<ObjectMeta>(open.error());
    if (!meta) {
      if (meta.error().code() == Errc::kOverloaded) return meta.error();
      found.damage = meta.error().detail();
    } else if (RecordName{meta->id, meta->revision, meta->level, meta->tombstone} != name) {
      found.damage = "the header belongs to another record, " +
                     to_string(RecordName{meta->id, meta->revision, meta->level, meta->tombstone});
    } else {
      found.size = meta->size;
    }
    return found;
  }

  /// Indexes what counts and removes what is superseded.
  Result<bool> settle(const std::string& path, const std::vector<Found>& found) {
    bool cleaned = false;
    const Found* winner = nullptr;
    for (const Found& record : found) {
      if (winner == nullptr || winner->name.id != record.name.id) {
        winner = &record;
        index_.put({.entry = {.id = record.name.id,
                              .revision = record.name.revision,
                              .level = record.name.level,
                              .tombstone = record.name.tombstone,
                              .size = record.size,
                              .corrupt = !record.damage.empty()}});
        if (!record.damage.empty()) report(path + "/" + record.file, record.damage);
        continue;
      }
      cleaned = true;
      // An older revision must not come back, but while the newer one is damaged it may be the last that is left.
      const Status ok = winner->damage.empty()
                            ? file_system_.remove(path + "/" + record.file)
                            : set_aside(path, record.file, "superseded by a damaged file, " + winner->file);
      if (!ok) return ok.error();
    }
    return cleaned;
  }

  /// To objects/corrupt/, for people. On a full disk it stays where it is; it is in no index.
  Status set_aside(const std::string& path, const std::string& file, const std::string& reason) {
    report(path + "/" + file, reason);
    const Status moved = file_system_.rename(path + "/" + file, options_.objects + "/corrupt/" + file);
    if (!moved && moved.error().code() != Errc::kNoSpace) return moved;
    return {};
  }

  void report(const std::string& file, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (options_.on_corrupt) options_.on_corrupt(file, reason);
  }

  FileSystem& file_system_;
  const ScanOptions& options_;
  ContentIndex& index_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // guards what follows, and the callbacks
  ScanResult result_;
  std::uint64_t done_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<ScanResult> scan_objects(FileSystem& file_system, const ScanOptions& options, ContentIndex& index) {
  return Scan(file_system, options, index).run();
}

}  // namespace brigade::store
