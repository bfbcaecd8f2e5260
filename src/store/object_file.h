// The bytes and the name of an object's file.  Source: proto/README.md, "Object files".
// Concept: header area (4 KiB) | body | one checksum per block of the body.
// Thread:  pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

inline constexpr std::size_t kHeaderAreaBytes = 4096;
inline constexpr std::size_t kBlockBytes = 64 * 1024;
inline constexpr std::size_t kBlockChecksumBytes = 8;
inline constexpr std::uint8_t kLevelMax = 4;

using HeaderArea = std::array<std::byte, kHeaderAreaBytes>;

/// Requires key, content type, level and size within limits.
HeaderArea encode_header(const ObjectMeta& meta);
/// Errors: kCorrupt, saying what does not fit.
Result<ObjectMeta> decode_header(std::span<const std::byte> area);

constexpr std::uint64_t block_count(std::uint64_t body_bytes) {
  return (body_bytes + kBlockBytes - 1) / kBlockBytes;
}
/// Length of the whole file.
constexpr std::uint64_t file_bytes(std::uint64_t body_bytes) {
  return kHeaderAreaBytes + body_bytes + block_count(body_bytes) * kBlockChecksumBytes;
}

void put_u64(std::span<std::byte, 8> at, std::uint64_t value);
std::uint64_t get_u64(std::span<const std::byte, 8> at);

/// The directory of an object, one of 256, by the first byte of its id.
inline constexpr std::size_t kDirectories = 256;
constexpr std::size_t directory_of(const ObjectId& id) {
  return static_cast<std::size_t>(id.high >> 56);
}
/// Two hex digits.
std::string directory_name(std::size_t directory);

}  // namespace brigade::store
