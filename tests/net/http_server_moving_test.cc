// Connections that go from one server of a process to another one.
#include "fixture.h"

#include <chrono>

#include <catch2/catch.hpp>

#include "brigade/net/http_client.h"
#include "brigade/net/http_server.h"

namespace brigade::net::testing {
namespace {

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: n\r\n\r\n";
}

std::string put(const std::string& target, const std::string& body) {
  return "PUT " + target + " HTTP/1.1\r\nHost: n\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_CASE("a request that belongs elsewhere is answered there, and so is what follows it") {
  TestServer other;
  TestServerOptions options;
  options.elsewhere = "/echo";
  options.other = &other;
  TestServer server(options);
  RawClient client(server.address());
  REQUIRE(client.send(get("/hello")));
  CHECK(client.answer().body == "hello");
  CHECK(server.connections() == 1);
  REQUIRE(client.send(put("/echo", "abc")));
  CHECK(client.answer().body == "abc");
  CHECK(server.has_connections(0));
  CHECK(other.connections() == 1);
  REQUIRE(client.send(get("/hello")));
  CHECK(client.answer().body == "hello");
  CHECK(other.connections() == 1);
}

TEST_CASE("a connection moves with all that has arrived on it") {
  TestServer other;
  TestServerOptions options;
  options.elsewhere = "/echo";
  options.other = &other;
  TestServer server(options);
  RawClient client(server.address());
  const std::string body = pattern_text(5'000);
  SECTION("pipelined requests") {
    REQUIRE(client.send(get("/hello") + put("/echo", body) + get("/size/3")));
    CHECK(client.answer().body == "hello");
    CHECK(client.answer().body == body);
    CHECK(client.answer().body == pattern_text(3));
  }
  SECTION("half of a body") {
    const std::string whole = put("/echo", body);
    REQUIRE(client.send(whole.substr(0, 3'000)));
    REQUIRE(other.has_connections(1));
    REQUIRE(client.send(whole.substr(3'000)));
    CHECK(client.answer().body == body);
  }
  SECTION("a first request, and the end of it") {
    REQUIRE(client.send(put("/echo", body)));
    client.shutdown_send();
    CHECK(client.answer().body == body);
    CHECK(client.rest() == "closed");
  }
}

TEST_CASE("a server that has all its connections takes no more from elsewhere, unless one of them is idle") {
  TestServerOptions few;
  few.connections_max = 1;
  TestServer other(few);
  TestServerOptions options;
  options.elsewhere = "/";
  options.other = &other;
  TestServer server(options);
  RawClient first(server.address());
  REQUIRE(first.send(get("/wait")));
  REQUIRE(other.next_event() == "waiting");
  RawClient second(server.address());
  REQUIRE(second.send(put("/echo", "abc")));
  const auto refused = second.answer();
  CHECK(refused.status == 503);
  CHECK(refused.field("Retry-After").has_value());
  CHECK(second.rest() == "closed");
  other.release();
  CHECK(first.answer().body == "waited");
  // A connection is idle when its answer has been written, and its client may read it before that is noted.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  auto taken = refused;
  while (taken.status == 503 && std::chrono::steady_clock::now() < deadline) {
    RawClient third(server.address());
    REQUIRE(third.send(put("/echo", "abc")));
    taken = third.answer();
  }
  CHECK(taken.body == "abc");
  CHECK(first.rest() == "closed");
}

TEST_CASE("servers of one process share an address, and nobody else gets a part of it") {
  TestServerOptions options;
  options.shares_address = true;
  TestServer first(options);
  options.address = first.address();
  options.other = &first;
  TestServer further(options);
  CHECK(further.address() == first.address());
  std::size_t at_first = 0;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<RawClient>(first.address()));
    REQUIRE(clients.back()->send(get("/hello")));
    CHECK(clients.back()->answer().body == "hello");
  }
  at_first = first.connections();
  CHECK(at_first + further.connections() == 64);
  CHECK(at_first > 0);
  CHECK(at_first < 64);
  CHECK_THROWS(TestServer({.address = first.address(), .shares_address = true}));
}

}  // namespace
}  // namespace brigade::net::testing
