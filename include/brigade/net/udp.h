// The cluster's datagram sockets.  Source: design §7; testing "Network" (loopback multicast recipe).
// Concept: one socket for unicast, bound to the node's peer port, and, with multicast, one bound to the group. Bytes
// in,
//          bytes out; authentication is wire/auth.h. IP_MULTICAST_IF is always set, so nothing leaves by a default
//          route.
// Thread:  one executor.
// Errors:  a full send buffer drops the datagram (the protocol repeats); a missing interface is tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "brigade/base/result.h"

namespace brigade::net {

struct UdpOptions {
  std::string unicast;                   ///< host:port to bind
  std::optional<std::string> multicast;  ///< group:port; nothing: unicast only
  std::string interface;                 ///< address of the interface for multicast; empty: the host of `unicast`
  int receive_buffer_bytes = 4 << 20;
};

struct UdpStats {
  std::uint64_t sent = 0, received = 0, send_errors = 0, oversized = 0;
};

class UdpPort {
 public:
  /// Called for each datagram; the bytes are valid during the call. `from` is the sender's unicast host:port.
  using OnDatagram = std::function<void(std::span<const std::byte> datagram, const std::string& from)>;
  static Result<std::unique_ptr<UdpPort>> open(boost::asio::any_io_executor executor, UdpOptions options,
                                               OnDatagram on_datagram);
  virtual ~UdpPort() = default;
  /// To one address. Never blocks.
  virtual void send(const std::string& address, std::span<const std::byte> datagram) = 0;
  /// To the group. Requires multicast.
  virtual void multicast(std::span<const std::byte> datagram) = 0;
  [[nodiscard]] virtual UdpStats stats() const = 0;
  [[nodiscard]] virtual std::string address() const = 0;
};

}  // namespace brigade::net
