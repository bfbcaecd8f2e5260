// Reading the small files that people may read, too.  Thread: any.
#pragma once

#include "file_version.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "brigade/base/result.h"

namespace brigade::node {

/// Of a version that this program reads. Errors: kNotFound; kInvalid (file and line), kConflict (another version), kIo.
Result<toml::table> read_toml(const std::string& file);

/// An id as 16 hex digits; none if it is missing or something else.
std::optional<std::uint64_t> id_in(const toml::table& table, std::string_view name);

}  // namespace brigade::node
