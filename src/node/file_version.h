// The version of the files that people may read: brigade.toml, disks.toml, disk.toml, store.toml.
// Source: proto/README.md "Versions".  Thread: pure functions.
#pragma once

#define TOML_EXCEPTIONS 0

#include <cstdint>
#include <string>

#include <toml++/toml.h>

#include "brigade/base/result.h"

namespace brigade::node {

inline constexpr std::int64_t kFileVersion = 1;
/// A line for the head of such a file.
inline std::string file_version_line() {
  return "version = " + std::to_string(kFileVersion) + "  # of this file's format\n";
}

/// Without a version it is of the first. Errors: kConflict: of another one, which is named beside the program's.
inline Status check_file_version(const toml::table& table, const std::string& file) {
  const std::int64_t version = table["version"].value_or(kFileVersion);
  if (version == kFileVersion) return {};
  return Error(Errc::kConflict, file + " has format version " + std::to_string(version) +
                                    ", and this program reads version " + std::to_string(kFileVersion) +
                                    ": run the release that wrote it");
}

}  // namespace brigade::node
