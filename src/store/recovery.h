// Brings the store's state back from its files.  Source: design §6; proto/README.md, "Segments", "Index snapshot".
// Concept: the log is the truth. For each object the record with the highest lsn counts, unless a forget marker with a
//          higher one stands against it; so records may be read in any order, twice, and copies of copies. A snapshot
//          stands for all that was appended before it. Damage is reported and kept as such where it is known whose it
//          is; it never stops a start.
// Thread:  the caller's.
#pragma once

#include "committer.h"
#include "index_snapshot.h"
#include "segment_scan.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace brigade::store {

class Recovery {
 public:
  struct Options {
    std::string objects;           ///< DIR/objects
    std::uint64_t new_salt = 0;    ///< for a store that is new
    bool retains = true;           ///< what was replaced
    WallTime now;                  ///< when something was replaced, if nothing tells
    bool ignore_snapshot = false;  ///< read all segments, as if there were no index snapshot
    std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;  ///< bytes of segments
  };
  struct Outcome {
    std::uint64_t next_lsn = 1;
    std::optional<std::uint64_t> snapshot_lsn;  ///< covered by the snapshot that is there
  };
  Recovery(StoreParts parts, Options options) : parts_(std::move(parts)), options_(std::move(options)) {}

  /// Fills index, segment table, log and large files. Errors: kIo, kOverloaded, kNoSpace; kCorrupt: there are segments,
  /// and not one of them says the store's salt.
  Result<Outcome> run();

 private:
  Status make_directories();
  Status open_segments();
  Status open_segment(const std::string& name, std::uint64_t serial);
  Status settle_salt();
  Status load_snapshot();
  Status scan_all();
  Status scan_one(const SegmentPtr& segment);
  void replay(const ScannedRecord& record, const SegmentPtr& segment);
  void replay_marker(const ObjectId& id, std::uint64_t lsn);
  void replay_object(const IndexRecord& record, bool lost, const RecordHeader* header);
  void note_older(const IndexRecord& record, const RecordHeader* header);
  Result<RecordHeader> header_of(const IndexRecord& record);
  void retain_older();
  void note_damage(const Gap& gap, const SegmentPtr& segment);
  static Status make_sure(std::uint64_t synced, Segment& segment);
  Status fill_gaps(const ScanResult& scanned, Segment& segment);
  Status check_all();
  void check_retained();
  Status recheck(const IndexRecord& record);
  void report(const std::string& file, std::uint64_t offset, const std::string& why) {
    if (parts_.on_corrupt) parts_.on_corrupt(file, offset, why);
  }

  StoreParts parts_;
  Options options_;
  std::uint64_t salt_ = 0;
  bool has_salt_ = false;
  std::uint64_t next_serial_ = 1;
  std::uint64_t next_file_ = 1;
  std::uint64_t next_lsn_ = 1;
  std::vector<SegmentPtr> segments_;  // rising by serial
  std::optional<SnapshotHead> snapshot_;
  struct Older {
    IndexRecord record;
    std::uint64_t file = 0;
    WallTime written;
  };
  std::map<std::pair<ObjectId, std::uint64_t>, Older> older_;  // by lsn: records that others have replaced
  std::map<ObjectId, std::uint64_t> markers_;                  // lsn of the last forget marker
  std::uint64_t replayed_ = 0;                                 // bytes
};

}  // namespace brigade::store
