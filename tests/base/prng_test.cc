#include "brigade/base/prng.h"

#include <array>

#include <catch2/catch.hpp>

namespace brigade {
namespace {

TEST_CASE("the random source gives the numbers of the published generator") {
  Prng prng(0);
  CHECK(prng.next() == 11091344671253066420U);
  CHECK(prng.next() == 13793997310169335082U);
  CHECK(prng.next() == 1900383378846508768U);
  CHECK(prng.next() == 7684712102626143532U);
}

TEST_CASE("two random sources of one seed agree, and of different seeds do not") {
  Prng a(42);
  Prng b(42);
  Prng c(43);
  int equal_to_c = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t drawn = a.next();
    REQUIRE(drawn == b.next());
    equal_to_c += drawn == c.next() ? 1 : 0;
  }
  CHECK(equal_to_c == 0);
}

TEST_CASE("bounded numbers stay below their bound and reach every value about equally often") {
  Prng prng(7);
  std::array<int, 10> hits{};
  for (int i = 0; i < 100'000; ++i) ++hits.at(prng.below(10));
  for (const int hit : hits) {
    CHECK(hit > 9'500);
    CHECK(hit < 10'500);
  }
  for (int i = 0; i < 100; ++i) CHECK(prng.below(1) == 0);
}

TEST_CASE("a bound just above half of all numbers is not biased towards the small ones") {
  // Without drawing again, numbers below 2^62 would come twice as often as those above.
  Prng prng(8);
  const std::uint64_t bound = (std::uint64_t{3} << 62);
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += prng.below(bound) < (std::uint64_t{1} << 62) ? 1 : 0;
  CHECK(low > 9'500);
  CHECK(low < 10'500);
}

TEST_CASE("a chance of none in ten never comes and ten in ten always does") {
  Prng prng(9);
  int quarter = 0;
  for (int i = 0; i < 40'000; ++i) {
    CHECK_FALSE(prng.chance(0, 10));
    CHECK(prng.chance(10, 10));
    quarter += prng.chance(1, 4) ? 1 : 0;
  }
  CHECK(quarter > 9'500);
  CHECK(quarter < 10'500);
}

}  // namespace
}  // namespace brigade
