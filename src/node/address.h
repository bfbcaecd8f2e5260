// host:port texts of configuration.  Concept: checked as text; no name is looked up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "brigade/base/result.h"

namespace brigade::node {

struct HostPort {
  std::string host;  ///< IPv4, IPv6 without its brackets, or a name
  std::uint16_t port = 0;
};

/// "10.0.0.7:8080", "[fd00::7]:8080", "n1.example:8080", the port from 1. Errors: kInvalid.
Result<HostPort> parse_host_port(std::string_view text);
bool is_ipv4(const std::string& host);
bool is_ipv6(const std::string& host);
/// 0.0.0.0 or ::
bool is_wildcard(const std::string& host);
bool is_ipv4_multicast(const std::string& host);

}  // namespace brigade::node
