// When objects expire.  Source: design §6; README, `Brigade-Expires-In`.
// Concept: ids by the minute in which they are due, 16 bytes each. Whether an id is still that of an object that
// expires
//          then is found out when it is due: who replaces or deletes an object need not come here.
// Thread:  any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/time.h"

namespace brigade::store {

class ExpiryCalendar {
 public:
  /// `expires` is above 0.
  void add(const ObjectId& id, WallTime expires) {
    add_at(id, static_cast<std::uint64_t>(expires.unix_ms + kMinute - 1) / kMinute);
  }
  void add_at(const ObjectId& id, std::uint64_t minute) {
    const std::lock_guard lock(mutex_);
    by_minute_[minute].push_back(id);
  }
  /// Takes out up to `most` that are due.
  std::vector<ObjectId> take_due(WallTime now, std::size_t most) {
    const std::lock_guard lock(mutex_);
    std::vector<ObjectId> due;
    while (due.size() < most && !by_minute_.empty()) {
      const auto first = by_minute_.begin();
      if (now.unix_ms < 0 || first->first > static_cast<std::uint64_t>(now.unix_ms) / kMinute) break;
      while (due.size() < most && !first->second.empty()) {
        due.push_back(first->second.back());
        first->second.pop_back();
      }
      if (first->second.empty()) by_minute_.erase(first);
    }
    return due;
  }
  /// Calls `visit` with each id and its minute, under the lock: it must not come back here.
  void visit(const std::function<void(const ObjectId& id, std::uint64_t minute)>& visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [minute, ids] : by_minute_)
      for (const ObjectId& id : ids) visit(id, minute);
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    by_minute_.clear();
  }

 private:
  static constexpr std::int64_t kMinute = 60'000;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::vector<ObjectId>> by_minute_;
};

}  // namespace brigade::store
