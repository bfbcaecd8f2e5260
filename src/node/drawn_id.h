// 64-bit numbers that are drawn once and kept in files: as hex text.  Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brigade::node {

/// From the kernel's generator. Never 0, which means none.
std::uint64_t draw_id();
/// 16 digits.
std::string hex64(std::uint64_t value);
/// Exactly 16 hex digits.
std::optional<std::uint64_t> parse_hex64(std::string_view text);
/// As large as `bytes`.
void draw(void* bytes, std::size_t size);

}  // namespace brigade::node
