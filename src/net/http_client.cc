#include "brigade/net/http_client.h"

#include "body_reader.h"
#include "client_pool.h"
#include "text.h"

#include <array>

#include "brigade/base/check.h"

namespace brigade::net {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ClientExchange final : public Exchange {
 public:
  ClientExchange(std::shared_ptr<ClientPool> pool, std::string address, RequestHead head, BodyFraming framing,
                 std::chrono::milliseconds io_timeout, std::unique_ptr<ClientWire> wire)
      : pool_(std::move(pool)),
        address_(std::move(address)),
        request_(std::move(head)),
        framing_(framing),
        io_timeout_(io_timeout),
        wire_(std::move(wire)) {
    prepare();
  }

  /// Sends the head of a request without a body; others wait for the first bytes of theirs.
  asio::awaitable<Status> start() {
    if (has_body()) co_return Status{};
    co_return co_await send({}, {}, {});
  }

  asio::awaitable<Status> write(std::span<const std::byte> bytes) override {
    if (cancelled_) co_return gone();
    if (framing_.kind != BodyFraming::Kind::kChunked && bytes.size() > framing_.length - written_)
      co_return Error(Errc::kInternal, "the request's body is longer than announced");
    if (bytes.empty()) co_return Status{};
    written_ += bytes.size();
    if (framing_.kind != BodyFraming::Kind::kChunked) co_return co_await send({}, text_of(bytes), {});
    const ChunkHead chunk(bytes.size());
    co_return co_await send(chunk.text(), text_of(bytes), kChunkTail);
  }

  asio::awaitable<Result<ResponseHead>> response() override {
    if (answer_) co_return *answer_;
    if (auto s = co_await end_request(); !s) co_return s.error();
    auto head = co_await read_answer_head(*wire_, io_timeout_, keep_alive_);
    if (!head && head.error().code() == Errc::kClosed && wire_->inbox.empty() && !cancelled_ && may_replace()) {
      if (const auto s = co_await replace(); !s) co_return s.error();
      if (const auto s = co_await end_request(); !s) co_return s.error();
      head = co_await read_answer_head(*wire_, io_timeout_, keep_alive_);
    }
    if (cancelled_) co_return gone();
    Status taken;
    if (head) {
      taken = take_head(*head);
    } else {
      taken = head.error();
    }
    if (!taken) {
      wire_->socket.close();
      co_return taken.error();
    }
    answer_ = std::move(*head);
    if (body_->done()) release();
    co_return *answer_;
  }

  [[nodiscard]] const ResponseHead& head() const override {
    BRIGADE_CHECK(answer_.has_value(), "head() before response() succeeded");
    return *answer_;
  }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const override { return length_; }

  asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> buffer) override {
    BRIGADE_CHECK(answer_.has_value(), "read_some() before response() succeeded");
    if (cancelled_) co_return gone();
    if (!body_ || body_->done()) co_return std::size_t{0};
    auto count = co_await body_->read_some(buffer);
    if (cancelled_) co_return gone();
    if (!count) {
      wire_->socket.close();
      if (count.error().code() == Errc::kInvalid) co_return Error(Errc::kBadGateway, count.error().detail());
      co_return count.error();
    }
    if (body_->done()) release();
    co_return count;
  }

  asio::awaitable<Result<std::string>> read_all(std::size_t bytes_max) override {
    std::string text;
    std::array<std::byte, 8192> buffer;
    while (true) {
      const auto count = co_await read_some(buffer);
      if (!count) co_return count.error();
      if (*count == 0) co_return text;
      if (text.size() + *count > bytes_max) {
        cancel();
        co_return Error(Errc::kTooLarge, "the answer's body is over " + std::to_string(bytes_max) + " bytes");
      }
      text.append(text_of(std::span(buffer).first(*count)));
    }
  }

  void cancel() override {
    cancelled_ = true;
    if (wire_) wire_->socket.close();
  }

 private:
  static Error gone() { return Error(Errc::kClosed, "the exchange was cancelled"); }
  [[nodiscard]] bool has_body() const {
    return framing_.kind == BodyFraming::Kind::kChunked ||
           (framing_.kind == BodyFraming::Kind::kLength && framing_.length > 0);
  }
  /// A warm connection may have been closed while the request was on its way. What may have changed something is not
  /// sent twice (RFC 9110, 9.2.2): the other side may have done it before it fell.
  [[nodiscard]] bool may_replace() const {
    return wire_->reused && written_ == 0 && !replaced_ && (request_.method == "GET" || request_.method == "HEAD");
  }

  void prepare() {
    if (wire_->session) wire_->session->sign(request_, framing_);
    head_text_ = request_text(request_, framing_, address_);
  }

  asio::awaitable<Status> replace() {
    replaced_ = true;
    write_failed_ = false;
    auto fresh = co_await pool_->connect(address_);
    if (!fresh) co_return fresh.error();
    if (cancelled_) co_return gone();
    wire_ = std::move(*fresh);
    prepare();
    co_return Status{};
  }

  /// Sends what is still to be sent. A request whose body was cut short by an early answer is left as it is.
  asio::awaitable<Status> end_request() {
    if (cancelled_) co_return gone();
    const bool written = framing_.kind != BodyFraming::Kind::kLength || written_ == framing_.length;
    if (!written && !write_failed_ && !wire_->socket.input_waits())
      co_return Error(Errc::kInternal, "the request's body is shorter than announced");
    if (written && !write_failed_) {
      const std::string_view last = framing_.kind == BodyFraming::Kind::kChunked ? kLastChunk : std::string_view();
      // If this fails because the other side has spoken, its answer is read; if it has gone, reading says so.
      if (const auto s = co_await send(last, {}, {}); !s && s.error().code() != Errc::kClosed) co_return s.error();
    }
    body_whole_ = written && !write_failed_;
    co_return cancelled_ ? Status(gone()) : Status();
  }

  /// Sends the head, if it is still here, and these bytes.
  asio::awaitable<Status> send(std::string_view before, std::string_view bytes, std::string_view after) {
    while (true) {
      std::array<asio::const_buffer, 4> buffers;
      buffers[0] = asio::const_buffer(head_text_.data(), head_text_.size());
      buffers[1] = asio::const_buffer(before.data(), before.size());
      buffers[2] = asio::const_buffer(bytes.data(), bytes.size());
      buffers[3] = asio::const_buffer(after.data(), after.size());
      std::size_t sent = 0;
      const auto s = co_await wire_->socket.write_while_silent(buffers, io_timeout_, sent);
      if (cancelled_) co_return gone();
      body_sent_ += sent > head_text_.size() ? sent - head_text_.size() : 0;
      if (s) {
        head_text_.clear();
        co_return s;
      }
      // Nothing of this request has left: a new connection can carry it, with the bytes that are still at hand.
      const bool untouched = sent == 0 && body_sent_ == 0 && !head_text_.empty();
      if (!untouched || !wire_->reused || replaced_ || s.error().code() != Errc::kClosed) {
        write_failed_ = true;
        co_return s;
      }
      if (const auto replaced = co_await replace(); !replaced) {
        write_failed_ = true;
        co_return replaced;
      }
    }
  }

  /// How the answer's body is told.
  Status take_head(const ResponseHead& head) {
    const bool no_body = request_.method == "HEAD" || head.status == 204 || head.status == 304;
    const std::size_t lengths = head.fields.count("Content-Length");
    const std::size_t codings = head.fields.count("Transfer-Encoding");
    BodyFraming framing;
    bool until_close = false;
    if (lengths > 1 || codings > 1 || lengths + codings > 1)
      return Error(Errc::kBadGateway, "the answer tells its length twice");
    if (lengths == 1) {
      const auto length = parse_decimal(*head.fields.find("Content-Length"));
      if (!length) return Error(Errc::kBadGateway, "the answer's Content-Length is no number");
      length_ = *length;
      framing = BodyFraming::of_length(*length);
    } else if (codings == 1) {
      if (!equals_without_case(*head.fields.find("Transfer-Encoding"), "chunked"))
        return Error(Errc::kBadGateway, "the answer has a transfer coding other than chunked");
      framing = BodyFraming::chunked();
    } else {
      until_close = !no_body;
    }
    if (no_body) framing = BodyFraming::none();
    if (until_close) keep_alive_ = false;
    body_.emplace(wire_->socket, wire_->inbox, framing, io_timeout_, 0, until_close);
    return {};
  }

  /// The exchange is over: the connection is free for the next one, if both sides have said all.
  void release() {
    if (keep_alive_ && body_whole_ && body_->done() && !released_) {
      released_ = true;
      body_.reset();
      pool_->put(address_, std::move(wire_));
    }
  }

  std::shared_ptr<ClientPool> pool_;
  std::string address_;
  RequestHead request_;
  BodyFraming framing_;
  std::chrono::milliseconds io_timeout_;
  std::unique_ptr<ClientWire> wire_;  ///< nothing once released
  std::string head_text_;             ///< not sent yet
  std::uint64_t written_ = 0;         ///< body bytes that the caller gave
  std::uint64_t body_sent_ = 0;
  bool write_failed_ = false;
  bool body_whole_ = false;
  bool replaced_ = false;
  bool cancelled_ = false;
  bool released_ = false;
  bool keep_alive_ = false;
  std::optional<ResponseHead> answer_;
  std::optional<std::uint64_t> length_;
  std::optional<BodyReader> body_;
};

class PooledClient final : public HttpClient {
 public:
  PooledClient(asio::any_io_executor executor, ClientOptions options)
      : pool_(std::make_shared<ClientPool>(std::move(executor), options)) {}

  asio::awaitable<Result<std::unique_ptr<Exchange>>> open(
      std::string address, RequestHead head, BodyFraming framing,
      std::optional<std::chrono::milliseconds> io_timeout) override {
    const auto pool = pool_;
    auto wire = pool->take(address);
    if (!wire) {
      auto fresh = co_await pool->connect(address);
      if (!fresh) co_return fresh.error();
      wire = std::move(*fresh);
    }
    auto exchange = std::make_unique<ClientExchange>(pool, std::move(address), std::move(head), framing,
                                                     io_timeout.value_or(pool->options().io_timeout), std::move(wire));
    if (const auto s = co_await exchange->start(); !s) co_return s.error();
    co_return std::unique_ptr<Exchange>(std::move(exchange));
  }

  asio::awaitable<Result<std::pair<ResponseHead, std::string>>> fetch(
      std::string address, RequestHead head, std::string body, std::size_t bytes_max,
      std::optional<std::chrono::milliseconds> io_timeout) override {
    const bool framed = !body.empty() || head.method == "PUT" || head.method == "POST";
    const BodyFraming framing = framed ? BodyFraming::of_length(body.size()) : BodyFraming::none();
    auto opened = co_await open(std::move(address), std::move(head), framing, io_timeout);
    if (!opened) co_return opened.error();
    const std::unique_ptr<Exchange> exchange = std::move(*opened);
    const auto bytes = std::as_bytes(std::span(body.data(), body.size()));
    // kClosed may mean an answer that came early: response() finds out.
    if (const auto s = co_await exchange->write(bytes); !s && s.error().code() != Errc::kClosed) co_return s.error();
    auto answer = co_await exchange->response();
    if (!answer) co_return answer.error();
    auto text = co_await exchange->read_all(bytes_max);
    if (!text) co_return text.error();
    co_return std::pair(std::move(*answer), std::move(*text));
  }

  void clear() override { pool_->clear(); }

 private:
  std::shared_ptr<ClientPool> pool_;  ///< shared with the exchanges, which give their connections back
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::make(asio::any_io_executor executor, ClientOptions options) {
  return std::make_unique<PooledClient>(std::move(executor), options);
}

}  // namespace brigade::net
