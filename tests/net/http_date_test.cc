#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

constexpr WallTime kExample{784111777000};  // the date of RFC 9110 §5.6.7

TEST_CASE("the three date formats of the RFC's example name the same second") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == kExample);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == kExample);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == kExample);
}

TEST_CASE("dates are written as IMF-fixdate in whole seconds") {
  CHECK(http_date(kExample) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(WallTime{kExample.unix_ms + 999}) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(WallTime{0}) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(WallTime{951782400000}) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(http_date(WallTime{-1}) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("a date that is malformed, or no day of the calendar, is nothing") {
  for (const char* bad :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Thu, 30 Feb 1995 00:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "784111777", "Sun, 00 Nov 1994 08:49:37 GMT"}) {
    INFO(bad);
    CHECK(!parse_http_date(bad));
  }
}

TEST_CASE("what is written is read back") {
  REQUIRE(rc::check("parse(write(t)) is t in whole seconds", [] {
    const auto second = *rc::gen::inRange<std::int64_t>(-2'000'000'000, 32'503'680'000);
    RC_ASSERT(parse_http_date(http_date(WallTime{second * 1000})) == WallTime{second * 1000});
  }));
}

}  // namespace
}  // namespace brigade::net
