#include "brigade/net/udp.h"

#include "text.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unordered_map>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::net {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

constexpr int kPerTurn = 64;  ///< datagrams taken before others get their turn
constexpr std::chrono::seconds kJoinRetry{1};
/// One more than may arrive: so a longer one shows.
constexpr std::size_t kReceiveBytes = limits::kDatagramBytesMax + 1;

Result<udp::endpoint> endpoint_of(const std::string& address) {
  const auto parts = split_address(address);
  if (!parts) return parts.error();
  error_code ec;
  const auto ip = asio::ip::make_address_v4(parts->first == "localhost" ? "127.0.0.1" : parts->first, ec);
  if (ec) return Error(Errc::kInvalid, "'" + address + "' must be an IPv4 address with a port");
  return udp::endpoint(ip, parts->second);
}

std::string text_of(const udp::endpoint& endpoint) {
  return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

in_addr in_addr_of(const asio::ip::address_v4& address) {
  in_addr out{};
  const auto bytes = address.to_bytes();
  std::memcpy(&out, bytes.data(), bytes.size());
  return out;
}

template <class T>
bool set_option(udp::socket& socket, int level, int name, const T& value) {
  return ::setsockopt(socket.native_handle(), level, name, &value, sizeof value) == 0;
}

class AsioUdpPort final : public UdpPort {
 public:
  /// Everything that a queued handler may touch after the port is gone.
  struct State : std::enable_shared_from_this<State> {
    State(const asio::any_io_executor& executor, OnDatagram f)
        : unicast(executor), group(executor), retry(executor), on_datagram(std::move(f)) {}

    Status open(const UdpOptions& options);
    void join();
    void receive(udp::socket& socket);
    bool drain(udp::socket& socket);
    void send(const udp::endpoint& to, std::span<const std::byte> datagram);
    const std::string& name_of(const udp::endpoint& endpoint);

    udp::socket unicast;
    udp::socket group;
    asio::steady_timer retry;
    OnDatagram on_datagram;
    std::optional<udp::endpoint> group_endpoint;
    asio::ip::address_v4 interface;
    bool interface_set = false;
    int receive_buffer_bytes = 0;
    bool closed = false;
    UdpStats stats;
    std::array<std::byte, kReceiveBytes> buffer;
    std::string from;  ///< text of from_endpoint
    udp::endpoint from_endpoint;
    std::unordered_map<std::string, udp::endpoint> addresses;  ///< parsed before
  };

  explicit AsioUdpPort(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~AsioUdpPort() override {
    error_code ignored;
    state_->closed = true;
    state_->unicast.close(ignored);
    state_->group.close(ignored);
    state_->retry.cancel();
  }

  void send(const std::string& address, std::span<const std::byte> datagram) override {
    auto known = state_->addresses.find(address);
    if (known == state_->addresses.end()) {
      const auto endpoint = endpoint_of(address);
      if (!endpoint) {
        ++state_->stats.send_errors;
        return;
      }
      if (state_->addresses.size() >= 4 * limits::kNodesMax) state_->addresses.clear();
      known = state_->addresses.emplace(address, *endpoint).first;
    }
    state_->send(known->second, datagram);
  }
  void multicast(std::span<const std::byte> datagram) override {
    BRIGADE_CHECK(state_->group_endpoint.has_value(), "multicast() on a port without a group");
    if (!state_->interface_set) state_->join();
    if (!state_->interface_set) {
      ++state_->stats.send_errors;
      return;
    }
    state_->send(*state_->group_endpoint, datagram);
  }
  [[nodiscard]] UdpStats stats() const override { return state_->stats; }
  [[nodiscard]] std::string address() const override {
    error_code ignored;
    return text_of(state_->unicast.local_endpoint(ignored));
  }

 private:
  std::shared_ptr<State> state_;
};

Status bound(udp::socket& socket, const udp::endpoint& endpoint, int receive_buffer_bytes) {
  error_code ec;
  const std::string name = text_of(endpoint);
  socket.bind(endpoint, ec);
  if (ec == asio::error::address_in_use)
    return Error(Errc::kConflict,
                 "UDP " + name + " is in use; stop the program that has it, or choose another address");
  if (ec)
    return Error(Errc::kInvalid,
                 "can't bind UDP " + name + ": " + ec.message() + "; choose an address of this machine");
  // The forced form goes past the system's bound, but needs a privilege.
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer_bytes))
    (void)set_option(socket, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
  socket.non_blocking(true, ec);
  return {};
}

Status AsioUdpPort::State::open(const UdpOptions& options) {
  const auto own = endpoint_of(options.unicast);
  if (!own) return own.error();
  receive_buffer_bytes = options.receive_buffer_bytes;
  error_code ec;
  unicast.open(udp::v4(), ec);
  if (ec) return Error(Errc::kInvalid, "can't open a UDP socket: " + ec.message());
  if (auto s = bound(unicast, *own, receive_buffer_bytes); !s) return s.error();
  receive(unicast);
  if (!options.multicast) return {};

  const auto to = endpoint_of(*options.multicast);
  if (!to) return to.error();
  if (!to->address().is_multicast() || to->port() == 0)
    return Error(Errc::kInvalid,
                 "'" + *options.multicast + "' is no multicast group with a port, such as 239.255.77.1:7400");
  interface = own->address().to_v4();
  if (!options.interface.empty()) {
    interface = asio::ip::make_address_v4(options.interface, ec);
    if (ec) return Error(Errc::kInvalid, "'" + options.interface + "' is no IPv4 address of an interface");
  }
  // Without an interface of its own a datagram to the group would leave by the default route.
  if (interface.is_unspecified())
    return Error(Errc::kInvalid,
                 "multicast needs the address of one interface: listen on one address, or name the interface");
  group_endpoint = *to;
  group.open(udp::v4(), ec);
  if (ec) return Error(Errc::kInvalid, "can't open a UDP socket: " + ec.message());
  group.set_option(asio::socket_base::reuse_address(true), ec);
  // Only groups that this socket itself joined: others of the machine may join the same one on other interfaces.
  const int none = 0;
  (void)set_option(group, IPPROTO_IP, IP_MULTICAST_ALL, none);
  if (auto s = bound(group, *to, receive_buffer_bytes); !s) return s.error();
  receive(group);
  join();
  return {};
}

/// Joins the group on the interface, again and again until there is one.
void AsioUdpPort::State::join() {
  ip_mreqn membership{};
  membership.imr_multiaddr = in_addr_of(group_endpoint->address().to_v4());
  membership.imr_address = in_addr_of(interface);
  const unsigned char loop = 1;
  const unsigned char hops = 1;
  const bool joined = set_option(group, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership) || errno == EADDRINUSE;
  const bool outgoing = set_option(unicast, IPPROTO_IP, IP_MULTICAST_IF, membership.imr_address);
  (void)set_option(unicast, IPPROTO_IP, IP_MULTICAST_LOOP, loop);
  (void)set_option(unicast, IPPROTO_IP, IP_MULTICAST_TTL, hops);
  interface_set = outgoing;
  if (joined && outgoing) return;
  retry.expires_after(kJoinRetry);
  retry.async_wait([weak = weak_from_this()](const error_code& ec) {
    const auto alive = weak.lock();
    if (!ec && alive && !alive->closed) alive->join();
  });
}

void AsioUdpPort::State::receive(udp::socket& socket) {
  socket.async_wait(asio::socket_base::wait_read, [weak = weak_from_this(), &socket](const error_code& ec) {
    const auto alive = weak.lock();
    if (!alive || alive->closed || ec == asio::error::operation_aborted) return;
    if (alive->drain(socket)) alive->receive(socket);
  });
}

/// Takes what is there, up to a bound. False if the port was closed meanwhile.
bool AsioUdpPort::State::drain(udp::socket& socket) {
  for (int i = 0; i < kPerTurn; ++i) {
    udp::endpoint endpoint;
    error_code ec;
    const std::size_t count = socket.receive_from(asio::buffer(buffer), endpoint, 0, ec);
    // An error report of an earlier send (port unreachable) is not about what waits here.
    if (ec == asio::error::would_block || ec == asio::error::try_again) return true;
    if (ec) continue;
    if (count >= kReceiveBytes) {
      ++stats.oversized;
      continue;
    }
    ++stats.received;
    const std::string& name = name_of(endpoint);
    on_datagram(std::span(buffer).first(count), name);
    if (closed) return false;
  }
  return true;
}

const std::string& AsioUdpPort::State::name_of(const udp::endpoint& endpoint) {
  if (from.empty() || endpoint != from_endpoint) {
    from_endpoint = endpoint;
    from = text_of(endpoint);
  }
  return from;
}

void AsioUdpPort::State::send(const udp::endpoint& to, std::span<const std::byte> datagram) {
  BRIGADE_CHECK(datagram.size() <= limits::kDatagramBytesMax, datagram.size() << " bytes in one datagram");
  error_code ec;
  unicast.send_to(asio::const_buffer(datagram.data(), datagram.size()), to, 0, ec);
  ++(ec ? stats.send_errors : stats.sent);
}

}  // namespace

Result<std::unique_ptr<UdpPort>> UdpPort::open(boost::asio::any_io_executor executor, UdpOptions options,
                                               OnDatagram on_datagram) {
  auto state = std::make_shared<AsioUdpPort::State>(executor, std::move(on_datagram));
  if (auto s = state->open(options); !s) return s.error();
  return std::unique_ptr<UdpPort>(std::make_unique<AsioUdpPort>(std::move(state)));
}

}  // namespace brigade::net
