// All multicast in here has the interface 127.0.0.1, so that nothing leaves the machine.
#include "brigade/net/udp.h"

#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "brigade/base/limits.h"

namespace brigade::net::testing {
namespace {

namespace asio = boost::asio;

struct Received {
  std::string bytes;
  std::string from;
  bool operator==(const Received&) const = default;
};

struct Port {
  std::unique_ptr<UdpPort> port;
  std::vector<Received> received;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::unique_ptr<Port> open(asio::io_context& io, UdpOptions options) {
  auto port = std::make_unique<Port>();
  port->port =
      UdpPort::open(
          io.get_executor(), std::move(options),
          [p = port.get()](std::span<const std::byte> datagram, const std::string& from) {
            p->received.push_back({std::string(reinterpret_cast<const char*>(datagram.data()), datagram.size()), from});
          })
          .value();
  return port;
}

UdpOptions unicast_only() {
  UdpOptions options;
  options.unicast = "127.0.0.1:0";
  return options;
}

/// A group on a port that the system says is free.
UdpOptions with_group() {
  asio::io_context io;
  const std::string address = open(io, unicast_only())->port->address();
  UdpOptions options = unicast_only();
  options.multicast = "239.255.77.1" + address.substr(address.rfind(':'));
  options.interface = "127.0.0.1";
  return options;
}

template <class Condition>
bool run_until(asio::io_context& io, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  io.restart();
  while (!condition() && std::chrono::steady_clock::now() < end) io.run_one_until(end);
  return condition();
}

/// Everything that is queued now, and what follows from it at once.
void run_now(asio::io_context& io) {
  io.restart();
  io.poll();
}

/// Sends past our own bounds.
void send_raw(const std::string& to, std::string_view bytes) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto colon = to.rfind(':');
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(to.substr(colon + 1))));
  inet_pton(AF_INET, to.substr(0, colon).c_str(), &address.sin_addr);
  CHECK(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
        static_cast<ssize_t>(bytes.size()));
  ::close(fd);
}

TEST_CASE("a datagram arrives with its sender's unicast address") {
  asio::io_context io;
  const auto a = open(io, unicast_only());
  const auto b = open(io, unicast_only());
  a->port->send(b->port->address(), bytes_of("to b"));
  b->port->send(a->port->address(), bytes_of("to a"));
  REQUIRE(run_until(io, [&] { return a->received.size() + b->received.size() == 2; }));
  CHECK(b->received == std::vector<Received>{{"to b", a->port->address()}});
  CHECK(a->received == std::vector<Received>{{"to a", b->port->address()}});
  CHECK(a->port->stats().sent == 1);
  CHECK(a->port->stats().received == 1);
}

TEST_CASE("a datagram to the group reaches all members, from the sender's unicast address") {
  asio::io_context io;
  const UdpOptions options = with_group();
  const auto a = open(io, options);
  const auto b = open(io, options);
  const auto c = open(io, options);
  const auto outside = open(io, unicast_only());
  a->port->multicast(bytes_of("all"));
  REQUIRE(run_until(io, [&] { return !a->received.empty() && !b->received.empty() && !c->received.empty(); }));
  run_now(io);
  for (const auto* port : {&a, &b, &c}) CHECK((*port)->received == std::vector<Received>{{"all", a->port->address()}});
  CHECK(outside->received.empty());
  // The address that came with it can be answered.
  b->port->send(b->received.front().from, bytes_of("answer"));
  REQUIRE(run_until(io, [&] { return a->received.size() == 2; }));
  CHECK(a->received.back() == Received{"answer", b->port->address()});
}

TEST_CASE("groups on the same port do not hear each other") {
  asio::io_context io;
  UdpOptions options = with_group();
  const auto a = open(io, options);
  options.multicast = "239.255.77.2" + options.multicast->substr(options.multicast->rfind(':'));
  const auto b = open(io, options);
  a->port->multicast(bytes_of("to a's group"));
  b->port->multicast(bytes_of("to b's group"));
  REQUIRE(run_until(io, [&] { return !a->received.empty() && !b->received.empty(); }));
  run_now(io);
  CHECK(a->received == std::vector<Received>{{"to a's group", a->port->address()}});
  CHECK(b->received == std::vector<Received>{{"to b's group", b->port->address()}});
}

TEST_CASE("a burst longer than one turn arrives whole") {
  asio::io_context io;
  const auto a = open(io, unicast_only());
  const auto b = open(io, unicast_only());
  constexpr std::size_t kCount = 500;
  for (std::size_t i = 0; i < kCount; ++i) a->port->send(b->port->address(), bytes_of(std::to_string(i)));
  REQUIRE(run_until(io, [&] { return b->received.size() == kCount; }));
  for (std::size_t i = 0; i < kCount; ++i) CHECK(b->received[i].bytes == std::to_string(i));
}

TEST_CASE("a datagram over the limit is counted and dropped, one at the limit is taken") {
  asio::io_context io;
  const auto a = open(io, unicast_only());
  send_raw(a->port->address(), std::string(limits::kDatagramBytesMax + 1, 'x'));
  send_raw(a->port->address(), std::string(9000, 'x'));
  send_raw(a->port->address(), std::string(limits::kDatagramBytesMax, 'y'));
  REQUIRE(run_until(io, [&] { return !a->received.empty(); }));
  CHECK(a->received.front().bytes == std::string(limits::kDatagramBytesMax, 'y'));
  CHECK(a->port->stats().oversized == 2);
  CHECK(a->port->stats().received == 1);
}

TEST_CASE("an address that nobody listens on, or that is none, costs nothing but a count") {
  asio::io_context io;
  const auto a = open(io, unicast_only());
  const auto b = open(io, unicast_only());
  const std::string gone = open(io, unicast_only())->port->address();
  a->port->send(gone, bytes_of("x"));
  a->port->send("nonsense", bytes_of("x"));
  CHECK(a->port->stats().send_errors == 1);
  b->port->send(a->port->address(), bytes_of("still here"));
  REQUIRE(run_until(io, [&] { return !a->received.empty(); }));
}

TEST_CASE("a busy port is a conflict that names it") {
  asio::io_context io;
  const auto a = open(io, unicast_only());
  UdpOptions options;
  options.unicast = a->port->address();
  const auto second = UdpPort::open(io.get_executor(), options, [](auto, auto&) {});
  REQUIRE(!second);
  CHECK(second.error().code() == Errc::kConflict);
  CHECK_THAT(second.error().detail(), Catch::Contains(a->port->address()));
}

TEST_CASE("addresses that can't work are refused") {
  asio::io_context io;
  const auto code = [&](UdpOptions options) {
    const auto port = UdpPort::open(io.get_executor(), std::move(options), [](auto, auto&) {});
    return port ? Errc::kOk : port.error().code();
  };
  UdpOptions options = unicast_only();
  options.multicast = "127.0.0.1:7400";
  CHECK(code(options) == Errc::kInvalid);
  options.multicast = "239.255.77.1";
  CHECK(code(options) == Errc::kInvalid);
  options = with_group();
  options.interface = "lo";
  CHECK(code(options) == Errc::kInvalid);
  options = with_group();
  options.interface.clear();
  options.unicast = "0.0.0.0:0";
  CHECK(code(options) == Errc::kInvalid);
  options = unicast_only();
  options.unicast = "example:1";
  CHECK(code(options) == Errc::kInvalid);
}

TEST_CASE("without its interface a port sends nothing to the group, and unicast goes on") {
  asio::io_context io;
  UdpOptions options = with_group();
  options.interface = "203.0.113.77";  // documentation addresses: nobody has one
  const auto a = open(io, options);
  const auto b = open(io, unicast_only());
  a->port->multicast(bytes_of("x"));
  CHECK(a->port->stats().sent == 0);
  CHECK(a->port->stats().send_errors == 1);
  a->port->send(b->port->address(), bytes_of("y"));
  REQUIRE(run_until(io, [&] { return !b->received.empty(); }));
}

TEST_CASE("a port may be closed by what it delivers") {
  asio::io_context io;
  const auto a = open(io, unicast_only());
  std::unique_ptr<UdpPort> b;
  int calls = 0;
  b = UdpPort::open(io.get_executor(), unicast_only(), [&](auto, auto&) {
        ++calls;
        b.reset();
      }).value();
  const std::string address = b->address();
  a->port->send(address, bytes_of("1"));
  a->port->send(address, bytes_of("2"));
  REQUIRE(run_until(io, [&] { return calls == 1; }));
  run_now(io);
  CHECK(calls == 1);
}

}  // namespace
}  // namespace brigade::net::testing
