// The checkers are proved able to fail: what the executor does wrong on purpose is noticed. (Rules of the control plane
// itself are broken in mutants/.)
// Source: testing "Mutants that must die".
#include "runs.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace brigade::sim {
namespace {

using namespace std::chrono_literals;

/// True if a checker, or a check in the core itself, notices. In a process of its own: the core's checks end it.
bool is_noticed(const Options& options) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const bool verbose = std::getenv("BRIGADE_VERBOSE") != nullptr;
    if (!verbose) ::close(2);
    const Outcome outcome = Simulation(options).run();
    const bool unsafe = !outcome.ok() && outcome.violation.find("not together again") == std::string::npos;
    if (unsafe && verbose) std::cerr << outcome.violation.substr(0, outcome.violation.find('\n')) << '\n';
    ::_exit(unsafe ? 1 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

void must_die(Flaw flaw, std::uint64_t seeds) {
  INFO(flaw_name(flaw));
  std::uint64_t seed = 1;
  for (; seed <= seeds; ++seed) {
    Options options;
    options.seed = seed;
    options.flaw = flaw;
    options.joining = flaw == Flaw::kIndexIncomplete;  // who joins takes an index
    options.several_disks = flaw == Flaw::kLostServed;
    options.heal_limit = 3s;  // it is safety that is asked for
    if (is_noticed(options)) break;
  }
  INFO("noticed with seed " << seed);
  CHECK(seed <= seeds);
  if (std::getenv("BRIGADE_VERBOSE") != nullptr) WARN(flaw_name(flaw) << " noticed with seed " << seed);
}

TEST_CASE("a disk that lies is noticed") {
  must_die(Flaw::kDiskLies, 50);
}
TEST_CASE("a node that serves what it has released is noticed") {
  must_die(Flaw::kReleaseForgotten, 50);
}
TEST_CASE("a node that serves what it has lost with a disk is noticed") {
  must_die(Flaw::kLostServed, 50);
}
TEST_CASE("an index of which a part is missing is noticed") {
  must_die(Flaw::kIndexIncomplete, 50);
}
TEST_CASE("clocks that differ by more than the rules allow for are noticed") {
  must_die(Flaw::kClocksRunWild, 50);
}

}  // namespace
}  // namespace brigade::sim
