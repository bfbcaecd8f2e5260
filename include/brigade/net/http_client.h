// A pooled HTTP/1.1 client on Asio, streaming both ways.  Source: RFC 9112; design §7.
// Concept: open() takes a warm connection to the address or makes one (with the hello of peer_auth.h where asked for),
//          and sends the head. Request body and response body are streamed by the caller.
// Thread:  a client belongs to one executor; calls and coroutines run there.
// Errors:  kClosed, kTimeout, kBadGateway (nonsense), kUnavailable (can't connect), kUnauthorized (hello failed).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "brigade/base/result.h"
#include "brigade/net/http.h"
#include "brigade/net/peer_auth.h"

namespace brigade::net {

namespace asio = boost::asio;

/// One request and its answer. Dropped before the answer's body was read to its end: the connection is closed, not
/// pooled. A stale pooled connection that fails before the first byte of an answer is replaced once, unless a body was
/// sent already.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// Next bytes of the request body. An answer that comes before the body is sent ends writing with kClosed; read it.
  virtual asio::awaitable<Status> write(std::span<const std::byte> bytes) = 0;
  /// Ends the request body, waits for the answer's head.
  virtual asio::awaitable<Result<ResponseHead>> response() = 0;
  /// The head of the answer after response() succeeded.
  [[nodiscard]] virtual const ResponseHead& head() const = 0;
  /// Content-Length of the answer, where told.
  [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;
  /// Next bytes of the answer's body; 0 at its end. A body cut short is kClosed.
  virtual asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> buffer) = 0;
  virtual asio::awaitable<Result<std::string>> read_all(std::size_t bytes_max) = 0;
  /// Closes the connection now; pending calls end with kClosed.
  virtual void cancel() = 0;
};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds io_timeout{30'000};  ///< for any one read or write to make progress
  std::chrono::milliseconds idle_max{30'000};    ///< a pooled connection older than this is not used again
  std::size_t idle_per_address_max = 64;
  const PeerAuth* peer_auth = nullptr;  ///< set: hello and signatures (outlives the client)
};

class HttpClient {
 public:
  static std::unique_ptr<HttpClient> make(asio::any_io_executor executor, ClientOptions options);
  virtual ~HttpClient() = default;
  /// `address` is host:port. Adds Host and the framing's field. With a timeout, it replaces io_timeout for this
  /// exchange.
  virtual asio::awaitable<Result<std::unique_ptr<Exchange>>> open(
      std::string address, RequestHead head, BodyFraming framing,
      std::optional<std::chrono::milliseconds> io_timeout = std::nullopt) = 0;
  /// A small request with its body in memory: the answer's head and whole body (at most bytes_max).
  virtual asio::awaitable<Result<std::pair<ResponseHead, std::string>>> fetch(
      std::string address, RequestHead head, std::string body, std::size_t bytes_max,
      std::optional<std::chrono::milliseconds> io_timeout = std::nullopt) = 0;
  /// Closes all idle connections.
  virtual void clear() = 0;
};

}  // namespace brigade::net
