#include "http_connection.h"

#include "peer_hello.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "brigade/net/http_policy.h"

namespace brigade::net {
namespace {

constexpr std::size_t kUnreadMax = 64 * 1024;  ///< body bytes that are read and dropped to keep a connection
constexpr std::size_t kInboxLeast = 1024;      ///< of a connection that waits; more than most heads
constexpr int kBlankLinesMax = 4;              ///< before a request line
constexpr std::chrono::milliseconds kLingerTime{1'000};
constexpr std::size_t kLingerBytes = 4 << 20;
constexpr std::chrono::milliseconds kRefusalTime{1'000};  ///< for a request that is going to be refused to arrive

/// 417 has no error code of its own: nothing but this server says it.
constexpr std::string_view kExpectationProblem =
    R"({"type":"urn:brigade:problem:expectation-failed","title":"Expectation failed","status":417,)"
    R"("detail":"the only expectation that is understood is 100-continue"})"
    "\n";

std::string what(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, const ServerContext& context, bool is_refused)
    : context_(context),
      socket_(std::move(socket)),
      remote_(socket_.remote()),
      inbox_(kInboxLeast, std::max<std::size_t>(context.options.header_bytes_max, 1024) + 1),
      is_refused_(is_refused) {}

void HttpConnection::take_over(std::string_view arrived, std::optional<PeerSession> session) {
  while (!arrived.empty()) {
    const auto room = inbox_.room();
    BRIGADE_CHECK(room.size() > 0, arrived.size() << " bytes more have arrived than fit");
    const std::size_t count = std::min(arrived.size(), room.size());
    std::memcpy(room.data(), arrived.data(), count);
    inbox_.filled(count);
    arrived.remove_prefix(count);
  }
  session_ = std::move(session);
}

asio::awaitable<void> HttpConnection::run() {
  std::exception_ptr thrown;
  try {
    while (true) {
      auto parsed = co_await read_head();
      if (!parsed) {
        co_await refuse(parsed.error());
        break;
      }
      if (!*parsed) break;
      if (is_refused_) {
        co_await refuse(Error(Errc::kOverloaded, "as many connections are open as this node takes: ask again"));
        break;
      }
      const bool goes_on = co_await serve(std::move(**parsed));
      first_ = false;
      if (!goes_on) break;
    }
    if (answered_ && !moves_) co_await linger();
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) context_.report("a connection ended by an exception: " + what(thrown));
  if (moves_) move_away();
  socket_.close();
}

void HttpConnection::move_away() {
  const int handle = socket_.release();
  if (handle < 0) return;
  context_.options.move(MovingConnection(handle, std::string(inbox_.view()), std::move(session_)));
}

void HttpConnection::close_if_idle() {
  if (idle_) socket_.close();
  idle_ = false;
}

/// Nothing: the connection is over, without an answer. An error: to be answered, and then it's over.
asio::awaitable<Result<std::optional<ParsedRequest>>> HttpConnection::read_head() {
  using Answer = Result<std::optional<ParsedRequest>>;
  const ServerOptions& options = context_.options;
  HeadScanner scanner;
  int blank_lines = 0;
  inbox_.rest();
  idle_ = inbox_.empty();
  idle_since_ = TimedSocket::Clock::now();
  auto deadline = idle_since_ + (is_refused_        ? kRefusalTime
                                 : first_ || !idle_ ? options.header_timeout
                                                    : options.idle_timeout);
  while (true) {
    const auto length = scanner.scan(inbox_.view());
    if (!length) co_return length.error();
    if (*length == 2) {
      // RFC 9112 §2.2: some clients send an empty line after a body.
      if (++blank_lines > kBlankLinesMax) co_return Error(Errc::kInvalid, "empty lines where a request should be");
      inbox_.consume(2);
      scanner.reset();
      continue;
    }
    if (*length > options.header_bytes_max || (*length == 0 && inbox_.view().size() >= options.header_bytes_max)) {
      co_return Error(Errc::kHeaderTooLarge,
                      "the request's head is over " + std::to_string(options.header_bytes_max) + " bytes");
    }
    if (*length > 0) {
      auto parsed = parse_request_head(inbox_.view().substr(0, *length));
      if (!parsed) co_return parsed.error();
      const bool is_hello = options.peer_auth != nullptr && parsed->head.target == kHelloTarget;
      if (options.is_elsewhere && !is_hello && options.is_elsewhere(parsed->head)) {
        moves_ = true;
        co_return Answer(std::nullopt);
      }
      inbox_.consume(*length);
      co_return Answer(std::optional<ParsedRequest>(std::move(*parsed)));
    }
    if (idle_ && context_.draining) co_return Answer(std::nullopt);
    const auto count = co_await socket_.read_some(inbox_.room(), deadline);
    if (!count && count.error().code() == Errc::kTimeout && !idle_)
      co_return Error(Errc::kRequestTimeout, "the request's head did not arrive in time");
    if (!count || *count == 0) co_return Answer(std::nullopt);
    inbox_.filled(*count);
    if (idle_) {
      idle_ = false;
      if (!first_) deadline = TimedSocket::Clock::now() + options.header_timeout;
    }
  }
}

/// True if another request may follow.
asio::awaitable<bool> HttpConnection::serve(ParsedRequest parsed) {
  const auto framing = checked_framing(parsed.head, parsed.version, context_.options.fields_max);
  if (!framing) {
    co_await refuse(framing.error());
    co_return false;
  }
  Turn turn(context_, socket_, inbox_, *framing);
  turn.http11 = parsed.version >= 11;
  turn.head_only = parsed.head.method == "HEAD";
  turn.keep_alive =
      turn.http11 ? !connection_has(parsed.head.fields, "close") : connection_has(parsed.head.fields, "keep-alive");
  if (context_.options.peer_auth != nullptr) {
    if (parsed.head.target == kHelloTarget) co_return co_await answer_hello(turn, parsed.head);
    Status verified = Error(Errc::kUnauthorized,
                            "this address is for the nodes of the cluster, which sign what they ask: clients and "
                            "operators use the client address");
    if (session_) verified = session_->verify(parsed.head, *framing);
    if (!verified) {
      co_await refuse(verified.error());
      co_return false;
    }
  }
  if (const auto expect = parsed.head.fields.find("Expect"); expect && turn.http11) {
    if (parsed.head.fields.count("Expect") > 1 || !equals_without_case(*expect, "100-continue")) {
      ResponseHead head(417);
      head.fields.add("Content-Type", "application/problem+json");
      co_await refuse(std::move(head), kExpectationProblem);
      co_return false;
    }
    turn.continue_due = !turn.body.done();
  }
  co_return co_await handle(turn, std::move(parsed.head), *framing);
}

asio::awaitable<bool> HttpConnection::handle(Turn& turn, RequestHead head, BodyFraming framing) {
  const std::optional<NodeId> peer = session_ ? std::optional<NodeId>(session_->client()) : std::nullopt;
  ServerRequest request(turn, std::move(head), framing, peer, remote_);
  ServerResponse response(turn);
  answered_ = true;
  std::string defect;
  try {
    co_await context_.handler(request, response);
    if (!response.begun()) defect = "the handler gave no answer";
  } catch (...) {
    defect = "the handler threw: " + what(std::current_exception());
  }
  if (!defect.empty()) {
    context_.report(request.head().method + " " + request.head().target + ": " + defect);
    turn.keep_alive = false;
    if (response.begun()) co_return false;
    const Error error(Errc::kInternal, "a defect in this server; its log says more");
    const std::string body = problem_json(error, {});
    ResponseHead sorry = problem_head(error);
    (void)co_await response.send(std::move(sorry), body);
    co_return false;
  }
  if (const Status whole = co_await response.finish(); !whole) {
    // A body that is cut must not look like one that has ended.
    answered_ = false;
    co_return false;
  }
  if (!turn.keep_alive) co_return false;
  co_return co_await read_rest(turn);
}

asio::awaitable<bool> HttpConnection::answer_hello(Turn& turn, const RequestHead& head) {
  const PeerAuth& auth = *context_.options.peer_auth;
  Result<Hello> hello = read_hello(auth, head);
  if (session_) hello = Error(Errc::kUnauthorized, "a connection says hello once");
  if (!turn.body.done()) hello = Error(Errc::kInvalid, "a hello has no body");
  if (!hello) {
    co_await refuse(hello.error());
    co_return false;
  }
  const std::string nonce = make_nonce();
  session_.emplace(auth, hello->client, auth.self, hello->nonce, nonce, Speaks{hello->speaks, auth.speaks});
  ServerResponse response(turn);
  answered_ = true;
  ResponseHead proof = hello_answer(auth, *hello, nonce);
  const Status sent = co_await response.send(std::move(proof), {});
  co_return sent.has_value() && turn.keep_alive;
}

asio::awaitable<bool> HttpConnection::read_rest(Turn& turn) {
  if (turn.body.done()) co_return true;
  if (turn.continue_due || turn.body.left().value_or(0) > kUnreadMax) co_return false;
  std::array<std::byte, 4096> buffer;
  for (std::size_t dropped = 0; dropped <= kUnreadMax;) {
    const auto count = co_await turn.body.read_some(buffer);
    if (!count) co_return false;
    if (*count == 0) co_return true;
    dropped += *count;
  }
  co_return false;
}

asio::awaitable<void> HttpConnection::refuse(Error error) {
  const std::string body = problem_json(error, {});
  ResponseHead head = problem_head(error);
  co_await refuse(std::move(head), body);
}

asio::awaitable<void> HttpConnection::refuse(ResponseHead head, std::string_view body) {
  Turn turn(context_, socket_, inbox_, BodyFraming::none());
  turn.keep_alive = false;
  answered_ = true;
  ServerResponse response(turn);
  (void)co_await response.send(std::move(head), body);
}

/// Closing a socket with unread input resets the connection, and the other side may lose the answer: read on for a
/// while.
asio::awaitable<void> HttpConnection::linger() {
  socket_.shutdown_send();
  const auto deadline = TimedSocket::Clock::now() + kLingerTime;
  inbox_.consume(inbox_.view().size());
  for (std::size_t dropped = 0; dropped < kLingerBytes;) {
    const auto count = co_await socket_.read_some(inbox_.room(), deadline);
    if (!count || *count == 0) co_return;
    dropped += *count;
  }
}

}  // namespace brigade::net
