// Reads records whole and says whether every byte is as it was written: for scrubs and offline checks.
// Source: design §5 (a scrub reads everything), §6 (every record has its own checksum).
// Thread:  any thread.
#pragma once

#include "file_reader.h"
#include "segment.h"

#include <memory>
#include <string>

#include "brigade/store/file_system.h"

namespace brigade::store {

/// Reads all of the record at `offset`, of which `header` is what its header says, and checks it: the body's checksum,
/// the footer, what pads the body. Errors: kCorrupt (damaged or unreadable), saying what; kOverloaded.
Status check_record(Segment& segment, std::uint64_t offset, const RecordHeader& header);

/// Opens the body's file of a large object, whose header must be that of `meta`.
/// Errors: kNotFound, kCorrupt, kOverloaded.
Result<std::unique_ptr<File>> open_large_file(FileSystem& file_system, const std::string& path, const ObjectMeta& meta);

/// A large object's file, checked piece by piece.
class LargeCheck {
 public:
  /// Errors: as open_large_file.
  static Result<std::unique_ptr<LargeCheck>> open(FileSystem& file_system, const std::string& path,
                                                  const ObjectMeta& meta);
  /// Checks about `bytes` more; how many. 0: all of it is good. Errors: kCorrupt, kOverloaded.
  Result<std::uint64_t> step(std::uint64_t bytes);
  /// In the file, of what is looked at next.
  [[nodiscard]] std::uint64_t offset() const;

 private:
  LargeCheck(std::unique_ptr<File> file, const ObjectMeta& meta);
  FileReader reader_;
  ObjectMeta meta_;
  std::uint64_t at_ = 0;  // in the body
};

}  // namespace brigade::store
