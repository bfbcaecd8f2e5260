// Entries that arrived before their predecessors.  Source: design §4 Log; report, "Bucket index changes".
// Concept: bounded; of one epoch only. It orders nothing by itself: the log asks for the entry that fits next.
// Thread:  owned by the control plane.
// Invariants: I1 size() <= limits::kReorderEntriesMax
#pragma once

#include <map>
#include <optional>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/wire/transaction.h"

namespace brigade::cluster {

class ReorderBuffer {
 public:
  /// Keeps `entry`, whose predecessor is of epoch `before`. A repeat changes nothing.
  /// Errors: kBufferFull: the caller asks for an index transfer.
  Status insert(Epoch before, wire::LogEntry entry);
  /// Takes out the entry that follows `position`, if it is here.
  std::optional<wire::LogEntry> take_after(Position position);
  /// Drops entries with seq <= upto.
  void drop_to(Seq upto);
  void clear() { waiting_.clear(); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  /// Requires !empty().
  [[nodiscard]] Seq first_seq() const { return waiting_.begin()->first; }

 private:
  struct Waiting {
    Epoch before;
    wire::LogEntry entry;
  };
  std::map<Seq, Waiting> waiting_;
};

}  // namespace brigade::cluster
