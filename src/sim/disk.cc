#include "disk.h"

#include <algorithm>

#include "brigade/base/check.h"

namespace brigade::sim {

void Disk::finish_oldest() {
  BRIGADE_CHECK(!pending_.empty(), "no batch is pending");
  carry_out(pending_.front());
  pending_.pop_front();
}

void Disk::crash(Prng& prng) {
  while (!pending_.empty() && prng.chance(1, 3)) finish_oldest();
  pending_.clear();
}

void Disk::rot(Prng& prng) {
  if (log_.empty()) return;
  damaged_ = true;
  damaged_until_ = std::max(damaged_until_, last().seq);
  log_.resize(prng.below(log_.size()));
  commit_ = std::min(commit_, last().seq);
}

void Disk::replace() {
  damaged_ = false;
  snapshot_.reset();
  log_.clear();
  pending_.clear();
  promised_ = Epoch{};
  incarnation_ = Incarnation{};
  commit_ = Seq{};
}

cluster::Boot Disk::boot() {
  incarnation_ = Incarnation{incarnation_.value + 1};
  cluster::Boot boot;
  boot.cluster = cluster_;
  boot.incarnation = incarnation_;
  boot.promised = promised_;
  if (snapshot_) boot.snapshot = *snapshot_;
  boot.log = log_;
  boot.commit = commit_;
  boot.damaged = damaged_;
  return boot;
}

bool Disk::holds(Position position) const {
  if (position.seq <= base().seq) return true;
  if (position.seq > last().seq) return false;
  return log_[position.seq.value - base().seq.value - 1].epoch == position.epoch;
}

void Disk::carry_out(const cluster::PersistBatch& batch) {
  change(batch);
  if (damaged_ && last().seq >= damaged_until_) damaged_ = false;
}

void Disk::change(const cluster::PersistBatch& batch) {
  for (const cluster::PersistOp& op : batch.ops) {
    if (const auto* promise = std::get_if<cluster::SetPromise>(&op)) {
      promised_ = promise->promised;
    } else if (const auto* append = std::get_if<cluster::AppendEntries>(&op)) {
      for (const wire::LogEntry& entry : append->entries) {
        BRIGADE_CHECK(entry.seq > base().seq && entry.seq <= next(last().seq),
                      "entry " << to_string(entry.seq) << " on a journal that ends at " << to_string(last().seq));
        log_.resize(entry.seq.value - base().seq.value - 1);
        log_.push_back(entry);
      }
    } else if (const auto* truncate = std::get_if<cluster::TruncateFrom>(&op)) {
      BRIGADE_CHECK(truncate->from > base().seq, "cut below the snapshot");
      if (truncate->from <= last().seq) log_.resize(truncate->from.value - base().seq.value - 1);
    } else if (const auto* install = std::get_if<cluster::InstallSnapshot>(&op)) {
      std::erase_if(log_, [&](const wire::LogEntry& e) { return e.seq <= install->snapshot->last.seq; });
      snapshot_ = install->snapshot;
    } else if (const auto* commit = std::get_if<cluster::SetCommit>(&op)) {
      commit_ = commit->commit;
    }
  }
}

}  // namespace brigade::sim
