#include "brigade/base/bucket_set.h"

#include <algorithm>

#include "brigade/base/check.h"

namespace brigade {
namespace {

constexpr auto kBuckets = static_cast<std::uint32_t>(kBucketCount);
/// 65 536 needs 17 bits, so no number on the wire is longer.
constexpr std::size_t kNumberBytesMax = 3;

std::size_t number_bytes(std::uint32_t value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3;
}

void put_number(std::string& out, std::uint32_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

/// Takes one LEB128 number off the front. Nothing if it is cut off, too long, or padded with zeros.
std::optional<std::uint32_t> take_number(std::string_view& bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kNumberBytesMax && i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    value |= static_cast<std::uint32_t>(byte & 0x7f) << (7 * i);
    if (byte & 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;
    bytes.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

/// The gap of `run` on the wire, when `end` is where the run before it ends.
std::uint32_t gap_after(std::uint32_t end, const BucketSet::Run& run) {
  return run.first - end;
}
std::uint32_t length_of(const BucketSet::Run& run) {
  return run.end - run.first;
}

std::size_t run_bytes(std::uint32_t end, const BucketSet::Run& run) {
  return number_bytes(gap_after(end, run)) + number_bytes(length_of(run));
}

}  // namespace

BucketSet BucketSet::all() {
  BucketSet set;
  set.runs_.push_back({0, kBuckets});
  return set;
}

BucketSet BucketSet::of(BucketId bucket) {
  BucketSet set;
  set.add(bucket);
  return set;
}

void BucketSet::add(BucketId bucket) {
  const std::uint32_t b = bucket.value;
  // The first run that ends at b or above: the only one that can hold b or touch it from below.
  auto at = runs_.empty() || runs_.back().end < b
                ? runs_.end()
                : std::partition_point(runs_.begin(), runs_.end(), [b](const Run& run) { return run.end < b; });
  if (at == runs_.end() || at->first > b + 1) {
    runs_.insert(at, {b, b + 1});
    return;
  }
  if (at->first == b + 1) {
    at->first = b;
    return;
  }
  if (at->end > b) return;
  at->end = b + 1;
  const auto above = at + 1;
  if (above != runs_.end() && above->first == b + 1) {
    at->end = above->end;
    runs_.erase(above);
  }
}

bool BucketSet::has(BucketId bucket) const {
  const std::uint32_t b = bucket.value;
  const auto at = std::partition_point(runs_.begin(), runs_.end(), [b](const Run& run) { return run.end <= b; });
  return at != runs_.end() && at->first <= b;
}

std::size_t BucketSet::size() const {
  std::size_t size = 0;
  for (const Run& run : runs_) size += length_of(run);
  return size;
}

std::string BucketSet::encoded() const {
  std::string out;
  std::uint32_t end = 0;
  for (const Run& run : runs_) {
    put_number(out, gap_after(end, run));
    put_number(out, length_of(run));
    end = run.end;
  }
  return out;
}

std::size_t BucketSet::encoded_bytes() const {
  std::size_t bytes = 0;
  std::uint32_t end = 0;
  for (const Run& run : runs_) {
    bytes += run_bytes(end, run);
    end = run.end;
  }
  return bytes;
}

std::optional<BucketSet> BucketSet::decode(std::string_view bytes) {
  BucketSet set;
  std::uint32_t end = 0;
  while (!bytes.empty()) {
    const std::optional<std::uint32_t> gap = take_number(bytes);
    const std::optional<std::uint32_t> length = gap ? take_number(bytes) : std::nullopt;
    if (!length || *length == 0) return std::nullopt;
    if (*gap == 0 && !set.runs_.empty()) return std::nullopt;  // touches the run before
    // Both have at most 21 bits, so the sum can't wrap.
    if (end + *gap + *length > kBuckets) return std::nullopt;
    set.runs_.push_back({end + *gap, end + *gap + *length});
    end = set.runs_.back().end;
  }
  return set;
}

std::vector<BucketSet> BucketSet::split(std::size_t bytes_max) const {
  BRIGADE_CHECK(bytes_max >= 8, "split into sets of " << bytes_max << " bytes: one run can need 6");
  std::vector<BucketSet> parts;
  std::size_t bytes = 0;
  for (const Run& run : runs_) {
    std::size_t more = parts.empty() ? 0 : run_bytes(parts.back().runs_.back().end, run);
    if (parts.empty() || bytes + more > bytes_max) {
      parts.emplace_back();
      bytes = 0;
      more = run_bytes(0, run);
    }
    parts.back().runs_.push_back(run);
    bytes += more;
  }
  return parts;
}

}  // namespace brigade
