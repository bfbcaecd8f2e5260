// Well-formed inputs, from which the fuzzer gets where random bytes don't.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace brigade::fuzz {

/// Makes the folders on the way.
void write_seed(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_seed(const std::filesystem::path& path, std::string_view text);

/// Of the targets whose inputs are text: DIR/TARGET/NAME.
void write_text_seeds(const std::filesystem::path& dir);

}  // namespace brigade::fuzz
