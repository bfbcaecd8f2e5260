// Durations and sizes as people write them: integers all the way, so that a text means the same on every machine.
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "brigade/base/settings.h"

namespace brigade {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kSecond = 1'000'000'000;
// Largest first: the text form takes the first that divides.
constexpr std::array kTimeUnits{Unit{"d", 86400 * kSecond},
                                Unit{"h", 3600 * kSecond},
                                Unit{"min", 60 * kSecond},
                                Unit{"s", kSecond},
                                Unit{"ms", 1'000'000},
                                Unit{"us", 1000},
                                Unit{"ns", 1}};
constexpr std::array kSizeUnits{Unit{"TiB", std::uint64_t{1} << 40},
                                Unit{"GiB", std::uint64_t{1} << 30},
                                Unit{"MiB", std::uint64_t{1} << 20},
                                Unit{"KiB", std::uint64_t{1} << 10},
                                Unit{"TB", 1'000'000'000'000},
                                Unit{"GB", 1'000'000'000},
                                Unit{"MB", 1'000'000},
                                Unit{"kB", 1000},
                                Unit{"B", 1},
                                Unit{"KB", 1000}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// `text` = digits ["." digits] unit, times the unit's factor. Nothing if it is malformed, does not fit, or is not
/// whole.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units, bool is_bare_allowed) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number = 0;  // with the point taken out
  std::uint64_t scale = 1;   // 10 to the power of the digits behind the point
  std::size_t at = 0;
  const auto take_digits = [&](bool is_fraction) {
    const std::size_t first = at;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      const auto digit = static_cast<std::uint64_t>(text[at] - '0');
      if (number > (kMax - digit) / 10 || (is_fraction && scale > kMax / 10)) return false;
      number = number * 10 + digit;
      if (is_fraction) scale *= 10;
    }
    return at > first;
  };
  if (!take_digits(false)) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!take_digits(true)) return std::nullopt;
  }
  const std::string_view name = text.substr(at);
  if (name.empty()) return is_bare_allowed && scale == 1 ? std::optional(number) : std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    std::uint64_t factor = unit.factor;
    // Shortens the fraction first: 1.5 h would not fit as 15 * 3600e9 / 10 in every unit.
    for (const std::uint64_t prime : {2U, 5U}) {
      while (scale % prime == 0 && factor % prime == 0) scale /= prime, factor /= prime;
      while (scale % prime == 0 && number % prime == 0) scale /= prime, number /= prime;
    }
    if (scale != 1 || (factor != 0 && number > kMax / factor)) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::string quantity_text(std::uint64_t value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const Unit& unit : units)
    if (value % unit.factor == 0) return std::to_string(value / unit.factor) + std::string(unit.name);
  return std::to_string(value);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const std::optional<std::uint64_t> value = parse_quantity(text, kTimeUnits, false);
  if (!value || *value > static_cast<std::uint64_t>(Duration::max().count())) {
    return Error{Errc::kInvalid,
                 "\"" + std::string(text.substr(0, 60)) +
                     "\" is not a duration; write a number with ns, us, ms, s, min, h or d, like 100ms"};
  }
  return Duration{static_cast<Duration::rep>(*value)};
}

std::string duration_text(Duration duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (duration < Duration::zero()) return "-" + quantity_text(0 - count, kTimeUnits, "0s");
  return quantity_text(count, kTimeUnits, "0s");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const std::optional<std::uint64_t> value = parse_quantity(text, kSizeUnits, true);
  if (!value) {
    return Error{Errc::kInvalid,
                 "\"" + std::string(text.substr(0, 60)) +
                     "\" is not a size; write a number with B, KiB, MiB, GiB, TiB, kB, MB, GB or TB, like 64KiB"};
  }
  return *value;
}

std::string size_text(std::uint64_t bytes) {
  return quantity_text(bytes, kSizeUnits, "0B");
}

}  // namespace brigade
