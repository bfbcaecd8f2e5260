// The control plane's rules, each of which can be broken on purpose.  Source: design §4; testing "Mutants that must
// die". Concept: in the program every rule holds, at compile time, and costs nothing. The code compiled with
// BRIGADE_MUTANTS asks
//          a variable: the tests break one rule after the other there, and see that the simulator's checkers notice.
// Thread:  `broken_rule` is set before a run, and read in it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace brigade::cluster {

enum class Rule : std::uint8_t {
  kNone,
  kPositionHasEpoch,     ///< logs are compared by the epoch of the last entry first, not by seq alone
  kPromiseIsDurable,     ///< a promise outlives a restart
  kPromiseBeforeAccept,  ///< Accept, and all other claims, wait until they are on disk
  kAckAfterDisk,         ///< an acknowledgement speaks of what is on disk
  kOldEpochsRefused,     ///< after Accept, nothing is taken from a lower epoch
  kInviterTakesBestLog,  ///< a new coordinator takes the log of the acceptor that has the highest position
  kOwnEpochCommits,      ///< entries of older epochs are committed along with one of the own, never counted
  kQuorumIsMajority,     ///< floor(n/2)+1, not n/2
  kHoldoffAfterAnswer,   ///< who has answered a heartbeat accepts nobody else for a lease
  kHoldoffAfterBoot,     ///< who has just started may have answered before it fell
  kLeaseFromSending,     ///< the coordinator's lease runs from when it sent the round, not from the answer
  kGrantIsWhatIsLeft,    ///< a grant is the rest of the coordinator's lease, not a whole one
  kGrantNamesSeq,        ///< a grant holds only for who has applied the last change of who may serve
  kNewLifeWaits,         ///< a node in a new life serves only when the log has said that it is up in that one
  kDownAfterGrant,       ///< NodeDown is logged when the node's last grant has run out
  kPredecessorChecked,   ///< an entry goes behind exactly the entry before it
  kCommitWhatMatches,    ///< a member commits only what it knows to be the coordinator's
  kTailRolledBack,       ///< a different entry at a seq replaces the tail from there
  kRosterOneAtATime,     ///< a change of the roster waits until the one before is committed, and a lease has passed
  kDamagedIsNoEvidence,  ///< by a log that has lost entries none is chosen
  kRosterFromAppend,     ///< a change of the roster counts from the moment when it is appended
  kAllSpeakIt,           ///< the protocol version is raised once all of the roster speak the next one
};

#ifdef BRIGADE_MUTANTS
inline Rule broken_rule = Rule::kNone;
inline bool holds(Rule rule) {
  return rule != broken_rule;
}
#else
constexpr bool holds(Rule /*rule*/) {
  return true;
}
#endif

}  // namespace brigade::cluster
