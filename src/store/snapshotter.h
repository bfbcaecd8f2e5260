// Writes the index to disk now and then, a piece at a time.  Source: design §6 (snapshots of the index).
// Thread:  one owner at a time, beside commits; not beside compaction.
#pragma once

#include "committer.h"
#include "index_snapshot.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

namespace brigade::store {

class Snapshotter {
 public:
  Snapshotter(StoreParts parts, Committer& committer, std::string objects, std::uint64_t every_bytes)
      : parts_(std::move(parts)), committer_(committer), objects_(std::move(objects)), every_bytes_(every_bytes) {}

  /// What the snapshot on disk covers, at start.
  void restore(std::optional<std::uint64_t> lsn) { covered_ = lsn.value_or(kAll); }
  /// Operations up to it are in any snapshot that a start may ever read: those on disk and in the making.
  [[nodiscard]] std::uint64_t covered() const { return writer_ ? std::min(covered_, writer_->lsn()) : covered_; }
  /// Writes a snapshot now, from beginning to end. Errors: as step.
  Status write_all();
  /// Does one piece; false if there was nothing to do. Errors: kNoSpace, kOverloaded: given up, later again; kIo.
  Result<bool> step();

 private:
  static constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();  // there is no snapshot
  [[nodiscard]] bool is_due() const;
  Status advance();
  Status begin();
  Status write_piece();

  StoreParts parts_;
  Committer& committer_;
  std::string objects_;
  std::uint64_t every_bytes_;
  std::uint64_t covered_ = kAll;
  std::unique_ptr<SnapshotWriter> writer_;
  std::uint32_t next_home_ = 0;
};

}  // namespace brigade::store
