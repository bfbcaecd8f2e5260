#include "brigade/cluster/log.h"

#include <utility>

#include "brigade/base/check.h"

namespace brigade::cluster {

const wire::LogEntry& Log::at(Seq seq) const {
  BRIGADE_CHECK(has(seq), "no entry " << to_string(seq) << " above " << to_string(base_));
  return entries_[seq.value - base_.seq.value - 1];
}

bool Log::holds(Position position) const {
  if (position == base_) return true;
  return has(position.seq) && at(position.seq).epoch == position.epoch;
}

void Log::append(wire::LogEntry entry) {
  BRIGADE_CHECK(entry.seq == next(last().seq), to_string(entry.seq) << " after " << to_string(last()));
  BRIGADE_CHECK(entry.epoch >= last().epoch, to_string(entry.epoch) << " after " << to_string(last()));
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Seq from) {
  BRIGADE_CHECK(from > base_.seq, "truncate from " << to_string(from) << " at or below " << to_string(base_));
  while (!entries_.empty() && entries_.back().seq >= from) entries_.pop_back();
}

void Log::cut_to(Seq seq) {
  if (seq == base_.seq) return;
  base_ = at(seq).position();
  while (!entries_.empty() && entries_.front().seq <= seq) entries_.pop_front();
}

void Log::rebase(Position base) {
  if (holds(base)) {
    cut_to(base.seq);
    return;
  }
  entries_.clear();
  base_ = base;
}

}  // namespace brigade::cluster
