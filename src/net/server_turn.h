// One turn of a server connection: a request and its answer, as the handler sees them.
// Concept: a Turn is what the two halves share: the socket, the body still to be read, and the head that waits to be
//          sent together with the first bytes of its body.
// Thread:  the connection's executor.
#pragma once

#include "body_reader.h"
#include "timed_socket.h"

#include <array>
#include <optional>
#include <string>

#include "brigade/net/http_server.h"

namespace brigade::net {

/// What all connections of a server share. Outlives them.
struct ServerContext {
  ServerContext(ServerOptions o, Handler h) : options(std::move(o)), handler(std::move(h)) {}
  const ServerOptions options;
  const Handler handler;
  bool draining = false;  ///< answers close their connections
  void report(const std::string& text) const {
    if (options.on_error) options.on_error(text);
  }
};

struct Turn {
  Turn(const ServerContext& c, TimedSocket& s, Inbox& inbox, BodyFraming framing)
      : context(c), socket(s), body(s, inbox, framing, c.options.io_timeout, c.options.body_rate_min) {}
  /// Sends the head that still waits.
  asio::awaitable<Status> flush();
  /// Sends the head that still waits together with these.
  asio::awaitable<Status> send(std::string_view before, std::string_view bytes, std::string_view after);

  const ServerContext& context;
  TimedSocket& socket;
  BodyReader body;
  std::string unsent_head;
  bool continue_due = false;  ///< the client waits for 100 Continue
  bool head_only = false;     ///< HEAD
  bool http11 = true;
  bool keep_alive = true;
};

class ServerRequest final : public Request {
 public:
  ServerRequest(Turn& turn, RequestHead head, BodyFraming framing, std::optional<NodeId> peer,
                const std::string& remote)
      : turn_(turn), head_(std::move(head)), framing_(framing), peer_(peer), remote_(remote) {}
  [[nodiscard]] const RequestHead& head() const override { return head_; }
  [[nodiscard]] const BodyFraming& framing() const override { return framing_; }
  asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> buffer) override;
  asio::awaitable<Result<std::string>> read_all(std::size_t bytes_max) override;
  [[nodiscard]] std::optional<NodeId> peer() const override { return peer_; }
  [[nodiscard]] const std::string& remote() const override { return remote_; }

 private:
  Turn& turn_;
  RequestHead head_;
  BodyFraming framing_;
  std::optional<NodeId> peer_;
  const std::string& remote_;
};

class ServerResponse final : public Response {
 public:
  explicit ServerResponse(Turn& turn) : turn_(turn) {}
  asio::awaitable<Status> send(ResponseHead head, std::string_view body) override;
  asio::awaitable<Status> begin(ResponseHead head, BodyFraming framing) override;
  asio::awaitable<Status> write(std::span<const std::byte> bytes) override;
  asio::awaitable<Status> end() override;
  [[nodiscard]] bool begun() const override { return state_ != State::kNothing; }
  void close_after() override { turn_.keep_alive = false; }

  /// Ends what the handler left: an answer whose announced bytes are all written counts as whole.
  asio::awaitable<Status> finish();

 private:
  enum class State : std::uint8_t { kNothing, kBody, kWhole, kBroken };
  void format(const ResponseHead& head, const BodyFraming& framing);
  [[nodiscard]] bool has_body(int status) const;
  Status noted(Status status, State next);
  Turn& turn_;
  State state_ = State::kNothing;
  BodyFraming framing_;
  bool silent_ = false;       ///< body bytes are counted, not sent
  bool until_close_ = false;  ///< HTTP/1.0 has no chunks: the body ends with the connection
  std::uint64_t written_ = 0;
};

}  // namespace brigade::net
