// The state that the committed log describes, whole: what index transfer carries and what cuts the log.
// Source: design §4 Index transfer. The bytes are codec.h, the rules validate.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

enum class BucketState : std::uint8_t { kUnassigned, kFilling, kServing, kMoving, kReleased, kStandIn };

/// One bucket of the map.
struct Cell {
  NodeId owner;
  NodeId new_owner;
  BucketState state = BucketState::kUnassigned;
  bool in_sync = false;     ///< the owner's content is whole (it serves while it is also up)
  bool new_filled = false;  ///< the new owner's content is whole
  Reason reason = Reason::kBootstrap;
  Seq assigned;        ///< the transaction that made `owner` the owner
  Seq new_assigned;    ///< the one that made `new_owner` the new owner
  Seq owner_in_sync;   ///< `owner` was last in sync just before this seq (none: never). Meaningless while in_sync.
  Seq bucket_in_sync;  ///< the same for whoever owned the bucket
  bool operator==(const Cell&) const = default;
};

struct RosterEntry {
  NodeInfo node;
  Incarnation incarnation;
  bool up = false;
  Seq added;
  Seq changed;  ///< last NodeUp or NodeDown
  bool draining = false;
  /// It is to have a share of the buckets, once it was up.
  [[nodiscard]] bool takes_share() const { return !draining && node.weight > 0; }
  bool operator==(const RosterEntry&) const = default;
};

struct Snapshot {
  ClusterId cluster;
  Position last;                                ///< of the last transaction in it
  Seq roster_seq;                               ///< last change of the roster
  Seq view;                                     ///< last transaction that changed who may be primary
  std::vector<RosterEntry> roster;              ///< rising by id
  std::vector<NodeId> removed;                  ///< ids that may not come back, rising
  std::map<std::string, std::string> settings;  ///< only those that were set
  std::vector<Cell> cells;                      ///< kBucketCount
  std::uint32_t version = kFirstVersion;        ///< in force at `last`; the snapshot is written in it
  bool operator==(const Snapshot&) const = default;
};

/// "serving", "stand-in", ... : the design's words.
std::string_view state_name(BucketState state);

}  // namespace brigade::wire
