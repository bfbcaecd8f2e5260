// Decides what a change comes to, and makes it durable.  Source: design §5 Promise, §6.
// Concept: a batch is compared with the index, appended with one sync, and then brought into the index in lsn order. So
//          what readers see is always on disk, and what the index says is what a replay of the log would.
// Thread:  compare and read: any thread. commit: one at a time (CommitQueue).
#pragma once

#include "commit_queue.h"
#include "content_index.h"
#include "expiry_calendar.h"
#include "large_files.h"
#include "record_reader.h"
#include "retained_index.h"
#include "segment_log.h"
#include "sharing.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace brigade::store {

/// The parts of a store that its workers share.
struct StoreParts {
  FileSystem& file_system;
  SegmentLog& log;
  ContentIndex& index;
  RetainedIndex& retained;
  ExpiryCalendar& calendar;
  LargeFiles& large;
  FailureLatch& latch;
  std::function<void(const std::string& file, std::uint64_t offset, const std::string& reason)> on_corrupt;
};

/// The record of an object, with where it is.
struct FoundRecord {
  IndexRecord record;
  SegmentPtr segment;
  RecordHeader header;
};

/// Where on disk something is damaged.
struct DamagePlace {
  std::string file;
  std::uint64_t offset = 0;
};

class Committer {
 public:
  Committer(StoreParts parts, std::function<WallTime()> clock) : parts_(std::move(parts)), clock_(std::move(clock)) {}

  void restore(std::uint64_t next_lsn) { next_lsn_ = next_lsn; }
  void set_retention(Duration retention) {
    retention_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(retention).count();
  }
  /// What was replaced before it is no longer retained.
  [[nodiscard]] WallTime retained_since(WallTime now) const { return {now.unix_ms - retention_ms_}; }
  /// Nothing points to it any more.
  void drop(const IndexRecord& record, std::uint64_t file);
  /// All operations up to it are in the index. Stable for who has the log's turn.
  [[nodiscard]] std::uint64_t last_lsn() const { return next_lsn_ - 1; }

  /// The present record of `id`. Errors: kNotFound: there is none; kCorrupt: it is damaged; kOverloaded; kUnavailable:
  /// it would have to be read from the disk, and is not to be.
  Result<FoundRecord> read(const ObjectId& id, Access access = Access::kDisk);
  /// Sets the operation's result if the present record settles it; otherwise notes what it was compared with. False
  /// if that can't be said without the disk.
  bool compare(Operation& operation, Access access = Access::kDisk);
  /// Sets all results.
  void commit(CommitQueue::Batch& batch);
  /// Tells of damage once, as long as the record stays; true if it was news. It is in the record itself unless `place`
  /// says otherwise.
  bool report_corrupt(const ObjectId& id, Revision revision, const std::string& why,
                      const std::optional<DamagePlace>& place = {});
  /// Of all that was forgotten since start.
  [[nodiscard]] Revision highest_forgotten() const { return Revision{highest_forgotten_}; }
  /// Damaged records that were replaced.
  [[nodiscard]] std::uint64_t repaired() const { return repaired_; }

 private:
  struct Group;
  void flush(Group& group);
  void apply(const Operation& operation, const SegmentLog::Item& item, const std::optional<IndexRecord>& present);

  StoreParts parts_;
  std::function<WallTime()> clock_;
  std::atomic<std::uint64_t> next_lsn_{1};
  std::atomic<std::int64_t> retention_ms_{0};
  std::atomic<std::uint64_t> highest_forgotten_{0};
  std::atomic<std::uint64_t> repaired_{0};
};

}  // namespace brigade::store
