// Gives the space of dead records back.  Source: design §6.
// Concept: takes the segment with the most garbage, copies what the index still points to into a segment for copies,
//          syncs, moves the index over, and takes the old segment out of the log. A crash at any point leaves both
//          copies, of which either may count.
//
//          Forget markers. A marker with lsn m keeps dead records of its id with lower lsns from coming back. It may
//          go when there are none. Claim: all of them stand in segments with serials up to its barrier, the highest
//          serial given out when it was written. For a record is in the log before the marker, in a segment that is
//          then open; and a copy is made only of a record that the index points to, which is looked at after the
//          segment for copies was opened, by who has the log's turn: either that was before the marker was written
//          (serial <= barrier), or after it was brought into the index, and the record is no longer pointed to. So:
//          no other segment up to the barrier has dead bytes (what it has is live, and then not older than the
//          marker), the one being compacted goes in the same step as the marker, and the index snapshot that a start
//          would read, or one that is being written, covers m, so that it can't have the record either.
//          Segments with little garbage are compacted too, oldest first, once markers have piled up behind them.
// Thread:  one owner at a time, beside commits.
#pragma once

#include "committer.h"
#include "segment_scan.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace brigade::store {

class Compactor {
 public:
  /// Copies about `step_bytes` at once.
  Compactor(StoreParts parts, Committer& committer, std::uint64_t step_bytes)
      : parts_(std::move(parts)), committer_(committer), step_bytes_(step_bytes) {}

  /// Does one piece; false if there was nothing to do. `covered`: markers with higher lsns must stay.
  /// Errors: kNoSpace, kOverloaded: try again later; kIo.
  Result<bool> step(std::uint64_t covered);
  /// Since the start.
  [[nodiscard]] std::uint64_t copied_bytes() const { return copied_bytes_; }

 private:
  struct Piece {
    SegmentLog::Item item;
    IndexRecord record;  ///< as the index has it; not for markers
    std::vector<std::byte> body;
    std::uint64_t old_bytes = 0;  ///< a marker's
  };

  [[nodiscard]] SegmentPtr choose(std::uint64_t covered) const;
  Result<std::optional<Piece>> take(const ScannedRecord& scanned, std::uint64_t covered);
  [[nodiscard]] bool is_needed(std::uint64_t lsn, std::uint64_t barrier, std::uint64_t covered) const;
  std::optional<Piece> lost_piece(const ObjectId& id, std::uint64_t lsn, const std::optional<RecordHeader>& header);
  void drop_retained(const RetainedRecord& retained);
  [[nodiscard]] bool is_live(const Piece& piece) const;
  Status copy(std::vector<Piece>& pieces);
  Status copy_markers(const std::vector<Gap>& gaps, std::uint64_t covered);
  Status copy_lost();
  Status end_victim();

  StoreParts parts_;
  Committer& committer_;
  std::uint64_t step_bytes_;
  SegmentPtr victim_;
  std::uint64_t offset_ = 0;
  bool emptied_ = false;  ///< all is copied; the segment is still to be taken out of the log
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace brigade::store
