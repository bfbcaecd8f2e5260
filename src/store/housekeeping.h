// What a store does beside its callers' work, a bounded step at a time: segments are prepared, what has expired is
// forgotten, what need not be retained is given up, the index is saved, garbage is compacted.
// Source: design §6.
// Thread:  any thread; one at a time gets its turn.
#pragma once

#include "committer.h"
#include "compactor.h"
#include "snapshotter.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "brigade/store/object_store.h"

namespace brigade::store {

class Housekeeping {
 public:
  using Forget = std::function<Status(const ObjectId& id, Revision revision)>;
  /// `step_bytes`: what a step of compaction copies at most. `forget`: the store's.
  Housekeeping(StoreParts parts, Committer& committer, Snapshotter& snapshotter, std::uint64_t step_bytes,
               Forget forget)
      : parts_(std::move(parts)),
        committer_(committer),
        snapshotter_(snapshotter),
        compactor_(parts_, committer, step_bytes),
        forget_(std::move(forget)) {}

  MaintainResult step(WallTime now);
  void confirm();
  void set_compaction_bandwidth(std::uint64_t bytes_per_second) { compaction_bandwidth_ = bytes_per_second; }

 private:
  Result<bool> prepare_ahead();
  Result<bool> expire(WallTime now);
  bool release(WallTime now);
  Result<bool> end_damaged();
  Result<bool> compact(WallTime now, MaintainResult& result);
  void confirm_all();
  /// True if something was done. Remembers a failure of the disk.
  bool did(MaintainResult& result, const char* what, const Result<bool>& done);

  StoreParts parts_;
  Committer& committer_;
  Snapshotter& snapshotter_;
  Compactor compactor_;
  Forget forget_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> compaction_bandwidth_{0};
  WallTime compacted_;        ///< when the last step of compaction was made
  std::uint64_t copied_ = 0;  ///< by it
};

}  // namespace brigade::store
