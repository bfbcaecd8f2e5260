// How simulated clusters begin.  Thread: pure functions.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "brigade/sim/options.h"
#include "brigade/wire/snapshot.h"

namespace brigade::sim {

inline constexpr ClusterId kCluster{0x51b0c1};

/// What node `index` says of itself. Ids do not rise with the index.
wire::NodeInfo node_info(std::size_t index);
/// As `brigade bootstrap` leaves it: a roster of the first node, no buckets assigned.
std::shared_ptr<const wire::Snapshot> founded(const Options& options);
/// As after a power cut of a settled cluster: all nodes up, all buckets serving where the planner wants them.
std::shared_ptr<const wire::Snapshot> settled(const Options& options);

/// The machines, and what is on their disks: `snapshot`, for those that are in its roster.
struct Beginning {
  std::vector<wire::NodeInfo> machines;
  std::shared_ptr<const wire::Snapshot> snapshot;
};
/// `roster` is up and settled: all buckets serve where the planner wants them.
std::shared_ptr<const wire::Snapshot> settled_roster(const std::vector<wire::NodeInfo>& roster,
                                                     const std::map<std::string, std::string>& settings);
/// founded() or settled(), as the options say.
Beginning beginning(const Options& options);

}  // namespace brigade::sim
