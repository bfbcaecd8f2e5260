// The object store that gives each object a transactional file.  Source: design §6.
// Concept: temporary file, fdatasync, atomic rename, directory fsync. A header tells all of ObjectMeta under its own
//          checksum, the name tells what the index needs, a trailer has a checksum for each 64 KiB of the body: the
//          store is rebuilt from its files alone. Bytes: proto/README.md, "Object files".
// Thread:  as ObjectStore. Staged objects and readers may not outlive the store, nor the store the FileSystem.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "brigade/base/result.h"
#include "brigade/store/file_system.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

struct FileStoreOptions {
  /// New objects are refused (kNoSpace) while less than this would be left; deletes still go through.
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;
  /// Threads that read headers at the start; 0 and 1: the caller's own.
  unsigned scan_threads = 4;
  /// While starting: directories scanned, of how many. From one thread at a time.
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
  /// A file was found damaged, and why. From any thread, also while serving; once per record until it is replaced.
  std::function<void(const std::string& file, const std::string& reason)> on_corrupt;
};

/// Opens the store in `dir`, making it if it is not there; reads all headers. A record whose header is damaged stays in
/// the index as corrupt (its name tells id, revision, level): it is neither served nor taken for absent. Files that are
/// no records are moved to objects/corrupt/.  Errors: kIo, kNoSpace (while making it), kOverloaded.
/// Cost: one open and one read per object.
Result<std::unique_ptr<ObjectStore>> open_file_store(FileSystem& file_system, const std::string& dir,
                                                     FileStoreOptions options = {});

}  // namespace brigade::store
