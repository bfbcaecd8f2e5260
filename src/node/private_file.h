// Small files that only their owner may read, written so that a power cut leaves the old or the new one.
#pragma once

#include <string>
#include <string_view>

#include "brigade/base/result.h"

namespace brigade::node {

/// Mode 0600, synced, directory too. Errors: kConflict if there is one, kIo, kNoSpace.
Status create_private_file(const std::string& path, std::string_view text);
/// The same, in place of what may be there, atomically. Errors: kIo, kNoSpace.
Status replace_private_file(const std::string& path, std::string_view text);
/// Makes entries of the directory `path` durable. Errors: kIo.
Status sync_directory(const std::string& path);

}  // namespace brigade::node
