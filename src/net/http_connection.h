// One connection of the server, from its first byte to its last.  Source: RFC 9112 §9; testing "HTTP is an attack
// surface". Thread:  the connection's executor.
#pragma once

#include "head_parser.h"
#include "inbox.h"
#include "server_turn.h"
#include "timed_socket.h"

#include <optional>

#include "brigade/net/peer_auth.h"

namespace brigade::net {

class HttpConnection {
 public:
  /// `context` outlives this. With `is_refused` the first request is answered with 503, and that is all.
  HttpConnection(asio::ip::tcp::socket socket, const ServerContext& context, bool is_refused = false);
  /// Goes on with what another server has begun. Before run().
  void take_over(std::string_view arrived, std::optional<PeerSession> session);
  /// Serves requests until the connection is over, then closes it, or until it belongs elsewhere. Throws nothing.
  asio::awaitable<void> run();
  /// Closes now if no request is under way; else the present answer is the last (context.draining says so).
  void close_if_idle();
  /// Since when it waits for a request; nothing if it doesn't, or only to refuse it.
  [[nodiscard]] std::optional<TimedSocket::Clock::time_point> idle_since() const {
    return idle_ && !is_refused_ ? std::optional(idle_since_) : std::nullopt;
  }
  /// Closes now; calls under way end with kClosed.
  void cut() { socket_.close(); }

 private:
  asio::awaitable<Result<std::optional<ParsedRequest>>> read_head();
  asio::awaitable<bool> serve(ParsedRequest parsed);
  asio::awaitable<bool> handle(Turn& turn, RequestHead head, BodyFraming framing);
  asio::awaitable<bool> answer_hello(Turn& turn, const RequestHead& head);
  asio::awaitable<bool> read_rest(Turn& turn);
  asio::awaitable<void> refuse(ResponseHead head, std::string_view body);
  asio::awaitable<void> refuse(Error error);
  asio::awaitable<void> linger();
  void move_away();
  const ServerContext& context_;
  TimedSocket socket_;
  const std::string remote_;  ///< host:port
  Inbox inbox_;
  std::optional<PeerSession> session_;
  const bool is_refused_;
  bool idle_ = true;  ///< between requests
  TimedSocket::Clock::time_point idle_since_ = TimedSocket::Clock::now();
  bool first_ = true;      ///< no request yet
  bool moves_ = false;     ///< the request that has arrived is for another server
  bool answered_ = false;  ///< something was sent that must arrive before the connection goes
};

}  // namespace brigade::net
