// Reads all that is stored, a piece at a time, and tells what is damaged.  Source: design §5 (a scrub reads
// everything), testing R5. Concept: a pass goes through the segments that were there when it began, in the order of
// their serials: every record
//          is verified, for each large object its file, and what the index points to must have been among the records.
//          Damaged records are marked in the index, and their segments emptied and set aside by compaction. How far a
//          pass is, is noted at each segment's end, so that a restart goes on there, roughly.
// Thread:  step: one caller at a time, beside commits and compaction. The rest: any thread.
#pragma once

#include "committer.h"
#include "record_check.h"
#include "segment_scan.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace brigade::store {

class Scrubber {
 public:
  Scrubber(StoreParts parts, Committer& committer, std::string objects)
      : parts_(std::move(parts)), committer_(committer), objects_(std::move(objects)) {}

  /// Reads and verifies about `bytes` more; how many it were. 0: a pass has ended, or there are no descriptors.
  std::uint64_t step(std::uint64_t bytes, WallTime now);
  /// The next step begins a new pass.
  void restart();
  [[nodiscard]] ScrubProgress progress() const;

 private:
  /// What the index points to in the segment.
  struct Expected {
    std::uint32_t unit = 0;
    ObjectId id;
    std::uint64_t lsn = 0;
    bool seen = false;
  };

  void begin_pass(WallTime now);
  void end_pass();
  bool next_segment();
  void end_segment();
  std::uint64_t read_records(std::uint64_t bytes);
  std::uint64_t read_large(std::uint64_t bytes);
  Status look_at(const ScannedRecord& record);
  void damaged(const ScannedRecord& record, const std::string& why);
  void damaged_file(const DamagePlace& place, const std::string& why);
  void note_dead(std::uint64_t offset, const std::string& why);
  void see(const ScannedRecord& record);
  void recheck(const Expected& expected);
  [[nodiscard]] bool is_present(const ScannedRecord& record) const;
  void count(std::uint64_t bytes);
  bool resume();
  void note_position();

  StoreParts parts_;
  Committer& committer_;
  std::string objects_;
  bool is_running_ = false;
  bool has_looked_ = false;  ///< for the position that the last run of the process left
  std::uint64_t last_ = 0;   ///< serial of the last segment that was read to its end
  std::uint64_t end_ = 0;    ///< the highest serial of the pass
  SegmentPtr segment_;
  std::uint64_t offset_ = 0;  ///< in the segment
  std::uint64_t to_ = 0;
  std::vector<Expected> expected_;  ///< rising by unit
  std::unique_ptr<LargeCheck> large_;
  ScannedRecord large_record_;
  mutable std::mutex mutex_;  ///< guards what follows
  bool restart_ = false;
  ScrubProgress progress_;
};

}  // namespace brigade::store
