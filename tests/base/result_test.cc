#include "brigade/base/result.h"

#include <set>
#include <sstream>
#include <stdexcept>

#include <catch2/catch.hpp>

namespace brigade {
namespace {

struct Row {
  Errc code;
  int http_status;
  const char* problem_type;
  const char* message;
};

// What callers, clients and documents rely on. A new code needs a row here.
const Row kRows[] = {
    {Errc::kOk, 200, "ok", "OK"},
    {Errc::kInvalid, 400, "invalid", "Invalid request"},
    {Errc::kUnauthorized, 401, "unauthorized", "Not signed with the cluster's secret"},
    {Errc::kNotFound, 404, "not-found", "Not found"},
    {Errc::kMethodNotAllowed, 405, "method-not-allowed", "Method not allowed"},
    {Errc::kRequestTimeout, 408, "request-timeout", "Request too slow"},
    {Errc::kConflict, 409, "conflict", "Conflict with the present state"},
    {Errc::kPreconditionFailed, 412, "precondition-failed", "Precondition failed"},
    {Errc::kTooLarge, 413, "too-large", "Too large"},
    {Errc::kRangeNotSatisfiable, 416, "range-not-satisfiable", "Range not satisfiable"},
    {Errc::kNotPrimary, 421, "not-primary", "Not the primary of this object"},
    {Errc::kStale, 409, "stale-map", "Bucket map too old"},
    {Errc::kHeaderTooLarge, 431, "header-too-large", "Header fields too large"},
    {Errc::kInternal, 500, "internal", "Internal error"},
    {Errc::kIo, 500, "io-error", "Disk failure"},
    {Errc::kCorrupt, 500, "corrupt", "Stored data is corrupt"},
    {Errc::kBadGateway, 502, "bad-gateway", "A node gave an answer that makes no sense"},
    {Errc::kNoQuorum, 503, "no-quorum", "No quorum"},
    {Errc::kUnavailable, 503, "unavailable", "No in-sync replica can be reached"},
    {Errc::kOverloaded, 503, "overloaded", "Overloaded"},
    {Errc::kTimeout, 503, "timeout", "Deadline passed, outcome open"},
    {Errc::kClosed, 502, "closed", "Connection closed by the other side"},
    {Errc::kBufferFull, 500, "buffer-full", "Reorder buffer full"},
    {Errc::kNoSpace, 507, "no-space", "Disk full"},
};

TEST_CASE("every error code has its message, HTTP status and problem type") {
  int expected = 0;
  for (const Row& row : kRows) {
    CAPTURE(row.problem_type);
    CHECK(static_cast<int>(row.code) == expected++);
    CHECK(http_status(row.code) == row.http_status);
    CHECK(problem_type(row.code) == row.problem_type);
    CHECK(message(row.code) == row.message);
    CHECK(make_error_code(row.code).message() == row.message);
  }
  CHECK(expected == static_cast<int>(Errc::kNoSpace) + 1);
}

TEST_CASE("no two error codes share a problem type, and each can stand in a URL") {
  std::set<std::string_view> seen;
  for (const Row& row : kRows) {
    CHECK(seen.insert(problem_type(row.code)).second);
    CHECK(problem_type(row.code).find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
  }
}

TEST_CASE("an error without detail says its code's message, and one with detail says that") {
  CHECK(Error(Errc::kNoQuorum).detail() == "No quorum");
  CHECK(Error(Errc::kNoQuorum, "2 of 5 nodes answer").detail() == "2 of 5 nodes answer");
  CHECK(Error(Errc::kNoQuorum, "2 of 5 nodes answer").code() == Errc::kNoQuorum);
}

TEST_CASE("an error code of ours converts to a system error code and back") {
  const boost::system::error_code code = Errc::kStale;
  CHECK(code.category().name() == std::string("brigade"));
  CHECK(code == make_error_code(Errc::kStale));
  CHECK(code.failed());
  CHECK_FALSE(make_error_code(Errc::kOk).failed());
  CHECK(boost::system::error_code(999, error_category()).message() == "unknown brigade error 999");
  CHECK(boost::system::error_code(-1, error_category()).message() == "unknown brigade error -1");
}

TEST_CASE("a result carries either a value or an error, and the wrong question throws with the error's detail") {
  const Result<int> good = 7;
  const Result<int> bad = Error{Errc::kNotFound, "no such thing"};
  REQUIRE(good);
  CHECK(*good == 7);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code() == Errc::kNotFound);
  CHECK_THROWS_WITH(bad.value(), Catch::Contains("no such thing"));
  std::ostringstream printed;
  printed << bad << "; " << good;
  CHECK(printed.str() == "not-found: no such thing; ok: has a value");
  const Status done;
  CHECK(done.has_value());
  const Status failed = Errc::kIo;
  CHECK(failed.error().code() == Errc::kIo);
}

}  // namespace
}  // namespace brigade
