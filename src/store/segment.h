// Segments while they are in use, and the folder that holds their files.  Source: design §6; proto/README.md,
// "Segments".
// Concept: SERIAL.seg is in the log. NAME.spare is a file of zeros or of dead records that waits for its next use: its
//          bytes are on disk already, so that appending costs a data sync only. NAME.new is being filled with zeros.
//          A spare becomes a segment by a synced header, a rename, and a directory sync; the other way by a rename and
//          a directory sync. So what is in no .seg file is gone for good.
// Thread:  any thread.
#pragma once

#include "segment_format.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "brigade/store/file_system.h"

namespace brigade::store {

/// A segment in use. Readers hold on to it: its file is not written anew while they do.
struct Segment {
  std::uint32_t slot = 0;
  SegmentHeader header;
  std::string path;
  std::unique_ptr<File> file;
  std::atomic<std::uint64_t> tail{kSegmentHeaderBytes};  ///< all records before it are synced and in the index
  std::atomic<std::uint64_t> live{0};      ///< bytes of records that the index points to, and those of `markers`
  std::atomic<std::uint64_t> markers{0};   ///< bytes of forget markers and of records that say nothing
  std::atomic<std::uint64_t> last_lsn{0};  ///< no record in it has a higher one
  std::atomic<std::uint64_t> barrier{0};   ///< the highest of its forget markers
  std::atomic<bool> sealed{false};         ///< nobody appends to it any more
  std::atomic<bool> damaged{false};        ///< bytes in it were no good: it is set aside, not used again

  [[nodiscard]] std::uint64_t used() const { return tail - kSegmentHeaderBytes; }
  [[nodiscard]] std::uint64_t dead() const {
    const std::uint64_t all = used(), alive = live;
    return all > alive ? all - alive : 0;
  }
};
using SegmentPtr = std::shared_ptr<Segment>;

/// Segments by slot.
class SegmentTable {
 public:
  /// Gives it a slot that is free. Errors: kNoSpace: there are too many.
  Result<SegmentPtr> add(std::unique_ptr<Segment> segment);
  void remove(const Segment& segment);
  /// Null if the slot is free.
  [[nodiscard]] SegmentPtr get(std::uint32_t slot) const;
  /// Rising by serial.
  [[nodiscard]] std::vector<SegmentPtr> all() const;

 private:
  mutable std::shared_mutex mutex_;
  std::vector<SegmentPtr> slots_;
};

class SegmentFolder {
 public:
  struct Options {
    std::string path;                 ///< objects/segments
    std::string corrupt;              ///< objects/corrupt
    std::uint64_t reserve_bytes = 0;  ///< free space that files for commits of objects leave
  };
  SegmentFolder(FileSystem& file_system, Options options) : file_system_(file_system), options_(std::move(options)) {}

  /// Before anything is changed: what another release wrote is not for this one to tidy up. Errors: kConflict: a
  /// segment has another format version; kIo.
  Status check_versions();
  /// A spare that was there at start.
  void add_spare(const std::string& name, std::uint64_t bytes);
  [[nodiscard]] std::size_t spares(std::uint64_t bytes) const;
  /// Whether there is the space to make a spare. Errors: kNoSpace; kIo. Cost: one system call.
  Status check_space(std::uint64_t bytes, bool keep_reserve);
  /// Makes a spare. With `keep_reserve`, not from the reserve. Errors: kNoSpace, kOverloaded: nothing has changed; kIo.
  /// Cost: writes and syncs `bytes`.
  Status prepare(std::uint64_t bytes, bool keep_reserve);
  /// Turns a spare of `bytes` into the segment `serial`, durably. Errors: kNotFound: no spare of this size; kNoSpace,
  /// kOverloaded: nothing has changed; kIo.
  Result<std::unique_ptr<Segment>> activate(const SegmentHeader& header);
  /// Takes the segment out of the log, durably. It becomes a spare once nobody holds it. If it is damaged, it goes to
  /// objects/corrupt instead.
  Status retire(SegmentPtr segment);
  /// Retired segments that are free by now become spares; those of a size other than `bytes`, or beyond `keep`, are
  /// removed.
  Status reclaim(std::uint64_t bytes, std::size_t keep);
  /// Bytes of all spares and retired segments.
  [[nodiscard]] std::uint64_t idle_bytes() const;

 private:
  struct Spare {
    std::string name;
    std::uint64_t bytes = 0;
  };
  struct Retired {
    SegmentPtr segment;
    Spare spare;
  };
  Status fill(const std::string& path, std::uint64_t bytes);

  FileSystem& file_system_;
  Options options_;
  mutable std::mutex mutex_;
  std::vector<Spare> spares_;
  std::vector<Retired> retired_;
  std::uint64_t next_name_ = 0;
};

/// Eight or more hex digits and ".seg".
std::string segment_name(std::uint64_t serial);
/// The serial, or 0 if it is no segment's name.
std::uint64_t parse_segment_name(const std::string& name);

}  // namespace brigade::store
