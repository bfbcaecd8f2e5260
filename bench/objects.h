// The objects that bench_load stores and fetches, what people ask for, and how long it took.
// Concept: sizes and bytes follow from (seed, number) and are never kept: the bytes are a window of one random pattern,
//          so making and comparing them costs a client next to nothing, and another object's window is another place.
// Source:  sizes, counts and the cut-off popular end are those of the media archive of a 2005 report.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include <boost/json.hpp>

#include "brigade/base/prng.h"

namespace brigade::bench {

/// Uniform in [0, 1).
inline double share(Prng& prng) {
  return static_cast<double>(prng.next() >> 11) * 0x1p-53;
}

class Objects {
 public:
  /// Log-normal with mean 63.8 kB; of 3.09 million the largest is expected at 23 MB, from which sigma follows.
  static constexpr double kMean = 63'800;
  static constexpr double kSigma = 1.363;
  static constexpr std::uint64_t kLargest = 23'000'000;

  /// `size` 0: sizes as above; otherwise all have it.
  Objects(std::uint64_t seed, std::uint64_t size)
      : seed_(seed), size_(size), pattern_(kWindows + (size ? size : kLargest)) {
    Prng prng(seed);
    for (std::size_t at = 0; at + 8 <= pattern_.size(); at += 8) {
      const std::uint64_t word = prng.next();
      std::memcpy(pattern_.data() + at, &word, 8);
    }
  }

  [[nodiscard]] std::uint64_t size_of(std::uint64_t number) const {
    Prng prng(seed_ ^ number);
    return size_ ? size_ : draw_size(prng);
  }
  /// Valid as long as this.
  [[nodiscard]] std::span<const std::byte> bytes_of(std::uint64_t number) const {
    Prng prng(~seed_ ^ number);
    return {pattern_.data() + prng.below(kWindows / kAlignment) * kAlignment, size_of(number)};
  }
  static std::uint64_t draw_size(Prng& prng) {
    const double radius = std::sqrt(-2 * std::log(1 - share(prng)));
    const double normal = radius * std::cos(2 * std::numbers::pi * share(prng));
    const double size = kMean * std::exp(kSigma * normal - kSigma * kSigma / 2);
    return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(size), 1, kLargest);
  }

 private:
  static constexpr std::uint64_t kWindows = 8 << 20, kAlignment = 64;  // of a window's begin
  std::uint64_t seed_, size_;
  std::vector<std::byte> pattern_;
};

/// What is asked for behind a CDN that answers for the most popular tenth: Zipf with exponent 0.8 over the other ranks.
/// The most popular of these is asked for 6 times as often as the least. Ranks are strewn over the numbers.
class Popularity {
 public:
  explicit Popularity(std::uint64_t objects) : objects_(objects), step_(objects * 0.618) {
    while (objects_ > 1 && std::gcd(step_, objects_) != 1) ++step_;
  }
  std::uint64_t draw(Prng& prng) const {
    const double most = std::pow(kCut, 1 - kExponent);
    const double rank = std::pow(most + share(prng) * (1 - most), 1 / (1 - kExponent));
    return static_cast<std::uint64_t>(rank * static_cast<double>(objects_)) % objects_ * step_ % objects_;
  }

 private:
  static constexpr double kCut = 0.1, kExponent = 0.8;
  std::uint64_t objects_, step_;
};

/// Kept one by one: exact, and a few megabytes for millions.
class Latencies {
 public:
  void add(double seconds, std::uint64_t bytes) {
    all_.push_back(static_cast<float>(seconds * 1e3));
    bytes_ += bytes;
  }
  /// `seconds`: how long it went on.
  [[nodiscard]] boost::json::object summary(double seconds) {
    std::ranges::sort(all_);
    return {{"count", all_.size()},     {"a_second", static_cast<double>(all_.size()) / seconds},
            {"bytes", bytes_},          {"p50_ms", percentile(50)},
            {"p99_ms", percentile(99)}, {"p99_9_ms", percentile(99.9)}};
  }

 private:
  /// By nearest rank.
  [[nodiscard]] double percentile(double percent) const {
    if (all_.empty()) return 0;
    const double rank = std::ceil(percent / 100 * static_cast<double>(all_.size()));
    return all_[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
  }
  std::vector<float> all_;
  std::uint64_t bytes_ = 0;
};

}  // namespace brigade::bench
