// The content index on disk, so that the next start need not read the segments.  Source: design §6; proto/README.md,
// "Index snapshot".
// Concept: written bit by bit while the store goes on. It covers an lsn: operations up to it are in the snapshot;
//          later ones may be, and are found in the segments behind the tails that it names. So it is complete with
//          them, and each entry's lsn decides what counts. It replaces the one before by a rename.
// Thread:  one owner at a time.
#pragma once

#include "content_index.h"
#include "retained_index.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brigade/store/file_system.h"

namespace brigade::store {

struct SnapshotSegment {
  std::uint64_t serial = 0;
  std::uint64_t tail = 0;     ///< records before it are covered
  std::uint64_t markers = 0;  ///< bytes of forget markers before it
};

struct SnapshotHead {
  std::uint64_t salt = 0;
  std::uint64_t lsn = 0;          ///< covered
  std::uint64_t next_serial = 0;  ///< higher than all that were given out
  std::uint64_t next_file = 0;    ///< the same for large objects
  std::vector<SnapshotSegment> segments;
};

/// A record with the serial of its segment instead of a slot.
struct SnapshotEntry {
  IndexRecord record;
  std::uint64_t serial = 0;
};

struct SnapshotRetained {
  RetainedRecord retained;
  std::uint64_t serial = 0;
};

struct SnapshotDue {
  ObjectId id;
  std::uint64_t minute = 0;  ///< since 1970, when it expires
};

/// Gets what a snapshot says, in this order, a block at a time.
struct SnapshotSink {
  std::function<void(const SnapshotHead&)> on_head;
  std::function<void(const std::vector<SnapshotEntry>&)> on_entries;
  std::function<void(const std::vector<SnapshotRetained>&)> on_retained;
  std::function<void(const std::vector<SnapshotDue>&)> on_due;
};

class SnapshotWriter {
 public:
  /// Creates the temporary file and writes the head.
  static Result<std::unique_ptr<SnapshotWriter>> create(FileSystem& file_system, const std::string& dir,
                                                        const SnapshotHead& head);
  ~SnapshotWriter();
  // All entries first, then the retained ones, then what is due.
  Status add(const SnapshotEntry& entry);
  Status add(const SnapshotRetained& retained);
  Status add(const SnapshotDue& due);
  /// Writes what is buffered.
  Status flush();
  /// All entries are in: puts the file in place, durably.
  Status finish();
  [[nodiscard]] std::uint64_t lsn() const { return lsn_; }

 private:
  SnapshotWriter(FileSystem& file_system, const std::string& dir, std::unique_ptr<File> file)
      : file_system_(file_system), dir_(dir), file_(std::move(file)) {}
  Status write_block(std::uint32_t kind, std::span<const std::byte> payload);
  /// Where the next `bytes` of a run of `kind` go.
  Result<std::span<std::byte>> room(std::uint32_t kind, std::size_t bytes);

  FileSystem& file_system_;
  std::string dir_;
  std::unique_ptr<File> file_;
  std::uint64_t offset_ = 0;
  std::uint64_t lsn_ = 0;
  std::uint64_t block_ = 0;
  std::uint64_t entries_ = 0;
  std::vector<std::byte> buffer_;
  std::uint32_t kind_ = 0;  ///< of what is buffered
  bool finished_ = false;
};

/// Errors: kNotFound: there is none; kCorrupt, saying where: what was given so far is not to be used; kOverloaded.
Status read_snapshot(FileSystem& file_system, const std::string& dir, const SnapshotSink& sink);

/// Below DIR/objects; the draft is in the folder there for what is not whole yet.
inline constexpr const char* kSnapshotName = "/index.snap";
inline constexpr const char* kSnapshotDraft = "tmp/index.snap";

}  // namespace brigade::store
