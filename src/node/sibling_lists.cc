#include "sibling_lists.h"

#include "record_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace brigade::node {

namespace {

/// Calls f(words) for each line; false as soon as f says so or a line has not exactly N words.
template <std::size_t N, class F>
bool for_lines(std::string_view body, F&& f) {
  while (!body.empty()) {
    const auto end = body.find('\n');
    if (end == std::string_view::npos) return false;
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    std::array<std::string_view, N> words;
    for (std::size_t i = 0; i < N; ++i) {
      const auto space = line.find(' ');
      if ((space == std::string_view::npos) != (i + 1 == N)) return false;
      words[i] = line.substr(0, space);
      line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    }
    if (!f(words)) return false;
  }
  return true;
}

std::optional<SharedPart> parse_part(std::string_view home, std::string_view level) {
  auto bucket = parse_number(home);
  auto k = parse_number(level);
  if (!bucket || *bucket >= kBucketCount || !k || *k >= placement::kLevelCount) return std::nullopt;
  return SharedPart{BucketId{static_cast<std::uint16_t>(*bucket)}, placement::Level{static_cast<std::uint8_t>(*k)}};
}

}  // namespace

std::string part_line(const SharedPart& part) {
  return std::to_string(part.home.value) + " " + std::to_string(part.level.value) + "\n";
}

Result<std::vector<SharedPart>> parse_parts(std::string_view body) {
  std::vector<SharedPart> parts;
  const bool fits = for_lines<2>(body, [&](const auto& w) {
    auto part = parse_part(w[0], w[1]);
    if (part) parts.push_back(*part);
    return part.has_value() && parts.size() <= kPartsMax;
  });
  if (!fits) return Error{Errc::kInvalid, "malformed list of parts"};
  return parts;
}

void append_digest(std::string& body, const SharedPart& part, const Digest& digest) {
  body += std::to_string(part.home.value) + " " + std::to_string(part.level.value) + " " + std::to_string(digest.high) +
          " " + std::to_string(digest.low) + " " + std::to_string(digest.count) + "\n";
}

Result<std::vector<Digest>> parse_digests(std::string_view body, const std::vector<SharedPart>& parts) {
  std::vector<Digest> digests;
  const bool fits = for_lines<5>(body, [&](const auto& w) {
    auto part = parse_part(w[0], w[1]);
    auto high = parse_number(w[2]);
    auto low = parse_number(w[3]);
    auto count = parse_number(w[4]);
    if (!part || !high || !low || !count || digests.size() >= parts.size() || *part != parts[digests.size()])
      return false;
    digests.push_back(Digest{*high, *low, *count});
    return true;
  });
  if (!fits || digests.size() != parts.size()) return Error{Errc::kBadGateway, "malformed digests"};
  return digests;
}

void append_entry(std::string& body, const store::IndexEntry& e) {
  body += to_string(e.id) + " " + to_string(e.revision) + " " + std::to_string(e.level) + " " +
          (e.tombstone ? "1" : "0") + " " + std::to_string(e.size) + "\n";
}

Result<std::vector<store::IndexEntry>> parse_entries(std::string_view body) {
  std::vector<store::IndexEntry> entries;
  const bool fits = for_lines<5>(body, [&](const auto& w) {
    auto id = parse_object_id(w[0]);
    auto revision = parse_revision(w[1]);
    auto level = parse_number(w[2]);
    auto size = parse_number(w[4]);
    if (!id || !revision || !level || *level >= placement::kLevelCount || !size || (w[3] != "0" && w[3] != "1"))
      return false;
    entries.push_back({*id, *revision, static_cast<std::uint8_t>(*level), w[3] == "1", *size});
    return true;
  });
  if (!fits) return Error{Errc::kBadGateway, "malformed list of objects"};
  return entries;
}

std::vector<store::IndexEntry> unknown_to(const std::vector<store::IndexEntry>& theirs,
                                          std::vector<store::IndexEntry> ours) {
  std::map<ObjectId, Revision> known;
  for (const store::IndexEntry& e : theirs) known[e.id] = e.revision;
  std::erase_if(ours, [&known](const store::IndexEntry& e) {
    const auto at = known.find(e.id);
    return at != known.end() && at->second >= e.revision;
  });
  return ours;
}

}  // namespace brigade::node
