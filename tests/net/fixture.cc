#include "fixture.h"

#include "text.h"

#include <arpa/inet.h>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>

#include "brigade/net/http_server.h"

namespace brigade::net::testing {
namespace {

constexpr std::chrono::seconds kPatience{10};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

sockaddr_in address_of(const std::string& text) {
  const auto parts = split_address(text).value();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(parts.second);
  inet_pton(AF_INET, parts.first.c_str(), &address.sin_addr);
  return address;
}

void set_timeout(int fd) {
  const timeval patience{kPatience.count(), 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

}  // namespace

std::string pattern_text(std::uint64_t size) {
  std::string text(size, '\0');
  for (std::uint64_t i = 0; i < size; ++i) text[i] = pattern(i);
  return text;
}

struct TestServer::Impl {
  asio::io_context io{1};
  std::unique_ptr<HttpServer> server;
  asio::steady_timer gate{io, asio::steady_timer::time_point::max()};
  int released = 0;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> events;

  void event(std::string text) {
    const std::lock_guard lock(mutex);
    events.push_back(std::move(text));
    changed.notify_all();
  }

  static asio::awaitable<void> handle(Impl* self, Request& request, Response& response);
  asio::awaitable<void> sink(Request& request, Response& response);
  static asio::awaitable<void> sized(std::uint64_t size, Response& response);
};

asio::awaitable<void> TestServer::Impl::sink(Request& request, Response& response) {
  std::array<std::byte, 1000> buffer;
  std::uint64_t total = 0;
  while (true) {
    const auto count = co_await request.read_some(buffer);
    if (!count) {
      event(std::string(problem_type(count.error().code())));
      ResponseHead head = problem_head(count.error());
      co_await response.send(std::move(head), "broken");
      co_return;
    }
    if (*count == 0) break;
    total += *count;
  }
  event("end " + std::to_string(total));
  ResponseHead head(200);
  const std::string text = std::to_string(total);
  co_await response.send(std::move(head), text);
}

asio::awaitable<void> TestServer::Impl::sized(std::uint64_t size, Response& response) {
  ResponseHead head(200);
  co_await response.begin(std::move(head), BodyFraming::of_length(size));
  for (std::uint64_t at = 0; at < size;) {
    std::string piece(std::min<std::uint64_t>(size - at, 65536), '\0');
    for (char& c : piece) c = pattern(at++);
    if (const auto s = co_await response.write(bytes_of(piece)); !s) co_return;
  }
  co_await response.end();
}

asio::awaitable<void> TestServer::Impl::handle(Impl* self, Request& request, Response& response) {
  const std::string target = request.head().target;
  ResponseHead head(200);
  head.fields.add("X-Target", target);
  if (target == "/hello") {
    co_await response.send(std::move(head), "hello");
  } else if (target == "/echo") {
    const auto body = co_await request.read_all(1 << 20);
    if (!body) {
      self->event(std::string(problem_type(body.error().code())));
      ResponseHead problem = problem_head(body.error());
      const std::string text = problem_json(body.error(), target);
      co_await response.send(std::move(problem), text);
      co_return;
    }
    co_await response.send(std::move(head), *body);
  } else if (target == "/stream") {
    co_await response.begin(std::move(head), BodyFraming::chunked());
    std::array<std::byte, 4096> buffer;
    while (true) {
      const auto count = co_await request.read_some(buffer);
      if (!count || *count == 0) break;
      co_await response.write(std::span(buffer).first(*count));
    }
    co_await response.end();
  } else if (target.starts_with("/size/")) {
    co_await sized(std::stoull(target.substr(6)), response);
  } else if (target == "/chunks") {
    co_await response.begin(std::move(head), BodyFraming::chunked());
    for (const char* piece : {"one", "two", "three"}) co_await response.write(bytes_of(piece));
    co_await response.end();
  } else if (target == "/early") {
    ResponseHead refusal(413);
    co_await response.send(std::move(refusal), "too much");
  } else if (target == "/late-read") {
    co_await response.send(std::move(head), "said");
    (void)co_await request.read_all(1000);
  } else if (target == "/sink") {
    co_await self->sink(request, response);
  } else if (target == "/wait") {
    self->event("waiting");
    while (self->released == 0) (void)co_await self->gate.async_wait(asio::as_tuple(asio::use_awaitable));
    --self->released;
    co_await response.send(std::move(head), "waited");
  } else if (target == "/throw") {
    throw std::runtime_error("on purpose");
  } else if (target == "/mute") {
    co_return;
  } else if (target == "/short") {
    co_await response.begin(std::move(head), BodyFraming::of_length(10));
    co_await response.write(bytes_of("five5"));
  } else if (target == "/cut-chunks") {
    co_await response.begin(std::move(head), BodyFraming::chunked());
    co_await response.write(bytes_of("five5"));
  } else if (target.starts_with("/begin-")) {
    head.status = std::stoi(target.substr(7));
    co_await response.begin(std::move(head), BodyFraming::none());
  } else if (target == "/peer") {
    const std::string text = request.peer() ? to_string(*request.peer()) : "nobody";
    co_await response.send(std::move(head), text);
  } else {
    ResponseHead missing(404);
    co_await response.send(std::move(missing), "no such test");
  }
}

TestServer::TestServer(TestServerOptions options) : impl_(std::make_unique<Impl>()) {
  ServerOptions o;
  o.address = options.address;
  o.header_timeout = options.header_timeout;
  o.idle_timeout = options.idle_timeout;
  o.io_timeout = options.io_timeout;
  o.body_rate_min = options.body_rate_min;
  o.connections_max = options.connections_max;
  o.peer_auth = options.peer_auth;
  if (options.other != nullptr && !options.elsewhere.empty()) {
    o.is_elsewhere = [begin = options.elsewhere](const RequestHead& head) { return head.target.starts_with(begin); };
    o.move = [other = options.other->impl_.get()](MovingConnection moving) { other->server->adopt(std::move(moving)); };
  }
  using Sharing = ServerOptions::Sharing;
  if (options.shares_address) o.sharing = options.other != nullptr ? Sharing::kFurther : Sharing::kFirst;
  Impl* impl = impl_.get();
  o.on_error = [impl](std::string text) { impl->event(std::move(text)); };
  impl->server = HttpServer::start(impl->io.get_executor(), o, [impl](Request& request, Response& response) {
                   return Impl::handle(impl, request, response);
                 }).value();
  impl->thread = std::thread([impl] {
    const auto work = asio::make_work_guard(impl->io);
    impl->io.run();
  });
}

TestServer::~TestServer() {
  Impl* impl = impl_.get();
  asio::post(impl->io, [impl] {
    impl->server.reset();
    impl->io.stop();
  });
  impl->thread.join();
}

std::string TestServer::address() const {
  return impl_->server->address();
}

std::string TestServer::next_event() {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->changed.wait_for(lock, kPatience, [&] { return !impl_->events.empty(); })) return "nothing happened";
  std::string text = std::move(impl_->events.front());
  impl_->events.pop_front();
  return text;
}

void TestServer::release() {
  asio::post(impl_->io, [impl = impl_.get()] {
    ++impl->released;
    impl->gate.cancel();
  });
}

bool TestServer::drain(std::chrono::milliseconds deadline) {
  const auto start = std::chrono::steady_clock::now();
  auto done = asio::co_spawn(impl_->io, impl_->server->drain(deadline), asio::use_future);
  if (done.wait_for(kPatience) != std::future_status::ready) return false;
  return std::chrono::steady_clock::now() - start < deadline;
}

std::size_t TestServer::connections() const {
  return asio::post(impl_->io, asio::use_future([impl = impl_.get()] { return impl->server->connections(); })).get();
}

bool TestServer::has_connections(std::size_t count) const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (connections() != count)
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

std::optional<std::string> Answer::field(const std::string& name) const {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();
       at = head.find("\r\n", at + 2)) {
    const std::string line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (const auto colon = line.find(':');
        colon != std::string::npos && equals_without_case(line.substr(0, colon), name))
      return std::string(trimmed(line.substr(colon + 1)));
  }
  return std::nullopt;
}

RawClient::RawClient(const std::string& address, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  REQUIRE(fd_ >= 0);
  if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  set_timeout(fd_);
  const sockaddr_in to = address_of(address);
  REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
}

RawClient::~RawClient() {
  ::close(fd_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void RawClient::shutdown_send() {
  ::shutdown(fd_, SHUT_WR);
}

void RawClient::reset() {
  const linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(fd_);
  fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
}

bool RawClient::more() {
  std::array<char, 65536> buffer;
  const auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
  timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

Answer RawClient::answer(bool of_head_request) {
  Answer answer;
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return {};
  answer.head = received_.substr(0, end + 4);
  received_.erase(0, end + 4);
  answer.status = std::stoi(answer.head.substr(9, 3));
  if (of_head_request || answer.status < 200 || answer.status == 204 || answer.status == 304) return answer;
  if (const auto length = answer.field("Content-Length")) {
    const std::size_t size = std::stoull(*length);
    while (received_.size() < size)
      if (!more()) return {};
    answer.body = received_.substr(0, size);
    received_.erase(0, size);
  } else if (answer.field("Transfer-Encoding")) {
    while (true) {
      std::size_t line = 0;
      while ((line = received_.find("\r\n")) == std::string::npos)
        if (!more()) return {};
      const std::size_t size = std::stoull(received_.substr(0, line), nullptr, 16);
      while (received_.size() < line + 2 + size + 2)
        if (!more()) return {};
      answer.body += received_.substr(line + 2, size);
      received_.erase(0, line + 2 + size + 2);
      if (size == 0) break;
    }
  } else {
    while (more()) {
    }
    answer.body = std::move(received_);
  }
  return answer;
}

std::string RawClient::rest() {
  while (more()) {
  }
  if (!received_.empty()) return std::move(received_);
  return timed_out_ ? "timeout" : "closed";
}

RawListener::RawListener() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in any = address_of("127.0.0.1:0");
  REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(fd_, 16) == 0);
  set_timeout(fd_);
}

RawListener::~RawListener() {
  ::close(fd_);
}

std::string RawListener::address() const {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
  return "127.0.0.1:" + std::to_string(ntohs(own.sin_port));
}

int RawListener::accept() {
  const int fd = ::accept(fd_, nullptr, nullptr);
  if (fd >= 0) set_timeout(fd);
  return fd;
}

std::string read_until(int fd, std::string_view end) {
  std::string text;
  char c = 0;
  while (!text.ends_with(end) && ::recv(fd, &c, 1, 0) == 1) text += c;
  return text;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace brigade::net::testing
