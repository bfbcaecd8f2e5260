// How simulated clusters begin.  Thread: pure functions.
#pragma once

#include <cstddef>
#include <memory>

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

}  // namespace brigade::sim
