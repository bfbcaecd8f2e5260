#include "http_range.h"

#include "text.h"

#include <algorithm>
#include <limits>

namespace brigade::net {
namespace {

/// Digits of any count; what does not fit is as large as can be.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  if (text.size() > 18) return std::numeric_limits<std::uint64_t>::max();
  return parse_decimal(text);
}

/// One range-spec over a body of `size`. Nothing: malformed. An empty range: can't be satisfied.
std::optional<ByteRange> parse_spec(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view from = spec.substr(0, dash);
  const std::string_view to = spec.substr(dash + 1);
  if (from.empty()) {
    const auto suffix = parse_position(to);
    if (!suffix) return std::nullopt;
    return ByteRange{size - std::min(*suffix, size), size};
  }
  const auto first = parse_position(from);
  if (!first) return std::nullopt;
  if (to.empty()) return ByteRange{std::min(*first, size), size};
  const auto last = parse_position(to);
  if (!last || *last < *first) return std::nullopt;
  return ByteRange{std::min(*first, size), *last >= size ? size : *last + 1};
}

bool overlap(const ByteRange& a, const ByteRange& b) {
  return a.first < b.end && b.first < a.end;
}

/// Adds `range`, melting it with all that it overlaps; the place of the first of them is kept.
void add_merged(std::vector<ByteRange>& ranges, ByteRange range) {
  const auto found = std::find_if(ranges.begin(), ranges.end(), [&](const ByteRange& r) { return overlap(r, range); });
  if (found == ranges.end()) {
    ranges.push_back(range);
    return;
  }
  const auto place = static_cast<std::size_t>(found - ranges.begin());
  for (std::size_t i = ranges.size(); i-- > place;) {
    if (!overlap(ranges[i], range)) continue;
    range.first = std::min(range.first, ranges[i].first);
    range.end = std::max(range.end, ranges[i].end);
    if (i > place) ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(i));
  }
  ranges[place] = range;
}

}  // namespace

ReadDecision decide_range(std::string_view range, std::uint64_t size) {
  ReadDecision whole;
  const std::size_t equals = range.find('=');
  if (equals == std::string_view::npos || !equals_without_case(trimmed(range.substr(0, equals)), "bytes")) return whole;
  const auto specs = list_items(range.substr(equals + 1));
  if (specs.empty() || specs.size() > kRangesMax) return whole;
  ReadDecision decision;
  bool suffix_of_nothing = false;
  for (const std::string_view spec : specs) {
    const auto parsed = parse_spec(spec, size);
    if (!parsed) return whole;
    if (parsed->first < parsed->end) add_merged(decision.ranges, *parsed);
    if (size == 0 && spec.front() == '-' && parse_position(spec.substr(1)) != 0U) suffix_of_nothing = true;
  }
  // The last bytes of an empty body are satisfiable, but no Content-Range can say so.
  if (suffix_of_nothing) return whole;
  decision.status = decision.ranges.empty() ? 416 : 206;
  return decision;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.end - 1) + "/" + std::to_string(size);
}

Multipart make_multipart(const std::vector<ByteRange>& ranges, std::uint64_t size, std::string_view content_type,
                         std::string_view boundary) {
  Multipart multipart;
  const std::string delimiter = "\r\n--" + std::string(boundary);
  multipart.content_type = "multipart/byteranges; boundary=" + std::string(boundary);
  multipart.tail = delimiter + "--\r\n";
  multipart.length = multipart.tail.size();
  for (const ByteRange& range : ranges) {
    std::string head = delimiter + "\r\nContent-Type: " + std::string(content_type) +
                       "\r\nContent-Range: " + content_range(range, size) + "\r\n\r\n";
    if (multipart.part_heads.empty()) head.erase(0, 2);
    multipart.length += head.size() + (range.end - range.first);
    multipart.part_heads.push_back(std::move(head));
  }
  return multipart;
}

}  // namespace brigade::net
