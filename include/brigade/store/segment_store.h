// The object store that packs objects into segments.  Source: design §6; proto/README.md, "Segments".
// Concept: a log. Each change is a record that is appended with others in one write and one data sync; the state is
// what
//          the records say in the order of their sequence numbers. Small objects are in their records, larger ones in
//          files of their own. An index in memory knows where everything is; compaction, snapshots of the index and
//          segments prepared ahead are maintain()'s work.
// Thread:  as ObjectStore. Staged objects and readers may not outlive the store, nor the store the FileSystem.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "brigade/base/result.h"
#include "brigade/store/file_system.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

struct SegmentStoreOptions {
  /// Larger objects have a file each.
  std::uint64_t small_bytes_max = std::uint64_t{1} << 20;
  /// A segment has a 64th of what is live, within these. The smaller holds any small object's record.
  std::uint64_t segment_bytes_min = std::uint64_t{16} << 20;
  std::uint64_t segment_bytes_max = std::uint64_t{256} << 20;
  /// Free space that objects must leave; deletes and compaction may use it. A prepared segment is kept for them too.
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;
  /// Commits that are written together.
  std::uint64_t batch_bytes_max = std::uint64_t{8} << 20;
  /// What one step of maintenance copies.
  std::uint64_t step_bytes = std::uint64_t{1} << 20;
  /// The index is written anew after so much was appended, or twice its own size if that is more.
  std::uint64_t snapshot_every_bytes = std::uint64_t{256} << 20;
  /// How long what is replaced or deleted can still be had, until set_retention says otherwise.
  Duration retention = std::chrono::hours{24};
  /// Seeds checksums of records; drawn at random when the store is made, if not given.
  std::optional<std::uint64_t> salt;
  /// Stamps records with the time of their writing, and says what has expired; the system's if not given.
  std::function<WallTime()> clock;
  /// While starting: bytes of segments looked through, of how many.
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
  /// Something was found damaged: where, and why. From any thread, also while serving; once until it is replaced.
  std::function<void(const std::string& file, std::uint64_t offset, const std::string& reason)> on_corrupt;
};

/// Whether this program reads the store in `dir`, if there is one. Changes nothing. Errors: kConflict: a segment has
/// another format version; kIo.
Status check_store_versions(FileSystem& file_system, const std::string& dir);

/// Opens the store in `dir`, making it if it is not there: reads the index snapshot and what was appended since, or all
/// segments. Damage is reported, kept as such where it is known whose it is, and stops nothing.
/// Errors: kIo, kNoSpace (while making it), kOverloaded; kCorrupt: no segment's header can be read.
Result<std::unique_ptr<ObjectStore>> open_segment_store(FileSystem& file_system, const std::string& dir,
                                                        SegmentStoreOptions options = {});

}  // namespace brigade::store
