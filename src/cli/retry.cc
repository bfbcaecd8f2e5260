#include "retry.h"

#include <algorithm>
#include <charconv>

namespace brigade::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDelayMin{100};
constexpr milliseconds kDelayMax{5'000};

milliseconds growing_delay(int attempt) {
  return std::min(kDelayMax, kDelayMin * (1 << std::min(attempt, 10)));
}

}  // namespace

std::optional<milliseconds> retry_delay(int attempt, int status, std::optional<std::string_view> retry_after) {
  if (attempt >= kAttemptsMax || status != 503) return std::nullopt;
  unsigned seconds = 0;
  const auto text = retry_after.value_or("");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size()) return growing_delay(attempt);
  return std::clamp(milliseconds{std::min(seconds, 3'600U) * 1'000}, kDelayMin, kDelayMax);
}

std::optional<milliseconds> retry_delay(int attempt, Errc error) {
  if (attempt >= kAttemptsMax || (error != Errc::kClosed && error != Errc::kTimeout)) return std::nullopt;
  return growing_delay(attempt);
}

}  // namespace brigade::cli
