// Five nodes, a thousand seeds.  Replay one of them with its messages:
//   BRIGADE_SEED=123 [BRIGADE_TRACE=1] [BRIGADE_JOINING=1] test_sim "one seed from the environment"
#include "brigade/sim/simulation.h"

#include "runs.h"

#include <chrono>
#include <cstdlib>
#include <iostream>

#include <catch2/catch.hpp>

namespace brigade::sim {
namespace {

using namespace std::chrono_literals;

TEST_CASE("one seed from the environment", "[.replay]") {
  Options options;
  if (const char* seed = std::getenv("BRIGADE_SEED")) options.seed = std::strtoull(seed, nullptr, 10);
  options.joining = std::getenv("BRIGADE_JOINING") != nullptr;
  if (std::getenv("BRIGADE_TRACE") != nullptr)
    options.trace = [](const std::string& line) { std::cout << line << '\n'; };
  const Outcome o = run(options);
  std::cout << "steps " << o.steps << ", datagrams " << o.datagrams << ", committed " << o.committed << ", groups "
            << o.groups << ", crashes " << o.crashes << ", index transfers " << o.index_transfers << ", rollbacks "
            << o.rollbacks << ", healed in "
            << std::chrono::duration_cast<std::chrono::milliseconds>(o.healed_in).count() << " ms\n";
  INFO(o.violation);
  REQUIRE(o.ok());
}

TEST_CASE("many seeds from the environment", "[.many]") {
  const char* first = std::getenv("BRIGADE_SEED");
  const char* count = std::getenv("BRIGADE_SEEDS");
  run_seeds(first != nullptr ? std::strtoull(first, nullptr, 10) : 1,
            count != nullptr ? std::strtoull(count, nullptr, 10) : 100, std::getenv("BRIGADE_JOINING") != nullptr);
}

TEST_CASE("clusters of other sizes are safe and come together too") {
  for (const std::size_t nodes : {1, 2, 3, 4, 7}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      Options options;
      options.seed = seed;
      options.nodes = nodes;
      options.joining = seed == 3;
      options.faults = 5s;
      const Outcome outcome = run(options);
      INFO(nodes << " nodes, " << outcome.violation);
      REQUIRE(outcome.ok());
    }
  }
}

TEST_CASE("equal seeds give equal runs, and others other ones") {
  auto hash = [](std::uint64_t seed) {
    Options options;
    options.seed = seed;
    options.faults = 5s;
    return run(options).trace_hash;
  };
  CHECK(hash(1) == hash(1));
  CHECK(hash(1) != hash(2));
}

}  // namespace
}  // namespace brigade::sim
