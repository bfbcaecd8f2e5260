#include "control_resolver.h"

#include "address.h"

#include <boost/system/error_code.hpp>

namespace brigade::node {

using boost::asio::ip::udp;

std::string PeerResolver::numeric(Instant now, const std::string& address) {
  const auto known = known_.find(address);
  if (known == known_.end()) {
    const auto parts = parse_host_port(address);
    if (!parts) return {};
    if (is_ipv4(parts->host)) return address;
  }
  Known& entry = known_[address];
  if (!entry.asking && now >= entry.ask_at && !closed_) {
    entry.asking = true;
    entry.ask_at = now + (entry.numeric.empty() ? kAskAgainUnknown : kAskAgain);
    const auto parts = parse_host_port(address);
    ask(address, parts->host, std::to_string(parts->port));
  }
  return entry.numeric;
}

void PeerResolver::ask(const std::string& address, const std::string& host, const std::string& port) {
  resolver_.async_resolve(
      udp::v4(), host, port,
      [this, address](const boost::system::error_code& ec, const udp::resolver::results_type& found) {
        if (ec == boost::asio::error::operation_aborted) return;
        Known& entry = known_[address];
        entry.asking = false;
        if (ec || found.empty()) return;  // what was known may still be right
        const udp::endpoint endpoint = found.begin()->endpoint();
        entry.numeric = endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
      });
}

void PeerResolver::close() {
  closed_ = true;
  resolver_.cancel();
}

}  // namespace brigade::node
