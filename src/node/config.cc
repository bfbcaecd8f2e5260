// brigade.toml: reading, checking, writing.
#include "brigade/node/config.h"

#include "address.h"
#include "drawn_id.h"
#include "file_version.h"
#include "private_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>

#include "brigade/base/limits.h"
#include "brigade/base/settings.h"

namespace brigade::node {
namespace {

constexpr std::uint64_t kSmallObjectMin = std::uint64_t{4} << 10, kSmallObjectMax = std::uint64_t{4} << 20;
constexpr std::array<std::string_view, 5> kLogLevels = {"trace", "debug", "info", "warn", "error"};

/// A key of brigade.toml: the comment that stands above it, and how it is written.
struct Key {
  std::string_view name;
  std::string_view comment;
};

constexpr std::array<Key, 19> kKeys = {{
    {"name", "The node's name, unique in the cluster: 1 to 63 of A-Z a-z 0-9 . _ -"},
    {"zone",
     "What fails together with this node (a rack, a room) when it joins; later `brigade rezone` says. May be empty."},
    {"weight",
     "This node's share of the data when it joins, compared with the others' weights; later `brigade reweight` says."},
    {"client_listen", "Where HTTP clients are served."},
    {"client_advertise", "The same as clients reach it; empty: client_listen."},
    {"peer_listen", "Where the other nodes are served (TCP), and datagrams arrive (UDP)."},
    {"peer_advertise", "The same as the other nodes reach it; empty: peer_listen."},
    {"transport", "How datagrams travel: \"multicast\", or \"unicast\" where a network has no multicast."},
    {"multicast", "The group and port of the datagrams; the same on all nodes."},
    {"interface", "IPv4 address of the interface for multicast; empty: the host of the peer address."},
    {"disks", "Directories on further disks that hold objects, too, each its own share. Add to them, take none away."},
    {"writes_max",
     "Writes that are under way at a time for clients, and as many for other nodes; more are answered 503."},
    {"request_memory",
     "What all requests may hold in memory; for what goes beyond it the answer is 503. From 32MiB, "
     "and from 32 times small_object_max."},
    {"small_object_max", "Up to which size objects share segments; larger ones get a file each. From 4KiB to 4MiB."},
    {"peers", "Peer addresses of other nodes, for the first contact."},
    {"cluster", "The cluster that this node belongs to. Never change it."},
    {"naming_seed", "What keys are hashed with; the same on all nodes, known to nobody else. Never change it."},
    {"event_loops", "Threads that serve clients and peers; 0: one for each core. All but one serve reads alone."},
    {"log_level", "trace, debug, info, warn or error."},
}};

Error invalid(std::string detail) {
  return {Errc::kInvalid, std::move(detail)};
}

bool is_label(std::string_view text) {
  return text.size() <= limits::kNameBytesMax && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
                  c == '-';
         });
}

Status check_listener(std::string_view key, const std::string& listen, const std::string& advertise) {
  const auto bound = parse_host_port(listen);
  if (!bound) return invalid(std::string(key) + "_listen: " + bound.error().detail());
  if (!is_ipv4(bound->host) && !is_ipv6(bound->host))
    return invalid(std::string(key) + "_listen: '" + listen +
                   "' must name an address of this machine, such as 0.0.0.0, not a name");
  const auto told = parse_host_port(advertise.empty() ? listen : advertise);
  if (!told) return invalid(std::string(key) + "_advertise: " + told.error().detail());
  if (is_wildcard(told->host))
    return invalid(std::string(key) + "_advertise: others can't reach " + (advertise.empty() ? listen : advertise) +
                   "; give the address at which they reach this node");
  return {};
}

Status check_transport(const Config& config) {
  if (config.transport == Transport::kUnicast) return {};
  const auto group = parse_host_port(config.multicast);
  if (!group) return invalid("multicast: " + group.error().detail());
  if (!is_ipv4_multicast(group->host))
    return invalid("multicast: '" + config.multicast +
                   "' must be an IPv4 group (224.0.0.0 to 239.255.255.255) and a port");
  if (!config.interface.empty()) {
    if (!is_ipv4(config.interface) || is_wildcard(config.interface))
      return invalid("interface: '" + config.interface + "' must be an IPv4 address of this machine, such as 10.0.0.7");
    return {};
  }
  const auto peer = parse_host_port(config.peer_advertise.empty() ? config.peer_listen : config.peer_advertise);
  if (!peer || !is_ipv4(peer->host))
    return invalid("interface: give the IPv4 address of the interface for multicast, or choose transport unicast");
  return {};
}

/// Reads keys of one table, remembering the first complaint with its place.
class Reader {
 public:
  Reader(const toml::table& table, std::string file) : table_(table), file_(std::move(file)) {}

  void text(std::string_view key, std::string& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    if (const auto value = node->value_exact<std::string>())
      out = *value;
    else
      complain(*node, key, "must be a text in quotes");
  }
  void number(std::string_view key, std::uint32_t max, std::uint32_t& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::int64_t>();
    if (value && *value >= 0 && *value <= std::int64_t{max})
      out = static_cast<std::uint32_t>(*value);
    else
      complain(*node, key, "must be a whole number from 0 to " + std::to_string(max));
  }
  void size(std::string_view key, std::uint64_t& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::string>();
    const auto bytes = value ? parse_size(*value) : Result<std::uint64_t>(Errc::kInvalid);
    if (bytes)
      out = *bytes;
    else
      complain(*node, key, "must be a size in quotes, such as \"1MiB\"");
  }
  void hex(std::string_view key, std::uint64_t& out) {
    const auto* node = find(key);
    if (node == nullptr) return complain(key, "is missing");
    const auto value = node->value_exact<std::string>();
    const auto parsed = value ? parse_hex64(*value) : std::nullopt;
    if (parsed)
      out = *parsed;
    else
      complain(*node, key, "must be 16 hex digits in quotes, as bootstrap wrote them");
  }
  void texts(std::string_view key, std::vector<std::string>& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto* const array = node->as_array();
    if (array == nullptr) return complain(*node, key, "must be a list of texts");
    for (const auto& item : *array) {
      if (const auto value = item.value_exact<std::string>())
        out.push_back(*value);
      else
        complain(item, key, "must hold texts only");
    }
  }
  void transport(std::string_view key, Transport& out) {
    std::string value = "multicast";
    text(key, value);
    if (value == "unicast")
      out = Transport::kUnicast;
    else if (value == "multicast")
      out = Transport::kMulticast;
    else
      complain(*find(key), key, "must be \"multicast\" or \"unicast\"");
  }
  void no_others() {
    for (const auto& item : table_) {
      const std::string_view key = item.first.str();
      if (key != "version" && std::ranges::none_of(kKeys, [&](const Key& known) { return known.name == key; }))
        complain(item.second, key, "is no key of brigade.toml: a slip of the pen?");
    }
  }
  [[nodiscard]] const std::optional<Error>& complaint() const { return complaint_; }

 private:
  const toml::node* find(std::string_view key) const { return table_.get(key); }
  void complain(const toml::node& node, std::string_view key, const std::string& what) {
    if (!complaint_)
      complaint_ =
          invalid(file_ + " line " + std::to_string(node.source().begin.line) + ": " + std::string(key) + " " + what);
  }
  void complain(std::string_view key, const std::string& what) {
    if (!complaint_) complaint_ = invalid(file_ + ": " + std::string(key) + " " + what);
  }

  const toml::table& table_;
  std::string file_;
  std::optional<Error> complaint_;
};

std::string quoted(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

std::string value_text(const Config& config, std::string_view key) {
  if (key == "name") return quoted(config.name);
  if (key == "zone") return quoted(config.zone);
  if (key == "weight") return std::to_string(config.weight);
  if (key == "client_listen") return quoted(config.client_listen);
  if (key == "client_advertise") return quoted(config.client_advertise);
  if (key == "peer_listen") return quoted(config.peer_listen);
  if (key == "peer_advertise") return quoted(config.peer_advertise);
  if (key == "transport") return quoted(config.transport == Transport::kUnicast ? "unicast" : "multicast");
  if (key == "multicast") return quoted(config.multicast);
  if (key == "interface") return quoted(config.interface);
  if (key == "writes_max") return std::to_string(config.writes_max);
  if (key == "request_memory") return quoted(size_text(config.request_memory));
  if (key == "cluster") return quoted(to_string(config.cluster));
  if (key == "naming_seed") return quoted(hex64(config.naming_seed));
  if (key == "event_loops") return std::to_string(config.event_loops);
  if (key == "log_level") return quoted(config.log_level);
  if (key == "small_object_max") return quoted(size_text(config.small_object_max));
  std::string list = "[";
  for (const auto& item : key == "disks" ? config.disks : config.peers)
    list += (list.size() > 1 ? ", " : "") + quoted(item);
  return list + "]";
}

}  // namespace

Status check_config(const Config& config) {
  if (config.name.empty() || !is_label(config.name))
    return invalid("name: '" + config.name + "' must be 1 to 63 of A-Z a-z 0-9 . _ -");
  if (!is_label(config.zone)) return invalid("zone: '" + config.zone + "' must be at most 63 of A-Z a-z 0-9 . _ -");
  if (config.weight > limits::kWeightMax)
    return invalid("weight: " + std::to_string(config.weight) + " must be from 0 to " +
                   std::to_string(limits::kWeightMax));
  if (auto ok = check_listener("client", config.client_listen, config.client_advertise); !ok) return ok;
  if (auto ok = check_listener("peer", config.peer_listen, config.peer_advertise); !ok) return ok;
  if (parse_host_port(config.client_listen)->port == parse_host_port(config.peer_listen)->port &&
      (config.client_listen == config.peer_listen || is_wildcard(parse_host_port(config.client_listen)->host) ||
       is_wildcard(parse_host_port(config.peer_listen)->host)))
    return invalid("client_listen and peer_listen can't share " + config.client_listen + ": choose two ports");
  if (auto ok = check_transport(config); !ok) return ok;
  for (const auto& peer : config.peers) {
    if (const auto address = parse_host_port(peer); !address) return invalid("peers: " + address.error().detail());
  }
  for (const auto& disk : config.disks) {
    if (!disk.starts_with('/') || disk.ends_with('/'))
      return invalid("disks: '" + disk + "' must be a whole path, such as /srv/b");
    if (std::ranges::count(config.disks, disk) > 1) return invalid("disks: " + disk + " is given twice");
  }
  if (config.event_loops > limits::kEventLoopsMax)
    return invalid("event_loops: " + std::to_string(config.event_loops) + " must be from 0 to " +
                   std::to_string(limits::kEventLoopsMax));
  if (config.writes_max < 1 || config.writes_max > Config::kWritesMax)
    return invalid("writes_max: " + std::to_string(config.writes_max) + " must be from 1 to " +
                   std::to_string(Config::kWritesMax));
  // The least of its parts must hold the largest body that is held whole.
  const std::uint64_t memory_min = std::max(Config::kRequestMemoryMin, 32 * config.small_object_max);
  if (config.request_memory < memory_min)
    return invalid("request_memory: " + size_text(config.request_memory) + " must be at least " +
                   size_text(memory_min) + ", for a small_object_max of " + size_text(config.small_object_max));
  if (config.small_object_max < kSmallObjectMin || config.small_object_max > kSmallObjectMax)
    return invalid("small_object_max: " + size_text(config.small_object_max) + " must be from " +
                   size_text(kSmallObjectMin) + " to " + size_text(kSmallObjectMax));
  if (std::ranges::find(kLogLevels, config.log_level) == kLogLevels.end())
    return invalid("log_level: '" + config.log_level + "' must be trace, debug, info, warn or error");
  if (!config.cluster) return invalid("cluster: is missing; bootstrap draws it");
  return {};
}

Result<Config> load_config(const DataDir& dir) {
  const auto path = dir.config();
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT)
      return Error{Errc::kNotFound,
                   path + " is not there: make the directory with `brigade bootstrap --data " + dir.root + "`"};
    return Error{Errc::kIo, path + " can't be read: " + std::strerror(errno)};
  }
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto parsed = toml::parse(content);
  if (!parsed) {
    const auto& problem = parsed.error();
    return invalid(path + " line " + std::to_string(problem.source().begin.line) + ": " +
                   std::string(problem.description()));
  }
  if (auto ok = check_file_version(parsed.table(), path); !ok) return ok.error();
  Config config;
  Reader read(parsed.table(), path);
  read.text("name", config.name);
  read.text("zone", config.zone);
  read.number("weight", limits::kWeightMax, config.weight);
  read.text("client_listen", config.client_listen);
  read.text("client_advertise", config.client_advertise);
  read.text("peer_listen", config.peer_listen);
  read.text("peer_advertise", config.peer_advertise);
  read.transport("transport", config.transport);
  read.text("multicast", config.multicast);
  read.text("interface", config.interface);
  read.texts("disks", config.disks);
  read.number("writes_max", Config::kWritesMax, config.writes_max);
  read.size("request_memory", config.request_memory);
  read.size("small_object_max", config.small_object_max);
  read.texts("peers", config.peers);
  read.hex("cluster", config.cluster.value);
  read.hex("naming_seed", config.naming_seed);
  read.number("event_loops", limits::kEventLoopsMax, config.event_loops);
  read.text("log_level", config.log_level);
  read.no_others();
  if (read.complaint()) return *read.complaint();
  if (auto ok = check_config(config); !ok) return invalid(path + ": " + ok.error().detail());
  return config;
}

Status save_config(const DataDir& dir, const Config& config) {
  if (auto ok = check_config(config); !ok) return ok;
  std::string text =
      "# One Brigade node. What the whole cluster agrees on is in its log: `brigade settings`.\n" + file_version_line();
  for (const auto& key : kKeys)
    text.append("\n# ")
        .append(key.comment)
        .append("\n")
        .append(key.name)
        .append(" = ")
        .append(value_text(config, key.name))
        .append("\n");
  return replace_private_file(dir.config(), text);
}

Result<wire::ClusterSecret> load_secret(const DataDir& dir) {
  const auto path = dir.secret();
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT)
      return Error{Errc::kNotFound,
                   path +
                       " is not there: a node does not start without its cluster's secret; bring it back, "
                       "or join the cluster anew with another --data"};
    return Error{Errc::kIo, path + " can't be looked at: " + std::strerror(errno)};
  }
  if (!S_ISREG(info.st_mode)) return Error{Errc::kInvalid, path + " must be a plain file"};
  if ((info.st_mode & 077) != 0)
    return Error{Errc::kUnauthorized,
                 path + " can be read or changed by others, so it may be known: `chmod 600 " + path + "`"};
  std::ifstream file(path);
  if (!file) return Error{Errc::kIo, path + " can't be read: " + std::strerror(errno)};
  std::array<char, 128> buffer{};
  file.read(buffer.data(), buffer.size());
  auto secret = wire::ClusterSecret::parse({buffer.data(), static_cast<std::size_t>(file.gcount())});
  if (!secret)
    return invalid(path + " must hold 64 hex digits, as bootstrap wrote them: bring it back from another node");
  return secret;
}

Status save_secret(const DataDir& dir, const wire::ClusterSecret& secret) {
  return create_private_file(dir.secret(), secret.hex() + "\n");
}

}  // namespace brigade::node
