// What other threads read of the control plane: the view, the end of the lease, the last transactions, counters.
// Concept: the control thread writes, everybody reads. The end of the lease is one number, and it says "over" while the
//          map is not new enough for the grant: so nobody can combine a new lease with an older map's permission.
// Thread:  set_* and keep() by the control thread; the rest by any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "brigade/base/time.h"
#include "brigade/node/control.h"
#include "brigade/wire/transaction.h"

namespace brigade::node {

class Published {
 public:
  static constexpr std::size_t kLinesKept = 4096;

  /// To be called before set_serve_until() of the same step.
  void set_view(std::shared_ptr<const View> view) {
    const std::lock_guard lock(mutex_);
    view_.swap(view);  // the old one is released after the lock
    latest_.store(view_.get(), std::memory_order_release);
  }
  void set_serve_until(Instant until) {
    serve_until_.store(until.time_since_epoch().count(), std::memory_order_release);
  }
  void keep(const wire::LogEntry& entry, WallTime applied);

  /// Costs no lock, and no count that threads share, as long as the view is the one that this thread saw last.
  [[nodiscard]] std::shared_ptr<const View> view() const;
  [[nodiscard]] bool may_serve(Instant now) const {
    return now.time_since_epoch().count() < serve_until_.load(std::memory_order_acquire);
  }
  /// At most `limit` lines above `after`, oldest first.
  [[nodiscard]] std::vector<LogLine> lines(Seq after, std::size_t limit) const;

  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> elections{0};

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;
  std::atomic<const View*> latest_{nullptr};  ///< view_, to be compared only
  std::atomic<Duration::rep> serve_until_{0};

  mutable std::mutex lines_mutex_;
  std::deque<LogLine> lines_;  ///< rising by seq; a hole where an index was installed
};

}  // namespace brigade::node
