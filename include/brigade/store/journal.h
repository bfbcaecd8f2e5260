// What the control plane keeps on disk: identity, promise, log, snapshot.  Source: design §4 Log (SQLite, WAL, FULL).
// Concept: a thin, strict table store; what may be written when is decided in cluster/. One process at a time.
// Thread:  one owner (the node's journal thread). Calls block until the data is on disk.
// Errors:  kIo, kNoSpace: the caller ends the process (design §6); kCorrupt at open: proto/README.md says what is left.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::store {

struct Identity {
  ClusterId cluster;
  NodeId node;
  StoreId store;
  bool operator==(const Identity&) const = default;
};

/// Everything that was durable when the process started.
struct JournalState {
  Identity identity;
  Incarnation incarnation;  ///< of this start: already raised by one, on disk
  Epoch promised;
  std::optional<wire::Snapshot> snapshot;
  std::vector<wire::LogEntry> log;  ///< consecutive, the first just above snapshot.last.seq (or at 1)
  Seq commit;                       ///< a lower bound of what was committed
  bool damaged = false;             ///< entries were unreadable: the log ends before them and claims nothing
};

class Journal {
 public:
  /// Makes a new one. Errors: kConflict if `path` exists.
  static Status create(const std::string& path, const Identity& identity,
                       const std::optional<wire::Snapshot>& snapshot);
  /// Opens, raises the incarnation, reads everything, for a program that speaks up to `speaks`. Errors: kNotFound,
  /// kConflict (open elsewhere, or of a version that the program does not read: nothing is changed), kCorrupt.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, std::uint32_t speaks = wire::kProtocolVersion);
  /// Reads without changing anything; for tools on a stopped node.
  static Result<JournalState> read(const std::string& path, std::uint32_t speaks = wire::kProtocolVersion);
  virtual ~Journal() = default;

  /// As found by open; moved out on the first call.
  virtual JournalState take_state() = 0;

  // One transaction: begin, any of the changes, then flush makes them durable together.
  /// Requires promised above the one before.
  virtual Status set_promise(const Epoch& promised) = 0;
  /// Entries are consecutive and start at most one above the last; what stands at or above the first is replaced.
  virtual Status append(const std::vector<wire::LogEntry>& entries) = 0;
  /// Drops all entries with seq >= from.
  virtual Status truncate_from(Seq from) = 0;
  /// A hint that is not waited for: written with the next flush.
  virtual Status set_commit(Seq commit) = 0;
  /// Replaces the snapshot and drops entries up to and including snapshot.last.seq.
  virtual Status install_snapshot(const wire::Snapshot& snapshot) = 0;
  /// Makes all since the last flush durable.
  virtual Status flush() = 0;
};

}  // namespace brigade::store
