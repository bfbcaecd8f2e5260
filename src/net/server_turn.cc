#include "server_turn.h"

#include "head_format.h"
#include "head_parser.h"

#include <chrono>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

/// A body announced longer than this, and not read when the answer is given, isn't worth waiting for.
constexpr std::uint64_t kUnreadMax = 64 * 1024;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

WallTime wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

}  // namespace

asio::awaitable<Status> Turn::flush() {
  if (unsent_head.empty()) co_return Status{};
  co_return co_await send({}, {}, {});
}

asio::awaitable<Status> Turn::send(std::string_view before, std::string_view bytes, std::string_view after) {
  const std::string head = std::move(unsent_head);
  unsent_head.clear();
  std::array<asio::const_buffer, 4> buffers;
  buffers[0] = asio::const_buffer(head.data(), head.size());
  buffers[1] = asio::const_buffer(before.data(), before.size());
  buffers[2] = asio::const_buffer(bytes.data(), bytes.size());
  buffers[3] = asio::const_buffer(after.data(), after.size());
  co_return co_await socket.write(buffers, context.options.io_timeout);
}

asio::awaitable<Result<std::size_t>> ServerRequest::read_some(std::span<std::byte> buffer) {
  if (turn_.continue_due && !turn_.body.done()) {
    turn_.continue_due = false;
    if (auto s = co_await turn_.send("HTTP/1.1 100 Continue\r\n\r\n", {}, {}); !s) co_return s.error();
  }
  // A client may wait for the answer's head before it sends on.
  if (auto s = co_await turn_.flush(); !s) co_return s.error();
  auto count = co_await turn_.body.read_some(buffer);
  if (!count && count.error().code() == Errc::kTimeout)
    co_return Error(Errc::kRequestTimeout, "the body of the request came too slowly");
  co_return count;
}

asio::awaitable<Result<std::string>> ServerRequest::read_all(std::size_t bytes_max) {
  const Error too_large(Errc::kTooLarge, "the body is over " + std::to_string(bytes_max) + " bytes");
  if (const auto left = turn_.body.left(); left && *left > bytes_max) co_return too_large;
  std::string text;
  std::array<std::byte, 4096> buffer;
  while (true) {
    const auto count = co_await read_some(buffer);
    if (!count) co_return count.error();
    if (*count == 0) co_return text;
    if (text.size() + *count > bytes_max) co_return too_large;
    text.append(text_of(std::span(buffer).first(*count)));
  }
}

bool ServerResponse::has_body(int status) const {
  return status >= 200 && status != 204 && status != 304;
}

void ServerResponse::format(const ResponseHead& head, const BodyFraming& framing) {
  const auto unread = turn_.body.left();
  // Who still waits for 100 Continue may or may not send the body now: only a new connection is clear about it.
  if (turn_.continue_due || (unread && *unread > kUnreadMax) || turn_.context.draining) turn_.keep_alive = false;
  // A 100 behind the final answer would be taken for the next one.
  turn_.continue_due = false;
  until_close_ = framing.kind == BodyFraming::Kind::kChunked && !turn_.http11;
  if (until_close_) turn_.keep_alive = false;

  std::string& out = turn_.unsent_head;
  out.reserve(512);
  out.append("HTTP/1.1 ")
      .append(std::to_string(head.status))
      .append(" ")
      .append(reason_phrase(head.status))
      .append("\r\n");
  append_field(out, "Date", http_date(wall_now()));
  if (!turn_.context.options.server_name.empty()) append_field(out, "Server", turn_.context.options.server_name);
  append_fields(out, head.fields);
  if (has_body(head.status)) {
    if (framing.kind == BodyFraming::Kind::kNone) {
      append_framing(out, BodyFraming::of_length(0));
    } else if (!until_close_) {
      append_framing(out, framing);
    }
  }
  if (!turn_.keep_alive) {
    append_field(out, "Connection", "close");
  } else if (!turn_.http11) {
    append_field(out, "Connection", "keep-alive");
  }
  out.append("\r\n");
}

Status ServerResponse::noted(Status status, State next) {
  state_ = status ? next : State::kBroken;
  return status;
}

asio::awaitable<Status> ServerResponse::send(ResponseHead head, std::string_view body) {
  if (begun()) co_return Error(Errc::kInternal, "a second answer to one request");
  format(head, BodyFraming::of_length(body.size()));
  if (turn_.head_only || !has_body(head.status)) body = {};
  co_return noted(co_await turn_.send({}, body, {}), State::kWhole);
}

asio::awaitable<Status> ServerResponse::begin(ResponseHead head, BodyFraming framing) {
  if (begun()) co_return Error(Errc::kInternal, "a second answer to one request");
  framing_ = framing;
  silent_ = turn_.head_only || !has_body(head.status);
  format(head, framing);
  state_ = State::kBody;
  co_return Status{};
}

asio::awaitable<Status> ServerResponse::write(std::span<const std::byte> bytes) {
  if (state_ != State::kBody) co_return Error(Errc::kInternal, "body bytes without a begun answer");
  if (bytes.empty()) co_return Status{};
  if (framing_.kind != BodyFraming::Kind::kChunked &&
      (framing_.kind == BodyFraming::Kind::kNone || bytes.size() > framing_.length - written_)) {
    state_ = State::kBroken;
    co_return Error(Errc::kInternal, "the answer's body is longer than announced");
  }
  written_ += bytes.size();
  if (silent_) co_return Status{};
  if (framing_.kind != BodyFraming::Kind::kChunked || until_close_)
    co_return noted(co_await turn_.send({}, text_of(bytes), {}), State::kBody);
  const ChunkHead chunk(bytes.size());
  co_return noted(co_await turn_.send(chunk.text(), text_of(bytes), kChunkTail), State::kBody);
}

asio::awaitable<Status> ServerResponse::end() {
  if (state_ == State::kWhole) co_return Status{};
  if (state_ != State::kBody) co_return Error(Errc::kInternal, "the end of an answer that is not begun");
  if (framing_.kind == BodyFraming::Kind::kLength && written_ != framing_.length && !silent_) {
    state_ = State::kBroken;
    co_return Error(Errc::kInternal, "the answer's body is shorter than announced");
  }
  const bool chunked = framing_.kind == BodyFraming::Kind::kChunked && !silent_ && !until_close_;
  if (!chunked) co_return noted(co_await turn_.flush(), State::kWhole);
  co_return noted(co_await turn_.send({}, kLastChunk, {}), State::kWhole);
}

asio::awaitable<Status> ServerResponse::finish() {
  if (state_ == State::kBody && (silent_ || framing_.kind != BodyFraming::Kind::kChunked)) {
    // Only the bytes tell: whoever wrote all of them has ended.
    if (auto s = co_await end(); !s) co_return s;
  }
  if (state_ == State::kWhole) co_return Status{};
  co_return Error(Errc::kClosed, "the answer was not finished");
}

}  // namespace brigade::net
