// A seeded random source that gives the same numbers on every platform (xoshiro256**, seeded by splitmix64).
// Source: Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2018.
// Thread: one owner. The pure layers get theirs handed in; nothing seeds itself.
#pragma once

#include <array>
#include <cstdint>

namespace brigade {

class Prng {
 public:
  explicit Prng(std::uint64_t seed);
  /// Uniform over all 64-bit values.
  std::uint64_t next();
  /// Uniform in [0, bound). Requires bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// True with probability `numerator` / `denominator`.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace brigade
