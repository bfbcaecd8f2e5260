// Plumbing of the member: inputs, effects, the gate, queries. What the messages mean is in member_*.cc.
#include "brigade/cluster/member.h"

#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/cluster/rules.h"

namespace brigade::cluster {

namespace {

/// Kinds that claim something of the sender's disk: they leave when it is there (design §4, "What must be on disk").
/// Ack and HeartbeatReply speak of what is durable already, Append to members of what the coordinator may still lose.
bool is_claim(const wire::Message& message) {
  if (!holds(Rule::kPromiseBeforeAccept)) return false;
  if (const auto* append = std::get_if<wire::Append>(&message)) return append->fetched;
  return std::holds_alternative<wire::Probe>(message) || std::holds_alternative<wire::ProbeReply>(message) ||
         std::holds_alternative<wire::Invitation>(message) || std::holds_alternative<wire::Accept>(message) ||
         std::holds_alternative<wire::Ready>(message);
}

}  // namespace

std::string_view event_name(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kLookingAround:
      return "looking-around";
    case Event::Kind::kInviting:
      return "inviting";
    case Event::Kind::kAccepted:
      return "accepted";
    case Event::Kind::kCoordinating:
      return "coordinating";
    case Event::Kind::kFollowing:
      return "following";
    case Event::Kind::kSteppedDown:
      return "stepped-down";
    case Event::Kind::kNodeUp:
      return "node-up";
    case Event::Kind::kNodeDown:
      return "node-down";
    case Event::Kind::kNodeAdded:
      return "node-added";
    case Event::Kind::kNodeRemoved:
      return "node-removed";
    case Event::Kind::kJoinRefused:
      return "join-refused";
    case Event::Kind::kIndexWanted:
      return "index-wanted";
    case Event::Kind::kIndexInstalled:
      return "index-installed";
    case Event::Kind::kRolledBack:
      return "rolled-back";
    case Event::Kind::kOutdated:
      return "outdated";
  }
  return "unknown";
}

Result<std::unique_ptr<Member>> Member::make(wire::NodeInfo self, Boot boot, Prng prng, Instant now) {
  ClusterMap map(boot.cluster);
  if (boot.snapshot) {
    auto from = ClusterMap::from(*boot.snapshot);
    if (!from) return from.error();
    map = std::move(*from);
  }
  std::uint32_t version = map.version();
  for (const wire::LogEntry& entry : boot.log)
    if (const auto* raised = std::get_if<wire::VersionRaised>(&entry.change)) version = raised->version;
  const bool is_newcomer = map.seq() == Seq{} && boot.log.empty();
  if (!is_newcomer && !wire::reads(self.speaks, version))
    return Error(Errc::kConflict, "the log has protocol " + wire::unreadable(self.speaks, version));
  return std::unique_ptr<Member>(new Member(std::move(self), std::move(boot), std::move(map), prng, now));
}

Member::Member(wire::NodeInfo self, Boot boot, ClusterMap map, Prng prng, Instant now)
    : self_(std::move(self)),
      incarnation_(boot.incarnation),
      prng_(prng),
      promised_(holds(Rule::kPromiseIsDurable) ? boot.promised : Epoch{}),
      log_(map.last()),
      map_(std::move(map)),
      whole_(!boot.damaged || !holds(Rule::kDamagedIsNoEvidence)),
      now_(now),
      highest_seen_(promised_),
      heard_version_(wire::lowest_read(self_.speaks)) {
  for (wire::LogEntry& entry : boot.log) log_.append(std::move(entry));
  // What is in the log was promised by whoever wrote it: bootstrap, too, has used up a group number.
  promised_ = highest_seen_ = std::max(promised_, log_.last().epoch);
  while (map_.seq() < std::min(boot.commit, log_.last().seq)) map_.apply(log_.at(next(map_.seq())));
  if (lives_in_map()) lived_from_ = map_.seq();
  durable_last_ = log_.last().seq;
  matched_ = map_.seq();
  refresh_roster_in_force();
  // It may have answered a heartbeat before it fell. Alone, there was nobody to answer.
  if (roster_in_force_.size() > 1 && holds(Rule::kHoldoffAfterBoot))
    lease_.hold_off_until(now + longer_by_drift(map_.settings().lease));
  probe_at_ = now;
}

void Member::begin(Instant now) {
  BRIGADE_CHECK(now >= now_, "time fell by " << (now_ - now).count() << " ns");
  now_ = now;
}

Effects Member::finish() {
  if (coordinator_ && sent_last_ < log_.last().seq) {
    send_entries(std::nullopt, next(sent_last_), next(log_.last().seq), false);
    sent_last_ = log_.last().seq;
  }
  if (effects_.persist) batch_last_[batch_number_] = log_.last().seq;
  return std::exchange(effects_, Effects{});
}

Effects Member::step(Instant now, const wire::Envelope& envelope) {
  begin(now);
  if (envelope.from == self_.id) return finish();
  if (envelope.speaks < map_.version()) {
    turn_away(envelope);
    return finish();
  }
  if (!std::holds_alternative<wire::Probe>(envelope.message)) heard_version_ = envelope.version;
  heard_[envelope.from] = now;
  Incarnation& life = incarnations_[envelope.from];
  // What it accepted in an earlier life told of that life's store: it is asked again.
  if (life != envelope.incarnation) accepts_.erase(envelope.from);
  life = envelope.incarnation;
  std::visit([&](const auto& m) { on(envelope.from, m); }, envelope.message);
  return finish();
}

Effects Member::tick(Instant now) {
  begin(now);
  if (waiting_invitation_ && now_ >= lease_.holdoff()) {
    auto [from, epoch] = *std::exchange(waiting_invitation_, std::nullopt);
    if (epoch > promised_) accept(from, epoch);
  }
  if (index_wanted_ && now_ >= index_retry_at_ && state_ == State::kNormal && !coordinator_) want_index();
  switch (state_) {
    case State::kElection:
      if (now_ >= probe_at_) probe();
      if (invite_at_ && now_ >= *invite_at_) {
        consider_inviting();
        if (invite_at_) invite();
      }
      break;
    case State::kReorganization:
      if (now_ >= reorganization_ends_) {
        look_around();
      } else if (inviting_ && now_ >= reinvite_at_) {
        reinvite_at_ = now_ + heartbeat();
        send(std::nullopt, wire::Invitation{epoch_});
        evaluate_accepts();
      }
      break;
    case State::kNormal:
      if (coordinator_) {
        coordinate();
      } else if (now_ - heard_coordinator_ >= coordinator_timeout()) {
        look_around();
      }
      break;
  }
  return finish();
}

Effects Member::persisted(Instant now, std::uint64_t number) {
  begin(now);
  BRIGADE_CHECK(number > durable_number_ && number <= batch_number_, "persisted " << number);
  for (auto at = batch_last_.begin(); at != batch_last_.end() && at->first <= number; at = batch_last_.erase(at))
    durable_last_ = at->second;
  durable_number_ = number;
  auto ready =
      std::stable_partition(held_.begin(), held_.end(), [&](const Outgoing& o) { return o.after > durable_number_; });
  for (auto at = ready; at != held_.end(); ++at) effects_.send.push_back(std::move(at->send));
  held_.erase(ready, held_.end());
  if (coordinator_) {
    evaluate_commit();
  } else if (inviting_) {
    evaluate_accepts();
  } else if (state_ == State::kNormal) {
    acknowledge();
  }
  return finish();
}

Effects Member::report(Instant now, const wire::Report& report) {
  begin(now);
  if (coordinator_) {
    on_report(self_.id, report);
  } else if (state_ == State::kNormal) {
    send(epoch_.coordinator, report);
  }
  return finish();
}

void Member::persist(PersistOp op) {
  if (!effects_.persist) effects_.persist = PersistBatch{++batch_number_, {}};
  auto& ops = effects_.persist->ops;
  auto* more = std::get_if<AppendEntries>(&op);
  if (more != nullptr && !ops.empty()) {
    if (auto* before = std::get_if<AppendEntries>(&ops.back())) {
      std::ranges::move(more->entries, std::back_inserter(before->entries));
      return;
    }
  }
  ops.push_back(std::move(op));
}

void Member::send(std::optional<NodeId> to, wire::Message message) {
  const std::uint32_t version = version_to_write(message);
  send_in(version, to, std::move(message));
}

/// A newcomer asks in all versions that it reads, in turn, and goes on in the one in which it was answered.
std::uint32_t Member::version_to_write(const wire::Message& message) const {
  if (map_.seq() != Seq{}) return map_.version();
  if (!std::holds_alternative<wire::Probe>(message)) return heard_version_;
  return probe_round_ % 2 == 0 ? wire::lowest_read(self_.speaks) : self_.speaks;
}

/// The sender could not read what it is told in the version in force, so nothing that it says counts; but it shall
/// know.
void Member::turn_away(const wire::Envelope& envelope) {
  if (!coordinator_ || !std::holds_alternative<wire::Probe>(envelope.message)) return;
  const std::string why = "the cluster has protocol " + wire::unreadable(envelope.speaks, map_.version());
  send_in(envelope.speaks, envelope.from, wire::JoinRefusal{why});
}

void Member::outdated(std::uint32_t version) {
  note(Event::Kind::kOutdated, self_.id, {}, "the cluster has protocol " + wire::unreadable(self_.speaks, version));
}

void Member::send_in(std::uint32_t version, std::optional<NodeId> to, wire::Message message) {
  const std::uint64_t after = is_claim(message) ? batch_number_ : 0;
  Send out{to, std::move(message), version};
  if (after <= durable_number_) {
    effects_.send.push_back(std::move(out));
  } else {
    held_.push_back({after, std::move(out)});
  }
}

void Member::note(Event::Kind kind, NodeId node, Seq seq, std::string detail) {
  effects_.events.push_back({kind, node, epoch_, seq, std::move(detail)});
}

void Member::refresh_roster_in_force() {
  roster_in_force_.clear();
  for (const RosterEntry& e : map_.roster()) roster_in_force_.push_back(e.node.id);
  roster_in_force_seq_ = map_.roster_seq();
  const Seq end = holds(Rule::kRosterFromAppend) ? log_.last().seq : map_.seq();
  for (Seq seq = next(map_.seq()); seq <= end; seq = next(seq)) {
    const wire::Change& change = log_.at(seq).change;
    if (const auto* added = std::get_if<wire::NodeAdded>(&change)) {
      auto at = std::ranges::lower_bound(roster_in_force_, added->node.id);
      if (at == roster_in_force_.end() || *at != added->node.id) roster_in_force_.insert(at, added->node.id);
      roster_in_force_seq_ = seq;
    } else if (const auto* removed = std::get_if<wire::NodeRemoved>(&change)) {
      std::erase(roster_in_force_, removed->node);
      roster_in_force_seq_ = seq;
    }
  }
}

bool Member::is_quorum(const std::set<NodeId>& nodes) const {
  if (roster_in_force_.empty() || nodes.size() < quorum_needed()) return false;
  const auto count = std::ranges::count_if(roster_in_force_, [&](NodeId id) { return nodes.contains(id); });
  return static_cast<std::size_t>(count) >= quorum_needed();
}

bool Member::is_in_force(NodeId node) const {
  return std::ranges::binary_search(roster_in_force_, node);
}

bool Member::in_roster() const {
  return is_in_force(self_.id);
}

bool Member::lives_in_map() const {
  const RosterEntry* entry = map_.node(self_.id);
  return !holds(Rule::kNewLifeWaits) || (entry != nullptr && entry->up && entry->incarnation == incarnation_);
}

Instant Member::lease_until() const {
  if (!coordinator_) return lease_.until();
  const Instant end = coordinator_->lease.until();
  return end > now_ ? now_ + shorter_by_drift(end - now_) : end;
}

Seq Member::serve_seq() const {
  return coordinator_ ? std::max(coordinator_->formed, map_.view()) : lease_.grant_seq();
}

std::size_t Member::present(Instant now) const {
  const Duration recent = map_.settings().failure_timeout;
  if (state_ == State::kNormal && !coordinator_) return present_;
  auto heard_lately = [&](NodeId id) {
    if (id == self_.id) return true;
    if (coordinator_) {
      auto peer = coordinator_->peers.find(id);
      return peer != coordinator_->peers.end() && now - peer->second.heard <= recent;
    }
    auto at = heard_.find(id);
    return at != heard_.end() && now - at->second <= recent;
  };
  return static_cast<std::size_t>(std::ranges::count_if(roster_in_force_, heard_lately));
}

Instant Member::next_tick() const {
  Instant at = kNever;
  auto by = [&at](Instant when) { at = std::min(at, when); };
  if (waiting_invitation_) by(lease_.holdoff());
  if (index_wanted_) by(index_retry_at_);
  switch (state_) {
    case State::kElection:
      by(probe_at_);
      if (invite_at_) by(*invite_at_);
      break;
    case State::kReorganization:
      by(reorganization_ends_);
      if (inviting_) by(reinvite_at_);
      break;
    case State::kNormal:
      if (!coordinator_) {
        by(heard_coordinator_ + coordinator_timeout());
      } else {
        by(coordinator_->heartbeat_at);
        if (coordinator_->work_wanted) by(coordinator_->work_at);
        by(coordinator_->watch_at);
      }
      break;
  }
  return std::max(at, now_ + std::chrono::milliseconds{1});
}

}  // namespace brigade::cluster
