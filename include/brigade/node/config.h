// A node's own configuration: DIR/brigade.toml, DIR/secret, the join token.  Source: design §7 CLI.
// Concept: what differs from node to node and must be known before the node talks to anybody. What the cluster agrees
// on
//          are settings, in the log.
// Thread:  values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/wire/auth.h"

namespace brigade::node {

enum class Transport : std::uint8_t { kMulticast, kUnicast };

struct Config {
  std::string name;
  std::string zone;
  std::uint32_t weight = 1;
  std::string client_listen = "0.0.0.0:8080";
  std::string peer_listen = "0.0.0.0:8081";
  std::string client_advertise;  ///< as others reach it; empty: the listen address (its host must then be a real one)
  std::string peer_advertise;
  Transport transport = Transport::kMulticast;
  std::string multicast = "239.255.77.1:7400";
  std::string interface;           ///< IPv4 address of the interface for multicast; empty: the peer address' host
  std::vector<std::string> disks;  ///< whole paths of directories on further disks, for objects
  std::uint64_t small_object_max = std::uint64_t{1} << 20;  ///< bytes; larger objects get a file each
  std::uint32_t writes_max = 512;                           ///< that are under way at a time for clients
  std::uint64_t request_memory = std::uint64_t{1} << 30;    ///< bytes that all requests may hold
  std::vector<std::string> peers;                           ///< peer addresses for first contact, from bootstrap --join
  ClusterId cluster;
  std::uint64_t naming_seed = 0;  ///< see base/checksum.h NamingSecret
  std::uint32_t event_loops = 0;  ///< that serve clients and peers; 0: one for each core
  std::string log_level = "info";
  static constexpr std::uint32_t kWritesMax = 65536;
  static constexpr std::uint64_t kRequestMemoryMin = std::uint64_t{32} << 20;
  bool operator==(const Config&) const = default;
};

/// Paths inside a data directory.
struct DataDir {
  std::string root;
  [[nodiscard]] std::string config() const { return root + "/brigade.toml"; }
  [[nodiscard]] std::string secret() const { return root + "/secret"; }
  [[nodiscard]] std::string journal() const { return root + "/journal.db"; }
};

/// Reads and checks DIR/brigade.toml. Errors: kNotFound, kInvalid (file, line, key, what is allowed).
Result<Config> load_config(const DataDir& dir);
/// Writes it anew, atomically. The text has a comment for each key.
Status save_config(const DataDir& dir, const Config& config);
/// Every rule a config must keep, also for flags of bootstrap: names, addresses, weights. Errors: kInvalid.
Status check_config(const Config& config);

/// Refuses a file that is missing, malformed, or readable by anyone but its owner. Errors: kNotFound, kInvalid,
/// kUnauthorized.
Result<wire::ClusterSecret> load_secret(const DataDir& dir);
/// Mode 0600, synced. Errors: kConflict if there is one.
Status save_secret(const DataDir& dir, const wire::ClusterSecret& secret);

/// What a new node needs to trust and to reach a cluster. Text: "brigade1." + base64url of a checked binary form.
struct JoinToken {
  ClusterId cluster;
  std::uint64_t naming_seed = 0;
  wire::ClusterSecret secret;
  bool operator==(const JoinToken& other) const {
    return cluster == other.cluster && naming_seed == other.naming_seed && secret.bytes == other.secret.bytes;
  }
};
std::string to_text(const JoinToken& token);
/// Errors: kInvalid ("not a join token", "damaged: copy it whole").
Result<JoinToken> parse_join_token(std::string_view text);

}  // namespace brigade::node
