// What a step of the control plane asks its executor to do.  Source: design §4; style "The shape in one paragraph".
// Concept: the executor carries out `persist` in order on its journal and says persisted(number) when it is durable,
// sends
//          `send` at once (the core holds back what must not leave yet), tells `events` to people. Nothing else
//          happens.
// Thread:  values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/time.h"
#include "brigade/wire/message.h"
#include "brigade/wire/snapshot.h"

namespace brigade::cluster {

struct SetPromise {
  Epoch promised;
};
struct AppendEntries {
  std::vector<wire::LogEntry> entries;
};
struct TruncateFrom {
  Seq from;
};
struct InstallSnapshot {
  std::shared_ptr<const wire::Snapshot> snapshot;
};
/// A hint: need not be durable when persisted() is said.
struct SetCommit {
  Seq commit;
};
using PersistOp = std::variant<SetPromise, AppendEntries, TruncateFrom, InstallSnapshot, SetCommit>;

/// All operations of one step, to be made durable together, in order.
struct PersistBatch {
  std::uint64_t number = 0;  ///< rising by one
  std::vector<PersistOp> ops;
};

struct Send {
  std::optional<NodeId> to;  ///< nothing: to all (multicast, or each of the roster)
  wire::Message message;
  std::uint32_t version = wire::kFirstVersion;  ///< of the protocol, that it is to be written in
};

/// A moment that people want to read about.
struct Event {
  enum class Kind : std::uint8_t {
    kLookingAround,  ///< no coordinator
    kInviting,       ///< standing for election
    kAccepted,       ///< promised another's epoch
    kCoordinating,   ///< formed a group; node = self
    kFollowing,      ///< a group stands; node = its coordinator
    kSteppedDown,    ///< no longer coordinator
    kNodeUp,
    kNodeDown,
    kNodeAdded,
    kNodeRemoved,
    kJoinRefused,  ///< for a joining node: detail says why
    kIndexWanted,  ///< too far behind for the log
    kIndexInstalled,
    kRolledBack,  ///< an uncommitted tail was cut
    kOutdated,    ///< the log has raised the protocol version above what this node speaks: it can't go on
  };
  Kind kind = Kind::kLookingAround;
  NodeId node;
  Epoch epoch;
  Seq seq;
  std::string detail;
};
std::string_view event_name(Event::Kind kind);

/// Fetch the index from `from` and hand it to Member::on_index (or on_index_failed).
struct IndexRequest {
  NodeId from;
};

struct Effects {
  std::optional<PersistBatch> persist;
  std::vector<Send> send;
  std::vector<Event> events;
  std::optional<IndexRequest> fetch_index;
  std::vector<wire::LogEntry> committed;  ///< newly applied to the map, in order
  bool map_changed = false;
};

}  // namespace brigade::cluster
