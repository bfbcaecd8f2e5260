// Taking entries, answering heartbeats, committing, index transfer.  Source: design §4 Log, Index transfer, Leases.
#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"
#include "brigade/cluster/member.h"
#include "brigade/wire/codec.h"

namespace brigade::cluster {

namespace {
constexpr std::size_t kDatagramEntriesBytes = 1150;  ///< of entries in one Append
constexpr std::size_t kEntryFrameBytes = 48;
constexpr std::uint64_t kEntriesPerRequest = 256;
constexpr int kYields = 8;  ///< heartbeats; more than an acceptor waits for a group, and then for answers
constexpr std::uint64_t kLogCutAt = 8192;  ///< entries above the last snapshot
constexpr std::uint64_t kLogKept = 2048;   ///< entries kept in memory below it, for members that lag
/// How far the sender says that its log goes.
Seq claimed_end(const wire::Message& message) {
  if (const auto* probe = std::get_if<wire::Probe>(&message)) return probe->last.seq;
  if (const auto* reply = std::get_if<wire::ProbeReply>(&message)) return reply->last.seq;
  if (const auto* accept = std::get_if<wire::Accept>(&message)) return accept->last.seq;
  return {};
}

}  // namespace

/// True if `epoch` is the one that this node has promised, and so obeys.
bool Member::heeds(NodeId from, const Epoch& epoch) {
  highest_seen_ = std::max(highest_seen_, epoch);
  if (from != epoch.coordinator) return false;
  if (epoch < promised_ && holds(Rule::kOldEpochsRefused)) {
    send(from, wire::Refusal{epoch, promised_});
    return false;
  }
  if (epoch > promised_) return false;
  const bool restarted = state_ == State::kNormal && incarnations_[from] != coordinator_incarnation_;
  if (coordinator_ || restarted) return false;
  if (state_ != State::kNormal) follow(epoch);
  heard_coordinator_ = now_;
  return true;
}

void Member::on(NodeId from, const wire::Append& m) {
  if (m.entries.empty()) return;
  if (m.fetched) {
    if (!inviting_ || m.epoch != epoch_) return;
  } else if (!heeds(from, m.epoch)) {
    return;
  }
  Epoch before = m.before.epoch;
  for (const wire::LogEntry& entry : m.entries) {
    take(before, entry);
    before = entry.epoch;
  }
  if (m.fetched) {
    if (matched_ >= m.entries.back().seq) request_at_ = now_;  // it came through: the next piece may be asked for
    evaluate_accepts();
    return;
  }
  known_last_ = std::max(known_last_, m.entries.back().seq);
  advance_commit(m.commit);
  acknowledge();
  if (!reorder_.empty()) request_missing(previous(reorder_.first_seq()));
}

void Member::take(Epoch before, const wire::LogEntry& entry) {
  if (entry.seq <= map_.seq()) return;
  // Nothing above what this node has promised can be in a log that it takes, and epochs never fall along one.
  if (entry.epoch > promised_ || entry.epoch < before) return;
  // It came back with an older program than the one that all were known to have.
  if (const auto* raised = std::get_if<wire::VersionRaised>(&entry.change); raised && raised->version > self_.speaks) {
    outdated(raised->version);
    return;
  }
  const bool fits = holds(Rule::kPredecessorChecked)
                        ? log_.holds({before, previous(entry.seq)})
                        : log_.has(previous(entry.seq)) || log_.base().seq == previous(entry.seq);
  if (fits) {
    matched_ = std::max(matched_, previous(entry.seq));
    place(entry);
    drain_reorder_buffer();
  } else if (!reorder_.insert(before, entry)) {
    want_index();
  }
}

void Member::place(const wire::LogEntry& entry) {
  if (log_.has(entry.seq)) {
    if (log_.at(entry.seq).epoch == entry.epoch) {
      matched_ = std::max(matched_, entry.seq);
      return;
    }
    if (!holds(Rule::kTailRolledBack)) return;
    truncate_from(entry.seq);
  }
  append(entry);
  matched_ = entry.seq;
}

void Member::drain_reorder_buffer() {
  if (reorder_.empty()) return;
  for (;;) {
    const Position at = matched_ == log_.base().seq ? log_.base() : log_.at(matched_).position();
    auto entry = reorder_.take_after(at);
    if (!entry) break;
    place(*entry);
  }
  reorder_.drop_to(matched_);
}

void Member::append(wire::LogEntry entry) {
  const bool roster_changes =
      std::holds_alternative<wire::NodeAdded>(entry.change) || std::holds_alternative<wire::NodeRemoved>(entry.change);
  if (coordinator_) {
    coordinator_->appended.apply(entry);
    matched_ = entry.seq;
  }
  log_.append(entry);
  persist(AppendEntries{{std::move(entry)}});
  if (roster_changes) refresh_roster_in_force();
}

void Member::truncate_from(Seq from) {
  BRIGADE_CHECK(from > map_.seq(), "rolling back " << to_string(from) << ", but " << to_string(map_.seq())
                                                   << " is committed: two histories exist");
  note(Event::Kind::kRolledBack, {}, from);
  log_.truncate_from(from);
  std::erase_if(held_, [from](const Outgoing& o) { return claimed_end(o.send.message) >= from; });
  persist(TruncateFrom{from});
  clamp_durable(previous(from));
  matched_ = std::min(matched_, previous(from));
  refresh_roster_in_force();
}

void Member::clamp_durable(Seq upto) {
  durable_last_ = std::min(durable_last_, upto);
  for (auto& [number, last] : batch_last_) last = std::min(last, upto);
}

void Member::advance_commit(Seq commit) {
  apply_to(std::min(commit, holds(Rule::kCommitWhatMatches) ? matched_ : log_.last().seq));
}

void Member::apply_to(Seq commit) {
  if (commit <= map_.seq()) return;
  const std::uint32_t version = map_.version();
  while (map_.seq() < commit) {
    const wire::LogEntry& entry = log_.at(next(map_.seq()));
    map_.apply(entry);
    effects_.committed.push_back(entry);
    if (lived_from_ == kNotYet && lives_in_map()) lived_from_ = entry.seq;
    if (const auto* up = std::get_if<wire::NodeUp>(&entry.change)) note(Event::Kind::kNodeUp, up->node.id, entry.seq);
    if (const auto* down = std::get_if<wire::NodeDown>(&entry.change))
      note(Event::Kind::kNodeDown, down->node, entry.seq);
    if (const auto* a = std::get_if<wire::NodeAdded>(&entry.change))
      note(Event::Kind::kNodeAdded, a->node.id, entry.seq);
    if (const auto* r = std::get_if<wire::NodeRemoved>(&entry.change))
      note(Event::Kind::kNodeRemoved, r->node, entry.seq);
  }
  effects_.map_changed = true;
  persist(SetCommit{commit});
  // What was written in an older version goes from the disk, for the next release but one can't read that any more.
  if (map_.version() != version || map_.seq().value - log_.base().seq.value >= kLogCutAt) cut_log();
}

void Member::cut_log() {
  persist(InstallSnapshot{std::make_shared<const wire::Snapshot>(map_.snapshot())});
  if (map_.seq().value > log_.base().seq.value + kLogKept) log_.cut_to(Seq{map_.seq().value - kLogKept});
}

Seq Member::durable_matched() const {
  return holds(Rule::kAckAfterDisk) ? std::min(matched_, durable_last_) : matched_;
}

void Member::acknowledge() {
  if (durable_matched() <= acknowledged_ || coordinator_) return;
  acknowledged_ = durable_matched();
  send(epoch_.coordinator, wire::Ack{epoch_, acknowledged_});
}

void Member::request_missing(Seq upto) {
  if (matched_ >= upto || now_ < request_at_) return;
  request_at_ = now_ + heartbeat() / 5;
  send(epoch_.coordinator, wire::LogRequest{epoch_, next(matched_), next(upto)});
}

void Member::on(NodeId from, const wire::LogRequest& m) {
  const bool as_coordinator = coordinator_ && m.epoch == epoch_;
  const bool as_acceptor = !coordinator_ && m.epoch == promised_ && from == promised_.coordinator;
  if (!as_coordinator && !as_acceptor) return;
  if (m.from <= log_.base().seq) {
    send(from, wire::LogCut{m.epoch, log_.first_seq()});
    return;
  }
  const Seq end = std::min({m.to, next(log_.last().seq), Seq{m.from.value + kEntriesPerRequest}});
  send_entries(from, m.from, end, as_acceptor);
}

void Member::send_entries(std::optional<NodeId> to, Seq first, Seq end, bool fetched) {
  while (first < end) {
    wire::Append out;
    out.epoch = fetched ? promised_ : epoch_;
    out.before = previous(first) == log_.base().seq ? log_.base() : log_.at(previous(first)).position();
    out.commit = map_.seq();
    out.fetched = fetched;
    std::size_t bytes = 0;
    while (first < end) {
      const wire::LogEntry& entry = log_.at(first);
      bytes += wire::encoded_bytes(entry.change) + kEntryFrameBytes;
      if (bytes > kDatagramEntriesBytes && !out.entries.empty()) break;
      out.entries.push_back(entry);
      first = next(first);
    }
    send(to, std::move(out));
  }
}

void Member::on(NodeId from, const wire::LogCut& m) {
  if (m.epoch != epoch_) return;
  if (inviting_) {
    // The acceptor's log begins above ours: another, with a newer log, must lead. It waits for this group to come to
    // nothing; inviting it again before that would go on for ever.
    yields_until_ = now_ + kYields * heartbeat();
    look_around();
  } else if (state_ == State::kNormal && from == epoch_.coordinator && m.first > next(matched_)) {
    want_index();
  }
}

void Member::want_index() {
  if (index_wanted_ && now_ < index_retry_at_) return;
  if (!index_wanted_) note(Event::Kind::kIndexWanted, epoch_.coordinator);
  index_wanted_ = true;
  index_retry_at_ = now_ + std::chrono::seconds{5};
  effects_.fetch_index = IndexRequest{epoch_.coordinator};
}

Effects Member::on_index_failed(Instant now) {
  begin(now);
  index_retry_at_ = std::min(index_retry_at_, now_ + 2 * heartbeat());
  return finish();
}

Effects Member::on_index(Instant now, const wire::Snapshot& snapshot) {
  begin(now);
  if (!index_wanted_ || snapshot.cluster != map_.cluster()) return finish();
  if (snapshot.last.seq <= map_.seq()) {  // meanwhile the log has brought it
    index_wanted_ = false;
    return finish();
  }
  if (snapshot.version > self_.speaks) {
    outdated(snapshot.version);
    return finish();
  }
  auto map = ClusterMap::from(snapshot);
  if (!map) {
    index_retry_at_ = now_ + heartbeat();
    return finish();
  }
  index_wanted_ = false;
  // A tail that is not the index's own goes from the disk too: there it would stand above the snapshot at the next
  // start.
  if (!log_.holds(snapshot.last) && log_.last().seq > map_.seq()) persist(TruncateFrom{next(map_.seq())});
  clamp_durable(map_.seq());
  map_ = std::move(*map);
  if (lived_from_ == kNotYet && lives_in_map()) lived_from_ = map_.seq();
  log_.rebase(snapshot.last);
  persist(InstallSnapshot{std::make_shared<const wire::Snapshot>(snapshot)});
  matched_ = std::max(matched_, snapshot.last.seq);
  if (matched_ > log_.last().seq) matched_ = log_.last().seq;
  refresh_roster_in_force();
  reorder_.drop_to(snapshot.last.seq);
  drain_reorder_buffer();
  effects_.map_changed = true;
  note(Event::Kind::kIndexInstalled, epoch_.coordinator, snapshot.last.seq);
  if (state_ == State::kNormal && !coordinator_) request_missing(known_last_);
  return finish();
}

void Member::on(NodeId from, const wire::Heartbeat& m) {
  if (map_.node(self_.id) == nullptr && from == m.epoch.coordinator) hear_beat(from);
  if (!heeds(from, m.epoch) || m.round <= heard_round_) return;
  heard_round_ = m.round;
  heard_lease_ = m.lease;
  advance_commit(m.commit);
  const auto is_set = [](const std::vector<bool>& bits, std::size_t i) { return i < bits.size() && bits[i]; };
  present_ = 0;
  for (std::size_t i = 0; i < m.answered.size(); ++i)
    present_ += is_set(m.answered, i) || is_set(m.answered_earlier, i) ? 1 : 0;
  if (m.roster_seq == roster_in_force_seq_ && m.answered.size() == roster_in_force_.size() && in_roster()) {
    auto self = std::ranges::lower_bound(roster_in_force_, self_.id);
    const auto index = static_cast<std::size_t>(self - roster_in_force_.begin());
    // A heartbeat that is older than this life may confirm what an earlier one answered.
    const bool to_this_life = m.commit >= lived_from_ || !holds(Rule::kNewLifeWaits);
    const Seq grant_seq = holds(Rule::kGrantNamesSeq) ? m.grant_seq : Seq{};
    if (is_set(m.answered, index) && to_this_life) lease_.on_confirmed(m.epoch, m.round - 1, m.grant, grant_seq);
    if (is_set(m.answered_earlier, index) && to_this_life)
      lease_.on_confirmed(m.epoch, m.round - 2, m.grant, grant_seq);
  }
  lease_.on_answering(now_, m.epoch, m.round, m.lease);
  waiting_invitation_.reset();
  known_last_ = std::max(known_last_, m.last);
  whole_ = whole_ || durable_matched() >= m.last;
  send(from, wire::HeartbeatReply{m.epoch, m.round, durable_matched(), map_.seq()});
  request_missing(m.last);
}

}  // namespace brigade::cluster
