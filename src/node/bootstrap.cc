#include "brigade/node/bootstrap.h"

#include "address.h"
#include "drawn_id.h"
#include "private_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "brigade/base/check.h"
#include "brigade/base/settings.h"
#include "brigade/store/journal.h"

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

/// Removes what was made in the directory unless it was finished.
class Unfinished {
 public:
  explicit Unfinished(const DataDir& dir) : dir_(dir) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (finished_) return;
    std::error_code ignored;
    for (const auto& path :
         {dir_.config(), dir_.secret(), dir_.journal(), dir_.journal() + "-wal", dir_.journal() + "-shm"})
      fs::remove(path, ignored);
    fs::remove(dir_.root, ignored);
    for (const auto& disk : disks) fs::remove(disk, ignored);
  }
  void finish() { finished_ = true; }
  std::vector<std::string> disks;  ///< made for it

 private:
  DataDir dir_;
  bool finished_ = false;
};

Status make_directory(const DataDir& dir) {
  if (auto ok = check_new_data_dir(dir); !ok) return ok;
  std::error_code error;
  const auto parent = fs::absolute(dir.root).lexically_normal().parent_path();
  fs::create_directories(parent, error);
  if (error) return Error{Errc::kIo, parent.string() + " can't be made: " + error.message()};
  if (::mkdir(dir.root.c_str(), 0700) != 0 && errno != EEXIST)
    return Error{Errc::kIo, dir.root + " can't be made: " + std::strerror(errno)};
  if (::chmod(dir.root.c_str(), 0700) != 0)
    return Error{Errc::kIo, dir.root + " can't be closed to others: " + std::strerror(errno)};
  return sync_directory(parent.string());
}

/// Makes a further disk's directory, if it is not there. Its parent must be: where a disk is to be mounted, nothing is
/// put in its place.
Status make_disk(const std::string& path, std::vector<std::string>& made) {
  std::error_code error;
  if (::mkdir(path.c_str(), 0700) == 0) {
    made.push_back(path);
    return sync_directory(fs::path(path).parent_path().string());
  }
  const int reason = errno;
  if (reason == EEXIST && fs::is_directory(path, error)) return {};
  return Error{reason == EEXIST ? Errc::kConflict : Errc::kIo,
               path + (reason == EEXIST ? " is there and is no directory"
                                        : " can't be made: " + std::string(std::strerror(reason)))};
}

wire::Snapshot first_snapshot(const Config& config, const store::Identity& identity,
                              const std::map<std::string, std::string>& settings) {
  wire::Snapshot snapshot;
  snapshot.cluster = identity.cluster;
  snapshot.last = {Epoch{1, identity.node}, Seq{1}};
  snapshot.roster_seq = Seq{1};
  snapshot.view = Seq{1};
  wire::RosterEntry entry;
  entry.node.id = identity.node;
  entry.node.name = config.name;
  entry.node.zone = config.zone;
  entry.node.weight = config.weight;
  entry.node.client = config.client_advertise.empty() ? config.client_listen : config.client_advertise;
  entry.node.peer = config.peer_advertise.empty() ? config.peer_listen : config.peer_advertise;
  entry.node.store = identity.store;
  entry.up = true;
  entry.added = Seq{1};
  entry.changed = Seq{1};
  snapshot.roster.push_back(std::move(entry));
  snapshot.settings = settings;
  snapshot.cells.resize(kBucketCount);
  snapshot.version = wire::kProtocolVersion;  // all of one node speak it
  return snapshot;
}

Status fill_directory(const DataDir& dir, const Config& config, const wire::ClusterSecret& secret,
                      const store::Identity& identity, const std::optional<wire::Snapshot>& snapshot) {
  if (auto ok = make_directory(dir); !ok) return ok;
  Unfinished unfinished(dir);
  if (auto ok = save_secret(dir, secret); !ok) return ok;
  if (auto ok = store::Journal::create(dir.journal(), identity, snapshot); !ok) return ok;
  for (const std::string& disk : config.disks)
    if (auto ok = make_disk(disk, unfinished.disks); !ok) return ok;
  if (auto ok = save_config(dir, config); !ok) return ok;
  unfinished.finish();
  return {};
}

}  // namespace

Status check_new_data_dir(const DataDir& dir) {
  if (dir.root.empty()) return Error{Errc::kInvalid, "--data: name a directory"};
  std::error_code error;
  const auto status = fs::status(dir.root, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (status.type() != fs::file_type::directory)
    return Error{Errc::kConflict, dir.root + " is there and is no directory"};
  const fs::directory_iterator entries(dir.root, error);
  if (error) return Error{Errc::kIo, dir.root + " can't be read: " + error.message()};
  if (entries == fs::directory_iterator{}) return {};
  if (fs::exists(dir.config(), error))
    return Error{Errc::kConflict, dir.root + " holds a node already: `brigade serve --data " + dir.root +
                                      "` runs it; for a new one choose another --data"};
  return Error{Errc::kConflict, dir.root + " is not empty: choose a new directory for --data"};
}

Result<JoinToken> bootstrap_cluster(const DataDir& dir, Config config,
                                    const std::map<std::string, std::string>& settings) {
  JoinToken token;
  token.cluster = ClusterId{draw_id()};
  token.naming_seed = draw_id();
  draw(token.secret.bytes.data(), token.secret.bytes.size());
  config.cluster = token.cluster;
  config.naming_seed = token.naming_seed;
  if (auto ok = check_config(config); !ok) return ok.error();
  if (config.weight == 0)
    return Error{Errc::kInvalid, "weight: the first node of a cluster holds everything: its weight is at least 1"};
  const auto typed = parse_settings(settings);
  if (!typed) return typed.error();
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : settings) texts[name] = setting_text(*typed, name);
  const store::Identity identity{token.cluster, NodeId{draw_id()}, StoreId{draw_id()}};
  if (auto ok = fill_directory(dir, config, token.secret, identity, first_snapshot(config, identity, texts)); !ok)
    return ok.error();
  return token;
}

Status bootstrap_member(const DataDir& dir, Config config, const JoinToken& token) {
  config.cluster = token.cluster;
  config.naming_seed = token.naming_seed;
  if (auto ok = check_config(config); !ok) return ok;
  const store::Identity identity{token.cluster, NodeId{draw_id()}, StoreId{draw_id()}};
  return fill_directory(dir, config, token.secret, identity, std::nullopt);
}

Result<JoinToken> join_token_of(const DataDir& dir) {
  const auto config = load_config(dir);
  if (!config) return config.error();
  const auto secret = load_secret(dir);
  if (!secret) return secret.error();
  return JoinToken{config->cluster, config->naming_seed, *secret};
}

Result<std::string> reachable_address(const std::string& listen, const std::string& towards) {
  const auto bound = parse_host_port(listen);
  if (!bound) return bound.error();
  if (!is_wildcard(bound->host)) return listen;
  const Error unknown{Errc::kInvalid, "can't tell at which address others reach " + listen +
                                          ": say it with --advertise-client "
                                          "and --advertise-peer"};
  const auto target = parse_host_port(towards);
  if (!target) return unknown;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(target->host.c_str(), std::to_string(target->port).c_str(), &hints, &found) != 0) return unknown;
  std::string host;
  // Connecting a datagram socket sends nothing; it only makes the kernel choose the source address.
  const int fd = ::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0) {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    char text[NI_MAXHOST] = {};
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0 &&
        ::getnameinfo(reinterpret_cast<sockaddr*>(&local), size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      host = text;
  }
  if (fd >= 0) ::close(fd);
  ::freeaddrinfo(found);
  if (host.empty() || is_wildcard(host)) return unknown;
  return (is_ipv6(host) ? "[" + host + "]" : host) + ":" + std::to_string(bound->port);
}

}  // namespace brigade::node
