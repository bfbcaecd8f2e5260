// What happens next.  Concept: events in order of virtual time, and in order of their making at equal times.
// Thread: one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "brigade/base/check.h"
#include "brigade/base/time.h"

namespace brigade::sim {

/// True time since the run began. Nodes know only their own clocks (clock.h).
using Moment = Duration;

class EventQueue {
 public:
  /// Requires at >= now().
  void at(Moment when, std::function<void()> action) {
    BRIGADE_CHECK(when >= now_, "an event in the past");
    heap_.push_back({when, made_++, std::move(action)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

  /// Requires !empty(). Moves the time on and does what is due.
  void run_next() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.when;
    event.action();
  }

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  /// Requires !empty().
  [[nodiscard]] Moment next_at() const { return heap_.front().when; }
  [[nodiscard]] Moment now() const { return now_; }

 private:
  struct Event {
    Moment when;
    std::uint64_t made;
    std::function<void()> action;
  };
  static bool later(const Event& a, const Event& b) { return std::pair(a.when, a.made) > std::pair(b.when, b.made); }

  std::vector<Event> heap_;
  std::uint64_t made_ = 0;
  Moment now_{};
};

}  // namespace brigade::sim
