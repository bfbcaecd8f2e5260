// What a coordinator knows beyond a member.  Source: design §4.
// Concept: exists only while its node leads a group; Member drives it.
// Thread:  owned by the control plane.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "brigade/base/ids.h"
#include "brigade/base/time.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/cluster/lease.h"
#include "brigade/wire/message.h"

namespace brigade::cluster {

struct Coordinator {
  /// What the coordinator knows of a node of its group.
  struct Peer {
    Instant heard;  ///< last answer to a heartbeat, or when it was taken into the group
    Seq acked;      ///< it holds the log on disk up to here
    Seq applied;
    std::optional<wire::NodeInfo> info;  ///< as it said in Accept
    Incarnation incarnation;
    bool condemned = false;  ///< no grant any more: it is about to be declared down
    Instant shunned_until;   ///< not taken back before, although it answers
    Incarnation shunned;     ///< ... in this life: whoever starts anew may be reached again
  };

  explicit Coordinator(ClusterMap appended_map) : appended(std::move(appended_map)) {}

  ClusterMap appended;  ///< the state if all that is in the log were committed
  Seq formed;           ///< GroupFormed
  Instant formed_at;
  CoordinatorLease lease;
  std::map<NodeId, Peer> peers;
  std::size_t ahead = 0;              ///< at least so many peers hold more on disk than is committed
  std::map<NodeId, Instant> invited;  ///< taken into the standing epoch: not asked again before
  Instant heartbeat_at;
  Instant watch_at;  ///< next look at who answers
  Instant work_at;   ///< next look at what the buckets need
  bool work_wanted = true;
  Instant roster_change_after;  ///< earliest moment for the next roster change
  std::map<NodeId, wire::NodeInfo> joining;
  std::map<NodeId, Instant> down_since;
  std::map<std::pair<NodeId, NodeId>, Instant> unreachable;  ///< (who says so, of whom) -> when
};

}  // namespace brigade::cluster
