// Reads a segment from end to end, whatever state it is in.  Source: design §6: rebuilt from its files alone.
// Concept: good records one after the other; where none starts, the next place where one does. What lies between is a
//          gap. A record says up to where all was synced when it was written, so a gap before that point is damage,
//          and one behind it is a write that the power cut tore, which nobody was told of.
// Thread:  one owner at a time.
#pragma once

#include "segment.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace brigade::store {

/// Reads pieces of a file through one buffer.
class FileWindow {
 public:
  explicit FileWindow(File& file, std::uint64_t end) : file_(file), end_(end) {}
  /// Up to `bytes` at `offset`, fewer only at the end. What can't be read is zeros, and remembered. Valid until the
  /// next call. Errors: kOverloaded.
  Result<std::span<const std::byte>> get(std::uint64_t offset, std::size_t bytes);
  /// True if a byte in [from, to) was needed and could not be read.
  [[nodiscard]] bool is_unreadable(std::uint64_t from, std::uint64_t to) const;

 private:
  Status fill(std::uint64_t offset, std::size_t bytes);
  File& file_;
  std::uint64_t end_;
  std::vector<std::byte> buffer_;
  std::uint64_t first_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unreadable_;
};

struct ScannedRecord {
  std::uint64_t offset = 0;
  RecordHeader header;
};

/// Bytes in which no record could be found.
struct Gap {
  std::uint64_t from = 0, to = 0;
  bool torn = false;  ///< by a power cut, before anybody was told of it; otherwise it is damage
  std::vector<std::pair<std::uint64_t, RecordFooter>> footers;  ///< of damaged records, with where each starts
};

struct ScanLimits {
  std::uint64_t from = kSegmentHeaderBytes;
  /// Everything before it is known to have been synced; all of the segment, if it is sealed.
  std::uint64_t synced = kSegmentHeaderBytes;
  /// If given: all before it is synced and nothing behind it is looked at, as if the segment were sealed there.
  std::optional<std::uint64_t> to = std::nullopt;
};

struct ScanResult {
  std::uint64_t tail = kSegmentHeaderBytes;    ///< behind the last record
  std::uint64_t synced = kSegmentHeaderBytes;  ///< all before it was synced for sure
  /// Up to here a torn write has left something behind the tail. It must go before the segment is appended to, or
  /// sealed.
  std::uint64_t residue = kSegmentHeaderBytes;
  std::vector<Gap> gaps;
  bool stopped = false;  ///< on_record asked for it
};

/// Calls `on_record` for each good record, in order but for those that a power cut may have torn; false from it stops a
/// scan of a sealed segment. Bodies are verified only where a power cut may have torn them.
/// Errors: kIo: what could not be read may be a record that was acknowledged, or a torn one: nobody knows; kOverloaded.
Result<ScanResult> scan_segment(Segment& segment, const ScanLimits& limits,
                                const std::function<bool(const ScannedRecord&)>& on_record);

}  // namespace brigade::store
