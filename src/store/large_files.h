// The files of objects that are too large for segments.  Source: design §6, transactional file; proto/README.md.
// Concept: objects/large/XX/ID.FILE holds a body, in the format of object files. It is on disk for good before the
//          record that names it is appended, and removed after the record that supersedes that one is. A file whose
//          number no record in the index has is garbage, and goes at the next start at the latest.
// Thread:  any thread.
#pragma once

#include "content_index.h"
#include "sharing.h"
#include "staged_file.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "brigade/store/file_system.h"

namespace brigade::store {

class LargeFiles {
 public:
  LargeFiles(FileSystem& file_system, std::string dir) : file_system_(file_system), dir_(std::move(dir)) {}

  [[nodiscard]] std::string path_of(const ObjectId& id, std::uint64_t file) const;
  /// Gives the finished body its final name, durably; returns its number. Errors: kNoSpace, kOverloaded: nothing has
  /// changed; kIo.
  Result<std::uint64_t> publish(StagedFile& body, const ObjectMeta& meta);
  /// The file is garbage: sweep removes it.
  void doom(const ObjectId& id, std::uint64_t file);
  /// Removes up to `most` doomed files; how many.
  Result<std::size_t> sweep(std::size_t most);

  /// At start: looks through all directories, and removes files that `is_needed` does not need. `has_twin`: there are
  /// others of the object. Numbers go on above `next`.
  Status clean(std::uint64_t next,
               const std::function<Result<bool>(const ObjectId&, std::uint64_t file, bool has_twin)>& is_needed);
  [[nodiscard]] std::uint64_t next_file() const { return next_; }

 private:
  struct Directory {
    std::mutex mutex;  // guards `made`
    bool made = false;
    GroupSync sync;
  };
  Status make_directory(std::size_t number);

  FileSystem& file_system_;
  std::string dir_;
  std::array<Directory, 256> directories_;
  std::atomic<std::uint64_t> next_{1};
  std::mutex mutex_;
  std::vector<std::pair<ObjectId, std::uint64_t>> doomed_;
};

}  // namespace brigade::store
