// A look at files that changes none of them.  Source: design §6: a store can be read without being started.
// Concept: passes reads on to another file system, and takes writes, syncs, renames and removals without doing them. So
//          what a start would find can be found out by the code of a start itself.
// Thread:  as the file system behind it.
#pragma once

#include "brigade/store/file_system.h"

namespace brigade::store {

class FrozenFileSystem final : public FileSystem {
 public:
  explicit FrozenFileSystem(FileSystem& real) : real_(real) {}

  /// kWrite opens for reading, too. Errors: kInvalid for kCreate: nobody who only looks makes files.
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status make_directory(const std::string& /*path*/) override { return {}; }
  Status sync_directory(const std::string& /*path*/) override { return {}; }
  Status rename(const std::string& /*from*/, const std::string& /*to*/) override { return {}; }
  Status remove(const std::string& /*path*/) override { return {}; }
  /// Empty if there is no such directory: it may have been "made".
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override { return real_.info(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return real_.free_bytes(path); }

 private:
  FileSystem& real_;
};

}  // namespace brigade::store
