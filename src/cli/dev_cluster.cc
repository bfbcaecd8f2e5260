#include "dev_cluster.h"

#include "free_ports.h"

#include <filesystem>

#include "brigade/node/bootstrap.h"

namespace brigade::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLoopback = "127.0.0.1";

node::DataDir dir_of(const std::string& root, std::uint32_t number) {
  return {root + "/n" + std::to_string(number)};
}

bool holds_node(const node::DataDir& dir) {
  std::error_code error;
  return fs::exists(dir.config(), error);
}

std::string at_loopback(std::uint32_t port) {
  return std::string(kLoopback) + ":" + std::to_string(port);
}

/// The port that `base` gives the node, or the next of the free ones.
Result<std::string> listen_address(std::optional<std::uint16_t> base, std::uint32_t number,
                                   std::vector<std::uint16_t>& free) {
  if (!base) {
    const auto port = free.back();
    free.pop_back();
    return at_loopback(port);
  }
  const auto port = *base + number - 1;
  if (port > 65535)
    return Error{Errc::kInvalid, "port " + std::to_string(port) + " of n" + std::to_string(number) + " is above 65535"};
  return at_loopback(port);
}

/// A node that is there keeps its ports: whoever wants others is told, not ignored.
Status check_port_kept(std::optional<std::uint16_t> base, std::uint32_t number, const std::string& listen,
                       std::string_view option, std::string_view key, const node::DataDir& dir) {
  if (!base || listen.ends_with(":" + std::to_string(*base + number - 1))) return {};
  return Error{Errc::kConflict, "n" + std::to_string(number) + " is there and listens on " + listen + ": leave " +
                                    std::string(option) + " out, or change " + std::string(key) + " in " +
                                    dir.config()};
}

}  // namespace

std::uint32_t count_dev_nodes(const std::string& root) {
  std::uint32_t count = 0;
  while (holds_node(dir_of(root, count + 1))) ++count;
  return count;
}

Result<std::vector<DevNode>> prepare_dev_nodes(const DevLayout& layout) {
  auto free = free_ports(std::size_t{2} * layout.nodes + 1);
  if (!free) return free.error();
  // A group of its own, so that clusters on one machine need not read each other's datagrams.
  std::string multicast = "239.255.77.1:" + std::to_string(free->back());
  free->pop_back();
  std::optional<node::JoinToken> token;
  std::vector<DevNode> nodes;
  for (std::uint32_t number = 1; number <= layout.nodes; ++number) {
    DevNode made;
    made.dir = dir_of(layout.root, number);
    if (!holds_node(made.dir)) {
      node::Config config;
      config.name = "n" + std::to_string(number);
      const auto client = listen_address(layout.client_port, number, *free);
      const auto peer = listen_address(layout.peer_port, number, *free);
      if (!client) return client.error();
      if (!peer) return peer.error();
      config.client_listen = *client;
      config.peer_listen = *peer;
      config.transport = nodes.empty() ? layout.transport : nodes.front().config.transport;
      config.multicast = multicast;
      config.interface = kLoopback;
      config.log_level = layout.log_level;
      if (nodes.empty()) {
        auto drawn = node::bootstrap_cluster(made.dir, config, layout.settings);
        if (!drawn) return drawn.error();
      } else {
        config.peers = {nodes.front().config.peer_listen};
        if (auto ok = node::bootstrap_member(made.dir, config, *token); !ok) return ok.error();
      }
      made.made_now = true;
    }
    auto config = node::load_config(made.dir);
    if (!config) return config.error();
    made.config = std::move(*config);
    if (!made.made_now) {
      const auto client = check_port_kept(layout.client_port, number, made.config.client_listen, "--client-port",
                                          "client_listen", made.dir);
      const auto peer =
          check_port_kept(layout.peer_port, number, made.config.peer_listen, "--peer-port", "peer_listen", made.dir);
      if (!client) return client.error();
      if (!peer) return peer.error();
    }
    if (nodes.empty()) {
      auto known = node::join_token_of(made.dir);
      if (!known) return known.error();
      token = *known;
      multicast = made.config.multicast;
    } else if (made.config.cluster != token->cluster) {
      return Error{Errc::kConflict,
                   made.dir.root + " is of another cluster than " + nodes.front().dir.root + ": move it away"};
    }
    nodes.push_back(std::move(made));
  }
  return nodes;
}

}  // namespace brigade::cli
