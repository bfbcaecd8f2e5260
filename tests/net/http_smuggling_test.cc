// What the server refuses before any handler sees it: in raw bytes, on real sockets.
#include "fixture.h"

#include <catch2/catch.hpp>

#include "brigade/base/result.h"
#include "brigade/net/http_server.h"

namespace brigade::net::testing {
namespace {

/// Each is followed by a request that must not be answered.
void refused(TestServer& server, const std::string& request, int status = 400) {
  INFO(request.substr(0, 300));
  RawClient client(server.address());
  REQUIRE(client.send(request + "GET /hello HTTP/1.1\r\nHost: n\r\n\r\n"));
  const auto answer = client.answer();
  CHECK(answer.status == status);
  CHECK(answer.field("Connection") == "close");
  CHECK(answer.field("Content-Type") == "application/problem+json");
  CHECK(client.rest() == "closed");
}

TEST_CASE("each way to smuggle a request is answered with 400 and the end of the connection") {
  TestServer server;
  const std::string put = "PUT /echo HTTP/1.1\r\nHost: n\r\n";
  for (const std::string& framing : std::vector<std::string>{
           "Transfer-Encoding: xchunked",
           "Transfer-Encoding: chunked, identity",
           "Transfer-Encoding: gzip, chunked",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding: Chunked",
           "Transfer-Encoding: chunked\r\nContent-Length: 5",
           "Content-Length: 5\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding : chunked",
           "Transfer-Encoding:\r\n chunked",
           "Transfer-Encoding: chunked\r\n ",
           "Content-Length: 5\r\nContent-Length: 5",
           "Content-Length: 5\r\nContent-Length: 6",
           "Content-Length: 5, 5",
           "Content-Length: +5",
           "Content-Length: -5",
           "Content-Length: 0x5",
           "Content-Length: 5a",
           "Content-Length:",
           "Content-Length: 99999999999999999999",
           "Host: m",
           "X: a\r\n folded",
           "X: a\r\n\tfolded",
           "X: a\nY: b",
           "X: a\rY: b",
           "X\x01: a",
           "X: a\x01",
           "X: a\x7f",
           " X: a",
           "no colon",
           ": no name",
       }) {
    refused(server, put + framing + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  }
  refused(server, put + "X: " + std::string("a\0b", 3) + "\r\n\r\n");
  refused(server, "PUT /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
}

TEST_CASE("request lines that are not plain are refused") {
  TestServer server;
  for (const std::string& line : std::vector<std::string>{"GET http://n/hello HTTP/1.1",
                                                          "GET n:80 HTTP/1.1",
                                                          "OPTIONS * HTTP/1.1",
                                                          "CONNECT n:80 HTTP/1.1",
                                                          "GET hello HTTP/1.1",
                                                          "GET /../hello HTTP/1.1",
                                                          "GET /a/.. HTTP/1.1",
                                                          "GET /caf\xc3\xa9 HTTP/1.1",
                                                          "GET /a#b HTTP/1.1",
                                                          "GET /a b HTTP/1.1",
                                                          "GET  /hello HTTP/1.1",
                                                          "GET /hello  HTTP/1.1",
                                                          "GET /hello HTTP/1.1 ",
                                                          "GET /hello HTTP/2.0",
                                                          "GET /hello HTTP/0.9",
                                                          "GET /hello http/1.1",
                                                          "GET /hello",
                                                          "GET\t/hello HTTP/1.1",
                                                          "G{T /hello HTTP/1.1",
                                                          "",
                                                          " GET /hello HTTP/1.1",
                                                          "\x16\x03\x01\x02"}) {
    if (line.empty()) continue;
    refused(server, line + "\r\nHost: n\r\n\r\n");
  }
  refused(server, "GET /hello HTTP/1.1\nHost: n\n\n");
  refused(server, "GET /hello HTTP/1.1\r\n\r\n");
}

TEST_CASE("heads over the limits are answered with 431") {
  TestServer server;
  const std::string get = "GET /hello HTTP/1.1\r\nHost: n\r\n";
  std::string many = get;
  for (int i = 0; i < 64; ++i) many += "X: y\r\n";
  refused(server, many + "\r\n", 431);
  refused(server, get + "X: " + std::string(20'000, 'x') + "\r\n\r\n", 431);
  refused(server, "GET /" + std::string(1'000'000, 'x') + " HTTP/1.1\r\nHost: n\r\n\r\n", 431);
  // Up to the limit all is well.
  std::string full = get;
  for (int i = 0; i < 62; ++i) full += "X: y\r\n";
  full += "Y: ";
  full += std::string(16 * 1024 - full.size() - 4, 'y') + "\r\n\r\n";
  RawClient client(server.address());
  REQUIRE(client.send(full + full));
  CHECK(client.answer().status == 200);
  CHECK(client.answer().status == 200);
}

TEST_CASE("a head that never ends is refused at the limit, not at the deadline") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("GET /hello HTTP/1.1\r\nX: " + std::string(17'000, 'x')));
  CHECK(client.answer().status == 431);
}

TEST_CASE("endless chunk extensions and trailers end the connection") {
  TestServer server;
  const std::string put = "PUT /sink HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n";
  {
    RawClient client(server.address());
    (void)client.send(put + "5;" + std::string(100'000, 'x'));
    CHECK(server.next_event() == "invalid");
    CHECK(client.answer().status == 400);
  }
  {
    RawClient client(server.address());
    (void)client.send(put + "0\r\nX: " + std::string(100'000, 'x'));
    CHECK(server.next_event() == "invalid");
  }
}

TEST_CASE("a few empty lines before a request are forgiven, many are not") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send("\r\n\r\nGET /hello HTTP/1.1\r\nHost: n\r\n\r\n"));
  CHECK(client.answer().status == 200);
  REQUIRE(client.send("\r\n\r\n\r\n\r\n\r\n\r\n"));
  CHECK(client.answer().status == 400);
}

}  // namespace
}  // namespace brigade::net::testing
