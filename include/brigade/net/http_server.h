// An HTTP/1.1 server on Asio: one coroutine per connection, streaming both ways, bounded in everything.
// Source: RFC 9112; design §7; testing "HTTP is an attack surface" (the policy between parser and handler).
// Concept: the server reads and checks the head, gives the handler a Request and a Response, and afterwards drains or
//          closes. It knows nothing of objects. Keep-alive, Expect: 100-continue (sent at the first read of the body),
//          chunked bodies, deadlines and a least rate are its business.
// Thread:  the executor runs one thing at a time (an io_context with one thread, or a strand); all connections and the
//          handlers' coroutines live there, and so do all calls but start(), address() and adopt().
// Errors:  what breaks the policy is answered with 4xx problem JSON and the connection is closed; the handler never
// sees it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/net/http.h"
#include "brigade/net/peer_auth.h"

namespace brigade::net {

namespace asio = boost::asio;

/// A request that passed the policy. Valid until the handler's coroutine ends.
class Request {
 public:
  virtual ~Request() = default;
  [[nodiscard]] virtual const RequestHead& head() const = 0;
  [[nodiscard]] virtual const BodyFraming& framing() const = 0;
  /// Reads the next bytes of the body; 0 at its end. Sends 100 Continue first where the client waits for it.
  /// Errors: kClosed (gone mid-body), kRequestTimeout, kInvalid (bad chunk), kTooLarge.
  virtual asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> buffer) = 0;
  /// The whole body, at most `bytes_max` (kTooLarge).
  virtual asio::awaitable<Result<std::string>> read_all(std::size_t bytes_max) = 0;
  /// On an authenticated listener: the peer that signed this request.
  [[nodiscard]] virtual std::optional<NodeId> peer() const = 0;
  /// host:port of the other end. Valid as long as the request.
  [[nodiscard]] virtual const std::string& remote() const = 0;
};

/// The answer. begin, then write as often as needed, then end; or send, once. A handler that ends without an answer is
/// a defect (500). If the handler's coroutine ends with a begun body that is not whole, the connection is cut.
class Response {
 public:
  virtual ~Response() = default;
  /// A whole answer with a body in memory. For HEAD pass the body that GET would have; it is not sent.
  virtual asio::awaitable<Status> send(ResponseHead head, std::string_view body) = 0;
  /// Head of an answer whose body follows by write(). For HEAD the body is not sent, whatever write() gets.
  virtual asio::awaitable<Status> begin(ResponseHead head, BodyFraming framing) = 0;
  virtual asio::awaitable<Status> write(std::span<const std::byte> bytes) = 0;
  virtual asio::awaitable<Status> end() = 0;
  /// True once begin or send was called: the status can't be changed any more.
  [[nodiscard]] virtual bool begun() const = 0;
  /// Closes the connection after this answer.
  virtual void close_after() = 0;
};

using Handler = std::function<asio::awaitable<void>(Request&, Response&)>;

/// A connection on its way from one server to another one of this process, before the first byte of a request that has
/// arrived is answered. Owns the socket; dropped, it closes it.
class MovingConnection {
 public:
  /// Takes `socket_in`, a native handle.
  MovingConnection(int socket_in, std::string arrived_in, std::optional<PeerSession> session_in)
      : arrived(std::move(arrived_in)), session(std::move(session_in)), socket_(socket_in) {}
  MovingConnection(MovingConnection&& other) noexcept
      : arrived(std::move(other.arrived)),
        session(std::move(other.session)),
        socket_(std::exchange(other.socket_, -1)) {}
  MovingConnection& operator=(MovingConnection&&) = delete;
  ~MovingConnection();
  /// The caller's from now on.
  [[nodiscard]] int release() { return std::exchange(socket_, -1); }

  std::string arrived;                 ///< bytes that are read and not used
  std::optional<PeerSession> session;  ///< on an authenticated listener, after the hello

 private:
  int socket_;
};

struct ServerOptions {
  std::string address = "127.0.0.1:0";  ///< host:port; port 0 lets the system choose
  std::string server_name = "brigade";  ///< value of Server:
  /// One more takes the place of the one that has been idle longest; if none is idle, its request is answered with 503.
  std::size_t connections_max = 4096;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t fields_max = 64;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds io_timeout{30'000};  ///< for any one read or write to make progress
  std::uint64_t body_rate_min = 1024;            ///< bytes/s that a body must arrive with, after the first io_timeout
  const PeerAuth* peer_auth = nullptr;           ///< set: every request must be signed (outlives the server)
  std::function<void(std::string)> on_error;     ///< told of defects: a handler that threw or did not answer
  /// Set: further servers of this process listen at the same address (SO_REUSEPORT), and the kernel deals out
  /// connections. The first of them refuses an address that is in use all the same.
  enum class Sharing : std::uint8_t { kAlone, kFirst, kFurther } sharing = Sharing::kAlone;
  /// Set: what this says true to is not for this server; the whole connection goes to `move`, which gives it to the
  /// adopt() of another one. Looked at before a request is verified.
  std::function<bool(const RequestHead&)> is_elsewhere;
  std::function<void(MovingConnection)> move;
};

/// Listens, serves until stopped. Its end cuts what is left: handlers then get kClosed from their next call, and end on
/// the executor; what they use must live until they have, which drain() waits for.
class HttpServer {
 public:
  /// Binds and starts accepting on `executor`. Errors: kConflict (busy port, named), kInvalid (address).
  static Result<std::unique_ptr<HttpServer>> start(asio::any_io_executor executor, ServerOptions options,
                                                   Handler handler);
  virtual ~HttpServer() = default;
  /// host:port that it listens on, with the port that the system chose.
  [[nodiscard]] virtual std::string address() const = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
  /// Goes on with a connection of another server. Past connections_max it answers 503. Any thread.
  virtual void adopt(MovingConnection connection) = 0;
  /// Accepts no more; idle connections close at once, the others after their answer; returns when all are gone or after
  /// `deadline`, when what is left is cut.
  virtual asio::awaitable<void> drain(std::chrono::milliseconds deadline) = 0;
};

/// RFC 9457 body for an error. `instance` may be empty.
std::string problem_json(const Error& error, std::string_view instance);
/// Head for problem_json: status, content type, Cache-Control: no-store, Retry-After where asking again makes sense.
ResponseHead problem_head(const Error& error);

}  // namespace brigade::net
