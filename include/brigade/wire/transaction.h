// What the transaction log holds.  Source: design §4 Log.
// Concept: plain values. What each kind does to the map is cluster/cluster_map.h; the bytes are codec.h, the rules
// validate.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "brigade/base/bucket_set.h"
#include "brigade/base/ids.h"
#include "brigade/wire/version.h"

namespace brigade::wire {

/// What a node says of itself when it joins or comes up.
struct NodeInfo {
  NodeId id;
  std::string name;          ///< unique in the roster
  std::string zone;          ///< empty: none
  std::uint32_t weight = 1;  ///< of a newcomer; later on the roster's counts, as for the zone
  std::string client;        ///< host:port of the client listener, as others reach it
  std::string peer;          ///< host:port of the peer listener; its UDP twin takes unicast datagrams
  StoreId store;
  std::uint32_t speaks = kProtocolVersion;  ///< the highest protocol version of its program
  bool operator==(const NodeInfo&) const = default;
};

/// Why buckets were assigned; for people and for `locate`.
enum class Reason : std::uint8_t { kBootstrap, kDemand, kJoin, kBalance, kDrain, kFailure, kLoss, kOperator };

/// A new coordinator's first entry.
struct GroupFormed {
  /// More would not fit a datagram.
  static constexpr std::size_t kMembersMax = 100;
  std::vector<NodeId> members;  ///< who had accepted, rising; the lowest kMembersMax of them
  std::uint32_t unlisted = 0;   ///< how many more had accepted
  /// Sorts `accepted`, and lists what may be listed. Use this: encoding an overlong list cuts it in the same way, and
  /// then the entry on disk differs from the one in memory.
  static GroupFormed of(std::vector<NodeId> accepted);
  bool operator==(const GroupFormed&) const = default;
};
struct NodeAdded {
  NodeInfo node;
  bool operator==(const NodeAdded&) const = default;
};
struct NodeRemoved {
  NodeId node;
  bool operator==(const NodeRemoved&) const = default;
};
/// The node answers again. Its addresses may have changed; another store means that what it held is lost.
struct NodeUp {
  NodeInfo node;
  Incarnation incarnation;
  bool operator==(const NodeUp&) const = default;
};
struct NodeDown {
  NodeId node;
  bool operator==(const NodeDown&) const = default;
};

/// The part that `node` gets in `buckets`.
enum class Role : std::uint8_t {
  kOwner,     ///< becomes owner, filling; any new owner is let go
  kNewOwner,  ///< becomes new owner: fills while the owner goes on serving (state moving)
  kStandIn,   ///< becomes new owner for a while: takes writes, fetches nothing (state stand-in)
  kNone,      ///< the new owner is let go; `node` is none
};
struct Assignment {
  Role role = Role::kOwner;
  NodeId node;
  BucketSet buckets;
  bool operator==(const Assignment&) const = default;
};
struct BucketsAssigned {
  Reason reason = Reason::kBootstrap;
  std::vector<Assignment> assignments;
  bool operator==(const BucketsAssigned&) const = default;
};
/// `node`, owner or new owner of these, holds their whole content.
struct BucketsFilled {
  NodeId node;
  BucketSet buckets;
  bool operator==(const BucketsFilled&) const = default;
};
/// `node`, owner of these, has stopped serving them.
struct BucketsReleased {
  NodeId node;
  BucketSet buckets;
  bool operator==(const BucketsReleased&) const = default;
};
/// The new owner of these, `node`, is the owner from now on.
struct BucketsMoved {
  NodeId node;
  BucketSet buckets;
  bool operator==(const BucketsMoved&) const = default;
};
/// `node`, owner or new owner of these, has lost what it held of them: a disk of several failed.
struct BucketsEmptied {
  NodeId node;
  BucketSet buckets;
  bool operator==(const BucketsEmptied&) const = default;
};
/// `node` gives its buckets to the others, or takes part again.
struct NodeDraining {
  NodeId node;
  bool draining = true;
  bool operator==(const NodeDraining&) const = default;
};
/// An operator says where the node stands and how much it is to hold, which its own configuration says only of a
/// newcomer. A node of weight 0 holds nothing, and serves clients as any other.
struct NodeReshaped {
  NodeId node;
  std::string zone;  ///< empty: none
  std::uint32_t weight = 1;
  bool operator==(const NodeReshaped&) const = default;
};
/// `by` takes the weight of `node`, which gives its buckets away: in one step, so that each moves once.
struct NodeReplaced {
  NodeId node;
  NodeId by;
  bool operator==(const NodeReplaced&) const = default;
};
/// An operator gives up what these buckets lack: what is here is all there is.
struct LossAccepted {
  BucketSet buckets;
  bool operator==(const LossAccepted&) const = default;
};
/// From here on this protocol version is in force: all of the roster speak it.
struct VersionRaised {
  std::uint32_t version = kFirstVersion;
  bool operator==(const VersionRaised&) const = default;
};
struct SettingChanged {
  std::string name;
  std::string value;
  bool operator==(const SettingChanged&) const = default;
};

using Change = std::variant<GroupFormed, NodeAdded, NodeRemoved, NodeUp, NodeDown, BucketsAssigned, BucketsFilled,
                            BucketsReleased, BucketsMoved, SettingChanged, BucketsEmptied, NodeDraining, LossAccepted,
                            NodeReshaped, NodeReplaced, VersionRaised>;

struct LogEntry {
  Epoch epoch;  ///< the coordinator that appended it
  Seq seq;
  Change change;
  [[nodiscard]] Position position() const { return {epoch, seq}; }
  bool operator==(const LogEntry&) const = default;
};

/// "NodeDown", ... : the names in logs, JSON and docs.
std::string_view kind_name(const Change& change);
std::string_view reason_name(Reason reason);
std::string_view role_name(Role role);

}  // namespace brigade::wire
