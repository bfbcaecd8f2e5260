// What a coordinator does: heartbeats and grants, commit, who is up, where the buckets go.
// Source: design §4 Log, Leases, "Failure of a node"; §5 "Moving a bucket".
#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"
#include "brigade/cluster/member.h"

namespace brigade::cluster {

namespace {
constexpr std::size_t kUncommittedMax = 64;  ///< entries in flight
constexpr Duration kWorkInterval = std::chrono::milliseconds{10};
constexpr Duration kWatchInterval = std::chrono::milliseconds{20};
constexpr Duration kIdleLook = std::chrono::seconds{1};
constexpr Duration kCommitNews = std::chrono::milliseconds{1};
/// How often a coordinator that waits for its disk looks again.
constexpr Duration kDiskLook = std::chrono::milliseconds{1};
constexpr Duration kComplaintFresh = std::chrono::seconds{2};
constexpr Duration kShunned = std::chrono::seconds{10};

/// Zone and weight are the roster's to say.
bool is_same_but_shape(const wire::NodeInfo& known, wire::NodeInfo said) {
  said.zone = known.zone;
  said.weight = known.weight;
  return known == said;
}
}  // namespace

void Member::coordinate() {
  Coordinator& c = *coordinator_;
  const Duration lease = map_.settings().lease;
  if (now_ >= c.lease.until() && now_ - c.formed_at >= lease + 2 * heartbeat()) {
    step_down("no quorum answers");
    return;
  }
  if (now_ >= c.heartbeat_at) send_heartbeat();
  if (map_.seq() < c.formed) return;
  if (now_ >= c.watch_at) {
    c.watch_at = now_ + kWatchInterval;
    watch_nodes();
  }
  const std::size_t uncommitted = log_.last().seq.value - map_.seq().value;
  if (now_ < c.work_at || uncommitted >= kUncommittedMax) return;
  auto changes = assigner_.next(
      c.appended, [this](NodeId node) { return is_lost(node); }, kUncommittedMax - uncommitted);
  c.work_wanted = !changes.empty();
  c.work_at = now_ + (changes.empty() ? kIdleLook : kWorkInterval);
  append_changes(std::move(changes));
}

/// Down for longer than the grace period; or an operator has said that it goes, so nobody waits for it.
bool Member::is_lost(NodeId node) const {
  const auto since = coordinator_->down_since.find(node);
  if (since == coordinator_->down_since.end()) return false;
  const RosterEntry* entry = coordinator_->appended.node(node);
  return (entry != nullptr && entry->draining) || now_ - since->second > map_.settings().grace;
}

void Member::step_down(std::string why) {
  note(Event::Kind::kSteppedDown, self_.id, {}, std::move(why));
  lease_.drop();
  look_around();
}

void Member::send_heartbeat() {
  Coordinator& c = *coordinator_;
  // The first one says "Ready" to whoever missed that: so it too waits until the chosen log is on disk, and no longer.
  const bool is_ready = c.formed <= durable_last_;
  c.heartbeat_at = now_ + (is_ready ? heartbeat() : kDiskLook);
  if (!is_ready) return;
  const Duration lease = map_.settings().lease;
  wire::Heartbeat h;
  h.epoch = epoch_;
  h.round = c.lease.begin_round(now_, lease, self_.id);
  c.lease.on_answer(now_, h.round, self_.id, [this](const std::set<NodeId>& nodes) { return is_quorum(nodes); });
  h.roster_seq = roster_in_force_seq_;
  h.grant = std::max(Duration::zero(), shorter_by_drift(c.lease.until() - now_));
  if (!holds(Rule::kGrantIsWhatIsLeft)) h.grant = lease;
  h.grant_seq = std::max(c.formed, map_.view());
  h.last = log_.last().seq;
  h.commit = map_.seq();
  h.lease = lease;
  const std::set<NodeId>& answered = c.lease.answered(1);
  const std::set<NodeId>& earlier = c.lease.answered(2);
  for (NodeId id : roster_in_force_) {
    const auto peer = c.peers.find(id);
    const bool may = peer == c.peers.end() || !peer->second.condemned;
    h.answered.push_back(may && answered.contains(id));
    h.answered_earlier.push_back(may && earlier.contains(id));
    if (h.answered.back() || h.answered_earlier.back()) c.lease.granted(id, now_ + longer_by_drift(h.grant));
  }
  lease_.hold_off_until(now_ + longer_by_drift(lease));
  send(std::nullopt, std::move(h));
}

/// `from` speaks; if it is in another life than it was, what it said before no longer holds.
void Member::meet(NodeId from, Coordinator::Peer& peer) {
  if (peer.incarnation == incarnations_[from]) return;
  peer.incarnation = incarnations_[from];
  peer.info.reset();
  coordinator_->lease.forget_answers(from);
  // Who could not reach it, or whom it could not reach, was about that life.
  std::erase_if(coordinator_->unreachable,
                [&](const auto& u) { return u.first.first == from || u.first.second == from; });
}

void Member::invite_one(NodeId node) {
  Instant& invited = coordinator_->invited[node];
  if (now_ < invited) return;
  invited = now_ + heartbeat() / 2;
  send(node, wire::Invitation{epoch_});
}

void Member::on(NodeId from, const wire::HeartbeatReply& m) {
  if (!coordinator_ || m.epoch != epoch_) return;
  Coordinator& c = *coordinator_;
  if (!is_in_force(from)) {
    // It follows, but what was known of its wish to join is gone: perhaps with the coordinator before.
    if (!c.joining.contains(from)) invite_one(from);
    return;
  }
  Coordinator::Peer& peer = c.peers[from];
  peer.heard = now_;
  peer.applied = m.applied;
  meet(from, peer);
  if (!peer.info) invite_one(from);  // its Accept says who it is now; it was lost, or is of an earlier life
  const bool had_lease = c.lease.until() > now_;
  c.lease.on_answer(now_, m.round, from, [this](const std::set<NodeId>& nodes) { return is_quorum(nodes); });
  // The first answers of a quorum: hand out grants at once.
  if (!had_lease && c.lease.until() > now_) c.heartbeat_at = now_;
  on_acked(peer, m.acked);
}

void Member::on(NodeId from, const wire::Ack& m) {
  if (!coordinator_ || m.epoch != epoch_) return;
  auto peer = coordinator_->peers.find(from);
  if (peer != coordinator_->peers.end()) on_acked(peer->second, m.seq);
}

/// `peer` has its log on disk up to `seq`. Counts, for with a thousand nodes most answers can't change what is
/// committed, and to look at all of them for each would be quadratic.
void Member::on_acked(Coordinator::Peer& peer, Seq seq) {
  Coordinator& c = *coordinator_;
  seq = std::min(seq, log_.last().seq);
  if (seq <= peer.acked) return;
  if (peer.acked <= map_.seq() && seq > map_.seq()) ++c.ahead;
  peer.acked = seq;
  if (c.ahead + 1 >= quorum_needed()) evaluate_commit();
}

/// Committed: on disk at a quorum of the roster in force, and of the own epoch (older ones come along with it).
void Member::evaluate_commit() {
  Coordinator& c = *coordinator_;
  std::vector<Seq> held;
  for (NodeId id : roster_in_force_) {
    auto peer = c.peers.find(id);
    held.push_back(id == self_.id ? durable_last_ : peer == c.peers.end() ? Seq{} : peer->second.acked);
  }
  const auto count_ahead = [&] {
    c.ahead = static_cast<std::size_t>(std::ranges::count_if(held, [&](Seq seq) { return seq > map_.seq(); }));
  };
  count_ahead();
  if (held.size() < quorum_needed()) return;
  std::ranges::sort(held, std::greater<>());
  const Seq upto = held[quorum_needed() - 1];
  if (upto <= map_.seq() || (log_.at(upto).epoch != epoch_ && holds(Rule::kOwnEpochCommits))) return;
  const bool formed_before = map_.seq() >= c.formed;
  apply_to(upto);
  count_ahead();
  c.heartbeat_at = std::min(c.heartbeat_at, now_ + kCommitNews);
  if (!formed_before) c.watch_at = c.work_at = now_;
  for (auto& [id, peer] : c.peers)
    if (peer.condemned && !map_.is_up(id)) peer.condemned = false;
}

void Member::append_changes(std::vector<wire::Change> changes) {
  for (wire::Change& change : changes) append_change(std::move(change));
}

bool Member::append_change(wire::Change change) {
  Coordinator& c = *coordinator_;
  const auto* added = std::get_if<wire::NodeAdded>(&change);
  const auto* up = std::get_if<wire::NodeUp>(&change);
  const auto* down = std::get_if<wire::NodeDown>(&change);
  const bool roster_changes = added != nullptr || std::holds_alternative<wire::NodeRemoved>(change);
  if (roster_changes && !roster_change_allowed()) return false;
  // One lease must pass between roster changes, so that no lease rests on a quorum that the next one does not cross.
  if (roster_changes) c.roster_change_after = now_ + longer_by_drift(map_.settings().lease);
  if (up != nullptr) c.down_since.erase(up->node.id);
  if (down != nullptr) c.down_since[down->node] = now_;
  append({epoch_, next(log_.last().seq), std::move(change)});
  c.work_wanted = true;
  c.work_at = std::min(c.work_at, now_ + kWorkInterval);
  return true;
}

bool Member::roster_change_allowed() const {
  const Coordinator& c = *coordinator_;
  if (!holds(Rule::kRosterOneAtATime)) return true;
  return map_.seq() >= c.formed && roster_in_force_seq_ <= map_.seq() && now_ >= c.roster_change_after;
}

void Member::watch_nodes() {
  Coordinator& c = *coordinator_;
  condemn_unreachable();
  const std::vector<RosterEntry> roster = c.appended.roster();
  for (const RosterEntry& entry : roster) {
    if (entry.node.id == self_.id) {
      if (!entry.up || entry.incarnation != incarnation_ || !is_same_but_shape(entry.node, self_))
        append_change(wire::NodeUp{self_, incarnation_});
      continue;
    }
    Coordinator::Peer& peer = c.peers[entry.node.id];
    if (entry.up) {
      watch_up(entry, peer);
    } else {
      watch_down(entry, peer);
    }
  }
  for (auto at = c.joining.begin(); at != c.joining.end();) {
    if (c.appended.node(at->first) != nullptr) {
      at = c.joining.erase(at);
      continue;
    }
    if (!check_change(wire::NodeAdded{at->second})) {
      at = c.joining.erase(at);
      continue;
    }
    append_change(wire::NodeAdded{at->second});
    ++at;
  }
  raise_version();
}

/// All of the roster, up or down, have said that they speak the next version: none of them needs this one any more.
void Member::raise_version() {
  const ClusterMap& map = coordinator_->appended;
  std::uint32_t all = wire::kVersionMax;
  for (const RosterEntry& entry : map.roster())
    if (holds(Rule::kAllSpeakIt) || entry.node.id == self_.id) all = std::min(all, entry.node.speaks);
  if (all > map.version()) append_change(wire::VersionRaised{all});
}

void Member::watch_up(const RosterEntry& entry, Coordinator::Peer& peer) {
  const NodeId id = entry.node.id;
  if (now_ - peer.heard > map_.settings().failure_timeout) peer.condemned = true;
  if (peer.condemned) {
    const bool granted = now_ < coordinator_->lease.grant_end(id) && holds(Rule::kDownAfterGrant);
    if (!map_.is_up(id) || granted) return;
    append_changes(Assigner::stand_ins(coordinator_->appended, id));
    append_change(wire::NodeDown{id});
    return;
  }
  // Back before anybody missed it: what it is now, where others find it.
  const bool changed =
      peer.info && (!is_same_but_shape(entry.node, *peer.info) || entry.incarnation != peer.incarnation);
  if (changed && peer.incarnation.value != 0) append_change(wire::NodeUp{*peer.info, peer.incarnation});
}

void Member::watch_down(const RosterEntry& entry, Coordinator::Peer& peer) {
  const bool settled = !map_.is_up(entry.node.id) && map_.node(entry.node.id) != nullptr;
  const bool here = now_ - peer.heard <= 3 * heartbeat() && peer.applied >= entry.changed && peer.info;
  const bool shunned = now_ < peer.shunned_until && peer.incarnation == peer.shunned;
  if (!settled || !here || shunned) return;
  append_change(wire::NodeUp{*peer.info, peer.incarnation});
}

/// Two nodes that hear the coordinator but not each other: the one that fewer can reach goes (design §4).
void Member::condemn_unreachable() {
  Coordinator& c = *coordinator_;
  std::erase_if(c.unreachable, [&](const auto& u) { return now_ - u.second > kComplaintFresh; });
  auto complaints = [&](NodeId about) {
    return std::ranges::count_if(c.unreachable, [&](const auto& u) { return u.first.second == about; });
  };
  for (const auto& [pair, when] : c.unreachable) {
    auto [who, whom] = pair;
    if (!c.appended.is_up(who) || !c.appended.is_up(whom)) continue;
    NodeId goes = std::pair(complaints(who), who) > std::pair(complaints(whom), whom) ? who : whom;
    if (goes == self_.id) goes = goes == who ? whom : who;
    if (goes == self_.id) continue;
    Coordinator::Peer& peer = c.peers[goes];
    peer.condemned = true;
    peer.shunned_until = now_ + kShunned;
    peer.shunned = peer.incarnation;
  }
}

void Member::on(NodeId from, const wire::Report& m) {
  if (coordinator_ && is_in_force(from)) on_report(from, m);
}

void Member::on_report(NodeId from, const wire::Report& m) {
  Coordinator& c = *coordinator_;
  if (map_.seq() < c.formed) return;
  const ClusterMap& map = c.appended;
  const RosterEntry* sender = map.node(from);
  // What it said in an earlier life it may have forgotten.
  if (sender == nullptr || !sender->up || (from != self_.id && sender->incarnation != incarnations_[from])) return;
  if (m.kind == wire::ReportKind::kUnreachable) {
    // What was tried before it began its present life, of which the log may yet have to tell, says nothing of that.
    const RosterEntry* whom = map.node(m.node);
    if (whom == nullptr || m.as_of < whom->changed) return;
    const Incarnation heard = incarnations_[m.node];
    if (m.node == self_.id || heard.value == 0 || heard == whom->incarnation) c.unreachable[{from, m.node}] = now_;
    return;
  }
  if (m.kind == wire::ReportKind::kWanted) {
    c.work_wanted = true;
    c.work_at = std::min(c.work_at, now_ + kWorkInterval);
    return;
  }
  // What it says holds for the part that it had at m.as_of, and only for that.
  BucketSet holds;
  std::map<NodeId, BucketSet> successors;
  m.buckets.for_each([&](BucketId bucket) {
    const Cell& cell = map.cell(bucket);
    if (m.kind == wire::ReportKind::kFilled) {
      const bool as_owner = cell.owner == from && !cell.in_sync && cell.state != BucketState::kReleased &&
                            cell.assigned <= m.as_of && sender->changed <= m.as_of;
      const bool as_new_owner = cell.new_owner == from && cell.state == BucketState::kMoving && !cell.new_filled &&
                                cell.new_assigned <= m.as_of && sender->changed <= m.as_of;
      if (as_owner || as_new_owner) holds.add(bucket);
    } else if (m.kind == wire::ReportKind::kEmptied) {
      const bool as_owner = cell.owner == from && cell.assigned <= m.as_of;
      const bool as_new_owner = cell.new_owner == from && cell.new_assigned <= m.as_of;
      if (as_owner || as_new_owner) holds.add(bucket);
    } else if (cell.owner == from && cell.state == BucketState::kMoving && cell.new_filled &&
               cell.new_assigned <= m.as_of) {
      holds.add(bucket);
      successors[cell.new_owner].add(bucket);
    }
  });
  for (BucketSet& part : holds.split(kSetBytesMax)) {
    if (m.kind == wire::ReportKind::kFilled) {
      append_change(wire::BucketsFilled{from, std::move(part)});
    } else if (m.kind == wire::ReportKind::kEmptied) {
      append_change(wire::BucketsEmptied{from, std::move(part)});
    } else {
      append_change(wire::BucketsReleased{from, std::move(part)});
    }
  }
  for (auto& [node, buckets] : successors)
    for (BucketSet& part : buckets.split(kSetBytesMax)) append_change(wire::BucketsMoved{node, std::move(part)});
}

}  // namespace brigade::cluster
