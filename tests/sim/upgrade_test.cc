// Clusters of two releases.  Source: proto/README.md "Versions". Many more seeds run in swarm/.
#include "runs.h"

#include <catch2/catch.hpp>

#include "brigade/sim/kinds.h"

namespace brigade::sim {
namespace {

TEST_CASE("nodes get the next release under faults, and some the old one again: the version rises when all have it") {
  std::uint64_t outdated = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Outcome outcome = run(find_kind("upgrading")->options(seed));
    INFO("replay: swarm --kind upgrading --trace " << seed);
    INFO(outcome.violation);
    REQUIRE(outcome.ok());
    outdated += outcome.outdated;
  }
  CHECK(outdated > 0);  // nodes went back when it was too late, and were refused
}

}  // namespace
}  // namespace brigade::sim
