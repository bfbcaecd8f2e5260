// Where the store's records are appended, and what of them still counts.  Source: design §6; proto/README.md,
// "Segments".
// Concept: two segments are open at a time, one for commits and one for what compaction copies. A batch is one gather
//          write and one data sync. How many bytes of each segment the index still points to is kept along.
// Thread:  who appends or opens segments for commits, or opens one for copies, has the turn. The rest: any thread.
// Invariants: S1 serials rise, none is given twice
//             S2 a segment is opened for copies only by who has the turn, so that no batch of commits is between its
//                bytes and the index then (forget markers rely on it, compactor.cc)
#pragma once

#include "content_index.h"
#include "segment.h"
#include "sharing.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace brigade::store {

class SegmentLog {
 public:
  struct Options {
    SegmentFolder::Options folder;
    std::uint64_t segment_bytes_min = 0, segment_bytes_max = 0;
  };
  /// One record to append; its serial, batch and place are filled in.
  struct Item {
    RecordHeader header;
    std::span<const std::byte> body;
    Location at;
  };
  /// Whether to leave the last spare and the free space that are kept so that deletes and compaction can go on. Puts
  /// keep it, but for those that were under way when the space ran out.
  enum class Reserve : std::uint8_t { kKeep, kUse };
  static constexpr std::size_t kReserveSpares = 1;
  static constexpr Location kNowhere{IndexRecord::kSlotMax, 0};

  SegmentLog(FileSystem& file_system, const Options& options)
      : options_(options), folder_(file_system, options.folder) {}

  /// Held by who appends; see above.
  Turns& turns() { return turns_; }
  SegmentTable& table() { return table_; }
  [[nodiscard]] const SegmentTable& table() const { return table_; }
  SegmentFolder& folder() { return folder_; }

  /// Before the first use: what the start found.
  void restore(std::uint64_t salt, std::uint64_t next_serial) {
    salt_ = salt;
    next_serial_ = next_serial;
  }
  void continue_in(const SegmentPtr& segment) { current_[index_of(segment->header.kind)] = segment; }

  [[nodiscard]] std::uint64_t salt() const { return salt_; }
  [[nodiscard]] std::uint64_t next_serial() const { return next_serial_; }
  [[nodiscard]] SegmentPtr current(SegmentKind kind) const { return current_[index_of(kind)]; }
  /// True if the current segment of `kind` takes `bytes` more. One that is damaged takes nothing: it ends, and is
  /// emptied.
  [[nodiscard]] bool has_room(SegmentKind kind, std::uint64_t bytes) const;
  /// Makes sure that the current segment of `kind` takes `bytes` more; opens the next one if it does not. Errors:
  /// kNoSpace, kOverloaded: nothing has changed; all else is a failure of the disk.
  Status make_room(SegmentKind kind, std::uint64_t bytes, Reserve reserve);
  /// Writes and syncs the items, in order, one batch. They must have room. The segment's tail stays: who has brought
  /// them into the index sets it to what is returned. Errors: the disk failed; what is in the file is in doubt.
  Result<std::uint64_t> append(SegmentKind kind, std::span<Item> items);

  /// Appends a record that says nothing but that all before it was synced, unless that is known: what is damaged later
  /// is then never taken for a write that a power cut tore. True if it did. Needs the turn for kCommits.
  Result<bool> confirm(SegmentKind kind);

  /// The size for new segments: a 64th of what is live, within bounds, a power of two between them.
  [[nodiscard]] std::uint64_t segment_bytes() const;
  /// A record counts from now on, or no longer. kNowhere is a place too: of a record whose segment is gone.
  void add_live(Location at, std::uint64_t bytes);
  void drop_live(Location at, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t live_bytes() const { return live_; }
  /// Since the last start or reset.
  [[nodiscard]] std::uint64_t appended_bytes() const { return appended_; }
  void set_appended(std::uint64_t bytes) { appended_ = bytes; }
  /// Says kNoSpace once a put has found no space but the reserve, until there is some. Any thread. A put that is begun
  /// with success here may be committed: siblings that have committed it already can't take it back.
  Status check_space();
  /// True since a put found no space, until one finds some.
  [[nodiscard]] bool is_short_of_space() const { return short_of_space_; }

 private:
  static std::size_t index_of(SegmentKind kind) { return kind == SegmentKind::kCommits ? 0 : 1; }
  Status find_spare(std::uint64_t& bytes, std::uint64_t needed, Reserve reserve);

  Options options_;
  SegmentTable table_;
  SegmentFolder folder_;
  Turns turns_;
  std::uint64_t salt_ = 0;
  std::atomic<std::uint64_t> next_serial_{1};
  std::array<SegmentPtr, 2> current_;
  std::array<bool, 2> is_confirmed_{};  ///< nothing was appended since
  std::atomic<std::uint64_t> live_{0}, appended_{0};
  std::atomic<bool> short_of_space_{true};  ///< until looked at: a process before may have used of the reserve
};

}  // namespace brigade::store
