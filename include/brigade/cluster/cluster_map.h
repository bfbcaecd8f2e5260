// The state that the committed log describes: roster, bucket map, settings.  Source: design §2, §4 Log, §5.
// Concept: a value with one way to change: apply() of the next transaction. The effect of each kind is total and
//          deterministic: a part that no longer fits the state changes nothing, so equal logs make equal maps (L7).
//          Copies share unchanged chunks of 256 buckets and cost about a microsecond: the control plane keeps one for
//          what is committed and one for what is appended, and readers take snapshots.
// Invariant: a cell that is in sync has an owner that is up.
// Thread:  a value; a copy may be read from any thread while others are changed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/base/settings.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::cluster {

using wire::BucketState;
using wire::Cell;
using wire::RosterEntry;

class ClusterMap {
 public:
  /// No roster, no owners, seq 0.
  explicit ClusterMap(ClusterId cluster);
  /// Errors: kInvalid if the settings in it can't be read, or a bucket is in sync at a node that is not up.
  static Result<ClusterMap> from(const wire::Snapshot& snapshot);
  [[nodiscard]] wire::Snapshot snapshot() const;

  /// Requires entry.seq == next(seq()).
  void apply(const wire::LogEntry& entry);

  [[nodiscard]] ClusterId cluster() const { return cluster_; }
  [[nodiscard]] Position last() const { return last_; }
  [[nodiscard]] Seq seq() const { return last_.seq; }
  [[nodiscard]] Seq roster_seq() const { return roster_seq_; }
  /// The last transaction that changed who may be primary, that is, who serves.
  [[nodiscard]] Seq view() const { return view_; }

  /// The protocol version in force (proto/README.md "Versions").
  [[nodiscard]] std::uint32_t version() const { return version_; }

  /// Rising by id.
  [[nodiscard]] const std::vector<RosterEntry>& roster() const { return *roster_; }
  /// Nothing if it is not in the roster. Valid until the next apply().
  [[nodiscard]] const RosterEntry* node(NodeId id) const;
  [[nodiscard]] const RosterEntry* node_named(std::string_view name) const;
  [[nodiscard]] bool is_up(NodeId id) const;
  [[nodiscard]] bool was_removed(NodeId id) const;

  [[nodiscard]] const Cell& cell(BucketId bucket) const { return (*chunks_[bucket.value >> 8])[bucket.value & 0xff]; }
  /// The bucket serves and its node is up.
  [[nodiscard]] bool is_in_sync(BucketId bucket) const { return cell(bucket).in_sync; }

  [[nodiscard]] const Settings& settings() const { return *settings_; }
  [[nodiscard]] const std::map<std::string, std::string>& setting_texts() const { return *setting_texts_; }

  /// Equal for equal states; for L7 checks.
  [[nodiscard]] std::uint64_t state_digest() const;

 private:
  using Chunk = std::array<Cell, 256>;

  void change(Seq seq, const wire::GroupFormed& change);
  void change(Seq seq, const wire::NodeAdded& change);
  void change(Seq seq, const wire::NodeRemoved& change);
  void change(Seq seq, const wire::NodeUp& change);
  void change(Seq seq, const wire::NodeDown& change);
  void change(Seq seq, const wire::BucketsAssigned& change);
  void change(Seq seq, const wire::BucketsFilled& change);
  void change(Seq seq, const wire::BucketsReleased& change);
  void change(Seq seq, const wire::BucketsMoved& change);
  void change(Seq seq, const wire::SettingChanged& change);
  void change(Seq seq, const wire::BucketsEmptied& change);
  void change(Seq seq, const wire::NodeDraining& change);
  void change(Seq seq, const wire::LossAccepted& change);
  void change(Seq seq, const wire::NodeReshaped& change);
  void change(Seq seq, const wire::NodeReplaced& change);
  void change(Seq /*seq*/, const wire::VersionRaised& change) { version_ = std::max(version_, change.version); }

  void assign(Seq seq, Cell& cell, const wire::Assignment& assignment, wire::Reason reason);
  void empty(Seq seq, Cell& cell, NodeId node);
  Cell& writable(BucketId bucket);
  std::vector<RosterEntry>& writable_roster();
  RosterEntry* writable_node(NodeId id);
  /// Calls f(bucket, writable cell) for all cells that `node` owns or is to own.
  template <class F>
  void for_cells_of(NodeId node, F&& f);
  /// The owner's copy stops counting from `seq` on.
  void lose_sync(Seq seq, Cell& cell);

  ClusterId cluster_;
  Position last_;
  Seq roster_seq_;
  Seq view_;
  std::uint32_t version_ = wire::kFirstVersion;
  std::shared_ptr<std::vector<RosterEntry>> roster_;
  std::shared_ptr<std::vector<NodeId>> removed_;
  std::shared_ptr<std::map<std::string, std::string>> setting_texts_;
  std::shared_ptr<const Settings> settings_;
  std::array<std::shared_ptr<Chunk>, kBucketCount / 256> chunks_;
};

}  // namespace brigade::cluster
