#include "address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include "brigade/base/limits.h"

namespace brigade::node {
namespace {

bool is_name(std::string_view host) {
  return !host.empty() && host.front() != '-' && host.front() != '.' && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  });
}

/// Only digits and dots: meant as IPv4, so it must be one.
bool looks_like_ipv4(std::string_view host) {
  return std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

Error bad_address(std::string_view text) {
  return {Errc::kInvalid,
          "'" + std::string(text) + "' is no address: HOST:PORT is expected, such as 10.0.0.7:8080 or [fd00::7]:8080"};
}

}  // namespace

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_wildcard(const std::string& host) {
  in6_addr address{};
  return host == "0.0.0.0" || (inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_UNSPECIFIED(&address));
}

bool is_ipv4_multicast(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && IN_MULTICAST(ntohl(address.s_addr));
}

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() > limits::kAddressBytesMax) return bad_address(text);
  HostPort address;
  const auto port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size() || address.port == 0)
    return Error{Errc::kInvalid, "'" + std::string(text) + "' needs a port from 1 to 65535 after its last ':'"};
  const auto host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    address.host = host.substr(1, host.size() - 2);
    if (!is_ipv6(address.host)) return bad_address(text);
  } else {
    address.host = host;
    if (looks_like_ipv4(host) ? !is_ipv4(address.host) : !is_name(host)) return bad_address(text);
  }
  return address;
}

}  // namespace brigade::node
