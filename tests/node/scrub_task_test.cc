#include "scrub_task.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a pass of a scrub takes the period") {
  CHECK(scrub_rate(2'592'000'000, 30 * 24h) == 1000);
  CHECK(scrub_rate(std::uint64_t{4} << 40, 30 * 24h) == (std::uint64_t{4} << 40) / 2'592'000);
  CHECK(scrub_rate(1000, 10s) == 100);
  CHECK(scrub_rate(10, 24h) == 1);  // a store with little in it goes on, too
  CHECK(scrub_rate(0, 24h) == 0);
  CHECK(scrub_rate(1000, 0s) == 0);  // switched off
}

}  // namespace
}  // namespace brigade::node
