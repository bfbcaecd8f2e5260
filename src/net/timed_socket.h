// A TCP socket on which nothing waits for ever.  Source: testing "Network" (TCP over a one-way cut stalls without RST).
// Concept: each call brings its deadline. One timer per socket serves all of them: a later deadline is only noted, and
// the
//          timer looks again when it fires, so that a busy connection arms it rarely.
// Thread:  the executor of the socket.
// Errors:  kTimeout, kClosed (also after close()); a read of 0 bytes is the end of what the other side sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "brigade/base/result.h"

namespace brigade::net {

namespace asio = boost::asio;

class TimedSocket {
 public:
  using Clock = std::chrono::steady_clock;
  using Deadline = Clock::time_point;

  /// Takes an open or unopened socket. Sets TCP_NODELAY on an open one.
  explicit TimedSocket(asio::ip::tcp::socket socket);
  ~TimedSocket();
  TimedSocket(const TimedSocket&) = delete;
  TimedSocket& operator=(const TimedSocket&) = delete;

  asio::awaitable<Status> connect(asio::ip::tcp::endpoint endpoint, Deadline deadline);
  asio::awaitable<Result<std::size_t>> read_some(asio::mutable_buffer buffer, Deadline deadline);
  /// Writes all of `buffers` (and changes them). Each piece that goes out starts `patience` anew.
  asio::awaitable<Status> write(std::span<asio::const_buffer> buffers, std::chrono::milliseconds patience);
  /// The same, but gives up with kClosed as soon as there is something to read (or the other side closed):
  /// input_waits() tells which. `sent` counts what went out.
  asio::awaitable<Status> write_while_silent(std::span<asio::const_buffer> buffers, std::chrono::milliseconds patience,
                                             std::size_t& sent);
  /// True if a read would not block: bytes, the end, or an error.
  [[nodiscard]] bool input_waits();
  /// Says that nothing more will be sent.
  void shutdown_send();
  /// Gives up the socket, which stays open, as a native handle; -1 if it is closed. No call may be under way.
  [[nodiscard]] int release();
  /// Pending calls end with kClosed, later ones too.
  void close();
  [[nodiscard]] bool is_open() const;
  /// host:port of the other end; "?" if it is gone.
  [[nodiscard]] std::string remote() const;

 private:
  struct State;
  static void arm(const std::shared_ptr<State>& state, Deadline deadline);
  static void wait(const std::shared_ptr<State>& state);
  static Error error_of(const State& state, const boost::system::error_code& ec);
  // Shared with the handlers that are still queued when the socket goes.
  std::shared_ptr<State> state_;
};

/// "a.b.c.d:port" or "[v6]:port".
std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint);

}  // namespace brigade::net
