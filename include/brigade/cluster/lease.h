// Who may serve until when.  Source: design §4 Leases.
// Concept: the coordinator's lease runs from the moment when it *sent* the last round that a quorum answered; it hands
// out
//          grants of what is left of it; a member's lease runs from the moment when it sent the answer that the
//          coordinator confirms. So no member's lease outlives its coordinator's, whatever the delays. Only clock rates
//          are trusted, to within kDrift.
// Thread:  owned by the control plane.  Time: takes now; never reads a clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/time.h"
#include "brigade/wire/message.h"

namespace brigade::cluster {

/// `d` as somebody with a clock that is up to 1 % slower would count it, and the reverse.
constexpr Duration longer_by_drift(Duration d) {
  return d + d / 50;
}
constexpr Duration shorter_by_drift(Duration d) {
  return d - d / 50;
}

/// How a coordinator counts its rounds.
class CoordinatorLease {
 public:
  /// A new round leaves now. `quorum(answered)` decides later whether a set of answerers, self among them, suffices.
  std::uint64_t begin_round(Instant now, Duration lease, NodeId self);
  /// True if the lease got longer.
  bool on_answer(Instant now, std::uint64_t round, NodeId node,
                 const std::function<bool(const std::set<NodeId>&)>& is_quorum);
  /// `node` has begun another life: what it answered in the one before is not confirmed any more.
  void forget_answers(NodeId node);
  /// Who has answered the round `back` before the last one begun.
  [[nodiscard]] const std::set<NodeId>& answered(std::uint64_t back) const;
  [[nodiscard]] std::uint64_t round() const { return round_; }
  /// The moment at which the own lease ends, by the own clock.
  [[nodiscard]] Instant until() const { return until_; }

  /// Remembers that `node` was granted to serve until `end`.
  void granted(NodeId node, Instant end);
  /// `former` is the same node's lease of an earlier group: what it granted runs on when the group is formed anew.
  void take_over_grants(const CoordinatorLease& former);
  /// When the last grant of `node` is over for sure.
  [[nodiscard]] Instant grant_end(NodeId node) const;

 private:
  struct Round {
    Instant sent;
    Duration lease{};
    std::set<NodeId> answered;
  };
  static constexpr std::size_t kRoundsKept = 32;
  std::uint64_t round_ = 0;
  std::map<std::uint64_t, Round> rounds_;
  Instant until_{};
  std::map<NodeId, Instant> grant_ends_;
};

/// How a member counts what it was granted, and what it owes.
class MemberLease {
 public:
  /// The answer to `round` of `epoch` leaves now; nobody else is accepted for `lease`.
  void on_answering(Instant now, const Epoch& epoch, std::uint64_t round, Duration lease);
  /// The answer to `round` of `epoch` has arrived, and there is `grant` left.
  void on_confirmed(const Epoch& epoch, std::uint64_t round, Duration grant, Seq grant_seq);
  /// Nothing granted is valid any more. The debt to the old coordinator stays.
  void drop();
  /// The own clock's end of serving.
  [[nodiscard]] Instant until() const { return until_; }
  /// The seq that must be applied to serve.
  [[nodiscard]] Seq grant_seq() const { return grant_seq_; }
  /// Until then this node accepts no other coordinator.
  [[nodiscard]] Instant holdoff() const { return holdoff_; }
  void hold_off_until(Instant when);

 private:
  Epoch epoch_;
  std::map<std::uint64_t, Instant> answered_;
  Instant until_{};
  Seq grant_seq_;
  Instant holdoff_{};
};

}  // namespace brigade::cluster
