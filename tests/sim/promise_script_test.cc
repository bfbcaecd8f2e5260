// Rules of the promise that matter only in stories of many steps: with the rule, all goes well; without it, the story
// ends badly for some of the small delays that a seed draws.
//   BRIGADE_SEED=7 BRIGADE_STORY=2 [BRIGADE_BROKEN=1] test_sim "one story of a promise from the environment"
// Source: design §5; testing "Mutants that must die".
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "brigade/sim/promise.h"

namespace brigade::sim {
namespace {

using Kind = PromiseStep::Kind;

struct Story {
  PromiseFlaw flaw;
  PromiseScript script;
};

const std::vector<Story>& stories() {
  static const std::vector<Story> kStories{
      // n2 comes back to the home bucket and is its primary again, which n1, the primary meanwhile, does not hear. n2
      // commits a write alone, falls, and starts with a map in which n1 is still primary. A later write through n1
      // finds a
      // higher revision at n2: that is no reason to acknowledge it.
      {PromiseFlaw::kHigherRevisionIsOk,
       {.owners = {2, 1, 3, 4},
        .lease = 80,
        .failure_timeout = 90,
        .patience = 10,
        .steps = {{Kind::kWrite, 1, 0, 5},
                  {Kind::kFall, 2, 0, 20},
                  {Kind::kUntilDown, 2},
                  {Kind::kStart, 2, 0, 10},
                  {Kind::kUntilInSync, 2, 0},
                  {Kind::kDeaf, 1, 70},
                  {Kind::kLag, 1, 70},
                  {Kind::kWrite, 2, 0, 5},
                  {Kind::kFall, 2, 0, 8},
                  {Kind::kWrite, 1, 0, 1},
                  {Kind::kStart, 2, 0, 8},
                  {Kind::kLag, 2, 60}}}},
      // A write's copy is on its way to n2 when a bucket of the object begins to move from n2 to n3, which the primary,
      // n1,
      // does not hear. n3 is told what n2 has: that must wait for the copy.
      {PromiseFlaw::kCommitUnseenInBody,
       {.owners = {1, 2, 3, 4},
        .lease = 80,
        .failure_timeout = 90,
        .steps = {{Kind::kCut, 1, 2, 5},
                  {Kind::kWrite, 1, 0, 1},
                  {Kind::kBodies, 1, 25, 50},
                  {Kind::kMend, 1, 2, 12},
                  {Kind::kMove, 3, 1, 10},
                  {Kind::kLag, 1, 90}}}},
      // The object is put and deleted, its tombstones go when their time has come, and it is put again under the same
      // map: with a revision that it has had, clients and siblings would take it for what it was then.
      {PromiseFlaw::kCollectedIsGivenAgain,
       {.owners = {1, 2, 3, 4},
        .steps = {{Kind::kWrite, 1, 0, 5}, {Kind::kDelete, 1, 0, 20}, {Kind::kWrite, 1, 0, 200}}}},
      // n1 misses that the object was put and deleted again, and has the tombstone of an earlier delete. n2 misses the
      // second delete, and compares itself with n1.
      {PromiseFlaw::kOldTombstoneKnows,
       {.owners = {1, 2, 3, 4},
        .nodes = 6,
        .level = 2,
        .min_redundancy = 4,
        .lease = 14,
        .failure_timeout = 18,
        .steps = {{Kind::kWrite, 1, 0, 5},
                  {Kind::kDelete, 1, 0, 20},
                  {Kind::kFall, 1, 0, 30},
                  {Kind::kUntilDown, 1},
                  {Kind::kWrite, 3, 0, 25},
                  {Kind::kFall, 2, 0, 30},
                  {Kind::kUntilDown, 2},
                  {Kind::kDelete, 3, 0, 25},
                  {Kind::kStart, 1, 0, 30},
                  {Kind::kUntilInSync, 1, 0},
                  {Kind::kStart, 2, 0, 10}}}},
      // n1 misses that the object's redundancy was lowered, and what n5, in the place of n3, has: nothing of it. It
      // keeps
      // its copy, as it alone had bucket 0 in full; that says nothing of bucket 3, which it owns, too.
      {PromiseFlaw::kKeptIsWhole,
       {.owners = {1, 2, 3, 1},
        .nodes = 6,
        .level = 2,
        .min_redundancy = 1,
        .lease = 14,
        .failure_timeout = 18,
        .patience = 20,
        .steps = {{Kind::kWrite, 1, 0, 5},
                  {Kind::kFall, 1, 0, 40},
                  {Kind::kUntilDown, 1},
                  {Kind::kLevel, 1, 1, 25},
                  {Kind::kWrite, 2},
                  {Kind::kMove, 5, 2, 40},
                  {Kind::kUntilInSync, 5, 2},
                  {Kind::kCut, 1, 2},
                  {Kind::kStart, 1},
                  {Kind::kUntilInSync, 1, 3},
                  {Kind::kMend, 1, 2, 20}}}},
  };
  return kStories;
}

PromiseOutcome tell(const Story& story, std::uint64_t seed, bool is_broken, bool traces = false) {
  PromiseOptions options;
  options.seed = seed;
  options.script = &story.script;
  if (is_broken) options.broken = {story.flaw};
  if (traces) options.trace = [](const std::string& line) { std::cout << line << '\n'; };
  return run_promise(options);
}

TEST_CASE("a story ends well by a rule, and badly without it") {
  constexpr std::uint64_t kSeeds = 400;
  for (const Story& story : stories()) {
    INFO(promise_flaw_name(story.flaw));
    std::uint64_t noticed = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      INFO("seed " << seed);
      const PromiseOutcome outcome = tell(story, seed, false);
      INFO(outcome.violation);
      REQUIRE(outcome.ok());
      if (!tell(story, seed, true).ok()) ++noticed;
    }
    INFO("noticed in " << noticed << " of " << kSeeds);
    CHECK(noticed > 0);
  }
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST_CASE("one story of a promise from the environment", "[.replay]") {
  const Story& story = stories().at(number_from("BRIGADE_STORY", 0));
  const PromiseOutcome outcome =
      tell(story, number_from("BRIGADE_SEED", 1), number_from("BRIGADE_BROKEN", 0) != 0, true);
  INFO(outcome.violation);
  REQUIRE(outcome.ok());
}

}  // namespace
}  // namespace brigade::sim
