// A small, fast, random model of the data plane's promise.  Source: design §5 Promise; "Yours must find the same".
// Concept: a few keys in a run of four buckets on three to six nodes. The map, who is primary, who is read, what must
// be
//          fetched and the revisions are the product's pure core (cluster/, replication/); what node/ does around it is
//          done here step by step, over a network and disks that delay and lose, by processes that crash. A coordinator
//          that is drawn at random makes the log, as Member and Assigner would. A judge, who knows nothing of all that,
//          hears what clients were told: an acknowledged write is what every later read returns, or something later,
//          and a 404 is said only of what does not exist.
// Thread:  pure: everything follows from the options.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace brigade::sim {

/// The rules that can be broken on purpose (testing "Mutants that must die").
enum class PromiseFlaw : std::uint8_t {
  // Who may serve and write
  kGrantSeqIgnored,      ///< a grant holds for whoever gets it, however old its map
  kDownBeforeGrantEnds,  ///< NodeDown is logged while a grant still runs
  kNewLifeServesAtOnce,  ///< a restarted node serves before the log knows of its new life (and disk)
  kFillingServes,        ///< a filling bucket is read as if it were in sync
  kReleaseSkipped,       ///< the old owner of a moved bucket serves until it sees BucketsMoved
  kServesAfterMove,      ///< ... and even then
  kUnplacedRead,         ///< a node that is asked as one bucket shows a record that this bucket does not hold
  kAbsentUnchecked,      ///< after looking for a record in vain, a node does not ask again whether it still serves
  // Writing
  kNewerSetNotRefused,     ///< a replica takes a write whose primary does not know its newest replicas
  kNewLevelAlone,          ///< ... or no replicas that are newer at the level that the object is about to leave
  kLaggingReplicaCommits,  ///< a replica takes a write made under a map that it has yet to apply
  kFreeRunningRevisions,   ///< a revision is a mere count
  kRevisionByOldRole,      ///< the revision is given without another look at who is primary
  kLifeKeepsView,          ///< a revision that a node gave, and forgot by falling, is given again by its next life
  kHigherRevisionIsOk,     ///< a replica that has a higher revision says that it has the write
  kDropKeepsRevision,      ///< lowering a redundancy leaves tombstones with the revision of the object itself
  kDropsAtOnce,            ///< ... and puts them before all that are to hold the object have it
  kAckBeforeAll,           ///< the client is told as soon as `write_copies` nodes have it
  kAckBeforeDurable,       ///< a replica says that it has the write before its disk does
  kStandInSkipped,         ///< a stand-in takes no writes
  kAckUnderOldMap,         ///< ... as soon as those have it that were the live replicas at the beginning
  kAckWithNobodyInSync,    ///< a primary that is none any more tells its client even while no replica is in sync
  kDoneOutlivesRole,       ///< a copy made before a node's part changed counts after that change
  kStageCommitsAlone,      ///< a replica commits what was staged long ago, without asking
  kLostWriteRepeated,      ///< a gateway that hears nothing of a write hands it on once more
  kTombstoneDroppedEarly,  ///< a tombstone goes at any time
  kCollectedIsGivenAgain,  ///< the revision of a tombstone that went is given once more
  // Filling
  kListBeforeCommits,     ///< a list is answered before earlier writes are finished
  kCommitUnseenInBody,    ///< a pushed record counts as under way only once its body is here
  kListsOneLevel,         ///< what differs at a level is listed at that level only: an object may have just left it
  kLeftoversKept,         ///< what a sibling does not know stays
  kOldTombstoneKnows,     ///< ... if the sibling has as much as a tombstone of the key, older than what is here
  kForgetsFresh,          ///< ... or goes, even if it was written since the bucket began to fill
  kFreshFromLook,         ///< what is written counts as new only after the filler has looked at the map
  kFreshOutlivesRole,     ///< ... and still counts as new when this node has got another part
  kForgetUnchecked,       ///< ... and is not looked at again in the moment of forgetting
  kForgetsOwnTruth,       ///< ... even if this node is itself in sync for what it forgets
  kForgetsLastCopy,       ///< ... even if it took the place of a record of a lower level that nobody else has
  kKeptIsWhole,           ///< ... and when it stays for that, its other buckets, too, count as whole
  kForgetIsWhole,         ///< a pass that has forgotten something counts as whole
  kVanishedIsWhole,       ///< what vanished from the source since it was listed counts as fetched
  kOwnCommitsNotAwaited,  ///< what this node commits late, from before its part began, is not waited for
  kEmptyRunComplete,      ///< with nobody in sync, whoever comes first is complete
  kClearUnchecked,        ///< what is no longer placed here is cleared without another look at the map
  kCount,
};
std::string_view promise_flaw_name(PromiseFlaw flaw);

/// What a run is full of. Each draws its own mixture from the seed; some rules matter only where one trouble is common
/// and the others, which would hide it, are rare.
enum class PromiseProfile : std::uint8_t {
  kMixed,   ///< all kinds of faults, from none to many
  kLevels,  ///< redundancies change all the time; faults are few and long, so that nearly every write ends
  kHasty,   ///< a write takes longer than a lease: parts change under it; connections break, and that is heard at once
  kCrowd,   ///< many write the same key at every change, through nodes that have yet to hear of it
  kWild,    ///< each of what makes the others differ is drawn for itself, or left as in the first
  kCount,
};
std::string_view promise_profile_name(PromiseProfile profile);

/// One thing that happens in a scripted run, `after` so many ticks from the one before it.
struct PromiseStep {
  enum class Kind : std::uint8_t {
    kWrite,        ///< a client asks `node` to put the key
    kDelete,       ///< ... to delete it
    kFall,         ///< `node` falls
    kStart,        ///< ... and starts again
    kDeaf,         ///< `node` and the coordinator do not hear each other for `number` ticks
    kLag,          ///< `node` applies no transaction for `number` ticks
    kCut,          ///< `node` and the node `number` do not hear each other
    kMend,         ///< ... and do again
    kLevel,        ///< from now on the key is put at the level `number`
    kBodies,       ///< from now on a body takes `number` ticks more
    kMove,         ///< `node` is to become the owner of the bucket `number`
    kUntilInSync,  ///< waits until `node` is in sync for the bucket `number`, in the log
    kUntilDown,    ///< ... until it is down
  };
  Kind kind = Kind::kWrite;
  std::uint64_t node = 0;
  std::uint64_t number = 0;
  std::int64_t after = 0;
};

/// A run in which only that happens which is written here, with small delays that the seed draws: for rules that matter
/// only in stories of many steps, which no mixture of troubles tells often. One key, whose home is bucket 0.
struct PromiseScript {
  std::vector<std::uint64_t> owners;  ///< of buckets 0 to 3
  std::uint64_t nodes = 5;            ///< the last one stands in for whoever is down
  std::uint8_t level = 1;             ///< of the key
  std::uint64_t min_redundancy = 2;
  std::int64_t lease = 30, failure_timeout = 40, patience = 60;
  std::vector<PromiseStep> steps;
};

struct PromiseOptions {
  std::uint64_t seed = 1;
  /// Instead of a profile's troubles, if set. Lives as long as the run.
  const PromiseScript* script = nullptr;
  PromiseProfile profile = PromiseProfile::kMixed;
  std::vector<PromiseFlaw> broken;
  /// Unless 0: when a broken rule first decides something otherwise than it would in force, the run goes on with this
  /// randomness. What is rare after a rare moment is found by many turns of the few seeds that come there (importance
  /// splitting: Kahn and Harris, 1951). Rules of which one in 10 000 seeds or fewer shows anything say when that is.
  std::uint64_t turn = 0;
  /// The redundancy of a key changes, or another write follows such a change, even while a write of that key has an
  /// open outcome. The promise does not hold then: copies that the next primary does not know of are never taken back.
  bool levels_change_while_open = false;
  /// Gets a line for whatever happens, if set.
  std::function<void(const std::string&)> trace;
};

struct PromiseOutcome {
  /// Empty if the promise was kept; otherwise what was wrong.
  std::string violation;
  std::uint64_t events = 0;
  std::uint64_t bites = 0;         ///< how often the broken rule decided otherwise, if it is one that says so
  std::uint64_t acknowledged = 0;  ///< writes and deletes
  std::uint64_t refused = 0;       ///< the same, with no or an open outcome
  std::uint64_t read = 0;          ///< 200
  std::uint64_t absent = 0;        ///< 404
  std::uint64_t unavailable = 0;   ///< 503
  std::uint64_t transactions = 0;
  std::uint64_t filled = 0, moved = 0, downs = 0, crashes = 0;

  [[nodiscard]] bool ok() const { return violation.empty(); }
};

/// Cost: about two milliseconds in an optimized build.
PromiseOutcome run_promise(const PromiseOptions& options);

}  // namespace brigade::sim
