// The transaction log of one node, as it stands in memory.  Source: design §4 Log.
// Concept: consecutive entries above a base position. What lies at or below the base lives in a snapshot only.
// Thread:  owned by the control plane.
// Invariants: G1 entries are consecutive from next(base.seq)   G2 epochs never fall along the log
#pragma once

#include <deque>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/wire/transaction.h"

namespace brigade::cluster {

class Log {
 public:
  explicit Log(Position base) : base_(base) {}

  [[nodiscard]] Position base() const { return base_; }
  [[nodiscard]] Seq first_seq() const { return next(base_.seq); }
  [[nodiscard]] Position last() const { return entries_.empty() ? base_ : entries_.back().position(); }
  [[nodiscard]] bool has(Seq seq) const { return seq > base_.seq && seq <= last().seq; }
  /// Requires has(seq).
  [[nodiscard]] const wire::LogEntry& at(Seq seq) const;
  /// True if the log holds, or its base is, exactly this position.
  [[nodiscard]] bool holds(Position position) const;

  /// Requires entry.seq == next(last().seq) and an epoch that is not lower.
  void append(wire::LogEntry entry);
  /// Drops all entries with seq >= from. Requires from > base.
  void truncate_from(Seq from);
  /// Raises the base to `seq`, dropping what lies below. Requires has(seq) or seq == base.
  void cut_to(Seq seq);
  /// Starts anew above `base`; entries that continue it are kept.
  void rebase(Position base);

 private:
  Position base_;
  std::deque<wire::LogEntry> entries_;
};

}  // namespace brigade::cluster
