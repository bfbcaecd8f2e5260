// Seeds with all 65 536 buckets. Many more run in swarm/, with fewer buckets.  Source: testing "Invariants".
#include "runs.h"

#include <catch2/catch.hpp>

namespace brigade::sim {
namespace {

TEST_CASE("five settled nodes stay safe and come together again: seeds 1 to 50") {
  run_seeds(1, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 51 to 100") {
  run_seeds(51, 50, false);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2001 to 2010") {
  run_seeds(2001, 10, true);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2011 to 2020") {
  run_seeds(2011, 10, true);
}

}  // namespace
}  // namespace brigade::sim
