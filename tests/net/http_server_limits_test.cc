// Deadlines, bounds, defects of handlers, and the end of the server.
#include "fixture.h"

#include <future>

#include <catch2/catch.hpp>

namespace brigade::net::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: n\r\n" + fields + "\r\n";
}

TEST_CASE("a slow head, a slow body and an idle connection meet their deadlines") {
  TestServerOptions options;
  SECTION("the head") {
    options.header_timeout = milliseconds(50);
    TestServer server(options);
    RawClient client(server.address());
    REQUIRE(client.send("GET / HTTP/1.1\r\nHos"));
    const auto answer = client.answer();
    CHECK(answer.status == 408);
    CHECK(answer.field("Connection") == "close");
    CHECK(client.rest() == "closed");
  }
  SECTION("nothing at all") {
    options.header_timeout = milliseconds(50);
    TestServer server(options);
    RawClient client(server.address());
    CHECK(client.rest() == "closed");
  }
  SECTION("after a request") {
    options.idle_timeout = milliseconds(50);
    TestServer server(options);
    RawClient client(server.address());
    REQUIRE(client.send(get("/hello")));
    CHECK(client.answer().status == 200);
    CHECK(client.rest() == "closed");
  }
  SECTION("the body") {
    options.io_timeout = milliseconds(50);
    TestServer server(options);
    RawClient client(server.address());
    REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nContent-Length: 10\r\n\r\nabc"));
    CHECK(server.next_event() == "request-timeout");
    CHECK(client.answer().status == 408);
  }
  SECTION("an answer that nobody takes") {
    options.io_timeout = milliseconds(50);
    TestServer server(options);
    RawClient client(server.address(), 4096);
    REQUIRE(client.send(get("/size/100000000")));
    REQUIRE(server.has_connections(1));
    CHECK(server.has_connections(0));
  }
}

TEST_CASE("a body that trickles just within the deadline of each read is too slow all the same") {
  TestServerOptions options;
  options.io_timeout = milliseconds(200);
  options.body_rate_min = 1'000'000;
  TestServer server(options);
  RawClient client(server.address());
  REQUIRE(client.send("PUT /sink HTTP/1.1\r\nHost: n\r\nContent-Length: 100000\r\n\r\n"));
  // Each byte follows the answer to a request on a second connection, so that there is always progress, at no great
  // rate.
  RawClient pace(server.address());
  for (int i = 0; i < 100'000 && client.send("x"); ++i) {
    REQUIRE(pace.send(get("/hello")));
    REQUIRE(pace.answer().status == 200);
    if (i > 1000 && server.connections() == 1) break;
  }
  CHECK(server.next_event() == "request-timeout");
}

TEST_CASE("a handler with a defect is reported, and the client gets no half truth") {
  TestServer server;
  SECTION("it throws") {
    RawClient client(server.address());
    REQUIRE(client.send(get("/throw")));
    CHECK(client.answer().status == 500);
    CHECK(client.rest() == "closed");
    CHECK_THAT(server.next_event(), Catch::Contains("GET /throw") && Catch::Contains("on purpose"));
  }
  SECTION("it gives no answer") {
    RawClient client(server.address());
    REQUIRE(client.send(get("/mute")));
    CHECK(client.answer().status == 500);
    CHECK_THAT(server.next_event(), Catch::Contains("no answer"));
  }
  SECTION("its body is shorter than announced") {
    RawClient client(server.address());
    REQUIRE(client.send(get("/short")));
    CHECK(client.answer().status == 0);
  }
  SECTION("its chunks have no end") {
    RawClient client(server.address());
    REQUIRE(client.send(get("/cut-chunks")));
    CHECK(client.answer().status == 0);
  }
}

TEST_CASE("a connection over the limit takes the place of the one that has been idle longest") {
  TestServerOptions options;
  options.connections_max = 2;
  TestServer server(options);
  RawClient first(server.address());
  REQUIRE(first.send(get("/hello")));
  CHECK(first.answer().status == 200);
  RawClient second(server.address());
  REQUIRE(second.send(get("/hello")));
  CHECK(second.answer().status == 200);
  RawClient third(server.address());
  REQUIRE(third.send(get("/hello")));
  CHECK(third.answer().status == 200);
  CHECK(first.rest() == "closed");
  REQUIRE(second.send(get("/hello")));
  CHECK(second.answer().status == 200);
  CHECK(server.connections() == 2);
}

TEST_CASE("a connection over the limit is refused at once while the others are busy, and taken when one is over") {
  TestServerOptions options;
  options.connections_max = 1;
  TestServer server(options);
  RawClient busy(server.address());
  REQUIRE(busy.send(get("/wait")));
  CHECK(server.next_event() == "waiting");
  RawClient second(server.address());
  REQUIRE(second.send(get("/hello")));
  const auto refusal = second.answer();
  CHECK(refusal.status == 503);
  CHECK(refusal.field("Retry-After") == "1");
  CHECK(refusal.field("Connection") == "close");
  CHECK_THAT(refusal.body, Catch::Contains("urn:brigade:problem:overloaded"));
  server.release();
  CHECK(busy.answer().body == "waited");
  RawClient third(server.address());
  REQUIRE(third.send(get("/hello")));
  CHECK(third.answer().status == 200);
}

TEST_CASE("draining closes idle connections at once and lets the others finish") {
  TestServer server;
  RawClient idle(server.address());
  RawClient busy(server.address());
  REQUIRE(idle.send(get("/hello")));
  CHECK(idle.answer().status == 200);
  REQUIRE(busy.send(get("/wait")));
  CHECK(server.next_event() == "waiting");
  auto in_time = std::async(std::launch::async, [&] { return server.drain(seconds(8)); });
  CHECK(idle.rest() == "closed");  // so draining has begun
  server.release();
  const auto answer = busy.answer();
  CHECK(answer.body == "waited");
  CHECK(answer.field("Connection") == "close");
  CHECK(busy.rest() == "closed");
  CHECK(in_time.get());
  CHECK(server.connections() == 0);
}

TEST_CASE("draining cuts what is left after its deadline") {
  TestServer server;
  RawClient busy(server.address());
  REQUIRE(busy.send("PUT /sink HTTP/1.1\r\nHost: n\r\nContent-Length: 10\r\n\r\nabc"));
  REQUIRE(server.has_connections(1));
  CHECK(!server.drain(milliseconds(50)));
  CHECK(server.next_event() == "closed");
  CHECK(server.connections() == 0);
}

}  // namespace
}  // namespace brigade::net::testing
