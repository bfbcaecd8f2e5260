#include "brigade/placement/replicas.h"

#include <set>

#include <catch2/catch.hpp>

namespace brigade::placement {
namespace {

TEST_CASE("only 1, 2, 4, 8 and 16 copies have a level") {
  std::set<std::uint64_t> allowed;
  for (std::uint64_t r = 0; r <= 70'000; ++r)
    if (const auto level = level_of(r)) {
      CHECK(level->redundancy() == r);
      allowed.insert(r);
    }
  CHECK(allowed == std::set<std::uint64_t>{1, 2, 4, 8, 16});
}

TEST_CASE("the home bucket is the first 16 bits of the object id") {
  CHECK(home_bucket(ObjectId{0xabcd000000000000, 0}) == BucketId{0xabcd});
  CHECK(home_bucket(ObjectId{0x0000ffffffffffff, ~std::uint64_t{0}}) == BucketId{0});
}

TEST_CASE("asking by distance starts at home and visits exactly the run of siblings, level by level") {
  for (const std::uint16_t home : {0, 1, 0x1234, 0x123f, 0xffff}) {
    for (std::uint8_t k = 0; k < kLevelCount; ++k) {
      const Level level{k};
      CHECK(by_distance(BucketId{home}, 0) == BucketId{home});
      std::set<std::uint32_t> asked;
      for (std::uint32_t j = 0; j < level.redundancy(); ++j) asked.insert(by_distance(BucketId{home}, j).value);
      std::set<std::uint32_t> run;
      for (std::uint32_t j = 0; j < level.redundancy(); ++j) run.insert(run_first(BucketId{home}, level).value + j);
      CHECK(asked == run);
    }
  }
}

TEST_CASE("runs are aligned to their size") {
  CHECK(run_first(BucketId{0xffff}, Level{0}) == BucketId{0xffff});
  CHECK(run_first(BucketId{0xffff}, Level{1}) == BucketId{0xfffe});
  CHECK(run_first(BucketId{0xffff}, Level{4}) == BucketId{0xfff0});
}

}  // namespace
}  // namespace brigade::placement
