// The bytes of segments and their records.  Source: proto/README.md, "Segments".
// Concept: a segment is a header block, then records without gaps, each a multiple of 64 bytes: header | body | footer.
//          Checksums of headers and footers are seeded with the store's salt, which nobody outside knows: no uploaded
//          body can pass for a record. The footer repeats who the record is, in case its header gets damaged.
// Thread:  pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/endian/conversion.hpp>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

inline constexpr std::uint64_t kUnit = 64;  ///< records start and end at multiples of it
inline constexpr std::uint64_t kSegmentHeaderBytes = 4096;
inline constexpr std::uint64_t kFooterBytes = kUnit;
inline constexpr std::uint64_t kRecordBytesMin = 4 * kUnit;  ///< 152 bytes of header round up to 192, and the footer
inline constexpr std::size_t kUserHeaderBytesMax = 2048;
inline constexpr std::uint64_t kRecordHeaderBytesMax = 55 * kUnit;

constexpr std::uint64_t round_up(std::uint64_t bytes) {
  return (bytes + kUnit - 1) / kUnit * kUnit;
}

/// Who appends to a segment: commits, or compaction.
enum class SegmentKind : std::uint8_t { kCommits = 1, kCopies = 2 };

struct SegmentHeader {
  std::uint64_t serial = 0;  ///< of this use of the file; never used twice
  std::uint64_t salt = 0;    ///< of the store
  std::uint64_t bytes = 0;   ///< of the file
  SegmentKind kind = SegmentKind::kCommits;
  bool operator==(const SegmentHeader&) const = default;
};
using SegmentHeaderBlock = std::array<std::byte, kSegmentHeaderBytes>;

/// The header stands in the block twice, in different sectors.
SegmentHeaderBlock encode_segment_header(const SegmentHeader& header);
/// Errors: kCorrupt: neither copy is good; kConflict: of another format version.
Result<SegmentHeader> decode_segment_header(std::span<const std::byte> block);

enum class RecordKind : std::uint8_t {
  kObject = 1,     ///< header and body
  kLarge = 2,      ///< the body is a file of its own
  kTombstone = 3,  ///< deleted
  kForget = 4,     ///< what has a lower lsn and this id does not exist
  kLost = 5,       ///< there was a record with this lsn; it was found damaged
  kVoid = 6,       ///< nothing: covers bytes of a torn write, or says that all before it was synced
};

struct RecordHeader {
  RecordKind kind = RecordKind::kObject;
  bool copy = false;          ///< made by compaction
  std::uint64_t lsn = 0;      ///< of the operation; copies keep it
  std::uint64_t serial = 0;   ///< of the segment
  std::uint64_t file = 0;     ///< kLarge: number of the body's file
  std::uint64_t barrier = 0;  ///< kForget: highest serial given out when it was written
  std::uint64_t batch = 0;    ///< offset of the first record that was written together with this one: all before it in
                              ///< the segment was synced by then
  std::uint64_t body_bytes = 0;  ///< in this segment: the object's size for kObject; kVoid: what it covers; else 0
  WallTime written;
  ObjectMeta meta;  ///< kForget, kLost: id, revision, level; key may be empty; kVoid: nothing
  bool operator==(const RecordHeader&) const = default;

  /// Header with its checksum and padding: where the body starts.
  [[nodiscard]] std::uint64_t header_bytes() const { return header_bytes(meta); }
  [[nodiscard]] static std::uint64_t header_bytes(const ObjectMeta& meta);
  /// Header, body, footer.
  [[nodiscard]] std::uint64_t record_bytes() const { return header_bytes() + round_up(body_bytes) + kFooterBytes; }
};

/// A record's bytes around its body.
struct RecordFrame {
  std::vector<std::byte> head;  ///< header, checksum, padding
  std::vector<std::byte> tail;  ///< the body's padding, footer
};
/// Requires key, content type, user headers, level and sizes within limits.
RecordFrame encode_record(const RecordHeader& header, std::uint64_t salt);
/// The same into memory full of zeros: `head` has header_bytes(), `tail` the rest of record_bytes() without the body.
void encode_record(const RecordHeader& header, std::uint64_t salt, std::span<std::byte> head,
                   std::span<std::byte> tail);

/// `bytes` starts where a record may; it need not hold more than kRecordHeaderBytesMax of it.
/// Errors: kCorrupt: no record of this serial starts here, or a field is out of range; the detail says which.
Result<RecordHeader> decode_record(std::span<const std::byte> bytes, std::uint64_t serial, std::uint64_t salt);

/// What a footer says of its record.
struct RecordFooter {
  RecordKind kind = RecordKind::kObject;
  std::uint8_t level = 0;
  std::uint64_t serial = 0;
  std::uint64_t lsn = 0;
  ObjectId id;
  Revision revision;
  std::uint64_t header_bytes = 0;
  std::uint64_t record_bytes = 0;
};
/// None if `block` (kFooterBytes) is no footer of this serial.
std::optional<RecordFooter> decode_footer(std::span<const std::byte> block, std::uint64_t serial, std::uint64_t salt);

/// True if a record header of this serial may start here: magic and serial fit. Cheap; decode_record decides.
bool looks_like_record(std::span<const std::byte> unit, std::uint64_t serial);

// Little-endian integers at an offset, for the formats of this layer.
inline void put_uint(std::span<std::byte> area, std::size_t at, std::uint64_t value, std::size_t bytes) {
  boost::endian::native_to_little_inplace(value);
  std::memcpy(area.data() + at, &value, bytes);
}
inline std::uint64_t get_uint(std::span<const std::byte> area, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, area.data() + at, bytes);
  return boost::endian::little_to_native(value);
}
/// XXH3-64 with a seed.
std::uint64_t salted_checksum(std::span<const std::byte> bytes, std::uint64_t salt);

}  // namespace brigade::store
