// The client, against our own server and against servers that misbehave.
#include "brigade/net/http_client.h"

#include "coroutine.h"
#include "fixture.h"

#include <array>
#include <functional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

namespace brigade::net::testing {
namespace {

using Task = asio::awaitable<void>;
using std::chrono::milliseconds;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

struct Fixture {
  asio::io_context io;
  std::unique_ptr<HttpClient> client;
  explicit Fixture(ClientOptions options = {}) : client(HttpClient::make(io.get_executor(), options)) {}
};

/// What a fetch gave: status and body, or the error.
struct Fetched {
  int status = 0;
  std::string body;
  Errc error = Errc::kOk;
};

Task fetch_into(HttpClient& client, std::string address, std::string method, std::string target, std::string body,
                Fetched& out) {
  RequestHead head(std::move(method), std::move(target));
  auto answer = co_await client.fetch(std::move(address), std::move(head), std::move(body), 1 << 20);
  out = Fetched{};
  if (answer) {
    out.status = answer->first.status;
    out.body = answer->second;
  } else {
    out.error = answer.error().code();
  }
}

Fetched fetch(Fixture& f, const std::string& address, const std::string& target, const std::string& body = {},
              const std::string& method = {}) {
  Fetched out;
  run(f.io, fetch_into(*f.client, address, !method.empty() ? method : body.empty() ? "GET" : "PUT", target, body, out));
  return out;
}

/// Plays a server in a thread: for each connection one script.
class Impostor {
 public:
  using Script = std::function<void(int fd)>;
  explicit Impostor(std::vector<Script> scripts)
      : thread_([this, scripts = std::move(scripts)] {
          for (const Script& script : scripts) {
            const int fd = listener_.accept();
            if (fd < 0) return;
            script(fd);
            ::close(fd);
          }
        }) {}
  ~Impostor() { thread_.join(); }
  [[nodiscard]] std::string address() const { return listener_.address(); }

 private:
  RawListener listener_;
  std::thread thread_;
};

/// Takes one head and answers it with these bytes.
Impostor::Script saying(std::string answer) {
  return [answer = std::move(answer)](int fd) {
    read_until(fd, "\r\n\r\n");
    write_all(fd, answer);
  };
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_CASE("requests to one address share a connection") {
  TestServer server;
  Fixture f;
  for (int i = 0; i < 5; ++i) {
    CHECK(fetch(f, server.address(), "/hello").body == "hello");
    CHECK(fetch(f, server.address(), "/chunks").body == "onetwothree");
    CHECK(fetch(f, server.address(), "/echo", "body").body == "body");
    CHECK(fetch(f, server.address(), "/hello", "", "HEAD").status == 200);
    CHECK(fetch(f, server.address(), "/begin-204").status == 204);
    CHECK(fetch(f, server.address(), "/begin-304").status == 304);
    CHECK(fetch(f, server.address(), "/none").status == 404);
  }
  CHECK(server.connections() == 1);
  f.client->clear();
  CHECK(server.has_connections(0));
}

TEST_CASE("a host may be given by name") {
  TestServer server;
  Fixture f;
  const std::string address = server.address();
  CHECK(fetch(f, "localhost" + address.substr(address.rfind(':')), "/hello").body == "hello");
}

Task stream_both_ways(HttpClient& client, std::string address, std::string target, BodyFraming framing,
                      std::string body, std::string expected) {
  RequestHead head("PUT", std::move(target));
  auto opened = co_await client.open(std::move(address), std::move(head), framing);
  REQUIRE(opened.has_value());
  const std::unique_ptr<Exchange> exchange = std::move(*opened);
  for (std::size_t at = 0; at < body.size(); at += 50'000) {
    const std::string piece = body.substr(at, 50'000);
    const auto s = co_await exchange->write(bytes_of(piece));
    REQUIRE(s.has_value());
  }
  const auto head_of_answer = co_await exchange->response();
  REQUIRE(head_of_answer.has_value());
  CHECK(exchange->head().status == 200);
  const auto text = co_await exchange->read_all(100'000'000);
  REQUIRE(text.has_value());
  CHECK((*text == expected));
}

TEST_CASE("bodies of any framing are streamed out") {
  TestServer server;
  Fixture f;
  const std::string body = pattern_text(3'000'001);
  const std::string size = std::to_string(body.size());
  run(f.io, stream_both_ways(*f.client, server.address(), "/sink", BodyFraming::of_length(body.size()), body, size));
  run(f.io, stream_both_ways(*f.client, server.address(), "/sink", BodyFraming::chunked(), body, size));
  run(f.io, stream_both_ways(*f.client, server.address(), "/sink", BodyFraming::chunked(), "", "0"));
  run(f.io, stream_both_ways(*f.client, server.address(), "/size/" + size, BodyFraming::none(), "", body));
  CHECK(server.connections() == 1);
}

Task early_answer(HttpClient& client, std::string address, BodyFraming framing) {
  RequestHead head("PUT", "/early");
  auto opened = co_await client.open(address, std::move(head), framing);
  REQUIRE(opened.has_value());
  const std::unique_ptr<Exchange> exchange = std::move(*opened);
  const std::string piece = pattern_text(100'000);
  Status s;
  for (int i = 0; i < 10'000 && s; ++i) s = co_await exchange->write(bytes_of(piece));
  REQUIRE(!s);
  CHECK(s.error().code() == Errc::kClosed);
  const auto answer = co_await exchange->response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 413);
  const auto text = co_await exchange->read_all(100);
  REQUIRE(text.has_value());
  CHECK(*text == "too much");
}

TEST_CASE("an answer that comes before the body is sent ends writing and is read") {
  TestServer server;
  Fixture f;
  run(f.io, early_answer(*f.client, server.address(), BodyFraming::of_length(1'000'000'000)));
  run(f.io, early_answer(*f.client, server.address(), BodyFraming::chunked()));
  CHECK(fetch(f, server.address(), "/hello").body == "hello");
}

TEST_CASE("a body that is cut is an error, however it was framed") {
  TestServer server;
  Fixture f;
  CHECK(fetch(f, server.address(), "/short").error == Errc::kClosed);
  CHECK(fetch(f, server.address(), "/cut-chunks").error == Errc::kClosed);
  CHECK(fetch(f, server.address(), "/hello").body == "hello");
}

TEST_CASE("who can't be reached is unavailable, what is no address is invalid") {
  Fixture f;
  std::string gone;
  {
    const RawListener listener;
    gone = listener.address();
  }
  CHECK(fetch(f, gone, "/").error == Errc::kUnavailable);
  CHECK(fetch(f, "127.0.0.1", "/").error == Errc::kInvalid);
  CHECK(fetch(f, "127.0.0.1:99999", "/").error == Errc::kInvalid);
}

TEST_CASE("a warm connection that the server closed is replaced without a word") {
  Fixture f;
  Impostor server({saying(kOk), saying(kOk)});
  CHECK(fetch(f, server.address(), "/").body == "ok");
  CHECK(fetch(f, server.address(), "/").body == "ok");
}

TEST_CASE("a warm connection that fails under a request is replaced once") {
  Fixture f;
  const auto first_then_gone = [](int fd) {
    read_until(fd, "\r\n\r\n");
    write_all(fd, kOk);
    read_until(fd, "\r\n\r\n");
  };
  SECTION("and the next one answers") {
    Impostor server({first_then_gone, saying(kOk)});
    CHECK(fetch(f, server.address(), "/").body == "ok");
    CHECK(fetch(f, server.address(), "/").body == "ok");
  }
  SECTION("but not twice") {
    Impostor server({first_then_gone, saying("")});
    CHECK(fetch(f, server.address(), "/").body == "ok");
    CHECK(fetch(f, server.address(), "/").error == Errc::kClosed);
  }
  SECTION("but not a new one") {
    Impostor server({saying("")});
    CHECK(fetch(f, server.address(), "/").error == Errc::kClosed);
  }
  SECTION("but not if it may have changed something") {
    Impostor server({first_then_gone});
    CHECK(fetch(f, server.address(), "/").body == "ok");
    CHECK(fetch(f, server.address(), "/", "", "DELETE").error == Errc::kClosed);
  }
  SECTION("but not after body bytes went out") {
    Impostor server({[](int fd) {
      read_until(fd, "\r\n\r\n");
      write_all(fd, kOk);
      read_until(fd, "body");
    }});
    CHECK(fetch(f, server.address(), "/").body == "ok");
    CHECK(fetch(f, server.address(), "/", "body").error == Errc::kClosed);
  }
}

TEST_CASE("what is no HTTP answer is a bad gateway") {
  for (const std::string answer :
       {"220 mail ready\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n"}) {
    INFO(answer);
    Fixture f;
    Impostor server({saying(answer)});
    CHECK(fetch(f, server.address(), "/").error == Errc::kBadGateway);
  }
  Fixture f;
  Impostor server({saying("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n")});
  CHECK(fetch(f, server.address(), "/").error == Errc::kBadGateway);
}

TEST_CASE("interim answers are passed over, and a body without a length ends with the connection") {
  Fixture f;
  Impostor server({saying(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nall of it")});
  CHECK(fetch(f, server.address(), "/").body == "all of it");
}

TEST_CASE("a server that says nothing meets the exchange's timeout") {
  ClientOptions options;
  options.io_timeout = milliseconds(50);
  Fixture f(options);
  TestServer server;
  CHECK(fetch(f, server.address(), "/wait").error == Errc::kTimeout);
  CHECK(server.next_event() == "waiting");
  server.release();
}

Task cancelled_while_waiting(asio::io_context& io, HttpClient& client, std::string address) {
  RequestHead head("GET", "/wait");
  auto opened = co_await client.open(std::move(address), std::move(head), BodyFraming::none());
  REQUIRE(opened.has_value());
  const std::unique_ptr<Exchange> exchange = std::move(*opened);
  asio::steady_timer timer(io, milliseconds(20));
  timer.async_wait([&exchange](const boost::system::error_code&) { exchange->cancel(); });
  const auto answer = co_await exchange->response();
  REQUIRE(!answer);
  CHECK(answer.error().code() == Errc::kClosed);
  const auto again = co_await exchange->response();
  CHECK(!again);
}

TEST_CASE("cancelling ends what is pending, and the connection") {
  TestServer server;
  Fixture f;
  run(f.io, cancelled_while_waiting(f.io, *f.client, server.address()));
  server.release();
  CHECK(server.has_connections(0));
}

Task dropped_early(HttpClient& client, std::string address) {
  RequestHead head("GET", "/size/1000000");
  auto opened = co_await client.open(std::move(address), std::move(head), BodyFraming::none());
  REQUIRE(opened.has_value());
  const std::unique_ptr<Exchange> exchange = std::move(*opened);
  const auto answer = co_await exchange->response();
  REQUIRE(answer.has_value());
  CHECK(exchange->content_length() == 1'000'000U);
  std::array<std::byte, 10> buffer;
  const auto count = co_await exchange->read_some(buffer);
  REQUIRE(count.has_value());
}

TEST_CASE("an exchange that is dropped before its end takes its connection along") {
  TestServer server;
  Fixture f;
  run(f.io, dropped_early(*f.client, server.address()));
  CHECK(server.has_connections(0));
  CHECK(fetch(f, server.address(), "/hello").body == "hello");
}

TEST_CASE("an answer over the caller's limit is refused") {
  TestServer server;
  Fixture f;
  CHECK(fetch(f, server.address(), "/size/1048576").body.size() == 1048576);
  CHECK(fetch(f, server.address(), "/size/1048577").error == Errc::kTooLarge);
}

Task wrong_length(HttpClient& client, std::string address) {
  RequestHead head("PUT", "/sink");
  auto opened = co_await client.open(std::move(address), std::move(head), BodyFraming::of_length(3));
  REQUIRE(opened.has_value());
  const std::unique_ptr<Exchange> exchange = std::move(*opened);
  const auto more = co_await exchange->write(bytes_of("four"));
  CHECK(!more);
  const auto some = co_await exchange->write(bytes_of("12"));
  CHECK(some.has_value());
  const auto answer = co_await exchange->response();
  REQUIRE(!answer);
  CHECK(answer.error().code() == Errc::kInternal);
}

TEST_CASE("a request's body has the length that it announced, or the request fails here") {
  TestServer server;
  Fixture f;
  run(f.io, wrong_length(*f.client, server.address()));
  CHECK(server.next_event() == "closed");
}

}  // namespace
}  // namespace brigade::net::testing
