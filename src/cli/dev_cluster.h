// The directories of a whole cluster on one machine: DIR/n1, DIR/n2, ...
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/node/config.h"

namespace brigade::cli {

struct DevLayout {
  std::string root;
  std::uint32_t nodes = 5;
  std::optional<std::uint16_t> client_port;
  std::optional<std::uint16_t> peer_port;
  node::Transport transport = node::Transport::kMulticast;
  std::string log_level = "info";
  std::map<std::string, std::string> settings;  ///< of a cluster that is made anew
};

struct DevNode {
  node::DataDir dir;
  node::Config config;
  bool made_now = false;
};

/// How many of DIR/n1, DIR/n2, ... hold a node.
std::uint32_t count_dev_nodes(const std::string& root);

/// Makes what is missing, in the cluster of n1, and reads what is there.
/// Errors: of bootstrap and of config; kConflict if a directory is of another cluster, or its node has other ports than
/// those that are asked for.
Result<std::vector<DevNode>> prepare_dev_nodes(const DevLayout& layout);

}  // namespace brigade::cli
