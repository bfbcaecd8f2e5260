#include "retained_index.h"

#include <algorithm>

namespace brigade::store {

void RetainedIndex::add(const RetainedRecord& retained) {
  const std::lock_guard lock(mutex_);
  const Key key{retained.record.entry.id, retained.record.lsn};
  RetainedRecord now = retained;
  if (const auto at = records_.find(key); at != records_.end())
    now.replaced = std::min(now.replaced, take_at(at).replaced);
  by_time_.insert({now.replaced.unix_ms, key});
  records_.emplace(key, now);
}

std::optional<RetainedRecord> RetainedIndex::find(const ObjectId& id, std::uint64_t lsn) const {
  const std::lock_guard lock(mutex_);
  const auto at = records_.find({id, lsn});
  if (at == records_.end()) return std::nullopt;
  return at->second;
}

std::vector<RetainedRecord> RetainedIndex::list(const ObjectId& id) const {
  const std::lock_guard lock(mutex_);
  std::vector<RetainedRecord> found;
  for (auto at = records_.lower_bound({id, 0}); at != records_.end() && at->first.first == id; ++at)
    found.push_back(at->second);
  std::ranges::reverse(found);
  return found;
}

bool RetainedIndex::has_file(const ObjectId& id, std::uint64_t file) const {
  const std::lock_guard lock(mutex_);
  for (auto at = records_.lower_bound({id, 0}); at != records_.end() && at->first.first == id; ++at)
    if (at->second.record.large && at->second.file == file) return true;
  return false;
}

bool RetainedIndex::relocate(const ObjectId& id, std::uint64_t lsn, Location from, Location to) {
  const std::lock_guard lock(mutex_);
  const auto at = records_.find({id, lsn});
  if (at == records_.end() || at->second.record.at != from) return false;
  at->second.record.at = to;
  return true;
}

RetainedRecord RetainedIndex::take_at(Records::iterator at) {
  by_time_.erase({at->second.replaced.unix_ms, at->first});
  return records_.extract(at).mapped();
}

std::optional<RetainedRecord> RetainedIndex::take(const ObjectId& id, std::uint64_t lsn) {
  const std::lock_guard lock(mutex_);
  const auto at = records_.find({id, lsn});
  if (at == records_.end()) return std::nullopt;
  return take_at(at);
}

std::vector<RetainedRecord> RetainedIndex::take_up_to(const ObjectId& id, std::uint64_t lsn) {
  const std::lock_guard lock(mutex_);
  std::vector<RetainedRecord> taken;
  for (auto at = records_.lower_bound({id, 0});
       at != records_.end() && at->first.first == id && at->first.second <= lsn;)
    taken.push_back(take_at(at++));
  return taken;
}

std::vector<RetainedRecord> RetainedIndex::take_replaced_by(WallTime time, std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<RetainedRecord> taken;
  while (taken.size() < most && !by_time_.empty() && by_time_.begin()->first <= time.unix_ms)
    taken.push_back(take_at(records_.find(by_time_.begin()->second)));
  return taken;
}

void RetainedIndex::visit(const std::function<void(const RetainedRecord&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, retained] : records_) visit(retained);
}

void RetainedIndex::clear() {
  const std::lock_guard lock(mutex_);
  records_.clear();
  by_time_.clear();
}

}  // namespace brigade::store
