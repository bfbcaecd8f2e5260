#include "brigade/cluster/lease.h"

#include <algorithm>

#include "brigade/cluster/rules.h"

namespace brigade::cluster {

std::uint64_t CoordinatorLease::begin_round(Instant now, Duration lease, NodeId self) {
  ++round_;
  rounds_[round_] = Round{now, lease, {self}};
  while (rounds_.size() > kRoundsKept) rounds_.erase(rounds_.begin());
  return round_;
}

bool CoordinatorLease::on_answer(Instant now, std::uint64_t round, NodeId node,
                                 const std::function<bool(const std::set<NodeId>&)>& is_quorum) {
  auto at = rounds_.find(round);
  if (at == rounds_.end()) return false;
  at->second.answered.insert(node);
  const Instant end = (holds(Rule::kLeaseFromSending) ? at->second.sent : now) + at->second.lease;
  if (end <= until_ || !is_quorum(at->second.answered)) return false;
  until_ = end;
  return true;
}

const std::set<NodeId>& CoordinatorLease::answered(std::uint64_t back) const {
  static const std::set<NodeId> kNobody;
  auto at = rounds_.find(round_ - back);
  return at == rounds_.end() ? kNobody : at->second.answered;
}

void CoordinatorLease::forget_answers(NodeId node) {
  for (auto& [number, round] : rounds_) round.answered.erase(node);
}

void CoordinatorLease::granted(NodeId node, Instant end) {
  Instant& kept = grant_ends_[node];
  kept = std::max(kept, end);
}

void CoordinatorLease::take_over_grants(const CoordinatorLease& former) {
  for (const auto& [node, end] : former.grant_ends_) granted(node, end);
}

Instant CoordinatorLease::grant_end(NodeId node) const {
  auto at = grant_ends_.find(node);
  return at == grant_ends_.end() ? Instant{} : at->second;
}

void MemberLease::on_answering(Instant now, const Epoch& epoch, std::uint64_t round, Duration lease) {
  if (epoch != epoch_) {
    epoch_ = epoch;
    answered_.clear();
    grant_seq_ = Seq{};
  }
  answered_[round] = now;
  while (answered_.size() > 16) answered_.erase(answered_.begin());
  if (holds(Rule::kHoldoffAfterAnswer)) hold_off_until(now + longer_by_drift(lease));
}

void MemberLease::on_confirmed(const Epoch& epoch, std::uint64_t round, Duration grant, Seq grant_seq) {
  if (epoch != epoch_) return;
  grant_seq_ = std::max(grant_seq_, grant_seq);
  auto at = answered_.find(round);
  if (at == answered_.end() || grant <= Duration::zero()) return;
  until_ = std::max(until_, at->second + shorter_by_drift(grant));
}

void MemberLease::drop() {
  until_ = Instant{};
  answered_.clear();
}

void MemberLease::hold_off_until(Instant when) {
  holdoff_ = std::max(holdoff_, when);
}

}  // namespace brigade::cluster
