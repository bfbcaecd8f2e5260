// The server over real sockets on loopback, spoken to in raw bytes.
#include "fixture.h"

#include <catch2/catch.hpp>

namespace brigade::net::testing {
namespace {

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: n\r\n" + fields + "\r\n";
}

TEST_CASE("a connection serves one request after the other") {
  TestServer server;
  RawClient client(server.address());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.send(get("/hello")));
    const auto answer = client.answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == "hello");
    CHECK(answer.field("Server") == "brigade");
    CHECK(answer.field("Date").has_value());
    CHECK(!answer.field("Connection"));
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("pipelined requests are answered in order") {
  TestServer server;
  RawClient client(server.address());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += get("/size/" + std::to_string(i));
    const std::string body = "body " + std::to_string(i);
    all += "PUT /echo HTTP/1.1\r\nHost: n\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  REQUIRE(client.send(all));
  for (int i = 0; i < 50; ++i) {
    CHECK(client.answer().body == pattern_text(static_cast<std::uint64_t>(i)));
    CHECK(client.answer().body == "body " + std::to_string(i));
  }
}

TEST_CASE("a request that arrives byte by byte is served like any other") {
  TestServer server;
  RawClient client(server.address());
  for (const char c : std::string(
           "\r\nPUT /echo HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n"))
    REQUIRE(client.send(std::string_view(&c, 1)));
  CHECK(client.answer().body == "abc");
}

TEST_CASE("chunked bodies go both ways, and the connection goes on") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /stream HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
  REQUIRE(client.send("1000\r\n" + pattern_text(4096) + "\r\n0\r\n\r\n" + get("/chunks")));
  const auto first = client.answer();
  CHECK(first.field("Transfer-Encoding") == "chunked");
  CHECK(first.body == "hello" + pattern_text(4096));
  CHECK(client.answer().body == "onetwothree");
}

TEST_CASE("large bodies stream in both directions") {
  TestServer server;
  RawClient client(server.address());
  constexpr std::uint64_t kSize = 9'000'001;
  REQUIRE(client.send(get("/size/" + std::to_string(kSize))));
  CHECK((client.answer().body == pattern_text(kSize)));
  REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n"));
  REQUIRE(client.send(pattern_text(kSize)));
  CHECK(client.answer().body == std::to_string(kSize));
}

TEST_CASE("HTTP/1.0 closes unless asked to stay, and gets no chunks") {
  TestServer server;
  {
    RawClient client(server.address());
    REQUIRE(client.send("GET /hello HTTP/1.0\r\n\r\n"));
    const auto answer = client.answer();
    CHECK(answer.body == "hello");
    CHECK(answer.field("Connection") == "close");
    CHECK(client.rest() == "closed");
  }
  {
    RawClient client(server.address());
    REQUIRE(client.send("GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    CHECK(client.answer().field("Connection") == "keep-alive");
    REQUIRE(client.send("GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const auto answer = client.answer();
    CHECK(!answer.field("Transfer-Encoding"));
    CHECK(!answer.field("Content-Length"));
    CHECK(answer.field("Connection") == "close");
    CHECK(answer.body == "onetwothree");
  }
}

TEST_CASE("a client that asks to close gets its answer, then the end") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send(get("/hello", "Connection: foo, Close\r\n") + get("/hello")));
  CHECK(client.answer().field("Connection") == "close");
  CHECK(client.rest() == "closed");
}

TEST_CASE("a client that has shut down its sending side still gets its answer") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send(get("/size/200000")));
  client.shutdown_send();
  CHECK((client.answer().body == pattern_text(200000)));
  CHECK(client.rest() == "closed");
}

TEST_CASE("an answer to HEAD has the length and no body") {
  TestServer server;
  RawClient client(server.address());
  for (const auto& [target, length] : {std::pair("/hello", "5"), std::pair("/size/100000", "100000")}) {
    REQUIRE(client.send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: n\r\n\r\n"));
    const auto answer = client.answer(true);
    CHECK(answer.status == 200);
    CHECK(answer.field("Content-Length") == length);
  }
  REQUIRE(client.send("HEAD /chunks HTTP/1.1\r\nHost: n\r\n\r\n"));
  CHECK(client.answer(true).field("Transfer-Encoding") == "chunked");
  REQUIRE(client.send(get("/hello")));
  CHECK(client.answer().body == "hello");
}

TEST_CASE("answers without a body are framed as their status asks") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send(get("/begin-204") + get("/begin-304") + get("/begin-200") + get("/hello")));
  const auto none = client.answer();
  CHECK(none.status == 204);
  CHECK(!none.field("Content-Length"));
  const auto same = client.answer();
  CHECK(same.status == 304);
  CHECK(!same.field("Content-Length"));
  CHECK(client.answer().field("Content-Length") == "0");
  CHECK(client.answer().body == "hello");
}

TEST_CASE("100 Continue is sent when the handler reads, and only then") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n"));
  CHECK(client.answer().status == 100);
  REQUIRE(client.send("abc"));
  CHECK(client.answer().body == "abc");

  REQUIRE(client.send("PUT /early HTTP/1.1\r\nHost: n\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
  const auto refusal = client.answer();
  CHECK(refusal.status == 413);
  CHECK(refusal.field("Connection") == "close");
  CHECK(client.rest() == "closed");
}

TEST_CASE("nobody is told to continue after the final answer") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /late-read HTTP/1.1\r\nHost: n\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
  const auto answer = client.answer();
  CHECK(answer.body == "said");
  CHECK(answer.field("Connection") == "close");
  client.shutdown_send();
  CHECK(client.rest() == "closed");
}

TEST_CASE("nobody is told to continue who does not wait") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(client.answer().status == 200);
  REQUIRE(client.send("PUT /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"));
  CHECK(client.answer().status == 200);
}

TEST_CASE("any other expectation fails") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 3\r\nExpect: 200-ok\r\n\r\nabc"));
  const auto answer = client.answer();
  CHECK(answer.status == 417);
  CHECK(answer.field("Content-Type") == "application/problem+json");
  CHECK(client.rest() == "closed");
}

TEST_CASE("a short body that the handler left is read away, a long one ends the connection") {
  TestServer server;
  {
    RawClient client(server.address());
    REQUIRE(client.send("PUT /hello HTTP/1.1\r\nHost: n\r\nContent-Length: 60000\r\n\r\n" + pattern_text(60000) +
                        get("/hello")));
    CHECK(client.answer().status == 200);
    CHECK(client.answer().status == 200);
    REQUIRE(client.send("PUT /hello HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
                        get("/hello")));
    CHECK(client.answer().status == 200);
    CHECK(client.answer().status == 200);
  }
  {
    RawClient client(server.address());
    REQUIRE(client.send("PUT /early HTTP/1.1\r\nHost: n\r\nContent-Length: 1000000\r\n\r\n"));
    const auto answer = client.answer();
    CHECK(answer.status == 413);
    CHECK(answer.field("Connection") == "close");
    CHECK(client.rest() == "closed");
  }
}

TEST_CASE("an early answer reaches a client that is still sending") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /early HTTP/1.1\r\nHost: n\r\nContent-Length: 1000000\r\n\r\n" + pattern_text(1000000)));
  CHECK(client.answer().status == 413);
}

TEST_CASE("a client that goes away in the middle of a body is noticed as that") {
  TestServer server;
  SECTION("it closes") {
    RawClient client(server.address());
    REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nContent-Length: 10\r\n\r\nabc"));
    client.shutdown_send();
    CHECK(server.next_event() == "closed");
  }
  SECTION("it resets") {
    RawClient client(server.address());
    REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"));
    client.reset();
    CHECK(server.next_event() == "closed");
  }
  SECTION("before its last chunk") {
    RawClient client(server.address());
    REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"));
    client.shutdown_send();
    CHECK(server.next_event() == "closed");
  }
  CHECK(server.has_connections(0));
}

TEST_CASE("a malformed chunk is an error of the body, and the connection ends") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n" +
                      get("/hello")));
  CHECK(server.next_event() == "invalid");
  CHECK(client.answer().status == 400);
  CHECK(client.rest() == "closed");
}

TEST_CASE("a body over the handler's limit is refused") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("PUT /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 1048577\r\n\r\n"));
  CHECK(client.answer().status == 413);
  RawClient chunked(server.address());
  REQUIRE(chunked.send("PUT /echo HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n" +
                       pattern_text(1048577) + "\r\n0\r\n\r\n"));
  CHECK(chunked.answer().status == 413);
}

}  // namespace
}  // namespace brigade::net::testing
