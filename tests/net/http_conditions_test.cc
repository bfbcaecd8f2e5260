#include <catch2/catch.hpp>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(const Pairs& pairs) {
  Fields fields;
  for (const auto& [name, value] : pairs) fields.add(name, value);
  return fields;
}

Validators object_of(std::uint64_t size = 10) {
  Validators object;
  object.etag = "\"abc\"";
  object.modified = WallTime{784111777500};  // half a second into the example's second
  object.size = size;
  return object;
}

int status(const Pairs& pairs, std::string_view method = "GET") {
  return decide_read(method, fields_of(pairs), object_of()).status;
}

constexpr const char* kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

TEST_CASE("If-Match of a read compares strongly") {
  CHECK(status({{"If-Match", "\"abc\""}}) == 200);
  CHECK(status({{"if-match", "\"x\", \"abc\""}}) == 200);
  CHECK(status({{"If-Match", "\"x\""}, {"If-Match", "\"abc\""}}) == 200);
  CHECK(status({{"If-Match", "*"}}) == 200);
  CHECK(status({{"If-Match", "\"x\""}}) == 412);
  CHECK(status({{"If-Match", "W/\"abc\""}}) == 412);
  CHECK(status({{"If-Match", "abc"}}) == 412);
  CHECK(status({{"If-Match", ""}}) == 412);
}

TEST_CASE("If-None-Match of a read compares weakly and wins over If-Modified-Since") {
  CHECK(status({{"If-None-Match", "\"abc\""}}) == 304);
  CHECK(status({{"If-None-Match", "W/\"abc\""}}) == 304);
  CHECK(status({{"If-None-Match", "\"x\",\"a,b\" , W/\"abc\""}}) == 304);
  CHECK(status({{"If-None-Match", "*"}}) == 304);
  CHECK(status({{"If-None-Match", "\"x\""}}) == 200);
  CHECK(status({{"If-None-Match", "\"x\""}, {"If-Modified-Since", kAfter}}) == 200);
  CHECK(status({{"If-None-Match", "\"abc\""}, {"If-Modified-Since", kBefore}}) == 304);
  CHECK(status({{"If-None-Match", "\"abc\""}}, "HEAD") == 304);
}

TEST_CASE("dates are compared in whole seconds, and nonsense is ignored") {
  CHECK(status({{"If-Modified-Since", kThen}}) == 304);
  CHECK(status({{"If-Modified-Since", kAfter}}) == 304);
  CHECK(status({{"If-Modified-Since", kBefore}}) == 200);
  CHECK(status({{"If-Modified-Since", "yesterday"}}) == 200);
  CHECK(status({{"If-Unmodified-Since", kThen}}) == 200);
  CHECK(status({{"If-Unmodified-Since", kAfter}}) == 200);
  CHECK(status({{"If-Unmodified-Since", kBefore}}) == 412);
  CHECK(status({{"If-Unmodified-Since", "yesterday"}}) == 200);
  CHECK(status({{"If-Unmodified-Since", kBefore}, {"If-Match", "\"abc\""}}) == 200);
}

TEST_CASE("preconditions are decided in the order of the RFC: If-Match, then If-None-Match, then the range") {
  CHECK(status({{"If-Match", "\"x\""}, {"If-None-Match", "\"abc\""}}) == 412);
  CHECK(status({{"If-Match", "\"abc\""}, {"If-None-Match", "\"abc\""}}) == 304);
  CHECK(status({{"If-None-Match", "\"abc\""}, {"Range", "bytes=0-1"}}) == 304);
  CHECK(status({{"If-Match", "\"x\""}, {"Range", "bytes=99-"}}) == 412);
}

TEST_CASE("a range counts for GET only") {
  CHECK(status({{"Range", "bytes=0-1"}}) == 206);
  CHECK(status({{"Range", "bytes=0-1"}}, "HEAD") == 200);
  CHECK(status({{"Range", "bytes=0-1"}, {"Range", "bytes=2-3"}}) == 200);
}

TEST_CASE("If-Range lets the range through only for the very same representation") {
  const auto with = [](const std::string& validator) {
    return status({{"Range", "bytes=0-1"}, {"If-Range", validator}});
  };
  CHECK(with("\"abc\"") == 206);
  CHECK(with("\"x\"") == 200);
  CHECK(with("W/\"abc\"") == 200);
  CHECK(with("\"abc\" ,") == 200);
  CHECK(with(kThen) == 206);
  CHECK(with(kAfter) == 200);
  CHECK(with(kBefore) == 200);
  CHECK(with("*") == 200);
  CHECK(with("") == 200);
  CHECK(status({{"Range", "bytes=99-"}, {"If-Range", "\"x\""}}) == 200);
  CHECK(status({{"Range", "bytes=99-"}, {"If-Range", "\"abc\""}}) == 416);
  CHECK(status({{"Range", "bytes=0-1"}, {"If-Range", "\"abc\""}, {"If-Range", "\"abc\""}}) == 200);
}

TEST_CASE("a write with If-None-Match: * is for a new object, one with If-Match for the object that is there") {
  const auto code = [](const Pairs& pairs, std::optional<std::string_view> etag) {
    const auto s = decide_write(fields_of(pairs), etag);
    return s ? Errc::kOk : s.error().code();
  };
  CHECK(code({}, std::nullopt) == Errc::kOk);
  CHECK(code({}, "\"abc\"") == Errc::kOk);
  CHECK(code({{"If-None-Match", "*"}}, std::nullopt) == Errc::kOk);
  CHECK(code({{"If-None-Match", "*"}}, "\"abc\"") == Errc::kPreconditionFailed);
  CHECK(code({{"If-None-Match", "\"abc\""}}, "\"abc\"") == Errc::kPreconditionFailed);
  CHECK(code({{"If-None-Match", "\"x\""}}, "\"abc\"") == Errc::kOk);
  CHECK(code({{"If-Match", "*"}}, "\"abc\"") == Errc::kOk);
  CHECK(code({{"If-Match", "*"}}, std::nullopt) == Errc::kPreconditionFailed);
  CHECK(code({{"If-Match", "\"abc\""}}, "\"abc\"") == Errc::kOk);
  CHECK(code({{"If-Match", "W/\"abc\""}}, "\"abc\"") == Errc::kPreconditionFailed);
  CHECK(code({{"If-Match", "\"x\""}}, "\"abc\"") == Errc::kPreconditionFailed);
  for (const char* bad : {"", "abc", "\"abc", "\"abc\" \"x\"", "*, \"abc\"", "w/\"abc\"", "\"a b\""}) {
    INFO(bad);
    CHECK(code({{"If-Match", bad}}, "\"abc\"") == Errc::kInvalid);
    CHECK(code({{"If-None-Match", bad}}, std::nullopt) == Errc::kInvalid);
  }
}

}  // namespace
}  // namespace brigade::net
