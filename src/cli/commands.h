// The subcommands of `brigade`: what each is told, and what it does.  Source: design §7 CLI.
// Concept: app.cc turns the command line into these options; each function does its work and gives the exit code:
// kDone,
//          kFailed, kUsage. Data goes to stdout, messages to stderr.
// Thread:  main.
#pragma once

#include "admin.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// Options of every command that talks to a node.
struct NodeOptions {
  std::string url = "http://127.0.0.1:8080";
  bool json = false;
};

struct BootstrapCommand {
  std::string data_dir;
  std::vector<std::string> disks;  ///< whole paths
  std::string name;
  std::string join_url;  ///< empty: a new cluster
  std::string token;
  std::string listen_client;  ///< here and below: empty means not given
  std::string listen_peer;
  std::string advertise_client;
  std::string advertise_peer;
  std::string transport;
  std::string multicast;
  std::string interface;
  std::string zone;
  std::string log_level;
  std::uint32_t weight = 1;
  std::optional<std::uint32_t> redundancy;
  std::vector<std::string> settings;  ///< NAME=VALUE
  bool json = false;
};
int run_bootstrap(const BootstrapCommand& command);
int run_token(const std::string& data_dir, bool as_json);

struct DevCommand {
  std::string data_dir;
  std::optional<std::uint32_t> nodes;        ///< nothing: those that are there, or 5
  std::optional<std::uint16_t> client_port;  ///< of n1, the others follow; nothing: free ones
  std::optional<std::uint16_t> peer_port;
  std::string transport = "multicast";
  std::string log_level = "info";
  std::optional<std::uint32_t> redundancy;
  std::vector<std::string> settings;
  std::uint32_t wait_seconds = 60;
  bool json = false;
};
int run_dev(const DevCommand& command);

int run_status(const NodeOptions& node);
int run_nodes(const NodeOptions& node);
int run_locate(const NodeOptions& node, const std::string& key);
/// At most one of the first four; all empty: as things are.
struct PlanCommand {
  std::string drain;             ///< as if this node were to be emptied
  std::string replace;           ///< as if `with` took its place
  std::string reweight, rezone;  ///< NODE=WEIGHT, NODE=ZONE
  std::string with;
};
int run_plan(const NodeOptions& node, const PlanCommand& command);
/// kFailed if they can't.
int run_can_stop(const NodeOptions& node, const std::vector<std::string>& names);
struct DrainCommand {
  std::string name;
  std::string with;     ///< which node takes its place; empty: all the others do
  bool wait = false;    ///< until it holds nothing that is needed
  bool cancel = false;  ///< it takes part again
};
int run_drain(const NodeOptions& node, const AdminAccess& access, const DrainCommand& command);
int run_reweight(const NodeOptions& node, const AdminAccess& access, const std::string& name, std::uint32_t weight);
int run_rezone(const NodeOptions& node, const AdminAccess& access, const std::string& name, const std::string& zone);

/// 0 if every object has its copies, otherwise 1. `deep`: all nodes read all that they store first.
int run_verify(const NodeOptions& node, const AdminAccess& access, bool deep);

struct AcceptLossCommand {
  std::vector<std::uint16_t> buckets;
  bool all = false;
  bool yes = false;  ///< otherwise, and without buckets, only shows what it would mean
};
int run_accept_loss(const NodeOptions& node, const AdminAccess& access, const AcceptLossCommand& command);

struct LogCommand {
  std::optional<std::uint64_t> after;  ///< nothing: with a limit, the newest; otherwise all
  std::uint64_t limit = 0;             ///< 0: all
};
int run_log(const NodeOptions& node, const LogCommand& command);

/// `setting` is empty (show all), NAME (show one) or NAME=VALUE (change it).
int run_settings(const NodeOptions& node, const AdminAccess& access, const std::string& setting);
/// Makes a node read and verify all that it stores, now. With `wait`, until that and all repairs are done: kFailed if
/// something stays damaged.
int run_scrub(const NodeOptions& node, const AdminAccess& access, bool wait);
int run_remove(const NodeOptions& node, const AdminAccess& access, const std::string& name);

struct PutCommand {
  std::vector<std::string> files;
  std::string key;
  std::string prefix;
  std::string type;
  std::optional<std::uint32_t> redundancy;
  std::string expires_in;  ///< a duration; empty: never
  std::uint32_t parallel = 4;
};
int run_put(const NodeOptions& node, const PutCommand& command);
/// `output` empty or "-": stdout; then there can be no JSON, which tells of the object that was read.
int run_get(const NodeOptions& node, const std::string& key, const std::string& output);
struct RmCommand {
  std::vector<std::string> keys;
  std::string prefix;          ///< instead of keys: all objects whose keys begin with it
  bool yes = false;            ///< does not ask whether that is meant
  std::uint32_t parallel = 8;  ///< at a time, at least 1
};
int run_rm(const NodeOptions& node, const RmCommand& command);
struct RedundancyCommand {
  std::vector<std::string> words;  ///< the keys, if there is no prefix, and the redundancy
  std::string prefix;
  std::uint32_t parallel = 8;
};
int run_redundancy(const NodeOptions& node, const RedundancyCommand& command);
int run_stat(const NodeOptions& node, const std::string& key);
struct RestoreCommand {
  std::string key;
  std::string revision;  ///< empty: the newest that was replaced or deleted
  bool list = false;     ///< shows which there are
};
int run_restore(const NodeOptions& node, const RestoreCommand& command);
int run_ls(const NodeOptions& node, const std::string& prefix);

/// What is told to the commands that look into the store of a node that is stopped.
struct StoreCommand {
  std::string data_dir;
  std::string key;  ///< dump: only this object; empty: all
  bool json = false;
};
/// kFailed if anything is damaged, too.
int run_store_check(const StoreCommand& command);
int run_store_dump(const StoreCommand& command);
int run_store_rebuild(const StoreCommand& command);

/// A cluster that is not there, and what befalls it.
struct SimulateCommand {
  std::uint32_t nodes = 5;
  std::uint32_t zones = 0;
  std::string like_url;               ///< empty: a planned cluster; else one like that of the node there
  std::vector<std::string> failures;  ///< "zone:b@10s"
  std::vector<std::string> returns;
  std::vector<std::string> joins;
  std::string length = "30s";
  std::uint64_t seed = 1;
  std::vector<std::string> settings;
  std::string scenario;  ///< a script to run instead
  bool json = false;
};
int run_simulate(const SimulateCommand& command);

// What the commands share.

/// "brigade: ..." on stderr.
void complain(std::string_view text);
/// complain(error), and the exit code for it: kUsage if what was asked makes no sense, otherwise kFailed.
int fail(const Error& error);
/// The --set texts and --redundancy as settings. Errors: kInvalid.
Result<std::map<std::string, std::string>> settings_from(const std::vector<std::string>& texts,
                                                         std::optional<std::uint32_t> redundancy);

}  // namespace brigade::cli
