// What would go with a node that is taken out of the roster.  Source: design §4 "Failure of a node", §7 `brigade
// remove`. Thread: pure functions.
#pragma once

#include <cstddef>
#include <string>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"

namespace brigade::cluster {

struct Holdings {
  std::size_t owned = 0;  ///< buckets
  /// Of these, buckets of which the lowest allowed redundancy leaves no other copy in sync.
  std::size_t alone = 0;
};
Holdings holdings(const ClusterMap& map, NodeId node);

/// Why a node that owns something is not removed, and what to do first. Requires that it is in the roster.
std::string refusal_to_remove(const ClusterMap& map, NodeId node, const Holdings& holdings);

}  // namespace brigade::cluster
