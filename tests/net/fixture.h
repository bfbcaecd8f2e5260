// A server on loopback in a thread of its own, and a raw client that knows nothing of HTTP but where answers end.
// No Asio in here: only fixture.cc and the tests of coroutines pay for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brigade::net {
struct PeerAuth;
}

namespace brigade::net::testing {

/// Byte `at` of every body that is made here.
inline char pattern(std::uint64_t at) {
  return static_cast<char>('a' + at % 23);
}
std::string pattern_text(std::uint64_t size);

struct TestServerOptions {
  std::chrono::milliseconds header_timeout{5'000};
  std::chrono::milliseconds idle_timeout{5'000};
  std::chrono::milliseconds io_timeout{5'000};
  std::uint64_t body_rate_min = 0;
  std::size_t connections_max = 100;
  const PeerAuth* peer_auth = nullptr;
  std::string address = "127.0.0.1:0";
  std::string elsewhere;              ///< targets that begin so go, with their connections, to ...
  class TestServer* other = nullptr;  ///< ... this one, which outlives the new one
  bool shares_address = false;        ///< the first of several; with `other`: a further one
};

/// Targets:
///   /hello          "hello"                             /echo           the body, read whole, and "method target"
///   /stream         the body, as it comes, chunked      /size/N         N bytes of pattern, length told
///   /chunks         "one", "two", "three" in chunks     /early          413 without looking at the body
///   /sink           reads all; its end goes to events   /wait           answers when release() is called
///   /late-read      answers, then reads the body
///   /throw /mute /short                                 handlers with defects
///   /begin-N        an answer without a body, status N  /peer           who signed the request
class TestServer {
 public:
  explicit TestServer(TestServerOptions options = {});
  ~TestServer();
  [[nodiscard]] std::string address() const;
  /// What handlers and the server reported, in order; waits (bounded) for the next.
  std::string next_event();
  /// Lets one /wait go on.
  void release();
  /// Drains; true if it ended before `deadline`.
  bool drain(std::chrono::milliseconds deadline);
  [[nodiscard]] std::size_t connections() const;
  /// Waits (bounded) until so many connections are there.
  [[nodiscard]] bool has_connections(std::size_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct Answer {
  int status = 0;
  std::string head;  ///< with the status line and the empty line
  std::string body;
  [[nodiscard]] std::optional<std::string> field(const std::string& name) const;
};

class RawClient {
 public:
  explicit RawClient(const std::string& address, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  /// True if all went out.
  bool send(std::string_view bytes);
  void shutdown_send();
  /// Closes at once, with a reset.
  void reset();
  /// The next answer, 1xx included. status 0: the connection ended before, or nothing came for 10 s.
  Answer answer(bool of_head_request = false);
  /// "closed", "timeout" or the bytes that came instead.
  std::string rest();
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  bool more();
  int fd_;
  std::string received_;
  bool timed_out_ = false;
};

/// A listening socket that serves nobody by itself; tests play the server on it.
class RawListener {
 public:
  RawListener();
  ~RawListener();
  [[nodiscard]] std::string address() const;
  /// The next connection; -1 if none comes in 10 s.
  int accept();

 private:
  int fd_;
};
/// Reads from a socket until `end` was seen; all that was read.
std::string read_until(int fd, std::string_view end);
void write_all(int fd, std::string_view bytes);

}  // namespace brigade::net::testing
