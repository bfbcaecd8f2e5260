// A node's clock: its own origin at every start, its own rate.  Source: design §4 Leases "Only the clock's rate is
// trusted".  Thread: values.
#pragma once

#include "event_queue.h"

#include <cstdint>

#include "brigade/base/time.h"

namespace brigade::sim {

class Clock {
 public:
  Clock() = default;
  Clock(Moment started, Instant origin, std::int64_t drift_ppm)
      : started_(started), origin_(origin), drift_ppm_(drift_ppm) {}

  [[nodiscard]] Instant local(Moment moment) const {
    const Duration passed = moment - started_;
    return origin_ + passed + passed * drift_ppm_ / kMillion;
  }
  /// The first moment at which the clock shows `instant` or later; Moment::max() for kNever.
  [[nodiscard]] Moment moment(Instant instant) const {
    if (instant > origin_ + std::chrono::hours{1}) return Moment::max();
    const Duration shown = instant - origin_;
    Moment result = started_ + shown * kMillion / (kMillion + drift_ppm_);
    while (local(result) < instant) result += Duration{1};
    return result;
  }

 private:
  static constexpr std::int64_t kMillion = 1'000'000;
  Moment started_{};
  Instant origin_{};
  std::int64_t drift_ppm_ = 0;
};

}  // namespace brigade::sim
