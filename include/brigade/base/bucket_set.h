// A set of buckets, small in memory and on the wire.
// Concept: half-open runs [first, end) in rising order, never touching. Whole-map sets and single buckets are both
//          cheap; log entries about many buckets carry this.
// Thread:  a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/ids.h"

namespace brigade {

class BucketSet {
 public:
  struct Run {
    std::uint32_t first = 0;  ///< 0..65535
    std::uint32_t end = 0;    ///< exclusive, first+1..65536
    auto operator<=>(const Run&) const = default;
  };

  BucketSet() = default;
  static BucketSet all();
  static BucketSet of(BucketId bucket);

  /// Adds one bucket. Cheap when it lies above all others; else O(runs).
  void add(BucketId bucket);
  [[nodiscard]] bool has(BucketId bucket) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  [[nodiscard]] std::span<const Run> runs() const { return runs_; }

  /// Calls f(BucketId) for each bucket, rising.
  template <class F>
  void for_each(F&& f) const {
    for (const Run& run : runs_)
      for (std::uint32_t b = run.first; b < run.end; ++b) f(BucketId{static_cast<std::uint16_t>(b)});
  }

  /// Bytes on the wire: for each run the gap to the one before and its length, both LEB128.
  [[nodiscard]] std::string encoded() const;
  [[nodiscard]] std::size_t encoded_bytes() const;
  /// Nothing if `bytes` are not exactly what encoded() makes (rising, in range, no empty or touching runs).
  static std::optional<BucketSet> decode(std::string_view bytes);

  /// Cuts this into sets that each encode to at most `bytes_max` (at least 8).
  [[nodiscard]] std::vector<BucketSet> split(std::size_t bytes_max) const;

  auto operator<=>(const BucketSet&) const = default;

 private:
  std::vector<Run> runs_;
};

}  // namespace brigade
