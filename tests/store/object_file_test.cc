#include "object_file.h"

#include "support.h"

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

ObjectMeta sample() {
  ObjectMeta meta{.id = {0x0123456789abcdef, 0xfedcba9876543210},
                  .key = "photos/2005/bucket brigade.jpg",
                  .revision = Revision::of(Seq{7}, 3),
                  .level = 2,
                  .size = 70'000,
                  .checksum = 99,
                  .modified = WallTime{-5},
                  .content_type = "image/jpeg"};
  return meta;
}

TEST_CASE("a header says all of an object's meta data") {
  ObjectMeta meta = sample();
  SECTION("an object's") {}
  SECTION("a tombstone's") {
    meta.tombstone = true;
    meta.size = 0;
  }
  SECTION("the longest") {
    meta.key = std::string(limits::kKeyBytesMax, 'k');
    meta.content_type = std::string(limits::kContentTypeBytesMax, 't');
  }
  SECTION("the shortest") {
    meta.key = "k";
    meta.content_type.clear();
  }
  REQUIRE(decode_header(encode_header(meta)).value() == meta);
}

TEST_CASE("no bit of a header can turn over unnoticed") {
  const HeaderArea good = encode_header(sample());
  const std::size_t used = 112 + sample().key.size() + sample().content_type.size() + 8;
  for (std::size_t bit = 0; bit < used * 8; ++bit) {
    HeaderArea bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    INFO("bit " << bit);
    REQUIRE(decode_header(bad).error().code() == Errc::kCorrupt);
  }
  REQUIRE(decode_header(std::span(good).first(4095)).error().code() == Errc::kCorrupt);
  REQUIRE(decode_header(HeaderArea{}).error().code() == Errc::kCorrupt);
}

TEST_CASE("the format on disk stays what it is") {
  // The first bytes and the checksum of a known header: if this fails, the format needs a new version.
  const HeaderArea area = encode_header(sample());
  REQUIRE(std::string(reinterpret_cast<const char*>(area.data()), 8) == "BRGOBJ\r\n");
  REQUIRE(area[8] == std::byte{1});
  REQUIRE(area[12] == std::byte{152});
  REQUIRE(area[16] == std::byte{0xef});
  REQUIRE(area[40] == std::byte{0x70});
  REQUIRE(get_u64(std::span(area).subspan<152, 8>()) == 0x6a0e012bee8c336c);
}

TEST_CASE("an object's directory is the first byte of its id") {
  REQUIRE(directory_name(directory_of({0x0123456789abcdef, 0x1})) == "01");
  REQUIRE(directory_name(0xff) == "ff");
}

TEST_CASE("a file's length follows from its body's") {
  REQUIRE(file_bytes(0) == 4096);
  REQUIRE(file_bytes(1) == 4096 + 1 + 8);
  REQUIRE(file_bytes(65'536) == 4096 + 65'536 + 8);
  REQUIRE(file_bytes(65'537) == 4096 + 65'537 + 16);
}

}  // namespace
}  // namespace brigade::store
