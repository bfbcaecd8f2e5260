// Replica arithmetic.  Source: design §3: redundancy 2^k keeps the first 16-k bits of the home bucket.
// Thread: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "brigade/base/ids.h"

namespace brigade::placement {

/// log2 of an object's redundancy: 0..4, that is 1, 2, 4, 8, 16 copies.
struct Level {
  std::uint8_t value = 0;
  constexpr auto operator<=>(const Level&) const = default;
  [[nodiscard]] constexpr std::uint32_t redundancy() const { return 1U << value; }
};
inline constexpr std::uint8_t kLevelCount = 5;
inline constexpr Level kWidestLevel{kLevelCount - 1};

/// The level of `redundancy`, nothing unless it is 1, 2, 4, 8 or 16.
constexpr std::optional<Level> level_of(std::uint64_t redundancy) {
  for (std::uint8_t k = 0; k < kLevelCount; ++k)
    if (redundancy == (std::uint64_t{1} << k)) return Level{k};
  return std::nullopt;
}

constexpr BucketId home_bucket(const ObjectId& id) {
  return BucketId{static_cast<std::uint16_t>(id.high >> 48)};
}

/// The first bucket of the run of siblings that share objects of `level` with `bucket`.
constexpr BucketId run_first(BucketId bucket, Level level) {
  return BucketId{static_cast<std::uint16_t>(bucket.value & ~(level.redundancy() - 1))};
}

/// The j-th bucket in order of asking: home, home^1, home^2 ... (design §3). Requires j < 16.
constexpr BucketId by_distance(BucketId home, std::uint32_t j) {
  return BucketId{static_cast<std::uint16_t>(home.value ^ j)};
}

}  // namespace brigade::placement
