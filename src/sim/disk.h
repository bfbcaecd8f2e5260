// One node's journal, as a disk that takes time and loses what it has not finished.
// Source: design §4 Log; cluster/effects.h. Batches are atomic, as the journal's transactions are, and finish in order.
// Thread: one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/prng.h"
#include "brigade/cluster/effects.h"
#include "brigade/cluster/member.h"

namespace brigade::sim {

class Disk {
 public:
  /// The journal of a node that was just bootstrapped; `snapshot` null: one that joins.
  Disk(ClusterId cluster, std::shared_ptr<const wire::Snapshot> snapshot)
      : cluster_(cluster), snapshot_(std::move(snapshot)) {}

  void submit(cluster::PersistBatch batch) { pending_.push_back(std::move(batch)); }
  /// The oldest batch is durable now. Requires one to be pending.
  void finish_oldest();
  /// Loses the batches that were not finished, but perhaps the first few of them.
  void crash(Prng& prng);
  /// Entries have become unreadable: at its next start the node finds a log that ends before them, and knows it.
  void rot(Prng& prng);
  /// An empty disk in the place of this one: the journal is gone, and with it the count of starts.
  void replace();
  /// What a start finds; raises the incarnation.
  [[nodiscard]] cluster::Boot boot();

  // What is durable now.
  [[nodiscard]] Epoch promised() const { return promised_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation_; }
  [[nodiscard]] Position last() const { return log_.empty() ? base() : log_.back().position(); }
  [[nodiscard]] Position base() const { return snapshot_ ? snapshot_->last : Position{}; }
  [[nodiscard]] Seq commit() const { return commit_; }
  [[nodiscard]] bool is_damaged() const { return damaged_; }
  [[nodiscard]] bool has_lost(Seq seq) const { return damaged_ && seq > last().seq && seq <= damaged_until_; }
  /// The entry at `position`, or a snapshot that holds it if it was committed, is durable.
  [[nodiscard]] bool holds(Position position) const;
  [[nodiscard]] bool holds_seq(Seq seq) const { return seq <= last().seq; }

 private:
  void carry_out(const cluster::PersistBatch& batch);
  void change(const cluster::PersistBatch& batch);

  const ClusterId cluster_;
  std::shared_ptr<const wire::Snapshot> snapshot_;
  std::vector<wire::LogEntry> log_;
  Epoch promised_;
  Incarnation incarnation_;
  Seq commit_;
  bool damaged_ = false;
  Seq damaged_until_;  ///< what it had on disk when that happened
  std::deque<cluster::PersistBatch> pending_;
};

}  // namespace brigade::sim
