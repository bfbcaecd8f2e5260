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
  /// `context` outlives this.
  HttpConnection(asio::ip::tcp::socket socket, const ServerContext& context);
  /// One that another server has begun.
  HttpConnection(asio::ip::tcp::socket socket, const ServerContext& context, std::string_view arrived,
                 std::optional<PeerSession> session);
  /// Serves requests until the connection is over, then closes it, or until it belongs elsewhere. Throws nothing.
  asio::awaitable<void> run();
  /// In the place of run(): there is no room for it here.
  asio::awaitable<void> turn_away();
  /// Closes now if no request is under way; else the present answer is the last (context.draining says so).
  void close_if_idle();
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
  Inbox inbox_;
  std::optional<PeerSession> session_;
  bool idle_ = true;       ///< between requests
  bool first_ = true;      ///< no request yet
  bool moves_ = false;     ///< the request that has arrived is for another server
  bool answered_ = false;  ///< something was sent that must arrive before the connection goes
};

}  // namespace brigade::net
