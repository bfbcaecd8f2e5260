// Dates of HTTP.  Source: RFC 9110 §5.6.7; calendar arithmetic after the proleptic Gregorian rules of std::chrono.
#include "text.h"

#include <array>
#include <chrono>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_number(std::string& out, unsigned value, int digits) {
  std::array<char, 10> text{};
  for (int i = digits; i-- > 0; value /= 10) text[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  out.append(text.data(), static_cast<std::size_t>(digits));
}

/// Takes pieces off the front of a text; after the first that doesn't fit, everything fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  void literal(std::string_view piece) {
    ok_ = ok_ && text_.starts_with(piece);
    if (ok_) text_.remove_prefix(piece.size());
  }
  unsigned number(std::size_t digits) {
    unsigned value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      ok_ = ok_ && !text_.empty() && is_digit(text_.front());
      if (!ok_) return 0;
      value = value * 10 + static_cast<unsigned>(text_.front() - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  /// The index of the name that comes next.
  template <std::size_t N>
  unsigned one_of(const std::array<std::string_view, N>& names) {
    for (unsigned i = 0; ok_ && i < N; ++i) {
      if (!text_.starts_with(names[i])) continue;
      text_.remove_prefix(names[i].size());
      return i;
    }
    ok_ = false;
    return 0;
  }
  [[nodiscard]] bool next_is(char c) const { return ok_ && !text_.empty() && text_.front() == c; }
  [[nodiscard]] bool done() const { return ok_ && text_.empty(); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

struct Parts {
  unsigned weekday = 0, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  void time(Scanner& in) {
    hour = in.number(2);
    in.literal(":");
    minute = in.number(2);
    in.literal(":");
    second = in.number(2);
  }
};

std::optional<WallTime> assembled(const Parts& p) {
  namespace chr = std::chrono;
  const chr::year_month_day date{chr::year(static_cast<int>(p.year)), chr::month(p.month + 1), chr::day(p.day)};
  // 60 is a leap second, which POSIX time counts as the next second.
  if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;
  const chr::sys_days days(date);
  if (chr::weekday(days).c_encoding() != p.weekday) return std::nullopt;
  const auto since =
      chr::seconds(days.time_since_epoch()) + chr::hours(p.hour) + chr::minutes(p.minute) + chr::seconds(p.second);
  return WallTime{since.count() * 1000};
}

std::optional<WallTime> parse_imf_fixdate(std::string_view text) {
  Scanner in(text);
  Parts p;
  p.weekday = in.one_of(kDays);
  in.literal(", ");
  p.day = in.number(2);
  in.literal(" ");
  p.month = in.one_of(kMonths);
  in.literal(" ");
  p.year = in.number(4);
  in.literal(" ");
  p.time(in);
  in.literal(" GMT");
  return in.done() ? assembled(p) : std::nullopt;
}

std::optional<WallTime> parse_rfc850(std::string_view text) {
  Scanner in(text);
  Parts p;
  p.weekday = in.one_of(kLongDays);
  in.literal(", ");
  p.day = in.number(2);
  in.literal("-");
  p.month = in.one_of(kMonths);
  in.literal("-");
  p.year = in.number(2);
  in.literal(" ");
  p.time(in);
  in.literal(" GMT");
  if (!in.done()) return std::nullopt;
  // Without a clock, "more than 50 years in the future" can't be asked; the day of the week says which century is
  // meant.
  for (const unsigned century : {2000U, 1900U}) {
    Parts guess = p;
    guess.year += century;
    if (auto time = assembled(guess)) return time;
  }
  return std::nullopt;
}

std::optional<WallTime> parse_asctime(std::string_view text) {
  Scanner in(text);
  Parts p;
  p.weekday = in.one_of(kDays);
  in.literal(" ");
  p.month = in.one_of(kMonths);
  in.literal(" ");
  if (in.next_is(' ')) {
    in.literal(" ");
    p.day = in.number(1);
  } else {
    p.day = in.number(2);
  }
  in.literal(" ");
  p.time(in);
  in.literal(" ");
  p.year = in.number(4);
  return in.done() ? assembled(p) : std::nullopt;
}

}  // namespace

std::string http_date(WallTime time) {
  namespace chr = std::chrono;
  const auto since = chr::floor<chr::seconds>(chr::milliseconds(time.unix_ms));
  const auto days = chr::floor<chr::days>(since);
  const chr::year_month_day date{chr::sys_days(days)};
  const auto second = static_cast<unsigned>((since - days).count());
  std::string out;
  out.reserve(29);
  out.append(kDays[chr::weekday(chr::sys_days(days)).c_encoding()]).append(", ");
  append_number(out, static_cast<unsigned>(date.day()), 2);
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_number(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out.append(" ");
  append_number(out, second / 3600, 2);
  out.append(":");
  append_number(out, second / 60 % 60, 2);
  out.append(":");
  append_number(out, second % 60, 2);
  out.append(" GMT");
  return out;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (auto time = parse_imf_fixdate(text)) return time;
  if (auto time = parse_rfc850(text)) return time;
  return parse_asctime(text);
}

}  // namespace brigade::net
