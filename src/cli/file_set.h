// Which files a `brigade put` means, and under which keys.
// Concept: keys are the names that `cp -r` would make: a file by its last name, a folder's files below the folder's
//          name. Folders are walked in order of their names, so that two runs do the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::cli {

struct FileToPut {
  std::string path;
  std::string key;
  std::uint64_t size = 0;
};

struct UnusableFile {
  std::string path;
  std::string reason;
};

struct FileSet {
  std::vector<FileToPut> files;
  std::vector<UnusableFile> unusable;  ///< missing, unreadable, or no plain file
};

/// `prefix` is put before each key as it is. `key`, if not empty, is the key of the only file.
/// Errors: kInvalid: `key` for several files, or two files under one key.
Result<FileSet> find_files(const std::vector<std::string>& paths, const std::string& key, const std::string& prefix);

}  // namespace brigade::cli
