#include "brigade/wire/validate.h"

#include <algorithm>
#include <string>
#include <variant>

#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"

namespace brigade::wire {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// [0, max] in decimal without leading zeros.
bool is_number(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return false;
  unsigned value = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= max;
}

/// Calls f with each of the parts between dots; true if all calls are.
template <class F>
bool all_parts(std::string_view text, F&& f) {
  for (;;) {
    const auto dot = text.find('.');
    if (!f(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_ipv4(std::string_view host) {
  return std::count(host.begin(), host.end(), '.') == 3 &&
         all_parts(host, [](std::string_view part) { return is_number(part, 255); });
}

bool is_dns_name(std::string_view host) {
  // A last label of digits alone would be a mistyped IPv4 address.
  const auto last = host.substr(host.rfind('.') + 1);
  if (std::all_of(last.begin(), last.end(), is_digit)) return false;
  return all_parts(host, [](std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
  });
}

/// Remembers the first rule that was broken.
class Judge {
 public:
  explicit Judge(std::string_view subject) : subject_(subject) {}

  void require(bool holds, std::string_view what) {
    if (!holds && problem_.empty()) problem_ = std::string(subject_) + ": " + std::string(what);
  }
  [[nodiscard]] Status status() const {
    if (problem_.empty()) return {};
    return Error(Errc::kInvalid, problem_);
  }

  void none_or_epoch(const Epoch& epoch) {
    require((epoch.counter != 0) == static_cast<bool>(epoch.coordinator), "an epoch is a counter and a coordinator");
    require(epoch.counter <= kEpochCounterMax, "an epoch's counter is out of range");
  }
  void epoch(const Epoch& epoch) {
    require(static_cast<bool>(epoch), "the epoch is missing");
    none_or_epoch(epoch);
  }
  void none_or_seq(Seq seq) { require(seq <= kSeqMax, "a seq is out of range"); }
  void seq(Seq seq) {
    require(static_cast<bool>(seq), "a seq is missing");
    none_or_seq(seq);
  }
  void position(const Position& position) {
    none_or_epoch(position.epoch);
    none_or_seq(position.seq);
    require(static_cast<bool>(position.epoch) == static_cast<bool>(position.seq),
            "a position has both an epoch and a seq, or neither");
  }
  void duration(Duration duration) {
    require(duration >= Duration{} && duration <= kDurationMax, "a duration is not between 0 and 1 h");
  }
  void node(NodeId node) { require(static_cast<bool>(node), "the node is missing"); }
  void rising(const std::vector<NodeId>& nodes) {
    NodeId before;
    for (NodeId id : nodes) {
      require(id > before, "node ids do not rise");
      before = id;
    }
  }
  void setting(std::string_view name, std::string_view value) {
    require(is_name(name), "a setting's name is 1 to 63 of A-Z a-z 0-9 . _ -");
    require(value.size() <= limits::kSettingBytesMax, "a setting's value is over 200 bytes");
    require(is_utf8(value) && std::none_of(value.begin(), value.end(), is_control),
            "a setting's value is not plain UTF-8 text");
  }
  void shape(std::string_view zone, std::uint32_t weight) {
    require(zone.empty() || is_name(zone), "a node's zone is empty or 1 to 63 of A-Z a-z 0-9 . _ -");
    require(weight <= limits::kWeightMax, "a node's weight is 0 to 1000000");
  }
  void node_info(const NodeInfo& node) {
    require(static_cast<bool>(node.id), "the node id is missing");
    require(static_cast<bool>(node.store), "the store id is missing");
    require(is_name(node.name), "a node's name is 1 to 63 of A-Z a-z 0-9 . _ -");
    shape(node.zone, node.weight);
    require(is_address(node.client), "the client address is not host:port");
    require(is_address(node.peer), "the peer address is not host:port");
    version(node.speaks);
  }
  void version(std::uint32_t version) {
    require(version >= kFirstVersion && version <= kVersionMax, "protocol versions are 1 to 255");
  }

 private:
  std::string_view subject_;
  std::string problem_;
};

void judge(Judge& j, const GroupFormed& c) {
  j.rising(c.members);
  j.require(c.members.size() + c.unlisted <= limits::kNodesMax, "more members than a roster can have");
}
void judge(Judge& j, const NodeAdded& c) {
  j.node_info(c.node);
}
void judge(Judge& j, const NodeRemoved& c) {
  j.node(c.node);
}
void judge(Judge& j, const NodeUp& c) {
  j.node_info(c.node);
  j.require(static_cast<bool>(c.incarnation), "the incarnation is missing");
}
void judge(Judge& j, const NodeDown& c) {
  j.node(c.node);
}
void judge(Judge& j, const BucketsAssigned& c) {
  for (const Assignment& assignment : c.assignments)
    j.require((assignment.role == Role::kNone) != static_cast<bool>(assignment.node),
              "an assignment names a node exactly if its role is not none");
}
void judge(Judge& j, const BucketsFilled& c) {
  j.node(c.node);
}
void judge(Judge& j, const BucketsReleased& c) {
  j.node(c.node);
}
void judge(Judge& j, const BucketsMoved& c) {
  j.node(c.node);
}
void judge(Judge& j, const BucketsEmptied& c) {
  j.node(c.node);
}
void judge(Judge& j, const NodeDraining& c) {
  j.node(c.node);
}
void judge(Judge& j, const NodeReshaped& c) {
  j.node(c.node);
  j.shape(c.zone, c.weight);
}
void judge(Judge& j, const NodeReplaced& c) {
  j.node(c.node);
  j.node(c.by);
  j.require(c.node != c.by, "a node can't replace itself");
}
void judge(Judge& j, const LossAccepted& c) {
  j.require(!c.buckets.empty(), "a loss is accepted of at least one bucket");
}
void judge(Judge& j, const VersionRaised& c) {
  j.version(c.version);
}
void judge(Judge& j, const SettingChanged& c) {
  j.setting(c.name, c.value);
}

void judge(Judge& j, const Change& change) {
  std::visit([&](const auto& kind) { judge(j, kind); }, change);
  j.require(encoded_bytes(change) <= limits::kEntryBytesMax, "a log entry takes at most 1000 bytes: split it");
}

void judge(Judge& j, const Probe& m) {
  j.position(m.last);
  j.none_or_epoch(m.promised);
  if (m.join) j.node_info(*m.join);
}
void judge(Judge& j, const ProbeReply& m) {
  j.position(m.last);
  j.none_or_epoch(m.promised);
  if (m.following) j.epoch(*m.following);
}
void judge(Judge& j, const Invitation& m) {
  j.epoch(m.epoch);
}
void judge(Judge& j, const Accept& m) {
  j.epoch(m.epoch);
  j.position(m.last);
  j.node_info(m.node);
}
void judge(Judge& j, const Refusal& m) {
  j.epoch(m.epoch);
  j.epoch(m.promised);
}
void judge(Judge& j, const JoinRefusal& m) {
  j.require(m.why.size() <= JoinRefusal::kWhyBytesMax, "the reason is over 400 bytes");
  j.require(is_utf8(m.why) && std::none_of(m.why.begin(), m.why.end(), is_control),
            "the reason is not plain UTF-8 text");
}
void judge(Judge& j, const Ready& m) {
  j.epoch(m.epoch);
  j.seq(m.formed);
}
void judge(Judge& j, const Append& m) {
  j.epoch(m.epoch);
  j.position(m.before);
  j.none_or_seq(m.commit);
  Position before = m.before;
  for (const LogEntry& entry : m.entries) {
    j.epoch(entry.epoch);
    j.seq(entry.seq);
    j.require(entry.seq == next(before.seq), "entries are not consecutive");
    j.require(entry.epoch >= before.epoch, "epochs fall along the entries");
    judge(j, entry.change);
    before = entry.position();
  }
  j.require(before.epoch <= m.epoch, "an entry is of a later epoch than its sender's");
}
void judge(Judge& j, const Ack& m) {
  j.epoch(m.epoch);
  j.none_or_seq(m.seq);
}
void judge(Judge& j, const LogRequest& m) {
  j.epoch(m.epoch);
  j.seq(m.from);
  j.seq(m.to);
  j.require(m.from < m.to, "the range is empty");
}
void judge(Judge& j, const LogCut& m) {
  j.epoch(m.epoch);
  j.seq(m.first);
}
void judge(Judge& j, const Heartbeat& m) {
  j.epoch(m.epoch);
  j.require(m.answered.size() <= limits::kNodesMax, "more answers than a roster can have nodes");
  j.require(m.answered_earlier.size() == m.answered.size(), "answers to two rounds of different rosters");
  for (Seq seq : {m.roster_seq, m.grant_seq, m.last, m.commit}) j.none_or_seq(seq);
  j.duration(m.grant);
  j.duration(m.lease);
}
void judge(Judge& j, const HeartbeatReply& m) {
  j.epoch(m.epoch);
  j.none_or_seq(m.acked);
  j.none_or_seq(m.applied);
}
void judge(Judge& j, const Report& m) {
  j.none_or_seq(m.as_of);
  j.require(m.kind != ReportKind::kUnreachable || m.node, "the node is missing");
  j.require(m.buckets.encoded_bytes() <= limits::kEntryBytesMax, "buckets take at most 1000 bytes: split them");
}

void judge_roster(Judge& j, const Snapshot& s) {
  j.require(s.roster.size() <= limits::kNodesMax, "the roster has over 1024 nodes");
  NodeId before;
  for (const RosterEntry& entry : s.roster) {
    j.node_info(entry.node);
    j.require(entry.node.id > before, "the roster does not rise by node id");
    j.require(entry.added <= s.last.seq && entry.changed <= s.last.seq, "a seq lies beyond the snapshot's");
    before = entry.node.id;
  }
  j.rising(s.removed);
  for (const RosterEntry& entry : s.roster)
    j.require(!std::binary_search(s.removed.begin(), s.removed.end(), entry.node.id),
              "a removed node is in the roster");
}

void judge_cells(Judge& j, const Snapshot& s) {
  j.require(s.cells.size() == kBucketCount, "there are not 65536 buckets");
  auto is_known = [&](NodeId id) {
    auto at = std::lower_bound(s.roster.begin(), s.roster.end(), id,
                               [](const RosterEntry& entry, NodeId wanted) { return entry.node.id < wanted; });
    return !id || (at != s.roster.end() && at->node.id == id);
  };
  NodeId known_owner;
  for (const Cell& cell : s.cells) {
    if (cell.owner != known_owner) {
      j.require(is_known(cell.owner), "the owner of a bucket is not in the roster");
      known_owner = cell.owner;
    }
    j.require(is_known(cell.new_owner), "the new owner of a bucket is not in the roster");
    j.require(cell.state <= BucketState::kStandIn, "a bucket has an unknown state");
    j.require(cell.reason <= Reason::kOperator, "a bucket has an unknown reason");
    j.require(std::max({cell.assigned, cell.new_assigned, cell.owner_in_sync, cell.bucket_in_sync}) <= s.last.seq,
              "a seq lies beyond the snapshot's");
  }
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= limits::kNameBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

bool is_address(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.size() > limits::kAddressBytesMax) return false;
  const auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  return is_number(port, 65535) && port != "0" && (is_ipv4(host) || is_dns_name(host));
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
    if (size == 0 || text.size() - i < size) return false;
    for (std::size_t k = 1; k < size; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    // The second byte's range is narrower after these leads: over-long forms, surrogates, beyond U+10FFFF.
    const auto second = size > 1 ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f))
      return false;
    i += size;
  }
  return true;
}

Status validate(const NodeInfo& node) {
  Judge j("a node");
  j.node_info(node);
  return j.status();
}

Status validate(const Change& change) {
  Judge j(kind_name(change));
  judge(j, change);
  return j.status();
}

Status validate(const Message& message) {
  Judge j(kind_name(message));
  std::visit([&](const auto& kind) { judge(j, kind); }, message);
  return j.status();
}

Status validate(const Snapshot& snapshot) {
  Judge j("a snapshot");
  j.require(static_cast<bool>(snapshot.cluster), "the cluster id is missing");
  j.position(snapshot.last);
  j.require(snapshot.roster_seq <= snapshot.last.seq && snapshot.view <= snapshot.last.seq,
            "a seq lies beyond the snapshot's");
  judge_roster(j, snapshot);
  for (const auto& [name, value] : snapshot.settings) j.setting(name, value);
  judge_cells(j, snapshot);
  return j.status();
}

}  // namespace brigade::wire
