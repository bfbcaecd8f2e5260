#include "any.h"

#include <algorithm>
#include <set>

#include <rapidcheck.h>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

namespace brigade::wire {

namespace {

const std::string kNameCharacters = "ABCXYZabcxyz0189._-";

std::string any_text(std::size_t min, std::size_t max, const std::string& alphabet) {
  return *rc::gen::container<std::string>(any_number(min, max), rc::gen::elementOf(alphabet));
}
std::string any_name() {
  return any_text(1, limits::kNameBytesMax, kNameCharacters);
}

std::string any_address() {
  const auto port = std::to_string(any_number(1, 65535));
  if (*rc::gen::arbitrary<bool>()) return "h" + any_text(0, 60, "abcXYZ012") + ":" + port;
  return "10." + std::to_string(any_number(0, 255)) + ".0.255:" + port;
}

std::string any_plain_text(std::size_t pieces_max) {
  std::string out;
  const auto pieces = any_number(0, pieces_max);
  for (std::uint64_t i = 0; i < pieces; ++i)
    out += *rc::gen::element<std::string>("a", " ", "=", "~", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80");
  return out;
}

NodeId any_id() {
  return NodeId{any_number(1, ~0ULL)};
}
Epoch any_epoch() {
  return {any_number(1, kEpochCounterMax), any_id()};
}
Epoch none_or_any_epoch() {
  return *rc::gen::arbitrary<bool>() ? any_epoch() : Epoch{};
}
Seq any_seq(Seq max = kSeqMax) {
  return Seq{any_number(1, max.value)};
}
Seq none_or_any_seq(Seq max = kSeqMax) {
  return Seq{any_number(0, max.value)};
}
Position any_position() {
  return {any_epoch(), any_seq()};
}
Position none_or_any_position() {
  return *rc::gen::arbitrary<bool>() ? any_position() : Position{};
}
Duration any_duration() {
  return Duration{static_cast<Duration::rep>(any_number(0, static_cast<std::uint64_t>(kDurationMax.count())))};
}

std::vector<NodeId> any_rising_ids(std::size_t max) {
  std::set<NodeId> ids;
  const auto count = any_number(0, max);
  for (std::uint64_t i = 0; i < count; ++i) ids.insert(any_id());
  return {ids.begin(), ids.end()};
}

BucketsAssigned any_assigned() {
  BucketsAssigned change{static_cast<Reason>(any_number(0, 7)), {}};
  const auto count = any_number(0, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto role = static_cast<Role>(any_number(0, 3));
    change.assignments.push_back({role, role == Role::kNone ? NodeId{} : any_id(), any_buckets()});
  }
  return change;
}

Append any_append() {
  Append m{any_epoch(), none_or_any_position(), none_or_any_seq(), *rc::gen::arbitrary<bool>(), {}};
  m.before.epoch = std::min(m.before.epoch, m.epoch);
  m.before.seq = std::min(m.before.seq, Seq{kSeqMax.value - 10});
  const auto count = any_number(0, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    m.entries.push_back({m.epoch, Seq{m.before.seq.value + 1 + i}, any_change(any_number(0, 9))});
    if (encoded_bytes(m) > kMessageBytesMax) m.entries.pop_back(), i = count;
  }
  return m;
}

Heartbeat any_heartbeat() {
  Heartbeat m{any_epoch(),       any_number(0, ~0ULL), none_or_any_seq(), {}, any_duration(), none_or_any_seq(),
              none_or_any_seq(), none_or_any_seq(),    any_duration()};
  m.answered = *rc::gen::container<std::vector<bool>>(any_number(0, 200), rc::gen::arbitrary<bool>());
  m.answered_earlier = *rc::gen::container<std::vector<bool>>(m.answered.size(), rc::gen::arbitrary<bool>());
  return m;
}

}  // namespace

std::uint64_t any_number(std::uint64_t min, std::uint64_t max) {
  if (min == 0 && max == ~0ULL) return *rc::gen::arbitrary<std::uint64_t>();
  // Ends are where mistakes are.
  switch (*rc::gen::inRange(0, 8)) {
    case 0:
      return min;
    case 1:
      return max;
    default:
      return min + *rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>())) %
                       (max - min + 1);
  }
}

BucketSet any_buckets() {
  BucketSet set;
  const auto runs = any_number(0, 12);
  for (std::uint64_t i = 0; i < runs; ++i) {
    const auto first = any_number(0, 65535);
    const auto end = std::min<std::uint64_t>(65535, first + any_number(0, 20));
    for (auto b = first; b <= end; ++b) set.add(BucketId{static_cast<std::uint16_t>(b)});
  }
  return set;
}

NodeInfo any_node() {
  return {any_id(),
          any_name(),
          *rc::gen::arbitrary<bool>() ? any_name() : "",
          static_cast<std::uint32_t>(any_number(1, limits::kWeightMax)),
          any_address(),
          any_address(),
          StoreId{any_number(1, ~0ULL)},
          static_cast<std::uint32_t>(any_number(kFirstVersion, kVersionMax))};
}

Change any_change(std::size_t index) {
  switch (index) {
    case 0: {
      GroupFormed change{any_rising_ids(GroupFormed::kMembersMax), 0};
      change.unlisted = static_cast<std::uint32_t>(any_number(0, limits::kNodesMax - change.members.size()));
      return change;
    }
    case 1:
      return NodeAdded{any_node()};
    case 2:
      return NodeRemoved{any_id()};
    case 3:
      return NodeUp{any_node(), Incarnation{any_number(1, ~0ULL)}};
    case 4:
      return NodeDown{any_id()};
    case 5:
      return any_assigned();
    case 6:
      return BucketsFilled{any_id(), any_buckets()};
    case 7:
      return BucketsReleased{any_id(), any_buckets()};
    case 8:
      return BucketsMoved{any_id(), any_buckets()};
    case 9:
      return SettingChanged{any_name(), any_plain_text(50)};
    case 10:
      return BucketsEmptied{any_id(), any_buckets()};
    case 11:
      return NodeDraining{any_id(), any_number(0, 1) == 1};
    case 12: {
      LossAccepted change{any_buckets()};
      if (change.buckets.empty()) change.buckets.add(BucketId{7});
      return change;
    }
    case 13: {
      const NodeInfo info = any_node();
      return NodeReshaped{info.id, info.zone, info.weight};
    }
    case 14: {
      NodeReplaced change{any_id(), any_id()};
      if (change.by == change.node) change.by.value ^= 1 << 20;
      return change;
    }
    default:
      return VersionRaised{static_cast<std::uint32_t>(any_number(kFirstVersion, kVersionMax))};
  }
}

Message any_message(std::size_t index) {
  switch (index) {
    case 0: {
      Probe m{any_number(0, ~0ULL), none_or_any_position(), none_or_any_epoch(), {}};
      if (*rc::gen::arbitrary<bool>()) m.join = any_node();
      return m;
    }
    case 1: {
      ProbeReply m{any_number(0, ~0ULL), none_or_any_position(), none_or_any_epoch(), {}};
      if (*rc::gen::arbitrary<bool>()) m.following = any_epoch();
      return m;
    }
    case 2:
      return Invitation{any_epoch(), *rc::gen::arbitrary<bool>()};
    case 3:
      return Accept{any_epoch(), none_or_any_position(), any_node(), *rc::gen::arbitrary<bool>()};
    case 4:
      return Refusal{any_epoch(), any_epoch()};
    case 5:
      return JoinRefusal{any_plain_text(100)};
    case 6:
      return Ready{any_epoch(), any_seq()};
    case 7:
      return any_append();
    case 8:
      return Ack{any_epoch(), none_or_any_seq()};
    case 9: {
      const Seq to{any_number(2, kSeqMax.value)};
      return LogRequest{any_epoch(), any_seq(previous(to)), to};
    }
    case 10:
      return LogCut{any_epoch(), any_seq()};
    case 11:
      return any_heartbeat();
    case 12:
      return HeartbeatReply{any_epoch(), any_number(0, ~0ULL), none_or_any_seq(), none_or_any_seq()};
    default:
      return Report{static_cast<ReportKind>(any_number(0, 4)), none_or_any_seq(), any_buckets(), any_id()};
  }
}

Snapshot any_snapshot() {
  Snapshot s;
  s.cluster = ClusterId{any_number(1, ~0ULL)};
  s.last = any_position();
  const Seq last = s.last.seq;
  s.roster_seq = none_or_any_seq(last);
  s.view = none_or_any_seq(last);
  for (NodeId id : any_rising_ids(8)) {
    RosterEntry entry{any_node(), Incarnation{any_number(0, ~0ULL)}, *rc::gen::arbitrary<bool>(), none_or_any_seq(last),
                      none_or_any_seq(last)};
    entry.node.id = id;
    s.roster.push_back(std::move(entry));
  }
  for (NodeId id : any_rising_ids(8)) {
    auto has_id = [id](const RosterEntry& entry) { return entry.node.id == id; };
    if (std::none_of(s.roster.begin(), s.roster.end(), has_id)) s.removed.push_back(id);
  }
  const auto settings = any_number(0, 5);
  for (std::uint64_t i = 0; i < settings; ++i) s.settings[any_name()] = any_plain_text(20);
  auto none_or_any_owner = [&] {
    const auto index = any_number(0, s.roster.size());
    return index == 0 ? NodeId{} : s.roster[index - 1].node.id;
  };
  while (s.cells.size() < kBucketCount) {
    const Cell cell{
        none_or_any_owner(),         none_or_any_owner(),         static_cast<BucketState>(any_number(0, 5)),
        *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(), static_cast<Reason>(any_number(0, 7)),
        none_or_any_seq(last),       none_or_any_seq(last),       none_or_any_seq(last),
        none_or_any_seq(last)};
    const auto length = any_number(1, std::min<std::uint64_t>(9000, kBucketCount - s.cells.size()));
    s.cells.insert(s.cells.end(), length, cell);
  }
  return s;
}

}  // namespace brigade::wire
