// Breaks the rules of the control plane one after the other, and counts the seeds until the simulator notices.
//   mutants [--seeds N] [RULE..]     without RULE: all, as a table.  Exit code 1 if a broken rule goes unnoticed.
// Source: design §4 "Each of these rules has a mutation test"; testing "Mutants that must die".
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "brigade/cluster/rules.h"
#include "brigade/sim/kinds.h"
#include "brigade/sim/simulation.h"

namespace brigade::sim {
namespace {

using cluster::Rule;

struct Mutant {
  Rule rule;
  const char* name;
  const char* broken;  ///< what the code does without the rule
};

constexpr Mutant kMutants[] = {
    {Rule::kPositionHasEpoch, "position-has-epoch", "logs are compared by seq alone"},
    {Rule::kPromiseIsDurable, "promise-is-durable", "a restart forgets the promise"},
    {Rule::kPromiseBeforeAccept, "promise-before-accept", "Accept and other claims leave before the disk has them"},
    {Rule::kAckAfterDisk, "ack-after-disk", "entries are acknowledged before they are on disk"},
    {Rule::kOldEpochsRefused, "old-epochs-refused", "an old coordinator is obeyed after Accept"},
    {Rule::kInviterTakesBestLog, "inviter-takes-best-log", "an inviter keeps its own log"},
    {Rule::kOwnEpochCommits, "own-epoch-commits", "entries of older epochs are counted"},
    {Rule::kQuorumIsMajority, "quorum-is-majority", "half of the roster is a quorum"},
    {Rule::kHoldoffAfterAnswer, "holdoff-after-answer", "another coordinator is accepted right after an answer"},
    {Rule::kHoldoffAfterBoot, "holdoff-after-boot", "no holdoff after boot"},
    {Rule::kLeaseFromSending, "lease-from-sending", "the coordinator's lease runs from the receipt of answers"},
    {Rule::kGrantIsWhatIsLeft, "grant-is-what-is-left", "a grant is a whole lease"},
    {Rule::kGrantNamesSeq, "grant-names-seq", "a grant asks for no seq to be applied"},
    {Rule::kNewLifeWaits, "new-life-waits", "a node in a new life serves at once"},
    {Rule::kDownAfterGrant, "down-after-grant", "NodeDown is logged before the last grant ran out"},
    {Rule::kPredecessorChecked, "predecessor-checked", "an entry is taken whatever its predecessor was"},
    {Rule::kCommitWhatMatches, "commit-what-matches", "a member commits a tail that is not the coordinator's"},
    {Rule::kTailRolledBack, "tail-rolled-back", "a different entry at the same seq is ignored"},
    {Rule::kRosterOneAtATime, "roster-one-at-a-time", "changes of the roster overlap"},
    {Rule::kDamagedIsNoEvidence, "damaged-is-no-evidence", "a log that has lost entries is believed"},
    {Rule::kRosterFromAppend, "roster-from-append", "a change of the roster counts only once committed"},
    {Rule::kAllSpeakIt, "all-speak-it", "the protocol version is raised once the coordinator speaks the next one"},
};

/// All kinds by turns, of those in which the rule matters.
Options options_of(Rule rule, std::uint64_t seed) {
  if (rule == Rule::kAllSpeakIt) return find_kind("upgrading")->options(seed);
  static constexpr const char* kKinds[] = {"five", "joining", "changing", "brief"};
  return find_kind(kKinds[seed % 4])->options(seed / 4);
}

/// What a checker, or a check in the core itself, says; empty if nothing. In a process of its own: the core's checks
/// end it.
std::string violation_of(Rule rule, std::uint64_t seed) {
  constexpr std::size_t kRoom = 400;
  void* shared = ::mmap(nullptr, kRoom, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char* said = static_cast<char*>(shared);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(2);
    cluster::broken_rule = rule;
    const Outcome outcome = Simulation(options_of(rule, seed)).run();
    if (!outcome.ok()) std::strncpy(said, outcome.violation.c_str(), kRoom - 1);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::string text(said);
  ::munmap(shared, kRoom);
  if (!WIFEXITED(status)) return "a check in the node ends it";
  return text.substr(0, text.find('\n'));
}

bool notices(const Mutant& mutant, std::uint64_t seeds) {
  std::string violation;
  std::uint64_t seed = 0;
  while (seed < seeds && violation.empty()) violation = violation_of(mutant.rule, ++seed);
  if (violation.empty()) {
    std::printf("%-24s  not noticed in %llu seeds\n", mutant.name, static_cast<unsigned long long>(seeds));
  } else {
    std::printf("%-24s %6llu  %s -> %s\n", mutant.name, static_cast<unsigned long long>(seed), mutant.broken,
                violation.c_str());
  }
  std::fflush(stdout);
  return !violation.empty();
}

int run(int argc, char** argv) {
  std::uint64_t seeds = 1000;
  std::vector<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      seeds = std::strtoull(argv[++i], nullptr, 10);
    } else {
      wanted.emplace_back(argv[i]);
    }
  }
  std::size_t found = 0;
  bool all_noticed = true;
  for (const Mutant& mutant : kMutants) {
    bool is_wanted = wanted.empty();
    for (const std::string& name : wanted) is_wanted = is_wanted || name == mutant.name;
    if (!is_wanted) continue;
    ++found;
    all_noticed = notices(mutant, seeds) && all_noticed;
  }
  if (found == 0 || found < wanted.size()) {
    std::fprintf(stderr, "mutants: no such rule; without arguments all are tried, with their names\n");
    return 2;
  }
  return all_noticed ? 0 : 1;
}

}  // namespace
}  // namespace brigade::sim

int main(int argc, char** argv) {
  return brigade::sim::run(argc, argv);
}
