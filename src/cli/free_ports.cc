#include "free_ports.h"

#include "open_file.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

namespace brigade::cli {
namespace {

/// A socket bound to 127.0.0.1:port (0: the system chooses); not open if the port is taken.
OpenFile bound_socket(int type, in_addr host, std::uint16_t port) {
  OpenFile socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return socket;
  // Connections of an earlier life that linger in TIME_WAIT don't make a port busy. For UDP it would hide a user.
  const int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = host;
  if (::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    socket.close();
    errno = reason;
  }
  return socket;
}

std::uint16_t port_of(const OpenFile& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

}  // namespace

Result<std::vector<std::uint16_t>> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  std::vector<OpenFile> held;  // all of them, to the end: so the system gives no port twice
  for (std::size_t attempts = 0; ports.size() < count && attempts < count * 20 + 100; ++attempts) {
    const in_addr loopback{htonl(INADDR_LOOPBACK)};
    OpenFile tcp = bound_socket(SOCK_STREAM, loopback, 0);
    const auto port = tcp.is_open() ? port_of(tcp) : std::uint16_t{0};
    OpenFile udp = port == 0 ? OpenFile(-1) : bound_socket(SOCK_DGRAM, loopback, port);
    if (udp.is_open()) ports.push_back(port);
    held.push_back(std::move(tcp));
    held.push_back(std::move(udp));
  }
  if (ports.size() < count)
    return Error{Errc::kUnavailable,
                 "not enough free ports on 127.0.0.1: name them with --client-port and --peer-port"};
  return ports;
}

Status check_port_free(const std::string& address, bool also_udp) {
  const auto colon = address.rfind(':');
  in_addr host{};
  std::uint16_t port = 0;
  // An address of another kind is checked by the node itself when it starts.
  if (colon == std::string::npos || ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &host) != 1) return {};
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    if (type == SOCK_DGRAM && !also_udp) continue;
    const OpenFile socket = bound_socket(type, host, port);
    const int reason = errno;
    if (!socket.is_open() && reason == EADDRINUSE)
      return Error{Errc::kConflict, address + (type == SOCK_STREAM ? " (TCP)" : " (UDP)") + " is busy"};
    if (!socket.is_open()) return Error{Errc::kConflict, address + " can't be used: " + std::strerror(reason)};
    if (type == SOCK_STREAM && ::listen(socket.fd(), 1) != 0) return Error{Errc::kConflict, address + " (TCP) is busy"};
  }
  return {};
}

}  // namespace brigade::cli
