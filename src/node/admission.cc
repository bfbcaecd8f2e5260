#include "admission.h"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

namespace brigade::node {

std::optional<Admission::Place> Admission::enter(std::string_view name, std::uint64_t bytes, Room limit,
                                                 Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  Client& client = find(name, now);
  const Room& used = stats_.used;
  if (used.places >= limit.places || used.bytes + bytes > limit.bytes) {
    ++stats_.refused_full;
    return std::nullopt;
  }
  if (client.held.places > 0 && !is_fair(client, bytes, limit)) {
    ++stats_.refused_share;
    return std::nullopt;
  }
  client.held = {client.held.places + 1, client.held.bytes + bytes};
  stats_.used = {used.places + 1, used.bytes + bytes};
  return Place(*this, client, bytes);
}

bool Admission::is_fair(const Client& client, std::uint64_t bytes, Room limit) const {
  const Room& used = stats_.used;
  if (used.places < limit.places / 2 && used.bytes + bytes <= limit.bytes / 2) return true;
  const std::size_t clients = clients_.size();
  return client.held.places < limit.places / clients && client.held.bytes + bytes <= limit.bytes / clients;
}

void Admission::leave(Client& client, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  client.held = {client.held.places - 1, client.held.bytes - bytes};
  stats_.used = {stats_.used.places - 1, stats_.used.bytes - bytes};
}

Admission::Client& Admission::find(std::string_view name, Clock::time_point now) {
  const auto known = by_name_.find(name);
  if (known != by_name_.end()) {
    clients_.splice(clients_.end(), clients_, known->second);
  } else {
    clients_.push_back({std::string(name), {}, now});
    by_name_.emplace(clients_.back().name, std::prev(clients_.end()));
  }
  clients_.back().asked = now;
  return clients_.back();
}

void Admission::forget_old(Clock::time_point now) {
  while (!clients_.empty()) {
    Client& oldest = clients_.front();
    const bool is_old = now - oldest.asked > kLately;
    if (!is_old && clients_.size() < kClientsMax) return;
    if (oldest.held.places == 0) {
      by_name_.erase(oldest.name);
      clients_.pop_front();
    } else {
      // Who still holds something is there as if it had just asked: so the order stays.
      oldest.asked = now;
      clients_.splice(clients_.end(), clients_, clients_.begin());
    }
    if (!is_old) return;
  }
}

Admission::Stats Admission::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::string client_of(std::string_view remote) {
  namespace ip = boost::asio::ip;
  const std::string_view host = remote.substr(0, remote.rfind(':'));
  if (!host.starts_with('[') || !host.ends_with(']')) return std::string(host);
  boost::system::error_code ec;
  const auto address = ip::make_address_v6(std::string(host.substr(1, host.size() - 2)), ec);
  if (ec) return std::string(host);
  if (address.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address).to_string();
  auto bytes = address.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace brigade::node
