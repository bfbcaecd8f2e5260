// Looking around, inviting, accepting, forming a group.  Source: design §4 "Group and election".
#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/cluster/member.h"

namespace brigade::cluster {

namespace {

/// What logs are compared by.
Position rank_of(Position last) {
  return holds(Rule::kPositionHasEpoch) ? last : Position{{}, last.seq};
}

}  // namespace

std::optional<Epoch> Member::live_coordinator() const {
  if (state_ != State::kNormal) return std::nullopt;
  if (coordinator_ || now_ - heard_coordinator_ < coordinator_timeout()) return epoch_;
  return std::nullopt;
}

void Member::look_around() {
  if (state_ != State::kElection) note(Event::Kind::kLookingAround);
  state_ = State::kElection;
  if (coordinator_) former_lease_ = coordinator_->lease;
  coordinator_.reset();
  inviting_ = false;
  accepts_.clear();
  // Those who began to look around a moment earlier have said so already.
  std::erase_if(answers_, [&](const auto& a) { return now_ - a.second.at > heartbeat(); });
  invite_at_.reset();
  reorder_.clear();
  probe();
}

void Member::probe() {
  ++probe_round_;
  probe_at_ = now_ + heartbeat();
  std::erase_if(answers_, [&](const auto& a) { return now_ - a.second.at > coordinator_timeout(); });
  wire::Probe probe{probe_round_, log_.last(), promised_, std::nullopt};
  // As long as its addition is not committed, for it may have been rolled back everywhere else.
  if (map_.node(self_.id) == nullptr) {
    probe.join = self_;
    complain_if_unheard();
  }
  send(std::nullopt, std::move(probe));
  consider_inviting();
}

void Member::on(NodeId from, const wire::Probe& m) {
  if (!m.join || is_in_force(from)) highest_seen_ = std::max(highest_seen_, m.promised);
  if (coordinator_) {
    if (m.join && !is_in_force(from)) {
      handle_join(from, *m.join);
      return;
    }
    if (!is_in_force(from)) return;
    send(from, wire::ProbeReply{m.round, log_.last(), promised_, epoch_});
    invite_one(from);
    return;
  }
  // A newcomer that was appended to the log here, but has not heard of it, counts already: nobody can do without it.
  if (m.join && !is_in_force(from)) return;
  // The coordinator asks for a coordinator: it has lost its group, by a restart or for want of a quorum.
  const bool lost_its_group = state_ == State::kNormal && from == epoch_.coordinator &&
                              (incarnations_[from] != coordinator_incarnation_ || m.promised >= epoch_);
  if (lost_its_group) look_around();
  // When a whole group loses its coordinator, all of it probes, and answers to each would be its size squared. A probe
  // says all that an answer does; and who is about to look around, too, has nothing good to say.
  const bool probes_too =
      state_ == State::kElection || (state_ == State::kNormal && now_ - heard_coordinator_ > 2 * heartbeat());
  if (!probes_too) send(from, wire::ProbeReply{m.round, log_.last(), promised_, live_coordinator()});
  if (!is_in_force(from)) return;
  answers_[from] = {m.last, m.promised, std::nullopt, now_};
  if (state_ == State::kElection && !invite_at_) consider_inviting();
}

void Member::on(NodeId from, const wire::ProbeReply& m) {
  highest_seen_ = std::max(highest_seen_, m.promised);
  if (state_ != State::kElection || m.round != probe_round_) return;
  answers_[from] = {m.last, m.promised, m.following, now_};
  if (!invite_at_ || m.following) consider_inviting();
}

void Member::consider_inviting() {
  if (!in_roster() || !whole_) return;
  if (answers_.size() + 1 < quorum_needed()) {
    invite_at_.reset();
    return;
  }
  std::set<NodeId> present{self_.id};
  std::uint64_t rank = 0;
  for (const auto& [node, answer] : answers_) {
    if (!is_in_force(node) || now_ - answer.at > coordinator_timeout()) continue;
    if (answer.following) {  // a group stands: its coordinator hears our probes and invites
      invite_at_.reset();
      return;
    }
    present.insert(node);
    if (std::pair(rank_of(answer.last), node) > std::pair(rank_of(log_.last()), self_.id)) ++rank;
  }
  if (!is_quorum(present)) {
    invite_at_.reset();
    return;
  }
  if (invite_at_) return;
  const Duration slot = heartbeat() / 5;
  const Duration random{roster_in_force_.size() > 1 ? prng_.below(static_cast<std::uint64_t>(slot.count())) : 0};
  invite_at_ = std::max({now_, lease_.holdoff(), yields_until_}) + slot * static_cast<std::int64_t>(rank) + random;
}

bool Member::hears(NodeId coordinator) const {
  return beat_.first == coordinator && now_ - beat_.second < coordinator_timeout();
}

/// A newcomer hears a coordinator: what it was asked meanwhile can be answered.
void Member::hear_beat(NodeId from) {
  beat_ = {from, now_};
  if (!unheard_ || unheard_->from != from) return;
  const Epoch epoch = std::exchange(unheard_, std::nullopt)->epoch;
  on(from, wire::Invitation{epoch, true});
}

void Member::complain_if_unheard() {
  if (!unheard_ || unheard_->is_told || now_ - unheard_->since < 10 * heartbeat()) return;
  unheard_->is_told = true;
  note(Event::Kind::kJoinRefused, unheard_->from, {},
       "its coordinator answers, but its heartbeats do not arrive here: `transport` must be the same everywhere "
       "(unicast where there is no multicast), and the addresses that the nodes advertise must reach each other");
}

void Member::invite() {
  const std::uint64_t counter = std::max(highest_seen_.counter, promised_.counter) + 1;
  promised_ = Epoch{counter, self_.id};
  highest_seen_ = promised_;
  epoch_ = promised_;
  persist(SetPromise{promised_});
  promise_batch_ = batch_number_;
  state_ = State::kReorganization;
  coordinator_.reset();
  inviting_ = true;
  invite_at_.reset();
  accepts_.clear();
  reorder_.clear();
  lease_.drop();
  matched_ = map_.seq();
  request_at_ = now_;
  reinvite_at_ = now_ + heartbeat();
  reorganization_ends_ = now_ + map_.settings().lease + 2 * heartbeat();
  note(Event::Kind::kInviting);
  send(std::nullopt, wire::Invitation{epoch_});
}

void Member::on(NodeId from, const wire::Invitation& m) {
  highest_seen_ = std::max(highest_seen_, m.epoch);
  if (from != m.epoch.coordinator) return;
  if (m.stands && map_.node(self_.id) == nullptr && !hears(from)) {
    // Once it is in the roster the others need its answers: it would take a quorum from them.
    if (!unheard_ || unheard_->from != from) unheard_ = Unheard{.from = from, .since = now_};
    unheard_->epoch = m.epoch;
    return;
  }
  if (m.epoch < promised_) {
    send(from, wire::Refusal{m.epoch, promised_});
    return;
  }
  if (m.epoch == promised_) {
    // Repeated, or taken up again after giving up the wait or after a restart: the promise stands.
    if (state_ == State::kElection) {
      accept(from, m.epoch);
    } else {
      send(from, wire::Accept{epoch_, log_.last(), self_, !whole_});
    }
    return;
  }
  const bool same_coordinator =
      state_ == State::kNormal && from == epoch_.coordinator && incarnations_[from] == coordinator_incarnation_;
  if (now_ < lease_.holdoff() && !same_coordinator) {
    if (!waiting_invitation_ || waiting_invitation_->second < m.epoch) waiting_invitation_ = {from, m.epoch};
    return;
  }
  accept(from, m.epoch);
}

void Member::accept(NodeId from, const Epoch& epoch) {
  if (epoch != promised_) {
    promised_ = epoch;
    persist(SetPromise{promised_});
    promise_batch_ = batch_number_;
  }
  epoch_ = epoch;
  state_ = State::kReorganization;
  coordinator_.reset();
  inviting_ = false;
  accepts_.clear();
  invite_at_.reset();
  reorder_.clear();
  lease_.drop();
  matched_ = map_.seq();
  acknowledged_ = Seq{};
  known_last_ = Seq{};
  heard_round_ = 0;
  request_at_ = now_;
  coordinator_incarnation_ = incarnations_[from];
  reorganization_ends_ = now_ + 5 * heartbeat();
  note(Event::Kind::kAccepted, from);
  send(from, wire::Accept{epoch_, log_.last(), self_, !whole_});
}

void Member::on(NodeId from, const wire::Accept& m) {
  if (m.epoch != epoch_ || m.node.id != from) return;
  if (inviting_) {
    accepts_[from] = m;
    evaluate_accepts();
    return;
  }
  if (!coordinator_) return;
  const bool known = is_in_force(from);
  if (!known) {
    if (auto fits = check_change(wire::NodeAdded{m.node}); !fits) {
      send(from, wire::JoinRefusal{fits.error().detail()});
      return;
    }
    coordinator_->joining[from] = m.node;
    coordinator_->watch_at = now_;
  }
  Coordinator::Peer& peer = coordinator_->peers[from];
  peer.heard = now_;
  meet(from, peer);
  peer.info = m.node;
  send(from, wire::Ready{epoch_, coordinator_->formed});
}

void Member::on(NodeId from, const wire::JoinRefusal& m) {
  // Who is in the roster is refused only after it came back with a program that is too old.
  if (!in_roster() || state_ != State::kNormal) note(Event::Kind::kJoinRefused, from, {}, m.why);
}

void Member::on(NodeId from, const wire::Refusal& m) {
  highest_seen_ = std::max(highest_seen_, m.promised);
  const bool mine = (coordinator_ || inviting_) && m.epoch == epoch_ && m.promised > epoch_;
  // With a lease that still runs no other group can exist: form this one anew above the number, and all is as it was.
  // Without one, somebody else may lead: look around first.
  const bool certain = coordinator_ && now_ < coordinator_->lease.until();
  // A newcomer may have promised more than this group, in one that came to nothing, and could never join it.
  const bool concerns = is_in_force(from) || (certain && !map_.was_removed(from));
  if (!mine || !concerns) return;
  if (coordinator_) {
    step_down("a node has promised " + to_string(m.promised));
  } else {
    look_around();
  }
  if (certain && state_ == State::kElection) invite();
}

void Member::evaluate_accepts() {
  if (!inviting_ || durable_number_ < promise_batch_) return;
  std::set<NodeId> acceptors{self_.id};
  Position best = rank_of(log_.last());
  for (const auto& [node, accepted] : accepts_) {
    if (accepted.damaged) continue;  // its log may lack what was committed, so its word is none
    acceptors.insert(node);
    if (is_in_force(node)) best = std::max(best, rank_of(accepted.last));
  }
  if (!is_quorum(acceptors)) return;
  if (best > rank_of(log_.last()) && holds(Rule::kInviterTakesBestLog)) {
    ask_for_missing();
    return;
  }
  // The chosen log may tell of a roster without this node, or with a larger quorum: both were asked of that log.
  if (!in_roster()) {
    look_around();
    return;
  }
  form_group();
}

void Member::ask_for_missing() {
  if (now_ < request_at_) return;
  request_at_ = now_ + heartbeat() / 4;
  auto best = std::ranges::max_element(accepts_, {}, [&](const auto& a) {
    return is_in_force(a.first) && !a.second.damaged ? rank_of(a.second.last) : Position{};
  });
  const Seq from = next(std::max(map_.seq(), std::min(matched_, log_.last().seq)));
  send(best->first, wire::LogRequest{epoch_, from, next(best->second.last.seq)});
}

void Member::form_group() {
  ClusterMap appended = map_;
  for (Seq seq = next(map_.seq()); seq <= log_.last().seq; seq = next(seq)) appended.apply(log_.at(seq));
  coordinator_ = std::make_unique<Coordinator>(std::move(appended));
  Coordinator& c = *coordinator_;
  c.lease.take_over_grants(former_lease_);
  state_ = State::kNormal;
  inviting_ = false;
  coordinator_incarnation_ = incarnation_;

  std::vector<NodeId> members{self_.id};
  Seq lowest = log_.last().seq;
  const Duration timeout = map_.settings().failure_timeout;
  for (NodeId id : roster_in_force_) {
    if (id == self_.id) continue;
    Coordinator::Peer& peer = c.peers[id];
    peer.incarnation = incarnations_[id];
    auto accepted = accepts_.find(id);
    if (accepted != accepts_.end()) {
      members.push_back(id);
      lowest = std::min(lowest, accepted->second.last.seq);
      peer.heard = now_;
      peer.info = accepted->second.node;
    } else {
      // Whoever was not heard of lately, the old coordinator above all, has one heartbeat to show itself.
      peer.heard = std::clamp(heard_[id], now_ - timeout + heartbeat(), now_);
    }
    if (!c.appended.is_up(id)) c.down_since[id] = now_;
  }
  accepts_.clear();

  c.formed = next(log_.last().seq);
  c.formed_at = now_;
  c.heartbeat_at = now_;
  c.watch_at = now_;
  c.work_at = now_;
  c.roster_change_after = now_ + longer_by_drift(map_.settings().lease);
  sent_last_ = std::max(log_.base().seq, std::max(lowest, map_.seq() > Seq{64} ? Seq{map_.seq().value - 64} : Seq{}));
  matched_ = log_.last().seq;
  append({epoch_, c.formed, wire::GroupFormed::of(std::move(members))});
  note(Event::Kind::kCoordinating, self_.id, c.formed);
  send(std::nullopt, wire::Ready{epoch_, c.formed});
}

void Member::on(NodeId from, const wire::Ready& m) {
  if (!heeds(from, m.epoch)) return;
  known_last_ = std::max(known_last_, m.formed);
  request_missing(known_last_);
}

void Member::follow(const Epoch& epoch) {
  epoch_ = epoch;
  state_ = State::kNormal;
  inviting_ = false;
  invite_at_.reset();
  answers_.clear();
  heard_round_ = 0;
  present_ = quorum_needed();  // without them there would be no group; the first heartbeat tells all
  acknowledged_ = Seq{};
  known_last_ = Seq{};
  matched_ = map_.seq();
  reorder_.clear();
  request_at_ = now_;
  coordinator_incarnation_ = incarnations_[epoch.coordinator];
  note(Event::Kind::kFollowing, epoch.coordinator);
}

}  // namespace brigade::cluster
