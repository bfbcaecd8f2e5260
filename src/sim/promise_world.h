// Time, nodes, network and disks of a promise run.
// Concept: continuations in a queue. What a node waits for dies with its life; what it sent does not. Messages and
// disks
//          take their time, mostly little, sometimes very much.
// Thread:  one owner.
#pragma once

#include "promise_judge.h"
#include "promise_log.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/prng.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/placement/replicas.h"
#include "brigade/sim/promise.h"

namespace brigade::sim {

inline constexpr Ticks kNever = 1'000'000;         ///< longer than any run
inline constexpr std::size_t kPromiseBuckets = 4;  ///< a run: levels 0 to 2
inline constexpr std::uint8_t kPromiseLevels = 3;

/// What a store holds of one key.
struct PromiseRecord {
  Revision revision;
  std::size_t op = 0;  ///< names the contents
  bool tombstone = false;
  placement::Level level;
  Ticks since = 0;
};

struct PromiseStaged {
  std::size_t key = 0;
  std::size_t op = 0;
  Ticks since = 0;
};

/// What a node forgets when it falls.
struct PromiseMemory {
  Ticks lease_until = 0;
  Seq grant_seq;
  std::multiset<Seq> commits;        ///< under way, by the map seq of the sender
  std::multiset<Seq> bodies;         ///< of these, those whose bodies are still on their way
  std::map<std::size_t, Seq> fresh;  ///< keys written in this life, with the map that was applied here
  bool filling = true;               ///< as the filler saw it last
  bool filler_at_work = false;
  std::map<BucketId, Seq> released;  ///< given up, for the new owner of that assignment
  std::map<BucketId, Seq> filled;    ///< done, under the map of that seq
  std::set<BucketId> served;         ///< ever, for a flaw
  Revision collected;                ///< the highest of a tombstone that this node let go
  std::map<std::uint64_t, PromiseStaged> staged;
  std::map<std::size_t, std::deque<std::function<void()>>> locks;  ///< by key: who waits behind who holds it
  std::multiset<std::size_t> attempts;                             ///< operations that are worked at here
};

struct PromiseNode {
  NodeId id;
  // On disk
  Incarnation life{1};
  StoreId disk{1};
  std::vector<std::optional<PromiseRecord>> store;  ///< by key
  Seq saved;                                        ///< the map is at least that new after a restart
  // Faults
  bool running = true;
  bool isolated = false;  ///< from the coordinator
  Ticks lags_until = 0;   ///< applies nothing before
  // One in so many; of its disk visits, of the transactions on their way to it, of chances to hear what it missed:
  std::uint64_t slow_disk = 1, slow_log = 1, catch_up = 1;
  // In memory
  Seq applied;
  PromiseMemory memory;
};

struct PromiseReply {
  enum class Kind : std::uint8_t { kOk, kAbsent, kRefused, kNotPrimary, kLost };
  Kind kind = Kind::kRefused;
  Revision revision;
  Seq named;  ///< to be applied before another try
  bool nothing_remains = false;
  std::optional<std::size_t> op;
  std::vector<std::pair<std::size_t, PromiseRecord>> records;
};
using PromiseAnswer = std::function<void(PromiseReply)>;

/// What a run is full of; drawn anew for each, so that no kind of trouble hides another.
struct PromiseTemper {
  PromiseTemper(Prng& prng, PromiseProfile profile);
  /// Nothing happens by itself.
  PromiseTemper(Prng& prng, const PromiseScript& script);
  std::uint64_t keys = 1;  ///< of the kKeys that are used
  Ticks write_interval = 0;
  std::uint64_t writes_at_changes = 0;  ///< of ten transactions, how many are met by a write
  std::uint64_t lags_at_changes = 0;    ///< ... and by a node that does not see them for a while
  std::uint64_t whims = 0;              ///< one in so many looks at a node, and the coordinator takes it out
  // One in so many; of messages, looks at a bucket, writes that something befalls:
  std::uint64_t lost = 0, slow_message = 0, moves = 0, aimed = 0;  ///< of looks, none if 0
  Ticks fault_interval = 0;
  Ticks grace = 0;
  std::uint64_t falls = 0, isolations = 0, lags = 0, cuts = 0, shifts = 0;  ///< in proportion
  Ticks lease = 50, failure_timeout = 60;
  Ticks patience = 60;      ///< of who calls another node
  Ticks slowest_disk = 80;  ///< that a visit takes at most
  // One in so many; of writes that may do so, of falls, of faults, of buckets at first, of chances to
  // grant, of disks:
  std::uint64_t level_changes = 6, deletes = 6, new_disks = 12, long_faults = 4, sharing = 4, grants = 1,
                slow_disks = 4;
  Ticks long_fault = 150;
  // None if 0:
  std::uint64_t breaks = 0;        ///< one in so many calls ends early for the caller, whether or not it has arrived
  Ticks body = 0;                  ///< that a body takes at most, beyond the way of a message
  std::uint64_t commit_falls = 0;  ///< one in so many primaries falls when it has given a revision
  std::uint64_t list_falls = 0;    ///< one in so many sources falls, maybe with its disk, while it is being copied
  std::uint64_t cut_offs = 0;  ///< of ten changes of who may serve, how many does a node miss, with the grants after
  std::uint64_t crowd = 1;     ///< that write at most when one meets a change
  Ticks fetch_pause = 0;       ///< between a list and each of the fetches that follow from it

 private:
  void draw_levels(Prng& prng);
  void draw_hasty(Prng& prng);
  void draw_crowd(Prng& prng);
  void draw_wild(Prng& prng);
};

class PromiseWorld {
 public:
  PromiseWorld(const PromiseOptions& options, PromiseOutcome& outcome);

  // Time
  [[nodiscard]] Ticks now() const { return now_; }
  void later(Ticks delay, std::function<void()> what);
  /// Only if the node still lives this life then.
  void later_at(PromiseNode& node, Ticks delay, std::function<void()> what);
  /// Runs events until `end`.
  void run_until(Ticks end);
  /// True if at or before the deadline the node's map reaches `seq`.
  void wait_for_seq(PromiseNode& node, Seq seq, Ticks deadline, std::function<void(bool)> then);

  // Network and disks
  /// `handler` runs at `to` and answers once, or never; `done` hears of it, or of nothing (kLost), in time.
  void call(PromiseNode& from, NodeId to, std::function<void(PromiseNode&, PromiseAnswer)> handler, PromiseAnswer done,
            Ticks timeout = 0);
  /// A datagram to the coordinator or back, which may get lost.
  void tell(const PromiseNode& node, std::function<void()> what);
  /// A transaction arrives, and everything before it.
  void tell_log(PromiseNode& node, Seq seq);
  /// `visit` happens on the disk, then `then` at the node.
  void disk(PromiseNode& node, std::function<void()> visit, std::function<void()> then);

  // Nodes
  PromiseNode& node(NodeId id) { return nodes[id.value - 1]; }
  [[nodiscard]] const cluster::ClusterMap& map(const PromiseNode& node) const { return log.at(node.applied); }
  [[nodiscard]] bool may_serve(const PromiseNode& node) const;
  [[nodiscard]] bool serves(const PromiseNode& node, BucketId bucket) const;
  /// The log tells of this node as it is now.
  [[nodiscard]] bool is_known(const PromiseNode& node) const;
  void crash(PromiseNode& node);
  void restart(PromiseNode& node, bool new_disk);
  void begin_attempt(PromiseNode& node, std::size_t op);
  void end_attempt(PromiseNode& node, std::size_t op);

  // Keys
  [[nodiscard]] static ObjectId object(std::size_t key) { return object_ids_[key]; }
  static constexpr std::size_t kKeys = 16;

  [[nodiscard]] bool broken(PromiseFlaw flaw) const {
    return (broken_ & (std::uint64_t{1} << static_cast<int>(flaw))) != 0;
  }
  /// Asked where the rule would decide otherwise. Turns begin where that `matters`.
  bool bites(PromiseFlaw flaw, bool matters = true);
  [[nodiscard]] bool traces() const { return static_cast<bool>(options_.trace); }
  void trace(const std::string& line) const;
  Ticks some(Ticks usual) { return 1 + static_cast<Ticks>(prng.below(static_cast<std::uint64_t>(usual))); }
  Ticks delay();
  /// Then, at the node, if a body has come.
  void take_body(PromiseNode& node, std::function<void()> then);

  Prng prng;
  const PromiseTemper temper;
  PromiseLog log;
  PromiseJudge judge;
  PromiseOutcome& outcome;
  std::vector<PromiseNode> nodes;
  /// Pairs that can't talk to each other, lower index first.
  std::set<std::pair<NodeId, NodeId>> cuts;
  const PromiseScript* const script;
  bool faults = true;
  Ticks slow_bodies = 0;  ///< a body takes so much more, if a script says so
  /// A transaction was committed.
  std::function<void()> on_commit = [] {};
  /// A node does what it had better not fall after: it has given a revision, it is being copied.
  std::function<void(PromiseNode&)> on_revision = [](PromiseNode&) {}, on_list = [](PromiseNode&) {};

 private:
  struct Event {
    Ticks at = 0;
    std::uint64_t order = 0;
    std::function<void()> what;
    bool operator<(const Event& other) const { return std::pair(other.at, other.order) < std::pair(at, order); }
  };
  /// `refused` runs if nobody is there; not if it gets lost.
  void carry(NodeId from, NodeId to, std::function<void()> what, std::function<void()> refused = nullptr);

  static const ObjectId object_ids_[kKeys];
  const PromiseOptions& options_;
  std::uint64_t broken_ = 0;
  Ticks now_ = 0;
  std::uint64_t events_ = 0;
  std::priority_queue<Event> queue_;
};

}  // namespace brigade::sim
