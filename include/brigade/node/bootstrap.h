// How a data directory comes into being.  Source: design §7 `brigade bootstrap`.
// Concept: a new cluster is a journal whose first snapshot names one node: it elects itself and goes on from there. A
// node
//          that joins has an identity and no snapshot: the coordinator admits it, and it fetches the index. The config
//          is written last, so a directory without one was never finished.
// Thread:  blocking; any thread, one call per directory.
// Errors:  kConflict (the directory is in use or not empty), kInvalid (config, settings), kIo. What was made is
// removed.
#pragma once

#include <map>
#include <string>

#include "brigade/base/result.h"
#include "brigade/node/config.h"

namespace brigade::node {

/// Refuses anything but a directory that is missing or empty. Changes nothing.
Status check_new_data_dir(const DataDir& dir);

/// Makes a cluster of one node in `dir`, and the directories of `config.disks` that are not there: draws cluster, node,
/// store, naming seed and secret; `config.cluster` and `config.naming_seed` are ignored. `settings` go into the first
/// snapshot. The token lets others join.
Result<JoinToken> bootstrap_cluster(const DataDir& dir, Config config,
                                    const std::map<std::string, std::string>& settings);

/// Makes the directory of a node that will join the cluster of `token`, first asking at `config.peers`, and those of
/// its disks.
Status bootstrap_member(const DataDir& dir, Config config, const JoinToken& token);

/// The token of the cluster that the node in `dir` belongs to. Errors: as load_config and load_secret.
Result<JoinToken> join_token_of(const DataDir& dir);

/// Where others reach what listens at `listen`: its host, or where that is a wildcard, the address of this machine on
/// the way to `towards` (an IPv4 or bracketed IPv6 address with port; nothing is sent). Errors: kInvalid: none found,
/// give one.
Result<std::string> reachable_address(const std::string& listen, const std::string& towards);

}  // namespace brigade::node
