// Five nodes, a thousand seeds.  Replay one of them with its messages:
//   BRIGADE_SEED=123 [BRIGADE_TRACE=1] [BRIGADE_JOINING=1] test_sim "one seed from the environment"
#include "brigade/sim/simulation.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <catch2/catch.hpp>
#include <unistd.h>

namespace brigade::sim {
namespace {

using namespace std::chrono_literals;

/// Says which seed ran if a check in the core ends the process.
char last_words[200];
void say_last_words(int) {
  const auto written = ::write(2, last_words, std::strlen(last_words));
  static_cast<void>(written);
}

std::string replay_command(const Options& options) {
  return "BRIGADE_SEED=" + std::to_string(options.seed) + (options.joining ? " BRIGADE_JOINING=1" : "") +
         " BRIGADE_TRACE=1 test_sim \"one seed from the environment\"";
}

Outcome run(Options options) {
  std::snprintf(last_words, sizeof last_words, "replay: %s\n", replay_command(options).c_str());
  std::signal(SIGABRT, say_last_words);
  return Simulation(std::move(options)).run();
}

void run_seeds(std::uint64_t first, std::uint64_t count, bool joining) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Options options;
    options.seed = seed;
    options.joining = joining;
    const Outcome outcome = run(options);
    INFO("replay: " << replay_command(options));
    REQUIRE(outcome.violation == "");
  }
}

TEST_CASE("one seed from the environment", "[.replay]") {
  Options options;
  if (const char* seed = std::getenv("BRIGADE_SEED")) options.seed = std::strtoull(seed, nullptr, 10);
  options.joining = std::getenv("BRIGADE_JOINING") != nullptr;
  if (std::getenv("BRIGADE_TRACE") != nullptr) options.trace = [](const std::string& line) { std::cout << line << '\n'; };
  const Outcome o = run(options);
  std::cout << "steps " << o.steps << ", datagrams " << o.datagrams << ", committed " << o.committed << ", groups "
            << o.groups << ", crashes " << o.crashes << ", index transfers " << o.index_transfers << ", rollbacks "
            << o.rollbacks << ", healed in " << std::chrono::duration_cast<std::chrono::milliseconds>(o.healed_in).count()
            << " ms\n";
  REQUIRE(o.violation == "");
}

}  // namespace
}  // namespace brigade::sim
