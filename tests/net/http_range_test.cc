#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

ReadDecision decide(const std::string& range, std::uint64_t size) {
  Fields fields;
  fields.add("Range", range);
  Validators object;
  object.etag = "\"e\"";
  object.size = size;
  return decide_read("GET", fields, object);
}

using Ranges = std::vector<ByteRange>;

TEST_CASE("the RFC's examples over 10 000 bytes") {
  CHECK(decide("bytes=0-499", 10000).ranges == Ranges{{0, 500}});
  CHECK(decide("bytes=500-999", 10000).ranges == Ranges{{500, 1000}});
  CHECK(decide("bytes=-500", 10000).ranges == Ranges{{9500, 10000}});
  CHECK(decide("bytes=9500-", 10000).ranges == Ranges{{9500, 10000}});
  CHECK(decide("bytes=0-0,-1", 10000).ranges == Ranges{{0, 1}, {9999, 10000}});
  CHECK(decide("bytes= 0-999, 4500-5499, -1000", 10000).ranges == Ranges{{0, 1000}, {4500, 5500}, {9000, 10000}});
  CHECK(decide("bytes=500-600,601-999", 10000).ranges == Ranges{{500, 601}, {601, 1000}});
  CHECK(decide("bytes=500-700,601-999", 10000).ranges == Ranges{{500, 1000}});
}

TEST_CASE("ranges end where the object ends") {
  CHECK(decide("bytes=5-99", 10).ranges == Ranges{{5, 10}});
  CHECK(decide("bytes=9-9", 10).ranges == Ranges{{9, 10}});
  CHECK(decide("bytes=9-10", 10).ranges == Ranges{{9, 10}});
  CHECK(decide("bytes=-99", 10).ranges == Ranges{{0, 10}});
  CHECK(decide("bytes=0-99999999999999999999999", 10).ranges == Ranges{{0, 10}});
  CHECK(decide("bytes=-99999999999999999999999", 10).ranges == Ranges{{0, 10}});
  CHECK(decide("bytes=0-000000000000000000000003", 10).ranges == Ranges{{0, 4}});
  CHECK(decide("bytes=0-18446744073709551615", 10).ranges == Ranges{{0, 10}});
}

TEST_CASE("ranges that can't be satisfied are left out, and if none is left the answer is 416") {
  CHECK(decide("bytes=10-", 10).status == 416);
  CHECK(decide("bytes=10-20,30-", 10).status == 416);
  CHECK(decide("bytes=-0", 10).status == 416);
  CHECK(decide("bytes=99999999999999999999999-", 10).status == 416);
  CHECK(decide("bytes=10-20,3-4", 10).ranges == Ranges{{3, 5}});
  CHECK(decide("bytes=0-", 0).status == 416);
  CHECK(decide("bytes=-0", 0).status == 416);
  CHECK(decide("bytes=-5", 0).status == 200);
}

TEST_CASE("a Range that is malformed, of another unit, or too long is ignored") {
  for (const char* range :
       {"", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=1", "bytes=-", "bytes=5-4", "bytes=0-1,5-4",
        "bytes=1-2-3", "bytes=+1-2", "bytes=1 -2", "bytes=0x1-2", "items=0-1", "bytes:0-1", "bytes=--1"}) {
    INFO(range);
    const auto decision = decide(range, 10);
    CHECK(decision.status == 200);
    CHECK(decision.ranges.empty());
  }
  CHECK(decide("BYTES=0-1", 10).status == 206);
  std::string many = "bytes=0-0";
  for (std::size_t i = 1; i < kRangesMax; ++i) many += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
  CHECK(decide(many, 100).ranges.size() == kRangesMax);
  CHECK(decide(many + ",99-", 100).status == 200);
}

TEST_CASE("overlapping ranges are merged at the place of the first, the others stay in the request's order") {
  CHECK(decide("bytes=50-59,0-9,55-64", 100).ranges == Ranges{{50, 65}, {0, 10}});
  CHECK(decide("bytes=0-9,20-29,5-24", 100).ranges == Ranges{{0, 30}});
  CHECK(decide("bytes=-10,0-9,95-", 100).ranges == Ranges{{90, 100}, {0, 10}});
}

TEST_CASE("merged ranges cover what was asked for, and each byte once") {
  REQUIRE(rc::check("coverage", [] {
    const auto size = *rc::gen::inRange<std::uint64_t>(1, 64);
    const auto specs = *rc::gen::resize(
        16, rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<std::uint64_t, std::uint64_t>>>(
                rc::gen::pair(rc::gen::inRange<std::uint64_t>(0, 70), rc::gen::inRange<std::uint64_t>(0, 20)))));
    RC_PRE(specs.size() <= kRangesMax);
    std::string range = "bytes=";
    std::vector<int> wanted(size);
    for (const auto& [first, more] : specs) {
      range += (range.back() == '=' ? "" : ",") + std::to_string(first) + "-" + std::to_string(first + more);
      for (std::uint64_t at = first; at <= first + more && at < size; ++at) wanted[at] = 1;
    }
    std::vector<int> given(size);
    for (const ByteRange& r : decide(range, size).ranges) {
      RC_ASSERT(r.first < r.end && r.end <= size);
      for (std::uint64_t at = r.first; at < r.end; ++at) ++given[at];
    }
    RC_ASSERT(given == wanted);
  }));
}

TEST_CASE("Content-Range counts from 0 and names the last byte") {
  CHECK(content_range({0, 500}, 1234) == "bytes 0-499/1234");
  CHECK(content_range({734, 1234}, 1234) == "bytes 734-1233/1234");
}

TEST_CASE("a multipart answer is as long as it says") {
  const Ranges ranges{{0, 3}, {5, 10}};
  const std::string body = "0123456789";
  const auto multipart = make_multipart(ranges, 10, "image/png", "BOUND");
  std::string whole;
  REQUIRE(multipart.part_heads.size() == 2);
  for (std::size_t i = 0; i < ranges.size(); ++i)
    whole += multipart.part_heads[i] + body.substr(ranges[i].first, ranges[i].end - ranges[i].first);
  whole += multipart.tail;
  CHECK(multipart.content_type == "multipart/byteranges; boundary=BOUND");
  CHECK(whole.size() == multipart.length);
  CHECK(whole ==
        "--BOUND\r\nContent-Type: image/png\r\nContent-Range: bytes 0-2/10\r\n\r\n012"
        "\r\n--BOUND\r\nContent-Type: image/png\r\nContent-Range: bytes 5-9/10\r\n\r\n56789"
        "\r\n--BOUND--\r\n");
}

}  // namespace
}  // namespace brigade::net
