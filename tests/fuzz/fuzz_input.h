// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "brigade/net/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace brigade::fuzz {

inline std::span<const std::byte> bytes(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}
inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes what stands before the first `end` off the front, and `end` with it; all if there is none.
inline std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

/// Takes "Name: value" lines off the front, up to an empty line.
inline net::Fields take_fields(std::string_view& text) {
  net::Fields fields;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (line.empty()) break;
    const std::string_view name = take_until(line, ':');
    if (line.starts_with(' ')) line.remove_prefix(1);
    fields.add(name, line);
  }
  return fields;
}

}  // namespace brigade::fuzz
