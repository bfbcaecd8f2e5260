// The one log that all nodes must agree on.  Source: design §4 Log; testing L1 to L5, L7, E2.
// Concept: records each transaction when the first node takes it as committed, applies it to a map of its own, and
// holds
//          every node against that.
// Thread:  one owner.
#pragma once

#include "verdict.h"

#include <map>
#include <vector>

#include "brigade/cluster/cluster_map.h"

namespace brigade::sim {

class LogChecker {
 public:
  LogChecker(cluster::ClusterMap start, std::size_t nodes)
      : reference_(std::move(start)), base_(reference_.seq()), commits_(nodes), promised_(nodes), digest_at_(nodes) {}

  /// `node` has started: `member` stands for what was on its disk.
  void on_start(std::size_t node, const Host& host, Verdict& verdict);
  /// `node` hands these to its disk: (epoch, seq) names one content for ever.
  void on_entries(std::size_t node, const std::vector<wire::LogEntry>& entries, Verdict& verdict);
  /// `node` has just applied `committed` to its map. Returns how many of them nobody had before.
  std::size_t on_committed(std::size_t node, const Hosts& hosts, const std::vector<wire::LogEntry>& committed,
                           Verdict& verdict);
  /// `node` has taken over an index.
  void on_index(std::size_t node, const Host& host, Verdict& verdict);
  /// `node` says that it leads a new group.
  void on_coordinating(std::size_t node, const Host& host, Verdict& verdict);
  /// Cheap; after each step of `node`. Now and then compares the whole map (L7).
  void check(Moment now, std::size_t node, const Host& host, Verdict& verdict);
  /// Compares the whole map, if it is at the reference's seq.
  void check_digest(std::size_t node, const Host& host, Verdict& verdict);

  /// All that is committed, applied.
  [[nodiscard]] const cluster::ClusterMap& reference() const { return reference_; }

 private:
  [[nodiscard]] Position position_at(Seq seq) const;
  void check_quorum(std::size_t node, const Hosts& hosts, Verdict& verdict) const;

  cluster::ClusterMap reference_;
  const Seq base_;
  std::vector<wire::LogEntry> record_;         ///< from next(base_)
  std::map<Position, wire::Change> contents_;  ///< of all that was ever written
  std::vector<Seq> commits_;
  std::vector<Epoch> promised_;
  std::vector<Moment> digest_at_;
  Seq digest_seq_;
  std::uint64_t digest_ = 0;
};

}  // namespace brigade::sim
