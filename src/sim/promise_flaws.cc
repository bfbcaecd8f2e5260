// The names of the rules that can be broken, and of the kinds of runs.
#include "brigade/sim/promise.h"

namespace brigade::sim {

std::string_view promise_flaw_name(PromiseFlaw flaw) {
  switch (flaw) {
    case PromiseFlaw::kGrantSeqIgnored:
      return "grant-seq-ignored";
    case PromiseFlaw::kDownBeforeGrantEnds:
      return "down-before-grant-ends";
    case PromiseFlaw::kNewLifeServesAtOnce:
      return "new-life-serves-at-once";
    case PromiseFlaw::kFillingServes:
      return "filling-serves";
    case PromiseFlaw::kReleaseSkipped:
      return "release-skipped";
    case PromiseFlaw::kServesAfterMove:
      return "serves-after-move";
    case PromiseFlaw::kUnplacedRead:
      return "unplaced-read";
    case PromiseFlaw::kAbsentUnchecked:
      return "absent-unchecked";
    case PromiseFlaw::kNewerSetNotRefused:
      return "newer-set-not-refused";
    case PromiseFlaw::kNewLevelAlone:
      return "new-level-alone";
    case PromiseFlaw::kLaggingReplicaCommits:
      return "lagging-replica-commits";
    case PromiseFlaw::kFreeRunningRevisions:
      return "free-running-revisions";
    case PromiseFlaw::kRevisionByOldRole:
      return "revision-by-old-role";
    case PromiseFlaw::kLifeKeepsView:
      return "life-keeps-view";
    case PromiseFlaw::kHigherRevisionIsOk:
      return "higher-revision-is-ok";
    case PromiseFlaw::kDropKeepsRevision:
      return "drop-keeps-revision";
    case PromiseFlaw::kDropsAtOnce:
      return "drops-at-once";
    case PromiseFlaw::kAckBeforeAll:
      return "ack-before-all";
    case PromiseFlaw::kAckBeforeDurable:
      return "ack-before-durable";
    case PromiseFlaw::kStandInSkipped:
      return "stand-in-skipped";
    case PromiseFlaw::kAckUnderOldMap:
      return "ack-under-old-map";
    case PromiseFlaw::kAckWithNobodyInSync:
      return "ack-with-nobody-in-sync";
    case PromiseFlaw::kDoneOutlivesRole:
      return "done-outlives-role";
    case PromiseFlaw::kStageCommitsAlone:
      return "stage-commits-alone";
    case PromiseFlaw::kLostWriteRepeated:
      return "lost-write-repeated";
    case PromiseFlaw::kTombstoneDroppedEarly:
      return "tombstone-dropped-early";
    case PromiseFlaw::kCollectedIsGivenAgain:
      return "collected-is-given-again";
    case PromiseFlaw::kListBeforeCommits:
      return "list-before-commits";
    case PromiseFlaw::kCommitUnseenInBody:
      return "commit-unseen-in-body";
    case PromiseFlaw::kListsOneLevel:
      return "lists-one-level";
    case PromiseFlaw::kLeftoversKept:
      return "leftovers-kept";
    case PromiseFlaw::kOldTombstoneKnows:
      return "old-tombstone-knows";
    case PromiseFlaw::kForgetsFresh:
      return "forgets-fresh";
    case PromiseFlaw::kFreshFromLook:
      return "fresh-from-look";
    case PromiseFlaw::kFreshOutlivesRole:
      return "fresh-outlives-role";
    case PromiseFlaw::kForgetUnchecked:
      return "forget-unchecked";
    case PromiseFlaw::kForgetsOwnTruth:
      return "forgets-own-truth";
    case PromiseFlaw::kForgetsLastCopy:
      return "forgets-last-copy";
    case PromiseFlaw::kKeptIsWhole:
      return "kept-is-whole";
    case PromiseFlaw::kForgetIsWhole:
      return "forget-is-whole";
    case PromiseFlaw::kVanishedIsWhole:
      return "vanished-is-whole";
    case PromiseFlaw::kOwnCommitsNotAwaited:
      return "own-commits-not-awaited";
    case PromiseFlaw::kEmptyRunComplete:
      return "empty-run-complete";
    case PromiseFlaw::kClearUnchecked:
      return "clear-unchecked";
    case PromiseFlaw::kCount:
      break;
  }
  return "none";
}

std::string_view promise_profile_name(PromiseProfile profile) {
  switch (profile) {
    case PromiseProfile::kMixed:
      return "mixed";
    case PromiseProfile::kLevels:
      return "levels";
    case PromiseProfile::kHasty:
      return "hasty";
    case PromiseProfile::kCrowd:
      return "crowd";
    case PromiseProfile::kWild:
      return "wild";
    case PromiseProfile::kCount:
      break;
  }
  return "none";
}

}  // namespace brigade::sim
