// Reads one message's body, however its length is told.  Source: RFC 9112 §6.
// Concept: what is in the inbox first, then from the socket straight into the caller's buffer. The sender must keep a
//          least rate over the time that was spent waiting for it; the caller's own slowness does not count.
// Thread:  one owner.
#pragma once

#include "chunked.h"
#include "inbox.h"
#include "timed_socket.h"

#include <chrono>
#include <cstdint>
#include <span>

#include <boost/asio/awaitable.hpp>

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::net {

class BodyReader {
 public:
  /// `rate_min` 0: none. `until_close`: the body ends with the connection (answers only).
  BodyReader(TimedSocket& socket, Inbox& inbox, BodyFraming framing, std::chrono::milliseconds io_timeout,
             std::uint64_t rate_min, bool until_close = false);
  /// 0 at the end of the body. Requires a buffer that is not empty. Errors: kClosed, kTimeout, kInvalid; for good.
  asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> buffer);
  /// True once the whole body was taken. A body of length 0 is done at once.
  [[nodiscard]] bool done() const { return done_; }
  /// Body bytes that are still to come, if that is known.
  [[nodiscard]] std::optional<std::uint64_t> left() const;
  /// True if any byte was given to the caller.
  [[nodiscard]] bool begun() const { return received_ > 0; }

 private:
  asio::awaitable<Result<std::size_t>> receive(asio::mutable_buffer buffer);
  asio::awaitable<Result<std::size_t>> read_chunked(std::span<std::byte> buffer);
  asio::awaitable<Result<std::size_t>> read_plain(std::span<std::byte> buffer);
  TimedSocket& socket_;
  Inbox& inbox_;
  BodyFraming framing_;
  std::chrono::milliseconds io_timeout_;
  std::uint64_t rate_min_;
  bool until_close_;
  bool done_;
  std::uint64_t left_ = 0;
  std::uint64_t received_ = 0;
  TimedSocket::Clock::duration waited_{};
  ChunkDecoder chunks_;
};

}  // namespace brigade::net
