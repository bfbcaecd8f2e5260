#include "log_checker.h"

#include <algorithm>
#include <set>

namespace brigade::sim {

namespace {
constexpr Duration kDigestInterval = std::chrono::seconds{8};
}

Position LogChecker::position_at(Seq seq) const {
  if (seq <= base_) return {};
  return record_[seq.value - base_.value - 1].position();
}

void LogChecker::on_start(std::size_t node, const Host& host, Verdict& verdict) {
  const cluster::Member& member = *host.member;
  commits_[node] = member.commit();
  promised_[node] = member.promised();
  if (member.commit() > reference_.seq())
    verdict.fail(name_of(node) + " starts with commit " + to_string(member.commit()) + ", but only " +
                 to_string(reference_.seq()) + " is committed");
  else if (member.commit() > base_ && member.map().last() != position_at(member.commit()))
    verdict.fail(name_of(node) + " starts with another history: " + to_string(member.map().last()));
  digest_at_[node] = Moment{};
}

void LogChecker::on_entries(std::size_t node, const std::vector<wire::LogEntry>& entries, Verdict& verdict) {
  for (const wire::LogEntry& entry : entries) {
    auto [at, is_new] = contents_.try_emplace(entry.position(), entry.change);
    if (!is_new && at->second != entry.change)
      verdict.fail(name_of(node) + " has another content for " + to_string(entry.position()));
  }
}

std::size_t LogChecker::on_committed(std::size_t node, const Hosts& hosts, const std::vector<wire::LogEntry>& committed,
                                     Verdict& verdict) {
  std::size_t fresh = 0;
  for (const wire::LogEntry& entry : committed) {
    if (entry.seq <= reference_.seq()) {
      if (entry.seq > base_ && !(record_[entry.seq.value - base_.value - 1] == entry))
        verdict.fail(name_of(node) + " commits " + to_string(entry.position()) + " where " +
                     to_string(position_at(entry.seq)) + " was committed");
      continue;
    }
    if (entry.seq != next(reference_.seq())) {
      verdict.fail(name_of(node) + " commits " + to_string(entry.seq) + ", nobody has " +
                   to_string(next(reference_.seq())));
      return fresh;
    }
    record_.push_back(entry);
    reference_.apply(entry);
    ++fresh;
  }
  if (fresh > 0) {
    check_quorum(node, hosts, verdict);
    const Epoch own = hosts[node]->member->epoch();
    if (reference_.last().epoch != own || !hosts[node]->member->is_coordinator())
      verdict.fail(name_of(node) + " is the first to commit " + to_string(reference_.last()) +
                   ", but does not lead that epoch");
  }
  return fresh;
}

void LogChecker::check_quorum(std::size_t node, const Hosts& hosts, Verdict& verdict) const {
  // A change of the roster counts as soon as it is in the coordinator's log.
  std::set<NodeId> roster;
  for (const cluster::RosterEntry& e : reference_.roster()) roster.insert(e.node.id);
  const cluster::Log& log = hosts[node]->member->log();
  for (Seq seq = next(reference_.seq()); seq <= log.last().seq; seq = next(seq)) {
    const wire::Change& change = log.at(seq).change;
    if (const auto* added = std::get_if<wire::NodeAdded>(&change)) roster.insert(added->node.id);
    if (const auto* removed = std::get_if<wire::NodeRemoved>(&change)) roster.erase(removed->node);
  }
  std::size_t holders = 0;
  std::string ends;
  for (const auto& host : hosts) {
    const bool counts = roster.contains(host->info.id);
    // What has rotted since it was acknowledged counts: that node knows, and does not speak for a log without it.
    const bool held = host->disk.holds(reference_.last()) || host->disk.has_lost(reference_.seq());
    if (counts && held) ++holders;
    ends += " " + host->info.name + (counts ? ": " : " (no member): ") + to_string(host->disk.last());
  }
  if (holders < roster.size() / 2 + 1)
    verdict.fail(name_of(node) + " commits " + to_string(reference_.last()) + ", which is on " +
                 std::to_string(holders) + " disks of " + std::to_string(roster.size()) + ", which end at" + ends);
}

void LogChecker::on_index(std::size_t node, const Host& host, Verdict& verdict) {
  const Position last = host.member->map().last();
  if (last.seq > reference_.seq() || (last.seq > base_ && last != position_at(last.seq)))
    verdict.fail(name_of(node) + " took an index up to " + to_string(last) + ", which is not what was committed");
}

void LogChecker::on_coordinating(std::size_t node, const Host& host, Verdict& verdict) {
  // Who slept through the next election may still form its group. It commits nothing: a quorum has gone on.
  if (host.member->epoch() < reference_.last().epoch) return;
  const cluster::Log& log = host.member->log();
  if (log.last().seq < reference_.seq()) {
    verdict.fail(name_of(node) + " leads a group, but its log ends at " + to_string(log.last()) + ", and " +
                 to_string(reference_.last()) + " is committed");
    return;
  }
  for (Seq seq = std::max(next(base_), log.first_seq()); seq <= reference_.seq(); seq = next(seq))
    if (log.at(seq).position() != position_at(seq))
      verdict.fail(name_of(node) + " leads a group with " + to_string(log.at(seq).position()) + " where " +
                   to_string(position_at(seq)) + " was committed");
}

void LogChecker::check(Moment now, std::size_t node, const Host& host, Verdict& verdict) {
  const cluster::Member& member = *host.member;
  if (member.commit() < commits_[node])
    verdict.fail(name_of(node) + ": commit fell from " + to_string(commits_[node]) + " to " +
                 to_string(member.commit()));
  if (member.promised() < promised_[node])
    verdict.fail(name_of(node) + ": promise fell from " + to_string(promised_[node]) + " to " +
                 to_string(member.promised()));
  if (member.commit() > member.last().seq) verdict.fail(name_of(node) + ": commit lies beyond the log");
  commits_[node] = member.commit();
  promised_[node] = member.promised();
  if (member.commit() == reference_.seq() && now >= digest_at_[node]) {
    digest_at_[node] = now + kDigestInterval;
    check_digest(node, host, verdict);
  }
}

void LogChecker::check_digest(std::size_t node, const Host& host, Verdict& verdict) {
  if (host.member->commit() != reference_.seq()) return;
  if (digest_seq_ != reference_.seq()) {
    digest_ = reference_.state_digest();
    digest_seq_ = reference_.seq();
  }
  if (host.member->map().state_digest() != digest_)
    verdict.fail(name_of(node) + ": the map at " + to_string(reference_.seq()) + " differs");
}

}  // namespace brigade::sim
