// What other threads hand to one that may sleep: much at once for one wake-up.
// Concept: who puts something where there was nothing sees to it that the owner comes and takes all that is there.
// Thread:  put: any; take: the owner.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace brigade {

template <class T>
class Inbox {
 public:
  /// True if there was nothing: the caller wakes the owner.
  [[nodiscard]] bool put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    return values_.size() == 1;
  }
  /// All that is there, in the order in which it came.
  [[nodiscard]] std::vector<T> take() {
    std::vector<T> values;
    const std::lock_guard lock(mutex_);
    values.reserve(values_.capacity());
    values.swap(values_);
    return values;
  }

 private:
  std::mutex mutex_;
  std::vector<T> values_;
};

}  // namespace brigade
