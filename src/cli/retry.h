// When to ask again, and when to give up.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "brigade/base/result.h"

namespace brigade::cli {

inline constexpr int kAttemptsMax = 8;

/// How long to wait before the next attempt after the `attempt`-th (from 1) was answered with 503 and this Retry-After;
/// nothing: give up. Seconds only; absent or odd ones count as a short, growing wait.
std::optional<std::chrono::milliseconds> retry_delay(int attempt, int status,
                                                     std::optional<std::string_view> retry_after);
/// The same for an attempt that failed on the way: kClosed and kTimeout are worth another, what can't be reached is
/// not.
std::optional<std::chrono::milliseconds> retry_delay(int attempt, Errc error);

}  // namespace brigade::cli
