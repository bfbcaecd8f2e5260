#include "control_published.h"

#include <algorithm>

namespace brigade::node {

std::shared_ptr<const View> Published::view() const {
  // A handle on the view with a count of this thread's own. It holds the view, so that no other can have its address.
  thread_local std::shared_ptr<const View> seen;
  if (const View* latest = latest_.load(std::memory_order_acquire); latest != seen.get() || latest == nullptr) {
    const std::lock_guard lock(mutex_);
    auto held = std::make_shared<const std::shared_ptr<const View>>(view_);
    seen = std::shared_ptr<const View>(std::move(held), view_.get());
  }
  return seen;
}

void Published::keep(const wire::LogEntry& entry, WallTime applied) {
  const std::lock_guard lock(lines_mutex_);
  if (lines_.size() >= kLinesKept) lines_.pop_front();
  lines_.push_back({entry.position(), entry.change, applied});
}

std::vector<LogLine> Published::lines(Seq after, std::size_t limit) const {
  const std::lock_guard lock(lines_mutex_);
  const auto first = std::ranges::upper_bound(lines_, after, {}, [](const LogLine& l) { return l.position.seq; });
  const auto count = std::min(limit, static_cast<std::size_t>(lines_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace brigade::node
