#include "segment_format.h"

#include "support.h"

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

constexpr std::uint64_t kSalt = 0x5a17;

RecordHeader sample() {
  RecordHeader header{
      .kind = RecordKind::kObject, .copy = true, .lsn = 77, .serial = 9, .batch = 4096, .body_bytes = 100};
  header.written = WallTime{88};
  header.meta = {.id = {0x0123456789abcdef, 0xfedcba9876543210},
                 .key = "photos/2005/bucket brigade.jpg",
                 .revision = Revision::of(Seq{7}, 3),
                 .level = 2,
                 .size = 100,
                 .checksum = 99,
                 .modified = WallTime{-5},
                 .content_type = "image/jpeg",
                 .expires = WallTime{1000},
                 .user_headers = "X-A: b"};
  return header;
}

TEST_CASE("a record's header says all of it") {
  RecordHeader header = sample();
  SECTION("an object's") {}
  SECTION("a large object's") {
    header.kind = RecordKind::kLarge;
    header.body_bytes = 0;
    header.file = 4711;
    header.meta.size = limits::kObjectBytesMax;
  }
  SECTION("a tombstone's") {
    header.kind = RecordKind::kTombstone;
    header.meta.tombstone = true;
    header.meta.size = header.body_bytes = 0;
  }
  SECTION("a forget marker's") {
    header.kind = RecordKind::kForget;
    header.meta = {.id = {1, 2}, .revision = Revision{3}};
    header.body_bytes = 0;
    header.barrier = 12;
  }
  SECTION("the longest") {
    header.meta.key = std::string(limits::kKeyBytesMax, 'k');
    header.meta.content_type = std::string(limits::kContentTypeBytesMax, 't');
    header.meta.user_headers = std::string(kUserHeaderBytesMax, 'u');
    REQUIRE(header.header_bytes() == kRecordHeaderBytesMax);
  }
  SECTION("the shortest") {
    header.meta.key = "k";
    header.meta.content_type.clear();
    header.meta.user_headers.clear();
    header.body_bytes = header.meta.size = 0;
    REQUIRE(header.record_bytes() == kRecordBytesMin);
  }
  const RecordFrame frame = encode_record(header, kSalt);
  REQUIRE(frame.head.size() == header.header_bytes());
  REQUIRE(frame.head.size() + header.body_bytes + frame.tail.size() == header.record_bytes());
  REQUIRE(decode_record(frame.head, 9, kSalt).value() == header);
  const auto footer = decode_footer(std::span(frame.tail).last(kFooterBytes), 9, kSalt);
  REQUIRE(footer);
  REQUIRE(footer->id == header.meta.id);
  REQUIRE(footer->revision == header.meta.revision);
  REQUIRE(footer->lsn == 77);
  REQUIRE(footer->kind == header.kind);
  REQUIRE(footer->level == header.meta.level);
  REQUIRE(footer->record_bytes == header.record_bytes());
  REQUIRE(footer->header_bytes == header.header_bytes());
  // Another use of the file, another store.
  REQUIRE(decode_record(frame.head, 8, kSalt).error().code() == Errc::kCorrupt);
  REQUIRE(decode_record(frame.head, 9, kSalt + 1).error().code() == Errc::kCorrupt);
  REQUIRE_FALSE(decode_footer(std::span(frame.tail).last(kFooterBytes), 8, kSalt));
  REQUIRE_FALSE(decode_footer(std::span(frame.tail).last(kFooterBytes), 9, kSalt + 1));
}

TEST_CASE("no bit of a record's header or footer can turn over unnoticed") {
  const RecordFrame frame = encode_record(sample(), kSalt);
  const std::size_t used = 144 + 30 + 10 + 6 + 8;
  for (std::size_t bit = 0; bit < used * 8; ++bit) {
    std::vector<std::byte> bad = frame.head;
    bad[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    INFO("bit " << bit);
    REQUIRE(decode_record(bad, 9, kSalt).error().code() == Errc::kCorrupt);
  }
  for (std::size_t bit = 0; bit < kFooterBytes * 8; ++bit) {
    std::vector<std::byte> bad(frame.tail.end() - kFooterBytes, frame.tail.end());
    bad[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    REQUIRE_FALSE(decode_footer(bad, 9, kSalt));
  }
  for (std::size_t bytes = 0; bytes < used; ++bytes)
    REQUIRE_FALSE(decode_record(std::span(frame.head).first(bytes), 9, kSalt));
}

TEST_CASE("a segment's header survives the loss of either of its copies") {
  const SegmentHeader header{.serial = 5, .salt = kSalt, .bytes = 1 << 20, .kind = SegmentKind::kCopies};
  const SegmentHeaderBlock block = encode_segment_header(header);
  REQUIRE(decode_segment_header(block).value() == header);
  for (std::size_t bit = 0; bit < 56 * 8; ++bit) {
    SegmentHeaderBlock bad = block;
    bad[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    REQUIRE(decode_segment_header(bad).value() == header);
    bad[2048 + bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    REQUIRE(decode_segment_header(bad).error().code() == Errc::kCorrupt);
  }
  REQUIRE(decode_segment_header({}).error().code() == Errc::kCorrupt);
}

TEST_CASE("the format of segments on disk stays what it is") {
  // If this fails, the format needs a new version.
  const RecordFrame frame = encode_record(sample(), kSalt);
  REQUIRE(std::string(reinterpret_cast<const char*>(frame.head.data()), 4) == "BRec");
  REQUIRE(get_uint(frame.head, 4, 2) == 1);
  REQUIRE(get_uint(frame.head, 6, 2) == 190);
  REQUIRE(get_uint(frame.head, 16, 8) == 77);
  REQUIRE(get_uint(frame.head, 190, 8) == salted_checksum(std::span(frame.head).first(190), kSalt));
  REQUIRE(get_uint(frame.head, 190, 8) == 0x20e843def5b2f0ff);
}

}  // namespace
}  // namespace brigade::store
