// The control plane at work: executes the effects of cluster::Member on real sockets and a real journal.
// Source: design §4; style "The shape in one paragraph".
// Concept: one thread of its own runs the member, the datagrams and the timers, so that no amount of data traffic
// delays a
//          heartbeat; a second one writes the journal. Others see a View: an immutable snapshot of the map that is
//          replaced whole, and the end of the lease as a number that any thread may read.
// Thread:  start and stop from one thread; view(), may_serve() from any; callbacks run on the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/base/time.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/cluster/member.h"
#include "brigade/node/config.h"
#include "brigade/store/journal.h"
#include "brigade/wire/auth.h"
#include "brigade/wire/message.h"

namespace brigade::node {

/// CLOCK_BOOTTIME.
Instant boot_now();
/// The time of day, for people.
WallTime wall_now();

/// A committed transaction as `brigade log` shows it.
struct LogLine {
  Position position;
  wire::Change change;
  WallTime applied;  ///< when this node applied it
};

/// What the control plane last said of itself. Immutable.
struct View {
  cluster::ClusterMap map;
  cluster::State state = cluster::State::kElection;
  Epoch epoch;  ///< none while there is no group
  NodeId coordinator;
  bool is_coordinator = false;
  bool in_roster = false;
  std::size_t quorum_needed = 0;
  std::size_t present = 0;
  Seq last;                  ///< end of the own log
  std::string join_refused;  ///< why the cluster does not take this node, if it does not
};

struct ControlStats {
  std::uint64_t datagrams_sent = 0;
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_dropped = 0;
  std::uint64_t elections = 0;
};

class Control {
 public:
  struct Options {
    Config config;
    wire::NodeInfo self;
    wire::ClusterSecret secret;
    std::unique_ptr<store::Journal> journal;
    /// Called with each new view, on the control thread.
    std::function<void(std::shared_ptr<const View>)> on_view;
    /// Fetch the index from this node's peer address; answer with index_fetched(). On the control thread.
    std::function<void(std::string peer_address)> fetch_index;
    /// The journal failed (design §6), or the cluster speaks what this program does not: the process must end.
    std::function<void(std::string why)> on_fatal;
  };
  /// Opens the sockets and starts the threads. Errors: kConflict (busy port), kInvalid.
  static Result<std::unique_ptr<Control>> start(Options options);
  virtual ~Control() = default;

  [[nodiscard]] virtual std::shared_ptr<const View> view() const = 0;
  /// The lease holds now, and the map is new enough for it. Look again just before an answer leaves.
  [[nodiscard]] virtual bool may_serve() const = 0;
  /// To the coordinator; repeat until the map says so.
  virtual void report(wire::Report report) = 0;
  /// Appends an operator's change, if this node is the coordinator; `done` is called on the control thread, at commit
  /// or with the error.
  virtual void propose(wire::Change change, std::function<void(Result<Position>)> done) = 0;
  virtual void index_fetched(Result<wire::Snapshot> snapshot) = 0;
  /// Committed transactions after `after` that are still kept here, oldest first, at most `limit`.
  [[nodiscard]] virtual std::vector<LogLine> log(Seq after, std::size_t limit) const = 0;
  [[nodiscard]] virtual ControlStats stats() const = 0;
  /// Ends the threads. Idempotent.
  virtual void stop() = 0;
};

}  // namespace brigade::node
