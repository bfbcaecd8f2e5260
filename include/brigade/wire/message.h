// The cluster's datagrams, as values.  Source: design §4; proto/README.md has the bytes.
// Concept: one struct per kind. Nothing here is trusted beyond "the sender knows the cluster's secret".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "brigade/base/bucket_set.h"
#include "brigade/base/ids.h"
#include "brigade/base/time.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

/// "Is there a coordinator?" (the paper's AreYouCoordinator), from a node without one. Multicast.
struct Probe {
  std::uint64_t round = 0;  ///< the sender's count of probes; answers repeat it
  Position last;            ///< end of the sender's durable log
  Epoch promised;
  std::optional<NodeInfo> join;  ///< present when the sender is not in the roster that it knows
  bool operator==(const Probe&) const = default;
};
/// Answer to Probe, to the sender.
struct ProbeReply {
  std::uint64_t round = 0;
  Position last;
  Epoch promised;
  std::optional<Epoch> following;  ///< the epoch of the live coordinator that the answerer hears, or is
  bool operator==(const ProbeReply&) const = default;
};
/// "Join my group." Multicast at an election; to one node when it is taken into a standing epoch.
struct Invitation {
  Epoch epoch;
  bool stands = false;  ///< the group: a newcomer joins it only if it hears its heartbeats
  bool operator==(const Invitation&) const = default;
};
/// The sender has promised `epoch` on disk, and holds all that `last` claims on disk; if it is damaged, it may have
/// held, and acknowledged, more.
struct Accept {
  Epoch epoch;
  Position last;
  NodeInfo node;  ///< the sender as it is now
  bool damaged = false;
  bool operator==(const Accept&) const = default;
};
/// The sender has promised something higher than `epoch`, which the receiver used.
struct Refusal {
  Epoch epoch;
  Epoch promised;
  bool operator==(const Refusal&) const = default;
};
/// A joining node can't be taken; `why` is for its operator.
struct JoinRefusal {
  static constexpr std::size_t kWhyBytesMax = 400;
  std::string why;  ///< UTF-8; encoding cuts it to kWhyBytesMax, between two characters
  bool operator==(const JoinRefusal&) const = default;
};
/// The group stands; its log begins with GroupFormed at `formed`.
struct Ready {
  Epoch epoch;
  Seq formed;
  bool operator==(const Ready&) const = default;
};
/// Entries [entries.front().seq, +size), consecutive; `before` is the position just below them. From the coordinator of
/// `epoch` to its members; with `fetched` set, from an acceptor to the coordinator that asked for what it lacks.
struct Append {
  Epoch epoch;
  Position before;
  Seq commit;
  bool fetched = false;
  std::vector<LogEntry> entries;
  bool operator==(const Append&) const = default;
};
/// The sender holds on disk, without a gap, the coordinator's log up to `seq`.
struct Ack {
  Epoch epoch;
  Seq seq;
  bool operator==(const Ack&) const = default;
};
/// "Send me [from, to) of your log." A member to its coordinator, or a coordinator in reorganization to an acceptor.
struct LogRequest {
  Epoch epoch;
  Seq from;
  Seq to;
  bool operator==(const LogRequest&) const = default;
};
/// Answer to LogRequest when `from` is no longer in the log: entries start at `first`. Take the index.
struct LogCut {
  Epoch epoch;
  Seq first;
  bool operator==(const LogCut&) const = default;
};
/// One per heartbeat interval, multicast. Bit i of `answered` is the i-th node, by rising id, of the roster that the
/// last roster change in the log, at `roster_seq`, made.
struct Heartbeat {
  Epoch epoch;
  std::uint64_t round = 0;
  Seq roster_seq;
  std::vector<bool> answered;  ///< whose answer to round-1 arrived and who may take the grant
  Duration grant{};            ///< what is left of the coordinator's own lease, now
  Seq grant_seq;               ///< who has not applied this does not serve
  Seq last;                    ///< end of the coordinator's log
  Seq commit;
  Duration lease{};  ///< the length of lease in force: how long the answerer accepts nobody else
  /// As `answered`, for round-2: who has missed one heartbeat, or whose answer came late, need not stop for that.
  std::vector<bool> answered_earlier;
  bool operator==(const Heartbeat&) const = default;
};
struct HeartbeatReply {
  Epoch epoch;
  std::uint64_t round = 0;
  Seq acked;    ///< as in Ack
  Seq applied;  ///< the sender's map is at this seq
  bool operator==(const HeartbeatReply&) const = default;
};

enum class ReportKind : std::uint8_t {
  kWanted,       ///< a client asked for these, and they have no owner
  kFilled,       ///< the sender holds the whole content, as of its role at `as_of`
  kReleased,     ///< the sender has stopped serving these, whose new owner is filled
  kUnreachable,  ///< the sender can't reach `node`, which is up by the map; itself: it is about to stop
  kEmptied,      ///< the sender has lost what it held of these, for the parts that it had at `as_of`
};
/// What the data plane of a node tells the coordinator. Repeated by the node until the map says so.
struct Report {
  ReportKind kind = ReportKind::kFilled;
  Seq as_of;  ///< the map seq that the sender's statement was made under
  BucketSet buckets;
  NodeId node;
  bool operator==(const Report&) const = default;
};

using Message = std::variant<Probe, ProbeReply, Invitation, Accept, Refusal, JoinRefusal, Ready, Append, Ack,
                             LogRequest, LogCut, Heartbeat, HeartbeatReply, Report>;

/// A message with its sender, as authentication has established it.
struct Envelope {
  NodeId from;
  Incarnation incarnation;
  Message message;
  std::uint32_t version = kFirstVersion;    ///< that the message came in
  std::uint32_t speaks = kProtocolVersion;  ///< the highest that the sender speaks
};

/// "Heartbeat", ... : the names in logs, metrics and docs.
std::string_view kind_name(const Message& message);
std::string_view report_kind_name(ReportKind kind);

}  // namespace brigade::wire
