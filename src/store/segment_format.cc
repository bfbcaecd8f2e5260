#include "segment_format.h"

#include "object_file.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <xxhash.h>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

constexpr std::string_view kSegmentMagic = "BRGSEG\r\n";
constexpr std::uint32_t kSegmentVersion = 1;
constexpr std::size_t kSecondCopyAt = 2048;
constexpr std::size_t kSegmentFieldBytes = 48;  // before the checksum

constexpr std::string_view kRecordMagic = "BRec", kFooterMagic = "BRft";
constexpr std::uint16_t kRecordVersion = 1;
constexpr std::size_t kFixedBytes = 144;  // before key, content type and user headers
constexpr std::uint8_t kFlagCopy = 1;

// Offsets within a record's header; proto/README.md has the table.
constexpr std::size_t kVersionAt = 4, kLengthAt = 6, kSerialAt = 8, kLsnAt = 16, kIdAt = 24, kRevisionAt = 40,
                      kSizeAt = 48, kChecksumAt = 56, kModifiedAt = 96, kWrittenAt = 104, kExpiresAt = 112,
                      kAuxAt = 120, kBatchAt = 128, kKindAt = 132, kLevelAt = 133, kFlagsAt = 134, kKeyBytesAt = 136,
                      kTypeBytesAt = 138, kUserBytesAt = 140;
// Within a footer.
constexpr std::size_t kFooterKindAt = 4, kFooterLevelAt = 5, kFooterHeaderAt = 6, kFooterSerialAt = 8,
                      kFooterLsnAt = 16, kFooterIdAt = 24, kFooterRevisionAt = 40, kFooterUnitsAt = 48,
                      kFooterChecksumAt = 56;

void put_text(std::span<std::byte> area, std::size_t at, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  std::copy(bytes.begin(), bytes.end(), area.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string get_text(std::span<const std::byte> area, std::size_t at, std::size_t bytes) {
  const auto part = area.subspan(at, bytes);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

bool has_magic(std::span<const std::byte> area, std::string_view magic) {
  return area.size() >= magic.size() && std::memcmp(area.data(), magic.data(), magic.size()) == 0;
}

Error corrupt(const std::string& why) {
  return {Errc::kCorrupt, "record header: " + why};
}

bool has_body(RecordKind kind) {
  return kind == RecordKind::kObject || kind == RecordKind::kVoid;
}

Status check_fields(const RecordHeader& h) {
  const ObjectMeta& meta = h.meta;
  const bool needs_key =
      h.kind == RecordKind::kObject || h.kind == RecordKind::kLarge || h.kind == RecordKind::kTombstone;
  if ((needs_key && meta.key.empty()) || meta.key.size() > limits::kKeyBytesMax ||
      meta.content_type.size() > limits::kContentTypeBytesMax || meta.user_headers.size() > kUserHeaderBytesMax ||
      meta.level > kLevelMax || meta.size > limits::kObjectBytesMax || (meta.tombstone && meta.size != 0))
    return corrupt("a field is out of range");
  return {};
}

}  // namespace

std::uint64_t salted_checksum(std::span<const std::byte> bytes, std::uint64_t salt) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), salt);
}

SegmentHeaderBlock encode_segment_header(const SegmentHeader& header) {
  SegmentHeaderBlock block{};
  put_text(block, 0, kSegmentMagic);
  put_uint(block, 8, kSegmentVersion, 4);
  put_uint(block, 12, static_cast<std::uint64_t>(header.kind), 1);
  put_uint(block, 16, header.serial, 8);
  put_uint(block, 24, header.salt, 8);
  put_uint(block, 32, header.bytes, 8);
  put_uint(block, kSegmentFieldBytes, checksum(std::span<const std::byte>(block).first(kSegmentFieldBytes)), 8);
  std::copy_n(block.begin(), kSegmentFieldBytes + 8, block.begin() + kSecondCopyAt);
  return block;
}

Result<SegmentHeader> decode_segment_header(std::span<const std::byte> block) {
  std::string why = "cut off";
  for (const std::size_t at : {std::size_t{0}, kSecondCopyAt}) {
    if (block.size() < at + kSegmentFieldBytes + 8) break;
    const auto area = block.subspan(at, kSegmentFieldBytes + 8);
    if (!has_magic(area, kSegmentMagic)) {
      why = "no magic";
      continue;
    }
    if (get_uint(area, kSegmentFieldBytes, 8) != checksum(area.first(kSegmentFieldBytes))) {
      why = "checksum does not match";
      continue;
    }
    if (const std::uint64_t version = get_uint(area, 8, 4); version != kSegmentVersion)
      return Error(Errc::kConflict, "it has format version " + std::to_string(version) + ", and this program knows " +
                                        std::to_string(kSegmentVersion) + ": run the release that wrote it");
    const std::uint64_t kind = get_uint(area, 12, 1);
    if (kind != 1 && kind != 2) {
      why = "kind " + std::to_string(kind) + " is unknown";
      continue;
    }
    return SegmentHeader{.serial = get_uint(area, 16, 8),
                         .salt = get_uint(area, 24, 8),
                         .bytes = get_uint(area, 32, 8),
                         .kind = static_cast<SegmentKind>(kind)};
  }
  return Error(Errc::kCorrupt, "segment header: " + why);
}

std::uint64_t RecordHeader::header_bytes(const ObjectMeta& meta) {
  return round_up(kFixedBytes + meta.key.size() + meta.content_type.size() + meta.user_headers.size() + 8);
}

RecordFrame encode_record(const RecordHeader& header, std::uint64_t salt) {
  RecordFrame frame;
  frame.head.resize(header.header_bytes());
  frame.tail.resize(header.record_bytes() - header.header_bytes() - header.body_bytes);
  encode_record(header, salt, frame.head, frame.tail);
  return frame;
}

void encode_record(const RecordHeader& header, std::uint64_t salt, std::span<std::byte> area,
                   std::span<std::byte> tail) {
  const ObjectMeta& meta = header.meta;
  BRIGADE_CHECK(check_fields(header), "a record that no reader would take: " << to_string(meta.id));
  BRIGADE_CHECK(header.body_bytes == 0 || has_body(header.kind), "a body of " << header.body_bytes << " bytes");
  const std::size_t length = kFixedBytes + meta.key.size() + meta.content_type.size() + meta.user_headers.size();
  put_text(area, 0, kRecordMagic);
  put_uint(area, kVersionAt, kRecordVersion, 2);
  put_uint(area, kLengthAt, length, 2);
  put_uint(area, kSerialAt, header.serial, 8);
  put_uint(area, kLsnAt, header.lsn, 8);
  put_uint(area, kIdAt, meta.id.high, 8);
  put_uint(area, kIdAt + 8, meta.id.low, 8);
  put_uint(area, kRevisionAt, meta.revision.value, 8);
  put_uint(area, kSizeAt, header.kind == RecordKind::kVoid ? header.body_bytes : meta.size, 8);
  put_uint(area, kChecksumAt, meta.checksum, 8);
  put_uint(area, kModifiedAt, static_cast<std::uint64_t>(meta.modified.unix_ms), 8);
  put_uint(area, kWrittenAt, static_cast<std::uint64_t>(header.written.unix_ms), 8);
  put_uint(area, kExpiresAt, static_cast<std::uint64_t>(meta.expires.unix_ms), 8);
  put_uint(area, kAuxAt, header.kind == RecordKind::kForget ? header.barrier : header.file, 8);
  put_uint(area, kBatchAt, header.batch / kUnit, 4);
  put_uint(area, kKindAt, static_cast<std::uint64_t>(header.kind), 1);
  put_uint(area, kLevelAt, meta.level, 1);
  put_uint(area, kFlagsAt, header.copy ? kFlagCopy : 0, 1);
  put_uint(area, kKeyBytesAt, meta.key.size(), 2);
  put_uint(area, kTypeBytesAt, meta.content_type.size(), 2);
  put_uint(area, kUserBytesAt, meta.user_headers.size(), 2);
  put_text(area, kFixedBytes, meta.key);
  put_text(area, kFixedBytes + meta.key.size(), meta.content_type);
  put_text(area, length - meta.user_headers.size(), meta.user_headers);
  put_uint(area, length, salted_checksum(area.first(length), salt), 8);

  const std::span<std::byte> footer = tail.last(kFooterBytes);
  put_text(footer, 0, kFooterMagic);
  put_uint(footer, kFooterKindAt, static_cast<std::uint64_t>(header.kind), 1);
  put_uint(footer, kFooterLevelAt, meta.level, 1);
  put_uint(footer, kFooterHeaderAt, header.header_bytes() / kUnit, 2);
  put_uint(footer, kFooterSerialAt, header.serial, 8);
  put_uint(footer, kFooterLsnAt, header.lsn, 8);
  put_uint(footer, kFooterIdAt, meta.id.high, 8);
  put_uint(footer, kFooterIdAt + 8, meta.id.low, 8);
  put_uint(footer, kFooterRevisionAt, meta.revision.value, 8);
  put_uint(footer, kFooterUnitsAt, header.record_bytes() / kUnit, 4);
  put_uint(footer, kFooterChecksumAt, salted_checksum(footer.first(kFooterChecksumAt), salt), 8);
}

bool looks_like_record(std::span<const std::byte> unit, std::uint64_t serial) {
  return unit.size() >= kUnit && has_magic(unit, kRecordMagic) && get_uint(unit, kSerialAt, 8) == serial;
}

Result<RecordHeader> decode_record(std::span<const std::byte> bytes, std::uint64_t serial, std::uint64_t salt) {
  if (bytes.size() < kFixedBytes + 8) return corrupt("cut off");
  if (!has_magic(bytes, kRecordMagic)) return corrupt("no magic");
  if (get_uint(bytes, kSerialAt, 8) != serial) return corrupt("of an earlier use of the segment");
  const std::uint64_t length = get_uint(bytes, kLengthAt, 2);
  if (length < kFixedBytes || length + 8 > std::min<std::uint64_t>(bytes.size(), kRecordHeaderBytesMax))
    return corrupt("impossible length");
  if (get_uint(bytes, length, 8) != salted_checksum(bytes.first(length), salt))
    return corrupt("checksum does not match");
  const std::uint64_t version = get_uint(bytes, kVersionAt, 2);
  if (version != kRecordVersion) return corrupt("format version " + std::to_string(version) + " is unknown");
  const std::uint64_t kind = get_uint(bytes, kKindAt, 1);
  if (kind < 1 || kind > 6) return corrupt("kind " + std::to_string(kind) + " is unknown");
  const std::uint64_t key = get_uint(bytes, kKeyBytesAt, 2), type = get_uint(bytes, kTypeBytesAt, 2),
                      user = get_uint(bytes, kUserBytesAt, 2);
  if (length != kFixedBytes + key + type + user) return corrupt("lengths do not add up");

  RecordHeader h;
  h.kind = static_cast<RecordKind>(kind);
  h.copy = (get_uint(bytes, kFlagsAt, 1) & kFlagCopy) != 0;
  h.lsn = get_uint(bytes, kLsnAt, 8);
  h.serial = serial;
  (h.kind == RecordKind::kForget ? h.barrier : h.file) = get_uint(bytes, kAuxAt, 8);
  h.batch = get_uint(bytes, kBatchAt, 4) * kUnit;
  h.written.unix_ms = static_cast<std::int64_t>(get_uint(bytes, kWrittenAt, 8));
  const std::uint64_t size = get_uint(bytes, kSizeAt, 8);
  if (has_body(h.kind)) h.body_bytes = size;
  ObjectMeta& meta = h.meta;
  if (h.kind != RecordKind::kVoid) meta.size = size;
  meta.id = {get_uint(bytes, kIdAt, 8), get_uint(bytes, kIdAt + 8, 8)};
  meta.revision = Revision{get_uint(bytes, kRevisionAt, 8)};
  meta.checksum = get_uint(bytes, kChecksumAt, 8);
  meta.modified.unix_ms = static_cast<std::int64_t>(get_uint(bytes, kModifiedAt, 8));
  meta.expires.unix_ms = static_cast<std::int64_t>(get_uint(bytes, kExpiresAt, 8));
  meta.level = static_cast<std::uint8_t>(bytes[kLevelAt]);
  meta.tombstone = h.kind == RecordKind::kTombstone;
  meta.key = get_text(bytes, kFixedBytes, key);
  meta.content_type = get_text(bytes, kFixedBytes + key, type);
  meta.user_headers = get_text(bytes, kFixedBytes + key + type, user);
  // A checksum that fits vouches for the bytes, not for whoever wrote them.
  if (Status ok = check_fields(h); !ok) return ok.error();
  return h;
}

std::optional<RecordFooter> decode_footer(std::span<const std::byte> block, std::uint64_t serial, std::uint64_t salt) {
  if (block.size() < kFooterBytes || !has_magic(block, kFooterMagic) || get_uint(block, kFooterSerialAt, 8) != serial ||
      get_uint(block, kFooterChecksumAt, 8) != salted_checksum(block.first(kFooterChecksumAt), salt))
    return std::nullopt;
  RecordFooter footer;
  const std::uint64_t kind = get_uint(block, kFooterKindAt, 1);
  if (kind < 1 || kind > 6 || get_uint(block, kFooterLevelAt, 1) > kLevelMax) return std::nullopt;
  footer.kind = static_cast<RecordKind>(kind);
  footer.level = static_cast<std::uint8_t>(get_uint(block, kFooterLevelAt, 1));
  footer.serial = serial;
  footer.lsn = get_uint(block, kFooterLsnAt, 8);
  footer.id = {get_uint(block, kFooterIdAt, 8), get_uint(block, kFooterIdAt + 8, 8)};
  footer.revision = Revision{get_uint(block, kFooterRevisionAt, 8)};
  footer.header_bytes = get_uint(block, kFooterHeaderAt, 2) * kUnit;
  footer.record_bytes = get_uint(block, kFooterUnitsAt, 4) * kUnit;
  if (footer.header_bytes == 0 || footer.header_bytes > kRecordHeaderBytesMax ||
      footer.record_bytes < footer.header_bytes + kFooterBytes)
    return std::nullopt;
  return footer;
}

}  // namespace brigade::store
