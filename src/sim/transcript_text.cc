#include "transcript_text.h"

#include <algorithm>
#include <chrono>
#include <variant>

namespace brigade::sim {

namespace {

std::string counted(const BucketSet& buckets) {
  return std::to_string(buckets.size()) + (buckets.size() == 1 ? " bucket" : " buckets");
}

std::string range_text(Seq first, Seq end) {
  const Seq last = previous(end);
  return first == last ? to_string(first) : to_string(first) + " to " + to_string(last);
}

struct ChangeTeller {
  const Namer& name;

  std::string operator()(const wire::GroupFormed& c) const {
    std::vector<std::string> names;
    for (NodeId member : c.members) names.push_back(name(member));
    std::sort(names.begin(), names.end());
    std::string text = "by";
    for (const std::string& member : names) text += " " + member;
    return text;
  }
  std::string operator()(const wire::NodeAdded& c) const { return name(c.node.id) + " named " + c.node.name; }
  std::string operator()(const wire::NodeRemoved& c) const { return name(c.node); }
  std::string operator()(const wire::NodeUp& c) const {
    return name(c.node.id) + " in its life " + to_string(c.incarnation);
  }
  std::string operator()(const wire::NodeDown& c) const { return name(c.node); }
  std::string operator()(const wire::BucketsAssigned& c) const {
    std::string text = "(" + std::string(wire::reason_name(c.reason)) + ")";
    for (const wire::Assignment& a : c.assignments) {
      text += " " + counted(a.buckets) + ": " + std::string(wire::role_name(a.role));
      if (a.node) text += " " + name(a.node);
    }
    return text;
  }
  std::string operator()(const wire::BucketsFilled& c) const { return counted(c.buckets) + " by " + name(c.node); }
  std::string operator()(const wire::BucketsReleased& c) const { return counted(c.buckets) + " by " + name(c.node); }
  std::string operator()(const wire::BucketsMoved& c) const { return counted(c.buckets) + " to " + name(c.node); }
  std::string operator()(const wire::BucketsEmptied& c) const { return counted(c.buckets) + " by " + name(c.node); }
  std::string operator()(const wire::NodeDraining& c) const {
    return name(c.node) + (c.draining ? " gives its buckets away" : " takes part again");
  }
  std::string operator()(const wire::NodeReshaped& c) const {
    return name(c.node) + " has weight " + std::to_string(c.weight) + (c.zone.empty() ? "" : ", zone " + c.zone);
  }
  std::string operator()(const wire::NodeReplaced& c) const { return name(c.by) + " replaces " + name(c.node); }
  std::string operator()(const wire::LossAccepted& c) const { return counted(c.buckets); }
  std::string operator()(const wire::VersionRaised& c) const { return "to " + std::to_string(c.version); }
  std::string operator()(const wire::SettingChanged& c) const { return c.name + " = " + c.value; }
};

struct MessageTeller {
  const std::string& confirmed;
  const Namer& name;

  std::string operator()(const wire::Probe& m) const {
    return "who leads? my log ends at " + position_text(m.last, name) + ", I promised " + epoch_text(m.promised, name) +
           (m.join ? "; wants to join as " + m.join->name : "");
  }
  std::string operator()(const wire::ProbeReply& m) const {
    const std::string leader = m.following ? "there is a coordinator, of " + epoch_text(*m.following, name)
                                           : std::string("I know no coordinator");
    return leader + "; my log ends at " + position_text(m.last, name) + ", I promised " + epoch_text(m.promised, name);
  }
  std::string operator()(const wire::Invitation& m) const { return "into " + epoch_text(m.epoch, name); }
  std::string operator()(const wire::Accept& m) const {
    return "promised " + epoch_text(m.epoch, name) + ", my log ends at " + position_text(m.last, name);
  }
  std::string operator()(const wire::Refusal& m) const {
    return "of " + epoch_text(m.epoch, name) + ": I promised " + epoch_text(m.promised, name);
  }
  std::string operator()(const wire::JoinRefusal& m) const { return m.why; }
  std::string operator()(const wire::Ready& m) const {
    return "the group of " + epoch_text(m.epoch, name) + " stands, from seq " + to_string(m.formed);
  }
  std::string operator()(const wire::Append& m) const {
    std::string text = epoch_text(m.epoch, name) + " after " + position_text(m.before, name) + ", commit " +
                       to_string(m.commit) + (m.fetched ? " (as asked for)" : "");
    constexpr std::size_t kShown = 3;
    for (std::size_t i = 0; i < m.entries.size() && i < kShown; ++i) {
      const wire::LogEntry& e = m.entries[i];
      text += (i == 0 ? ": " : "; ") + to_string(e.seq);
      if (e.epoch != m.epoch) text += " of " + epoch_text(e.epoch, name);
      text.append(" ").append(wire::kind_name(e.change)).append(" ").append(change_text(e.change, name));
    }
    if (m.entries.size() > kShown)
      text += "; and " + range_text(Seq{m.entries.front().seq.value + kShown}, next(m.entries.back().seq));
    return text;
  }
  std::string operator()(const wire::Ack& m) const { return "on disk up to " + to_string(m.seq); }
  std::string operator()(const wire::LogRequest& m) const { return "lacks " + range_text(m.from, m.to); }
  std::string operator()(const wire::LogCut& m) const { return "the log begins at " + to_string(m.first); }
  std::string operator()(const wire::Heartbeat& m) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(m.grant).count();
    return epoch_text(m.epoch, name) + ", commit " + to_string(m.commit) + ", last " + to_string(m.last) +
           (left > 0 && !confirmed.empty()
                ? "; granted " + std::to_string(left) + " ms: " + confirmed + " at " + to_string(m.grant_seq)
                : "; grants nothing");
  }
  std::string operator()(const wire::HeartbeatReply& m) const {
    return "on disk up to " + to_string(m.acked) + ", map at " + to_string(m.applied);
  }
  std::string operator()(const wire::Report& m) const {
    std::string text(wire::report_kind_name(m.kind));
    if (m.kind == wire::ReportKind::kUnreachable) return text + ": " + name(m.node);
    return text + ": " + counted(m.buckets) + ", as of seq " + to_string(m.as_of);
  }
};

}  // namespace

std::string epoch_text(const Epoch& epoch, const Namer& name) {
  return epoch ? std::to_string(epoch.counter) + "." + name(epoch.coordinator) : "nothing";
}

std::string position_text(const Position& position, const Namer& name) {
  return position.epoch ? to_string(position.seq) + " of " + epoch_text(position.epoch, name) : "nothing";
}

std::string change_text(const wire::Change& change, const Namer& name) {
  return std::visit(ChangeTeller{name}, change);
}

bool is_about_buckets(const wire::Change& change) {
  return std::holds_alternative<wire::BucketsAssigned>(change) || std::holds_alternative<wire::BucketsFilled>(change) ||
         std::holds_alternative<wire::BucketsReleased>(change) || std::holds_alternative<wire::BucketsMoved>(change) ||
         std::holds_alternative<wire::BucketsEmptied>(change);
}

std::string message_text(const wire::Message& message, const std::string& confirmed, const Namer& name) {
  return std::visit(MessageTeller{confirmed, name}, message);
}

std::string event_text(const cluster::Event& event, const Namer& name) {
  using Kind = cluster::Event::Kind;
  const std::string kind(cluster::event_name(event.kind));
  switch (event.kind) {
    case Kind::kLookingAround:
      return kind + ": state election";
    case Kind::kInviting:
      return kind + ": stands for " + epoch_text(event.epoch, name) + ", state reorganization";
    case Kind::kAccepted:
      return kind + ": promises " + epoch_text(event.epoch, name) + ", state reorganization";
    case Kind::kCoordinating:
      return kind + ": leads " + epoch_text(event.epoch, name) + " from seq " + to_string(event.seq) + ", state normal";
    case Kind::kFollowing:
      return kind + ": " + epoch_text(event.epoch, name) + ", state normal";
    case Kind::kSteppedDown:
    case Kind::kJoinRefused:
    case Kind::kOutdated:
      return kind + ": " + event.detail;
    case Kind::kIndexWanted:
      return kind + ": the log can't bring it up to date";
    case Kind::kIndexInstalled:
      return kind + ": the map is at " + to_string(event.seq);
    case Kind::kRolledBack:
      return kind + ": cuts its log from " + to_string(event.seq) + " on";
    default:
      return kind + ": " + name(event.node);
  }
}

std::string batch_text(const cluster::PersistBatch& batch, const Namer& name) {
  std::string text;
  auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const cluster::PersistOp& op : batch.ops) {
    if (const auto* promise = std::get_if<cluster::SetPromise>(&op))
      add("promise " + epoch_text(promise->promised, name));
    if (const auto* append = std::get_if<cluster::AppendEntries>(&op))
      add("log " + range_text(append->entries.front().seq, next(append->entries.back().seq)));
    if (const auto* cut = std::get_if<cluster::TruncateFrom>(&op)) add("cut from " + to_string(cut->from));
    if (std::holds_alternative<cluster::InstallSnapshot>(op)) add("index");
  }
  return text;
}

}  // namespace brigade::sim
