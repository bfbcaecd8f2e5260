// Records of objects that were replaced or deleted, and can still be had.  Source: design §6; settings, `retention`.
// Concept: beside the content index: what a commit takes out of that is kept here until its time is over, and counts as
//          live meanwhile, so that compaction copies it. About 250 bytes of memory for each.
// Thread:  any thread.
#pragma once

#include "content_index.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "brigade/base/time.h"

namespace brigade::store {

struct RetainedRecord {
  IndexRecord record;
  std::uint64_t file = 0;  ///< of a large object's body
  WallTime replaced;       ///< when something took its place
  bool operator==(const RetainedRecord&) const = default;
};

/// Objects only, whose bytes can be had; not what was to expire anyway.
inline bool is_worth_retaining(const IndexRecord& record, std::uint64_t file) {
  const IndexEntry& entry = record.entry;
  return !entry.tombstone && !entry.corrupt && !entry.expires && (!record.large || file != 0);
}

class RetainedIndex {
 public:
  /// Adds it. One that is there, by id and lsn, gets the new place, and the earlier of both times.
  void add(const RetainedRecord& retained);
  [[nodiscard]] std::optional<RetainedRecord> find(const ObjectId& id, std::uint64_t lsn) const;
  /// Those of an object, the newest first.
  [[nodiscard]] std::vector<RetainedRecord> list(const ObjectId& id) const;
  [[nodiscard]] bool has_file(const ObjectId& id, std::uint64_t file) const;
  /// Moves the record if it is still there, at `from`. False: it is not.
  bool relocate(const ObjectId& id, std::uint64_t lsn, Location from, Location to);
  /// Takes it out.
  std::optional<RetainedRecord> take(const ObjectId& id, std::uint64_t lsn);
  /// Takes out those of an object with lsns up to `lsn`.
  std::vector<RetainedRecord> take_up_to(const ObjectId& id, std::uint64_t lsn);
  /// Takes out up to `most` that were replaced at `time` or before.
  std::vector<RetainedRecord> take_replaced_by(WallTime time, std::size_t most);
  /// Calls `visit` for each, under the lock: it must not come back here.
  void visit(const std::function<void(const RetainedRecord&)>& visit) const;
  void clear();

 private:
  using Key = std::pair<ObjectId, std::uint64_t>;
  using Records = std::map<Key, RetainedRecord>;
  RetainedRecord take_at(Records::iterator at);

  mutable std::mutex mutex_;
  Records records_;
  std::set<std::pair<std::int64_t, Key>> by_time_;
};

}  // namespace brigade::store
