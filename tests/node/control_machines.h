// Nodes' control planes on this machine, for tests; the test takes the place of their peer listeners and data planes.
#pragma once

#include "temp_dir.h"

#include <arpa/inet.h>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch.hpp>

#include "brigade/base/bucket_set.h"
#include "brigade/node/bootstrap.h"
#include "brigade/node/control.h"

namespace brigade::node::test_control {

using namespace std::chrono_literals;
using cluster::BucketState;
using cluster::Cell;

inline constexpr Duration kLease = 1200ms;
inline const std::map<std::string, std::string> kSettings{
    {"heartbeat", "300ms"}, {"lease", "1200ms"}, {"failure_timeout", "1500ms"}};

/// Polls until `holds`; false when that takes too long for any machine.
inline bool eventually(const std::function<bool()>& holds, std::chrono::seconds limit = 60s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 5);  // the turn of a poll that has a deadline
  }
  return true;
}

/// Of the loopback net, one that no other process uses: a port that was free stays free until it is bound again.
inline std::uint32_t own_host() {
  return 127U << 24 | (static_cast<std::uint32_t>(::getpid()) & 0x3fffff) << 1 | 1U << 23;
}

inline std::string own_host_text() {
  const std::uint32_t host = own_host();
  return std::to_string(host >> 24) + "." + std::to_string(host >> 16 & 255) + "." + std::to_string(host >> 8 & 255) +
         "." + std::to_string(host & 255);
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(own_host());
  address.sin_port = htons(port);
  return address;
}

/// A datagram socket on a port that the system chose.
class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }
  [[nodiscard]] std::string address() const { return own_host_text() + ":" + std::to_string(port_); }
  void send(const std::string& bytes, const std::string& to) const {
    const sockaddr_in address = loopback(static_cast<std::uint16_t>(std::stoi(to.substr(to.rfind(':') + 1))));
    REQUIRE(::sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) >
            0);
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

inline wire::NodeInfo info_of(const Config& config, const store::Identity& identity) {
  wire::NodeInfo node;
  node.id = identity.node;
  node.name = config.name;
  node.zone = config.zone;
  node.client = config.client_listen;
  node.peer = config.peer_listen;
  node.store = identity.store;
  return node;
}

/// What the data plane would say: everything is copied at once.
inline void tend(Control& control, NodeId self) {
  const auto view = control.view();
  wire::Report filled{.kind = wire::ReportKind::kFilled, .as_of = view->map.seq()};
  wire::Report released{.kind = wire::ReportKind::kReleased, .as_of = view->map.seq()};
  BucketSet::all().for_each([&](BucketId bucket) {
    const Cell& cell = view->map.cell(bucket);
    const bool fills = (cell.owner == self && !cell.in_sync && cell.state != BucketState::kReleased) ||
                       (cell.new_owner == self && cell.state == BucketState::kMoving && !cell.new_filled);
    if (fills) filled.buckets.add(bucket);
    if (cell.owner == self && cell.state == BucketState::kMoving && cell.new_filled) released.buckets.add(bucket);
  });
  if (!filled.buckets.empty()) control.report(std::move(filled));
  if (!released.buckets.empty()) control.report(std::move(released));
}

/// Nodes on this machine; the test takes the place of their peer listeners and data planes.
class Machines {
 public:
  struct Node {
    Config config;
    NodeId id;
    std::shared_ptr<const View> seen;  ///< by on_view
    std::unique_ptr<Control> control;
  };

  ~Machines() {
    for (auto& [name, node] : nodes_) stop(name);
  }

  /// Makes the directory. The first one founds the cluster, the others are told of `peers`.
  void make(const std::string& name, const std::vector<std::string>& peers = {}) {
    const Socket free;
    Node& node = nodes_[name];
    node.config.name = name;
    node.config.transport = Transport::kUnicast;
    node.config.client_listen = own_host_text() + ":1";  // nobody listens for clients here
    node.config.peer_listen = free.address();
    node.config.log_level = "warn";
    for (const std::string& peer : peers) node.config.peers.push_back(nodes_.at(peer).config.peer_listen);
    if (peers.empty()) {
      token_ = bootstrap_cluster(dir(name), node.config, kSettings).value();
    } else {
      REQUIRE(bootstrap_member(dir(name), node.config, token_));
    }
    node.config.cluster = token_.cluster;
  }

  Result<std::unique_ptr<Control>> try_start(const std::string& name, const Config& config) {
    const auto identity = store::Journal::read(dir(name).journal()).value().identity;
    nodes_.at(name).id = identity.node;
    auto journal = store::Journal::open(dir(name).journal());
    REQUIRE(journal);
    Control::Options options;
    options.config = config;
    options.self = info_of(config, identity);
    options.secret = token_.secret;
    options.journal = std::move(*journal);
    options.on_view = [this, name](std::shared_ptr<const View> view) {
      const std::lock_guard lock(mutex_);
      nodes_.at(name).seen = std::move(view);
    };
    options.fetch_index = [this, name](const std::string& address) { fetch_index(name, address); };
    return Control::start(std::move(options));
  }

  void start(const std::string& name) {
    const std::lock_guard lock(starting_);  // a callback waits until there is a control to answer to
    Node& node = nodes_.at(name);
    auto control = try_start(name, node.config);
    REQUIRE(control);
    node.control = std::move(*control);
  }
  void stop(const std::string& name) {
    Node& node = nodes_.at(name);
    if (!node.control) return;
    node.control->stop();
    const std::lock_guard lock(mutex_);
    node.seen.reset();
    node.control.reset();
  }

  /// While it is stopped.
  void rename(const std::string& name, const std::string& new_name) { nodes_.at(name).config.name = new_name; }
  void move(const std::string& name) { nodes_.at(name).config.peer_listen = Socket().address(); }

  Control& operator[](const std::string& name) { return *nodes_.at(name).control; }
  [[nodiscard]] NodeId id(const std::string& name) const { return nodes_.at(name).id; }
  [[nodiscard]] const Config& config(const std::string& name) const { return nodes_.at(name).config; }
  [[nodiscard]] std::string name(NodeId id) const {
    for (const auto& [name, node] : nodes_)
      if (node.id == id) return name;
    return "nobody";
  }
  [[nodiscard]] std::vector<std::string> running() const {
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_)
      if (node.control) names.push_back(name);
    return names;
  }

  /// All that run serve in one group, with one map, in which exactly they are up; buckets are tended meanwhile.
  bool agree() {
    std::shared_ptr<const View> first;
    const auto names = running();
    if (std::chrono::steady_clock::now() >= tend_at_) {
      for (const std::string& name : names) tend((*this)[name], id(name));
      tend_at_ = std::chrono::steady_clock::now() + 50ms;
    }
    for (const std::string& name : names) {
      const auto view = (*this)[name].view();
      if (!first) first = view;
      std::size_t up = 0;
      for (const auto& entry : view->map.roster()) up += entry.up ? 1 : 0;
      const bool same = view->epoch == first->epoch && view->map.seq() == first->map.seq();
      if (view->state != cluster::State::kNormal || !same || up != names.size() || !(*this)[name].may_serve())
        return false;
      if (view != first) CHECK(view->map.state_digest() == first->map.state_digest());
    }
    return true;
  }
  bool all_serve_everything() {
    if (!agree()) return false;
    const auto view = (*this)[running().front()].view();
    bool all = true;
    BucketSet::all().for_each([&](BucketId bucket) { all = all && view->map.is_in_sync(bucket); });
    return all;
  }
  std::string coordinator() { return name((*this)[running().front()].view()->coordinator); }

 private:
  [[nodiscard]] DataDir dir(const std::string& name) const { return {temp_ / name}; }

  void fetch_index(const std::string& name, const std::string& address) {
    const std::lock_guard started(starting_);
    const std::lock_guard lock(mutex_);
    Result<wire::Snapshot> snapshot = Error{Errc::kUnavailable, "nobody at " + address};
    for (const auto& [other, node] : nodes_)
      if (node.config.peer_listen == address && node.seen) snapshot = node.seen->map.snapshot();
    nodes_.at(name).control->index_fetched(std::move(snapshot));
  }

  test::TempDir temp_;
  JoinToken token_;
  std::chrono::steady_clock::time_point tend_at_;
  std::mutex starting_;
  std::mutex mutex_;  ///< guards Node::seen
  std::map<std::string, Node> nodes_;
};

}  // namespace brigade::node::test_control
