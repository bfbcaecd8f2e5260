// One field of all buckets, as runs of equal values.  Source: proto/README.md "Columns".
// Concept: a run is its length and its value, both LEB128; runs are as long as they can be, so a column has one form.
//          Most columns of a settled cluster are a few runs; the worst takes three bytes or so for each bucket.
#pragma once

#include "little_endian.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"

namespace brigade::wire {

/// Column of value(i) for i in [0, kBucketCount).
template <class Value>
std::vector<std::byte> encode_column(Value&& value) {
  std::vector<std::byte> out;
  std::uint64_t current = value(0);
  std::uint64_t length = 1;
  auto end_run = [&] {
    put_leb128(out, length);
    put_leb128(out, current);
  };
  for (std::size_t i = 1; i < kBucketCount; ++i) {
    const std::uint64_t v = value(i);
    if (v == current) {
      ++length;
      continue;
    }
    end_run();
    current = v;
    length = 1;
  }
  end_run();
  return out;
}

/// Calls take(i, value) for i in [0, kBucketCount), rising. Errors: kInvalid if a value is over `max`, or the runs are
/// not in their one form or don't make kBucketCount values; some calls may have been made before that.
template <class Take>
Status decode_column(std::span<const std::byte> bytes, const char* name, std::uint64_t max, Take&& take) {
  auto invalid = [name](const char* what) { return Error(Errc::kInvalid, "column " + std::string(name) + what); };
  std::size_t index = 0;
  std::uint64_t before = 0;
  while (!bytes.empty()) {
    const auto length = take_leb128(bytes);
    const auto value = take_leb128(bytes);
    if (!length || !value) return invalid(" has a number that is cut off or not in its shortest form");
    if (*length == 0 || *length > kBucketCount - index) return invalid(" has a run of a wrong length");
    if (index > 0 && *value == before) return invalid(" has two runs where there should be one");
    if (*value > max) return invalid(" has a value that is out of range");
    before = *value;
    for (const std::size_t end = index + *length; index < end; ++index) take(index, *value);
  }
  if (index != kBucketCount) return invalid(" does not cover all buckets");
  return {};
}

}  // namespace brigade::wire
