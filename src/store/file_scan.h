// Rebuilds the content index from the object files at start.  Source: design §6 "rebuilt from its files alone".
// Concept: one pass over names and headers. Of several revisions of one id (a crash between a new name and the removal
// of
//          the old) the highest counts. Directories are synced before anything is removed: after a mere process crash
//          the new name may be in memory only.
#pragma once

#include "content_index.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "brigade/store/file_system.h"

namespace brigade::store {

struct ScanOptions {
  std::string objects;  ///< the directory "objects"
  unsigned threads = 1;
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
  std::function<void(const std::string& file, const std::string& reason)> on_corrupt;
};

struct ScanResult {
  std::vector<std::size_t> directories;  ///< that are there
  std::vector<std::size_t> cleaned;      ///< of these: where superseded files were removed, not yet synced
};

/// Fills `index`, which is empty. Errors: kIo, kOverloaded.
Result<ScanResult> scan_objects(FileSystem& file_system, const ScanOptions& options, ContentIndex& index);

}  // namespace brigade::store
