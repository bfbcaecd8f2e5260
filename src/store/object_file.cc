#include "object_file.h"

#include <algorithm>

#include "brigade/base/check.h"
#include "brigade/base/checksum.h"
#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

constexpr std::string_view kMagic = "BRGOBJ\r\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFixedBytes = 112;  // before key and content type
constexpr std::uint8_t kFlagTombstone = 1;

// Offsets within the header; proto/README.md has the table.
constexpr std::size_t kVersionAt = 8, kLengthAt = 12, kIdAt = 16, kRevisionAt = 32, kSizeAt = 40, kChecksumAt = 48,
                      kModifiedAt = 88, kBlockBytesAt = 96, kLevelAt = 100, kFlagsAt = 101, kKeyBytesAt = 102,
                      kTypeBytesAt = 104;

void put(std::span<std::byte> area, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) area[at + i] = static_cast<std::byte>(value >> (8 * i));
}

std::uint64_t get(std::span<const std::byte> area, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(area[at + i]) << (8 * i);
  return value;
}

void put_text(std::span<std::byte> area, std::size_t at, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  std::copy(bytes.begin(), bytes.end(), area.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string get_text(std::span<const std::byte> area, std::size_t at, std::size_t bytes) {
  const auto part = area.subspan(at, bytes);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

Error corrupt(const std::string& why) {
  return {Errc::kCorrupt, "object file header: " + why};
}

}  // namespace

HeaderArea encode_header(const ObjectMeta& meta) {
  BRIGADE_CHECK(!meta.key.empty() && meta.key.size() <= limits::kKeyBytesMax, "key of " << meta.key.size() << " bytes");
  BRIGADE_CHECK(meta.content_type.size() <= limits::kContentTypeBytesMax,
                "content type of " << meta.content_type.size() << " bytes");
  BRIGADE_CHECK(meta.level <= kLevelMax, "level " << int{meta.level});
  HeaderArea area{};
  const std::size_t length = kFixedBytes + meta.key.size() + meta.content_type.size();
  put_text(area, 0, kMagic);
  put(area, kVersionAt, kVersion, 4);
  put(area, kLengthAt, length, 4);
  put(area, kIdAt, meta.id.high, 8);
  put(area, kIdAt + 8, meta.id.low, 8);
  put(area, kRevisionAt, meta.revision.value, 8);
  put(area, kSizeAt, meta.size, 8);
  put(area, kChecksumAt, meta.checksum, 8);
  put(area, kModifiedAt, static_cast<std::uint64_t>(meta.modified.unix_ms), 8);
  put(area, kBlockBytesAt, kBlockBytes, 4);
  put(area, kLevelAt, meta.level, 1);
  put(area, kFlagsAt, meta.tombstone ? kFlagTombstone : 0, 1);
  put(area, kKeyBytesAt, meta.key.size(), 2);
  put(area, kTypeBytesAt, meta.content_type.size(), 2);
  put_text(area, kFixedBytes, meta.key);
  put_text(area, kFixedBytes + meta.key.size(), meta.content_type);
  put(area, length, checksum(std::span<const std::byte>(area).first(length)), 8);
  return area;
}

Result<ObjectMeta> decode_header(std::span<const std::byte> area) {
  if (area.size() < kHeaderAreaBytes) return corrupt("cut off");
  if (get_text(area, 0, kMagic.size()) != kMagic) return corrupt("no magic");
  const std::uint64_t length = get(area, kLengthAt, 4);
  if (length < kFixedBytes || length > kHeaderAreaBytes - 8) return corrupt("impossible length");
  if (get(area, length, 8) != checksum(area.first(length))) return corrupt("checksum does not match");
  const std::uint64_t version = get(area, kVersionAt, 4);
  if (version != kVersion) return corrupt("format version " + std::to_string(version) + " is unknown");

  ObjectMeta meta;
  meta.id = {get(area, kIdAt, 8), get(area, kIdAt + 8, 8)};
  meta.revision = Revision{get(area, kRevisionAt, 8)};
  meta.size = get(area, kSizeAt, 8);
  meta.checksum = get(area, kChecksumAt, 8);
  meta.modified.unix_ms = static_cast<std::int64_t>(get(area, kModifiedAt, 8));
  meta.level = static_cast<std::uint8_t>(area[kLevelAt]);
  const std::uint64_t flags = get(area, kFlagsAt, 1);
  meta.tombstone = (flags & kFlagTombstone) != 0;
  const std::uint64_t key_bytes = get(area, kKeyBytesAt, 2);
  const std::uint64_t type_bytes = get(area, kTypeBytesAt, 2);
  // A checksum that fits vouches for the bytes, not for whoever wrote them.
  if (length != kFixedBytes + key_bytes + type_bytes || key_bytes == 0 || key_bytes > limits::kKeyBytesMax ||
      type_bytes > limits::kContentTypeBytesMax || meta.level > kLevelMax || (flags & ~std::uint64_t{1}) != 0 ||
      get(area, kBlockBytesAt, 4) != kBlockBytes || meta.size > limits::kObjectBytesMax ||
      (meta.tombstone && meta.size != 0))
    return corrupt("a field is out of range");
  meta.key = get_text(area, kFixedBytes, key_bytes);
  meta.content_type = get_text(area, kFixedBytes + key_bytes, type_bytes);
  return meta;
}

void put_u64(std::span<std::byte, 8> at, std::uint64_t value) {
  put(at, 0, value, 8);
}
std::uint64_t get_u64(std::span<const std::byte, 8> at) {
  return get(at, 0, 8);
}

std::string directory_name(std::size_t directory) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {kDigits[(directory >> 4) & 0xf], kDigits[directory & 0xf]};
}

}  // namespace brigade::store
