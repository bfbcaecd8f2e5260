// The pieces between bytes and messages: heads and chunks.
#include "chunked.h"
#include "head_format.h"
#include "head_parser.h"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/net/http_server.h"

namespace brigade::net {
namespace {

/// Decodes `text` in pieces of `piece` bytes into buffers of `room` bytes. Nothing: refused, or not over.
std::optional<std::string> decoded(std::string_view text, std::size_t piece = 1000, std::size_t room = 1000) {
  ChunkDecoder decoder;
  std::string out;
  std::vector<std::byte> buffer(room);
  for (std::size_t at = 0; at < text.size() && !decoder.done();) {
    const auto step = decoder.decode(text.substr(at, piece), buffer);
    if (!step) return std::nullopt;
    if (step->consumed == 0 && step->produced == 0) return std::nullopt;
    out.append(reinterpret_cast<const char*>(buffer.data()), step->produced);
    at += step->consumed;
  }
  if (!decoder.done()) return std::nullopt;
  return out;
}

TEST_CASE("chunks are put together, extensions and trailers dropped") {
  CHECK(decoded("0\r\n\r\n") == "");
  CHECK(decoded("5\r\nhello\r\n0\r\n\r\n") == "hello");
  CHECK(decoded("5;a=b;c=\"d\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX: y\r\nZ: w\r\n\r\n") == "hello0123456789");
}

TEST_CASE("malformed chunks are refused") {
  for (const std::string bad :
       {"", "\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n", "-1\r\n\r\n", "g\r\n", "1000000000000000\r\n", ";a\r\n", "5\rhello", "5;\nhello",
        "0\r\n\n", "0\r\nX: y\n\r\n"}) {
    INFO(bad);
    CHECK(!decoded(bad));
  }
  CHECK(!decoded("5\r\nhel"));
  CHECK(!decoded("5\r\nhello\r\n0\r\n"));
}

TEST_CASE("extensions and trailers are bounded over a whole body") {
  CHECK(decoded("1;" + std::string(ChunkDecoder::kExtensionBytesMax, 'x') + "\r\na\r\n0\r\n\r\n") == "a");
  CHECK(!decoded("1;" + std::string(ChunkDecoder::kExtensionBytesMax + 1, 'x') + "\r\na\r\n0\r\n\r\n"));
  std::string many;
  for (std::size_t i = 0; i <= ChunkDecoder::kExtensionBytesMax / 8; ++i) many += "1;12345678\r\na\r\n";
  CHECK(!decoded(many + "0\r\n\r\n"));
  CHECK(!decoded("0\r\nX: " + std::string(ChunkDecoder::kTrailerBytesMax, 'x') + "\r\n\r\n"));
}

TEST_CASE("any body in any chunks, cut anywhere, is decoded to itself") {
  REQUIRE(rc::check("round trip", [](const std::vector<std::string>& chunks) {
    std::string text;
    std::string body;
    for (const std::string& chunk : chunks) {
      if (chunk.empty()) continue;
      const ChunkHead head(chunk.size());
      text.append(head.text()).append(chunk).append(kChunkTail);
      body += chunk;
    }
    text.append(kLastChunk);
    const auto piece = *rc::gen::inRange<std::size_t>(1, 9);
    const auto room = *rc::gen::inRange<std::size_t>(1, 9);
    RC_ASSERT(decoded(text, piece, room) == body);
  }));
}

TEST_CASE("a chunk's size is written in hex") {
  CHECK(ChunkHead(0).text() == "0\r\n");
  CHECK(ChunkHead(255).text() == "ff\r\n");
  CHECK(ChunkHead(0xffffffffffffffff).text() == "ffffffffffffffff\r\n");
}

TEST_CASE("a head ends at its first empty line, wherever the bytes are cut") {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    HeadScanner scanner;
    const auto first = scanner.scan(std::string_view(text).substr(0, cut));
    REQUIRE(first.has_value());
    if (*first == 0) {
      CHECK(cut < text.size() - 4);
      CHECK(scanner.scan(text).value() == text.size() - 4);
    } else {
      CHECK(*first == text.size() - 4);
    }
  }
}

TEST_CASE("lines without CR, folded lines and control characters end a head at once") {
  for (const std::string bad :
       {"GET / HTTP/1.1\n", "\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET /\x01 HTTP/1.1\r\n", " GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\r\n"}) {
    INFO(bad);
    HeadScanner scanner;
    CHECK(!scanner.scan(bad));
  }
  HeadScanner scanner;
  CHECK(!scanner.scan(std::string_view("GET /\0 HTTP/1.1\r\n", 17)));
}

TEST_CASE("a request's head is taken apart as it was sent") {
  const auto parsed = parse_request_head("PUT /o/a%20b?x HTTP/1.0\r\nHost: n\r\nX-a:  v w \r\nx-A: 2\r\n\r\n");
  REQUIRE(parsed.has_value());
  CHECK(parsed->version == 10);
  CHECK(parsed->head.method == "PUT");
  CHECK(parsed->head.target == "/o/a%20b?x");
  CHECK(parsed->head.fields.items() ==
        std::vector<std::pair<std::string, std::string>>{{"Host", "n"}, {"X-a", "v w"}, {"x-A", "2"}});
}

TEST_CASE("heads that are no HTTP are refused") {
  for (const char* bad : {"GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n",
                          "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA b\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
                          "GET / HTTP/1.1\r\n: b\r\n\r\n"}) {
    INFO(bad);
    CHECK(!parse_request_head(bad));
  }
}

TEST_CASE("an answer's head is taken apart") {
  const auto parsed = parse_response_head("HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\n\r\n");
  REQUIRE(parsed.has_value());
  CHECK(parsed->head.status == 206);
  CHECK(parsed->head.fields.find("etag") == "\"a\"");
  CHECK(!parse_response_head("HTTP/1.1 2000 OK\r\n\r\n"));
  CHECK(!parse_response_head("ICY 200 OK\r\n\r\n"));
}

TEST_CASE("no value starts a field of its own, and the framing is not the handler's business") {
  Fields fields;
  fields.add("X", "a\r\nSet-Cookie: b");
  fields.add("Content-Length", "7");
  fields.add("connection", "upgrade");
  fields.add("Transfer-Encoding", "gzip");
  std::string out;
  append_fields(out, fields);
  CHECK(out == "X: a  Set-Cookie: b\r\n");
}

TEST_CASE("an error is a problem document with its status and a stable type") {
  const Error error(Errc::kNoQuorum, "line\n\"quoted\" caf\xc3\xa9 \x7f");
  CHECK(problem_json(error, "/o/a") ==
        "{\"type\":\"urn:brigade:problem:" + std::string(problem_type(Errc::kNoQuorum)) + "\",\"title\":\"" +
            std::string(message(Errc::kNoQuorum)) +
            "\",\"status\":503,\"detail\":\"line\\u000a\\\"quoted\\\" caf\\ufffd \\u007f\",\"instance\":\"/o/a\"}\n");
  const auto head = problem_head(error);
  CHECK(head.status == 503);
  CHECK(head.fields.find("Retry-After").has_value());
  CHECK(head.fields.find("Cache-Control") == "no-store");
  CHECK(head.fields.find("Content-Type") == "application/problem+json");
  CHECK(!problem_head(Error(Errc::kNotFound)).fields.find("Retry-After"));
}

}  // namespace
}  // namespace brigade::net
