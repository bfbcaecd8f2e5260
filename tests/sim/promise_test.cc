// The data plane's promise, in a random model: kept over many seeds, and broken by every rule that is left out.
//   BRIGADE_SEED=123 [BRIGADE_TURN=7] [BRIGADE_PROFILE=levels] [BRIGADE_TRACE=1] [BRIGADE_BROKEN=rule,rule]
//     test_sim "one promise run from the environment"
//   [BRIGADE_SEEDS=3000] [BRIGADE_ENOUGH=1] [BRIGADE_TURNS=0] [BRIGADE_PROFILE=levels] [BRIGADE_BROKEN=rule,rule]
//     test_sim "the table of broken promises"
// Source: design §5; testing "Mutants that must die".
#include "brigade/sim/promise.h"

#include "promise_judge.h"

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade::sim {
namespace {

using Flaws = std::vector<PromiseFlaw>;

std::string names_of(const Flaws& flaws) {
  std::string names;
  for (PromiseFlaw flaw : flaws) names += (names.empty() ? "" : ",") + std::string(promise_flaw_name(flaw));
  return names;
}

std::string replay_command(const PromiseOptions& options) {
  return "BRIGADE_SEED=" + std::to_string(options.seed) +
         (options.turn == 0 ? "" : " BRIGADE_TURN=" + std::to_string(options.turn)) +
         (options.broken.empty() ? "" : " BRIGADE_BROKEN=" + names_of(options.broken)) +
         " BRIGADE_PROFILE=" + std::string(promise_profile_name(options.profile)) +
         " BRIGADE_TRACE=1 test_sim \"one promise run from the environment\"";
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Seeds [first, first + count); every tenth of them if what is tested is not optimized.
void must_hold(PromiseProfile profile, std::uint64_t first, std::uint64_t count) {
#ifdef BRIGADE_OPTIMIZED
  constexpr std::uint64_t kStep = 1;
#else
  constexpr std::uint64_t kStep = 10;
#endif
  PromiseOutcome sum;
  for (std::uint64_t seed = first; seed < first + count; seed += kStep) {
    PromiseOptions options;
    options.seed = seed;
    options.profile = profile;
    const PromiseOutcome outcome = run_promise(options);
    INFO("replay: " << replay_command(options));
    INFO(outcome.violation);
    REQUIRE(outcome.ok());
    sum.acknowledged += outcome.acknowledged;
    sum.read += outcome.read;
    sum.absent += outcome.absent;
    sum.filled += outcome.filled;
    sum.moved += outcome.moved;
    sum.downs += outcome.downs;
    sum.crashes += outcome.crashes;
  }
  // A model in which nothing happens keeps every promise.
  const std::uint64_t runs = count / kStep;
  CHECK(sum.acknowledged > 3 * runs);
  CHECK(sum.read > 20 * runs);
  CHECK(sum.absent > 5 * runs);
  CHECK(sum.filled > 8 * runs);
  CHECK(sum.moved > 3 * runs);
  CHECK(sum.downs > runs / 2);
  CHECK(sum.crashes > runs);
}

TEST_CASE("an acknowledged write is what every later read returns: seeds 1 to 3000") {
  must_hold(PromiseProfile::kMixed, 1, 3000);
}
TEST_CASE("an acknowledged write is what every later read returns, while redundancies change") {
  must_hold(PromiseProfile::kLevels, 1, 3000);
}
TEST_CASE("an acknowledged write is what every later read returns, while leases are short") {
  must_hold(PromiseProfile::kHasty, 1, 3000);
}
TEST_CASE("an acknowledged write is what every later read returns, while many write one key") {
  must_hold(PromiseProfile::kCrowd, 1, 3000);
}

TEST_CASE("an acknowledged write is what every later read returns, whatever the mixture of troubles") {
  must_hold(PromiseProfile::kWild, 1, 3000);
}

TEST_CASE("equal seeds give equal promise runs") {
  auto story = [](std::uint64_t seed) {
    PromiseOptions options;
    options.seed = seed;
    std::string lines;
    options.trace = [&lines](const std::string& line) { lines += line + '\n'; };
    run_promise(options);
    return lines;
  };
  CHECK(story(7) == story(7));
  CHECK(story(7) != story(8));
}

/// "none" breaks nothing.
Flaws flaws_from_environment() {
  Flaws flaws;
  std::istringstream names(std::getenv("BRIGADE_BROKEN") != nullptr ? std::getenv("BRIGADE_BROKEN") : "");
  for (std::string name; std::getline(names, name, ',');)
    for (int i = 0; i <= static_cast<int>(PromiseFlaw::kCount); ++i)
      if (promise_flaw_name(PromiseFlaw(i)) == name) flaws.push_back(PromiseFlaw(i));
  return flaws;
}

/// Those that the environment names; all of them if it names none.
std::vector<PromiseProfile> profiles_from_environment() {
  const std::string name = std::getenv("BRIGADE_PROFILE") != nullptr ? std::getenv("BRIGADE_PROFILE") : "";
  std::vector<PromiseProfile> profiles;
  for (int i = 0; i < static_cast<int>(PromiseProfile::kCount); ++i)
    if (name.empty() || promise_profile_name(PromiseProfile(i)) == name) profiles.push_back(PromiseProfile(i));
  return profiles;
}

PromiseOutcome run_without(PromiseFlaw flaw, PromiseProfile profile, std::uint64_t seed, std::uint64_t turn = 0) {
  PromiseOptions options;
  options.seed = seed;
  options.profile = profile;
  options.broken = {flaw};
  options.turn = turn;
  return run_promise(options);
}

/// The first of so many turns of this seed that breaks the promise; `bit` counts seeds that have any turns.
std::optional<std::uint64_t> turn_that_breaks(PromiseFlaw flaw, PromiseProfile profile, std::uint64_t seed,
                                              std::uint64_t turns, std::uint64_t& bit) {
  for (std::uint64_t turn = 0; turn <= turns; ++turn) {
    const PromiseOutcome outcome = run_without(flaw, profile, seed, turn);
    if (turn == 0 && outcome.bites > 0) ++bit;
    if (!outcome.ok()) return turn;
    if (outcome.bites == 0) break;
  }
  return std::nullopt;
}

/// A seed that notices each; "the table of broken promises" finds them. tests/README.md has the table.
struct Noticed {
  PromiseFlaw flaw;
  PromiseProfile profile;
  std::uint64_t seed;
  std::uint64_t turn = 0;
};
const std::vector<Noticed> kNoticed = {
    {PromiseFlaw::kGrantSeqIgnored, PromiseProfile::kMixed, 112},
    {PromiseFlaw::kDownBeforeGrantEnds, PromiseProfile::kMixed, 1496},
    {PromiseFlaw::kNewLifeServesAtOnce, PromiseProfile::kMixed, 6},
    {PromiseFlaw::kFillingServes, PromiseProfile::kMixed, 6},
    {PromiseFlaw::kReleaseSkipped, PromiseProfile::kMixed, 395},
    {PromiseFlaw::kServesAfterMove, PromiseProfile::kMixed, 1},
    {PromiseFlaw::kUnplacedRead, PromiseProfile::kMixed, 2},
    {PromiseFlaw::kAbsentUnchecked, PromiseProfile::kMixed, 952},
    {PromiseFlaw::kNewerSetNotRefused, PromiseProfile::kMixed, 272},
    {PromiseFlaw::kNewLevelAlone, PromiseProfile::kWild, 5512, 20},
    {PromiseFlaw::kLaggingReplicaCommits, PromiseProfile::kMixed, 128},
    {PromiseFlaw::kFreeRunningRevisions, PromiseProfile::kMixed, 5},
    {PromiseFlaw::kRevisionByOldRole, PromiseProfile::kCrowd, 5936},
    {PromiseFlaw::kLifeKeepsView, PromiseProfile::kMixed, 86},
    {PromiseFlaw::kDropKeepsRevision, PromiseProfile::kMixed, 18},
    {PromiseFlaw::kDropsAtOnce, PromiseProfile::kLevels, 9907},
    {PromiseFlaw::kAckBeforeAll, PromiseProfile::kMixed, 3},
    {PromiseFlaw::kAckBeforeDurable, PromiseProfile::kMixed, 1},
    {PromiseFlaw::kStandInSkipped, PromiseProfile::kMixed, 2},
    {PromiseFlaw::kAckUnderOldMap, PromiseProfile::kMixed, 4},
    {PromiseFlaw::kAckWithNobodyInSync, PromiseProfile::kHasty, 280},
    {PromiseFlaw::kDoneOutlivesRole, PromiseProfile::kMixed, 34},
    {PromiseFlaw::kStageCommitsAlone, PromiseProfile::kMixed, 2},
    {PromiseFlaw::kLostWriteRepeated, PromiseProfile::kHasty, 98},
    {PromiseFlaw::kTombstoneDroppedEarly, PromiseProfile::kMixed, 2},
    {PromiseFlaw::kListBeforeCommits, PromiseProfile::kMixed, 3263},
    {PromiseFlaw::kListsOneLevel, PromiseProfile::kLevels, 3695},
    {PromiseFlaw::kLeftoversKept, PromiseProfile::kLevels, 201},
    {PromiseFlaw::kForgetsFresh, PromiseProfile::kMixed, 146},
    {PromiseFlaw::kFreshFromLook, PromiseProfile::kMixed, 444},
    {PromiseFlaw::kFreshOutlivesRole, PromiseProfile::kLevels, 2888},
    {PromiseFlaw::kForgetUnchecked, PromiseProfile::kHasty, 2040, 6},
    {PromiseFlaw::kForgetsOwnTruth, PromiseProfile::kMixed, 1187},
    {PromiseFlaw::kForgetsLastCopy, PromiseProfile::kLevels, 116},
    {PromiseFlaw::kForgetIsWhole, PromiseProfile::kLevels, 3689},
    {PromiseFlaw::kVanishedIsWhole, PromiseProfile::kHasty, 2575},
    {PromiseFlaw::kOwnCommitsNotAwaited, PromiseProfile::kLevels, 426, 36},
    {PromiseFlaw::kEmptyRunComplete, PromiseProfile::kMixed, 52},
    {PromiseFlaw::kClearUnchecked, PromiseProfile::kMixed, 1369},
};

TEST_CASE("a rule of the promise that is left out is noticed") {
  for (const auto& [flaw, profile, seed, turn] : kNoticed) {
    INFO(promise_flaw_name(flaw) << ", " << promise_profile_name(profile) << ", seed " << seed << ", turn " << turn);
    CHECK_FALSE(run_without(flaw, profile, seed, turn).ok());
  }
}

TEST_CASE("the table of broken promises", "[.table]") {
  const std::uint64_t runs = number_from("BRIGADE_SEEDS", 3000);
  const std::uint64_t enough = number_from("BRIGADE_ENOUGH", runs);
  const std::uint64_t turns = number_from("BRIGADE_TURNS", 0);
  Flaws flaws = flaws_from_environment();
  if (flaws.empty())
    for (int i = 0; i < static_cast<int>(PromiseFlaw::kCount); ++i) flaws.push_back(PromiseFlaw(i));
  for (PromiseFlaw flaw : flaws) {
    std::cout << "| `" << promise_flaw_name(flaw) << "` |";
    for (PromiseProfile profile : profiles_from_environment()) {
      std::string first = "0";
      std::uint64_t broken = 0;
      std::uint64_t tried = 0;
      std::uint64_t bit = 0;
      while (tried < runs && broken < enough) {
        const auto turn = turn_that_breaks(flaw, profile, ++tried, turns, bit);
        if (turn && ++broken == 1) first = std::to_string(tried) + (*turn == 0 ? "" : " turn " + std::to_string(*turn));
      }
      std::cout << ' ' << first << ", " << std::fixed << std::setprecision(2)
                << 100.0 * static_cast<double>(broken) / static_cast<double>(tried) << " %";
      if (bit > 0) std::cout << " (bites in " << bit << ')';
      std::cout << " |" << std::flush;
    }
    std::cout << std::endl;
  }
}

TEST_CASE("one promise run from the environment", "[.replay]") {
  PromiseOptions options;
  options.seed = number_from("BRIGADE_SEED", 1);
  options.turn = number_from("BRIGADE_TURN", 0);
  options.profile = profiles_from_environment().front();
  options.broken = flaws_from_environment();
  INFO("rules broken: " << names_of(options.broken));
  if (std::getenv("BRIGADE_TRACE") != nullptr)
    options.trace = [](const std::string& line) { std::cout << line << '\n'; };
  const PromiseOutcome outcome = run_promise(options);
  INFO(outcome.violation);
  REQUIRE(outcome.ok());
}

TEST_CASE("the judge of promises sees each kind of broken one") {
  PromiseJudge judge(1);
  auto done = [&judge](bool is_delete, Ticks began, Ticks ended, bool acknowledged) {
    const std::size_t op = judge.begins(0, is_delete, began);
    judge.attempt_begins(op);
    judge.may_be_seen(op);
    if (acknowledged) judge.acknowledged(op, ended);
    judge.attempt_ends(op, ended);
    return op;
  };
  const std::size_t first = done(false, 10, 20, true);

  SECTION("what was acknowledged is read") {
    judge.answered(0, 25, 30, first, "");
    CHECK(judge.violation().empty());
  }
  SECTION("a 404 after an acknowledged write is noticed") {
    judge.answered(0, 25, 30, std::nullopt, "");
    CHECK_FALSE(judge.violation().empty());
  }
  SECTION("a 404 is right while the write was under way when the read began, and after a delete") {
    judge.answered(0, 15, 30, std::nullopt, "");
    done(true, 40, 45, false);
    judge.answered(0, 50, 55, std::nullopt, "");
    CHECK(judge.violation().empty());
  }
  SECTION("an older write after a newer one is noticed, whether the older one was acknowledged or not") {
    const std::size_t open = done(false, 22, 25, false);
    const std::size_t newer = done(false, 30, 40, true);
    judge.answered(0, 45, 50, newer, "");
    CHECK(judge.violation().empty());
    SECTION("acknowledged") {
      judge.answered(0, 45, 50, first, "");
    }
    SECTION("open") {
      judge.answered(0, 45, 50, open, "");
    }
    CHECK_FALSE(judge.violation().empty());
  }
  SECTION("a write that somebody still works at may come later than one that began after it") {
    const std::size_t slow = judge.begins(0, false, 22);
    judge.attempt_begins(slow);
    judge.may_be_seen(slow);
    done(false, 30, 40, true);
    judge.answered(0, 45, 50, slow, "");
    CHECK(judge.violation().empty());
  }
  SECTION("what was rolled back is not seen") {
    const std::size_t gone = judge.begins(0, false, 22);
    judge.answered(0, 45, 50, gone, "");
    CHECK_FALSE(judge.violation().empty());
  }
  SECTION("two writes at a time have one order for all readers") {
    const std::size_t other = done(false, 12, 20, true);
    judge.answered(0, 25, 30, other, "");
    CHECK(judge.violation().empty());
    judge.answered(0, 26, 31, first, "");
    CHECK_FALSE(judge.violation().empty());
  }
}

}  // namespace
}  // namespace brigade::sim
