// The client's connections, warm and new.
// Concept: idle connections per address, the youngest first; one that has something to read is dead (the server closed
// it,
//          or talks out of turn) and is not given out.
// Thread:  the client's executor.
#pragma once

#include "inbox.h"
#include "timed_socket.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>

#include "brigade/net/http_client.h"
#include "brigade/net/peer_auth.h"

namespace brigade::net {

inline constexpr std::size_t kAnswerHeadBytesMax = 32 * 1024;

/// One connection to a server.
struct ClientWire {
  explicit ClientWire(asio::ip::tcp::socket s)
      : socket(std::move(s)), inbox(kAnswerHeadBytesMax, kAnswerHeadBytesMax) {}
  TimedSocket socket;
  Inbox inbox;
  std::optional<PeerSession> session;
  bool reused = false;
  TimedSocket::Clock::time_point idle_since;
};

class ClientPool {
 public:
  ClientPool(asio::any_io_executor executor, ClientOptions options)
      : executor_(std::move(executor)), options_(options) {}
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  /// A warm connection, or nothing.
  std::unique_ptr<ClientWire> take(const std::string& address);
  /// A new connection, past its hello. Errors: kUnavailable, kUnauthorized, kInvalid (address).
  asio::awaitable<Result<std::unique_ptr<ClientWire>>> connect(std::string address);
  /// Keeps a connection on which an exchange has ended cleanly.
  void put(const std::string& address, std::unique_ptr<ClientWire> wire);
  void clear() { idle_.clear(); }

 private:
  asio::awaitable<Status> hello(ClientWire& wire, const std::string& address);
  asio::any_io_executor executor_;
  ClientOptions options_;
  std::unordered_map<std::string, std::deque<std::unique_ptr<ClientWire>>> idle_;
};

/// Reads the head of an answer, past any 1xx. Errors: kClosed (before its first byte or in it), kTimeout, kBadGateway.
asio::awaitable<Result<ResponseHead>> read_answer_head(ClientWire& wire, std::chrono::milliseconds timeout,
                                                       bool& keep_alive);
/// The head of a request as bytes.
std::string request_text(const RequestHead& head, const BodyFraming& framing, std::string_view host);

}  // namespace brigade::net
