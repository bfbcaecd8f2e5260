#include "put_request.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

constexpr WallTime kNow{1'000'000};

Result<WantedPut> wanted(const std::string& name, const std::string& value) {
  net::Fields fields;
  fields.add(name, value);
  return wanted_put(Settings{}, fields, kNow);
}

TEST_CASE("a PUT that asks for nothing gets the cluster's redundancy, and stays") {
  const auto put = wanted_put(Settings{}, net::Fields{}, kNow);
  REQUIRE(put);
  CHECK(put->level.redundancy() == Settings{}.redundancy);
  CHECK(put->content_type == "application/octet-stream");
  CHECK_FALSE(put->sha256);
  CHECK(put->expires.unix_ms == 0);
}

TEST_CASE("a redundancy is a power of two from the lowest allowed one to 16") {
  CHECK(wanted("Brigade-Redundancy", "4")->level.redundancy() == 4);
  for (const char* bad : {"0", "1", "3", "32", "-2", "two", ""}) {
    const auto put = wanted("Brigade-Redundancy", bad);
    INFO(bad);
    REQUIRE_FALSE(put);
    CHECK(put.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("an object expires in a number of seconds, or at a date to come") {
  CHECK(wanted("Brigade-Expires-In", "60")->expires == WallTime{kNow.unix_ms + 60'000});
  CHECK(wanted("Expires", "Thu, 01 Jan 1970 01:00:00 GMT")->expires == WallTime{3'600'000});
  CHECK_FALSE(wanted("Brigade-Expires-In", "0"));
  CHECK_FALSE(wanted("Brigade-Expires-In", "99999999999"));
  CHECK_FALSE(wanted("Expires", "0"));
  CHECK_FALSE(wanted("Expires", "Thu, 01 Jan 1970 00:00:01 GMT"));
}

TEST_CASE("what is not the whole object as it is to be kept is refused") {
  CHECK(wanted("Content-Encoding", "identity"));
  CHECK_FALSE(wanted("Content-Encoding", "gzip"));
  CHECK_FALSE(wanted("Content-Range", "bytes 0-1/2"));
}

TEST_CASE("a checksum that would not be checked is refused") {
  const auto put = wanted("Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ==");
  REQUIRE_FALSE(put);
  CHECK_THAT(put.error().detail(), Catch::Contains("Repr-Digest"));
}

}  // namespace
}  // namespace brigade::node
