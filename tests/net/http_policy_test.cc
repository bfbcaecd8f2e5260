#include "brigade/net/http_policy.h"

#include <catch2/catch.hpp>

namespace brigade::net {
namespace {

RequestHead request(std::vector<std::pair<std::string, std::string>> more = {}, std::string target = "/o/a") {
  RequestHead head("PUT", std::move(target));
  head.fields.add("Host", "n1:8080");
  for (const auto& [name, value] : more) head.fields.add(name, value);
  return head;
}

Errc judged(const RequestHead& head, unsigned version = 11, std::size_t fields_max = 64) {
  const auto framing = checked_framing(head, version, fields_max);
  return framing ? Errc::kOk : framing.error().code();
}

TEST_CASE("the framing of a clean request is told by one field or none") {
  CHECK(checked_framing(request(), 11, 64).value() == BodyFraming::none());
  CHECK(checked_framing(request({{"Content-Length", "0"}}), 11, 64).value() == BodyFraming::of_length(0));
  CHECK(checked_framing(request({{"content-length", "42"}}), 10, 64).value() == BodyFraming::of_length(42));
  CHECK(checked_framing(request({{"Transfer-Encoding", "chunked"}}), 11, 64).value() == BodyFraming::chunked());
}

TEST_CASE("whatever could let two servers disagree on a request's end is refused") {
  CHECK(judged(request({{"Transfer-Encoding", "chunked"}}), 10) == Errc::kInvalid);
  CHECK(judged(request({{"Transfer-Encoding", "chunked"}, {"Content-Length", "3"}})) == Errc::kInvalid);
  CHECK(judged(request({{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}})) == Errc::kInvalid);
  for (const char* coding : {"", "gzip", "gzip, chunked", "chunked, gzip", "chunked,", "Chunked", "xchunked",
                             "chunked;q=1", "\"chunked\"", "identity"}) {
    INFO(coding);
    CHECK(judged(request({{"Transfer-Encoding", coding}})) == Errc::kInvalid);
  }
  CHECK(judged(request({{"Content-Length", "3"}, {"Content-Length", "3"}})) == Errc::kInvalid);
  for (const char* length :
       {"", "+3", "-3", "3,3", "3, 3", "0x3", "3 ", "3a", "1e3", "1234567890123456789", "99999999999999999999"}) {
    INFO(length);
    CHECK(judged(request({{"Content-Length", length}})) == Errc::kInvalid);
  }
}

TEST_CASE("exactly one Host on HTTP/1.1, at most one on HTTP/1.0") {
  RequestHead none("GET", "/");
  CHECK(judged(none, 11) == Errc::kInvalid);
  CHECK(judged(none, 10) == Errc::kOk);
  CHECK(judged(request({{"host", "n2"}}), 11) == Errc::kInvalid);
  CHECK(judged(request({{"host", "n2"}}), 10) == Errc::kInvalid);
  for (const char* host : {"", "a b", "a,b", "a/b", "user@host", "a?b"}) {
    INFO(host);
    RequestHead head("GET", "/");
    head.fields.add("Host", host);
    CHECK(judged(head) == Errc::kInvalid);
  }
  RequestHead v6("GET", "/");
  v6.fields.add("Host", "[::1]:8080");
  CHECK(judged(v6) == Errc::kOk);
}

TEST_CASE("a target is a clean path") {
  for (const char* good : {"/", "/o/a%20b", "/o/a..b/..c", "/a?x=../y", "/o/...", "/cluster/log?after=3"}) {
    INFO(good);
    CHECK(judged(request({}, good)) == Errc::kOk);
  }
  for (const char* bad : {"", "*", "o/a", "http://n1/o/a", "n1:8080", "/o/a b", "/o/a#b", "/o/\x80", "/o/\xc3\xa9",
                          "/o/\x7f", "/o/a\tb", "/o/..", "/../o/a", "/o/./a", "/o/../a?x", "/o\\a"}) {
    INFO(bad);
    CHECK(judged(request({}, bad)) == Errc::kInvalid);
  }
}

TEST_CASE("fields are bounded in number and clean") {
  RequestHead head = request();
  for (int i = 1; i < 64; ++i) head.fields.add("X-" + std::to_string(i), "v");
  CHECK(judged(head) == Errc::kOk);
  head.fields.add("X-64", "v");
  CHECK(judged(head) == Errc::kHeaderTooLarge);
  CHECK(judged(request({{"X", "a\r\nY: b"}})) == Errc::kInvalid);
  CHECK(judged(request({{"X", std::string("a\0b", 3)}})) == Errc::kInvalid);
  CHECK(judged(request({{"X Y", "a"}})) == Errc::kInvalid);
  CHECK(judged(request({{"", "a"}})) == Errc::kInvalid);
  CHECK(judged(request({{"X", "caf\xc3\xa9"}})) == Errc::kOk);
}

TEST_CASE("versions other than 1.0 and 1.1 are refused") {
  CHECK(judged(request(), 20) == Errc::kInvalid);
  CHECK(judged(request(), 9) == Errc::kInvalid);
}

TEST_CASE("fields are found without regard to case, the first of a name first") {
  Fields fields;
  fields.add("A", "1");
  fields.add("b", "2");
  fields.add("a", "3");
  CHECK(fields.find("a") == "1");
  CHECK(fields.count("A") == 2);
  CHECK(!fields.find("c"));
  fields.set("a", *fields.find("b"));
  CHECK(fields.count("a") == 1);
  CHECK(fields.find("A") == "2");
  CHECK(fields.items().size() == 2);
}

}  // namespace
}  // namespace brigade::net
