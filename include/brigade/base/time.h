// Time as the core sees it.  Source: design §4 Leases: only the clock's rate is trusted.
// Concept: an Instant is handed in by the executor (CLOCK_BOOTTIME in the daemon, virtual time in the simulator). The
//          clock has no now(): nothing in the pure layers can ask for the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace brigade {

using Duration = std::chrono::nanoseconds;

/// Monotonic, runs on in suspend; its origin means nothing outside of one start of one process.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock, duration>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;
inline constexpr Instant kNever = Instant::max();

/// Wall time for people and HTTP dates only; no decision depends on it.
struct WallTime {
  std::int64_t unix_ms = 0;
  constexpr auto operator<=>(const WallTime&) const = default;
};

}  // namespace brigade
