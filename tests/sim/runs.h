// Running seeds, and saying how to run one of them again when it fails.
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>
#include <utility>

#include <catch2/catch.hpp>

#include "brigade/sim/simulation.h"

namespace brigade::sim {

/// Says which seed ran if a check in the core ends the process.
inline char last_words[200];
inline void say_last_words(int) {
  const auto written = ::write(2, last_words, std::strlen(last_words));
  static_cast<void>(written);
}

inline std::string replay_command(const Options& options) {
  return "BRIGADE_SEED=" + std::to_string(options.seed) + (options.joining ? " BRIGADE_JOINING=1" : "") +
         " BRIGADE_TRACE=1 test_sim \"one seed from the environment\"";
}

inline Outcome run(Options options) {
  std::snprintf(last_words, sizeof last_words, "replay: %s\n", replay_command(options).c_str());
  std::signal(SIGABRT, say_last_words);
  return Simulation(std::move(options)).run();
}

/// Seeds [first, first + count); every fifth of them in a build that is not optimized.
inline void run_seeds(std::uint64_t first, std::uint64_t count, bool joining) {
#ifdef BRIGADE_OPTIMIZED
  constexpr std::uint64_t kStep = 1;
#else
  constexpr std::uint64_t kStep = 5;
#endif
  for (std::uint64_t seed = first; seed < first + count; seed += kStep) {
    Options options;
    options.seed = seed;
    options.joining = joining;
    const Outcome outcome = run(options);
    INFO("replay: " << replay_command(options));
    INFO(outcome.violation);
    REQUIRE(outcome.ok());
  }
}

}  // namespace brigade::sim
