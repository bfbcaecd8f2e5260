// The checkers are proved able to fail: each rule that the executor breaks on purpose is noticed.
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
    options.heal_limit = 3s;  // it is safety that is asked for
    if (is_noticed(options)) break;
  }
  INFO("noticed with seed " << seed);
  CHECK(seed <= seeds);
  if (std::getenv("BRIGADE_VERBOSE") != nullptr) WARN(flaw_name(flaw) << " noticed with seed " << seed);
}

TEST_CASE("a promise that is forgotten is noticed") {
  must_die(Flaw::kPromiseForgotten, 50);
}
TEST_CASE("a disk that lies is noticed") {
  must_die(Flaw::kDiskLies, 50);
}
TEST_CASE("a node that forgets at its start that it may have answered is noticed") {
  must_die(Flaw::kNoHoldoffAfterBoot, 300);
}
TEST_CASE("an inviter that keeps its own log is noticed") {
  must_die(Flaw::kPositionHidden, 50);
}
TEST_CASE("a grant that outlives the coordinator's lease is noticed") {
  must_die(Flaw::kGrantStretched, 20);
}
TEST_CASE("a grant that asks for no seq is noticed") {
  must_die(Flaw::kGrantSeqIgnored, 100);
}
TEST_CASE("a node that serves what it has released is noticed") {
  must_die(Flaw::kReleaseForgotten, 50);
}
TEST_CASE("an acknowledgement of what is not on disk is noticed") {
  must_die(Flaw::kAckBeyondGap, 20);
}

}  // namespace
}  // namespace brigade::sim
