// Ports of this machine's loopback for clusters that run on it whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::cli {

/// `count` different ports of 127.0.0.1 that nobody uses just now, for TCP and UDP both. Errors: kUnavailable.
Result<std::vector<std::uint16_t>> free_ports(std::size_t count);
/// Errors: kConflict, with the address, if something listens at host:port (TCP; UDP too if `also_udp`).
Status check_port_free(const std::string& address, bool also_udp);

}  // namespace brigade::cli
