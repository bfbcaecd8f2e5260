#include "timed_socket.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace brigade::net {
namespace {

using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// Drops `count` bytes from the front of `buffers`.
std::span<asio::const_buffer> advanced(std::span<asio::const_buffer> buffers, std::size_t count) {
  while (!buffers.empty() && count >= buffers.front().size()) {
    count -= buffers.front().size();
    buffers = buffers.subspan(1);
  }
  if (count > 0) buffers.front() += count;
  return buffers;
}

}  // namespace

struct TimedSocket::State {
  explicit State(asio::ip::tcp::socket s) : socket(std::move(s)), timer(socket.get_executor()) {}
  asio::ip::tcp::socket socket;
  asio::steady_timer timer;
  Deadline deadline = Deadline::max();
  bool armed = false;    ///< a wait of the timer is under way
  bool expired = false;  ///< the deadline of the call under way has passed
  bool watched = false;  ///< a wait for input is under way, for write_while_silent
  bool writing = false;  ///< a wait for room is under way
};

TimedSocket::TimedSocket(asio::ip::tcp::socket socket) : state_(std::make_shared<State>(std::move(socket))) {
  if (state_->socket.is_open()) {
    error_code ignored;
    state_->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  }
}

TimedSocket::~TimedSocket() {
  close();
}

void TimedSocket::arm(const std::shared_ptr<State>& state, Deadline deadline) {
  state->expired = false;
  state->deadline = deadline;
  if (state->armed && state->timer.expiry() <= deadline) return;
  wait(state);
}

void TimedSocket::wait(const std::shared_ptr<State>& state) {
  state->armed = true;
  state->timer.expires_at(state->deadline);  // ends an earlier wait, whose handler sees operation_aborted
  state->timer.async_wait([weak = std::weak_ptr<State>(state)](const error_code& ec) {
    const auto alive = weak.lock();
    // A wait that was replaced may have fired already: only the timer's present expiry counts.
    if (ec || !alive || Clock::now() < alive->timer.expiry()) return;
    alive->armed = false;
    if (alive->deadline == Deadline::max()) return;
    if (Clock::now() < alive->deadline) return wait(alive);
    alive->expired = true;
    error_code ignored;
    if (alive->socket.is_open()) alive->socket.cancel(ignored);
  });
}

Error TimedSocket::error_of(const State& state, const error_code& ec) {
  if (ec == asio::error::operation_aborted && state.expired)
    return Error(Errc::kTimeout, "no progress before the deadline");
  return Error(Errc::kClosed, "the connection was closed: " + ec.message());
}

asio::awaitable<Status> TimedSocket::connect(asio::ip::tcp::endpoint endpoint, Deadline deadline) {
  const auto state = state_;
  error_code ec;
  state->socket.open(endpoint.protocol(), ec);
  if (ec) co_return Error(Errc::kUnavailable, "can't open a socket: " + ec.message());
  state->socket.set_option(asio::ip::tcp::no_delay(true), ec);
  arm(state, deadline);
  std::tie(ec) = co_await state->socket.async_connect(endpoint, kTuple);
  state->deadline = Deadline::max();
  if (ec) co_return error_of(*state, ec);
  co_return Status{};
}

asio::awaitable<Result<std::size_t>> TimedSocket::read_some(asio::mutable_buffer buffer, Deadline deadline) {
  const auto state = state_;
  arm(state, deadline);
  const auto [ec, count] = co_await state->socket.async_read_some(buffer, kTuple);
  state->deadline = Deadline::max();
  if (!ec) co_return count;
  if (ec == asio::error::eof) co_return std::size_t{0};
  co_return error_of(*state, ec);
}

asio::awaitable<Status> TimedSocket::write(std::span<asio::const_buffer> buffers, std::chrono::milliseconds patience) {
  const auto state = state_;
  buffers = advanced(buffers, 0);
  while (!buffers.empty()) {
    arm(state, Clock::now() + patience);
    const auto [ec, count] = co_await state->socket.async_write_some(buffers, kTuple);
    state->deadline = Deadline::max();
    if (ec) co_return error_of(*state, ec);
    buffers = advanced(buffers, count);
  }
  co_return Status{};
}

asio::awaitable<Status> TimedSocket::write_while_silent(std::span<asio::const_buffer> buffers,
                                                        std::chrono::milliseconds patience, std::size_t& sent) {
  const auto state = state_;
  error_code ec;
  if (!state->socket.is_open()) co_return Error(Errc::kClosed, "the connection is closed");
  state->socket.non_blocking(true, ec);
  buffers = advanced(buffers, 0);
  while (!buffers.empty()) {
    if (input_waits())
      co_return Error(Errc::kClosed, "the other side answered, or went away, before it had the whole body");
    const std::size_t count = state->socket.write_some(buffers, ec);
    sent += count;
    buffers = advanced(buffers, count);
    if (!ec) continue;
    if (ec != asio::error::would_block && ec != asio::error::try_again) co_return error_of(*state, ec);
    if (!state->watched) {
      state->watched = true;
      state->socket.async_wait(asio::socket_base::wait_read, [weak = std::weak_ptr<State>(state)](const error_code&) {
        const auto alive = weak.lock();
        if (!alive) return;
        alive->watched = false;
        error_code ignored;
        if (alive->writing && alive->socket.is_open()) alive->socket.cancel(ignored);
      });
    }
    arm(state, Clock::now() + patience);
    state->writing = true;
    std::tie(ec) = co_await state->socket.async_wait(asio::socket_base::wait_write, kTuple);
    state->writing = false;
    state->deadline = Deadline::max();
    if (ec && !(ec == asio::error::operation_aborted && !state->expired && state->socket.is_open()))
      co_return error_of(*state, ec);
  }
  co_return Status{};
}

bool TimedSocket::input_waits() {
  if (!state_->socket.is_open()) return true;
  char byte = 0;
  const auto count = ::recv(state_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void TimedSocket::shutdown_send() {
  error_code ignored;
  if (state_->socket.is_open()) state_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

int TimedSocket::release() {
  if (!is_open()) return -1;
  state_->timer.cancel();
  state_->armed = false;
  error_code ec;
  const int handle = state_->socket.release(ec);
  return ec ? -1 : handle;
}

void TimedSocket::close() {
  error_code ignored;
  state_->socket.close(ignored);
  state_->timer.cancel();
  state_->armed = false;
}

bool TimedSocket::is_open() const {
  return state_->socket.is_open();
}

std::string TimedSocket::remote() const {
  error_code ec;
  const auto endpoint = state_->socket.remote_endpoint(ec);
  return ec ? "?" : endpoint_text(endpoint);
}

std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace brigade::net
