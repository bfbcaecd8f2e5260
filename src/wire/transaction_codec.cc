#include "transaction_codec.h"

#include <algorithm>
#include <string>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

namespace brigade::wire {

namespace {

// Enumerators have the same numbers in the schema and in the values.
static_assert(static_cast<int>(Reason::kOperator) == static_cast<int>(proto::Reason::OPERATOR));
static_assert(static_cast<int>(Role::kNone) == static_cast<int>(proto::Role::NONE));

void write_change(const GroupFormed& change, proto::Change::Builder out) {
  auto group = out.initGroupFormed();
  const auto listed = std::min(change.members.size(), GroupFormed::kMembersMax);
  auto members = group.initMembers(static_cast<unsigned>(listed));
  for (unsigned i = 0; i < listed; ++i) members.set(i, change.members[i].value);
  group.setUnlisted(change.unlisted + static_cast<std::uint32_t>(change.members.size() - listed));
}
void write_change(const NodeAdded& change, proto::Change::Builder out) {
  write(change.node, out.initNodeAdded().initNode());
}
void write_change(const NodeRemoved& change, proto::Change::Builder out) {
  out.initNodeRemoved().setNode(change.node.value);
}
void write_change(const NodeUp& change, proto::Change::Builder out) {
  auto group = out.initNodeUp();
  write(change.node, group.initNode());
  group.setIncarnation(change.incarnation.value);
}
void write_change(const NodeDown& change, proto::Change::Builder out) {
  out.initNodeDown().setNode(change.node.value);
}
void write_change(const BucketsAssigned& change, proto::Change::Builder out) {
  auto group = out.initBucketsAssigned();
  group.setReason(static_cast<proto::Reason>(change.reason));
  auto list = group.initAssignments(static_cast<unsigned>(change.assignments.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const Assignment& assignment = change.assignments[i];
    list[i].setRole(static_cast<proto::Role>(assignment.role));
    list[i].setNode(assignment.node.value);
    list[i].setBuckets(as_data(assignment.buckets.encoded()));
  }
}
template <class Group>
void write_node_buckets(NodeId node, const BucketSet& buckets, Group out) {
  out.setNode(node.value);
  out.setBuckets(as_data(buckets.encoded()));
}
void write_change(const BucketsFilled& change, proto::Change::Builder out) {
  write_node_buckets(change.node, change.buckets, out.initBucketsFilled());
}
void write_change(const BucketsReleased& change, proto::Change::Builder out) {
  write_node_buckets(change.node, change.buckets, out.initBucketsReleased());
}
void write_change(const BucketsMoved& change, proto::Change::Builder out) {
  write_node_buckets(change.node, change.buckets, out.initBucketsMoved());
}
void write_change(const BucketsEmptied& change, proto::Change::Builder out) {
  write_node_buckets(change.node, change.buckets, out.initBucketsEmptied());
}
void write_change(const NodeDraining& change, proto::Change::Builder out) {
  auto group = out.initNodeDraining();
  group.setNode(change.node.value);
  group.setDraining(change.draining);
}
void write_change(const LossAccepted& change, proto::Change::Builder out) {
  out.initLossAccepted().setBuckets(as_data(change.buckets.encoded()));
}
void write_change(const NodeReshaped& change, proto::Change::Builder out) {
  auto group = out.initNodeReshaped();
  group.setNode(change.node.value);
  if (!change.zone.empty()) group.setZone(text(change.zone));
  group.setWeight(change.weight);
}
void write_change(const NodeReplaced& change, proto::Change::Builder out) {
  auto nodes = out.initNodeReplaced().initNodes();
  nodes.setNode(change.node.value);
  nodes.setBy(change.by.value);
}
void write_change(const VersionRaised& change, proto::Change::Builder out) {
  out.initVersionRaised().setVersion(static_cast<std::uint8_t>(change.version));
}
void write_change(const SettingChanged& change, proto::Change::Builder out) {
  auto group = out.initSettingChanged();
  group.setName(text(change.name));
  group.setValue(text(change.value));
}

GroupFormed read_group_formed(proto::Change::GroupFormed::Reader in) {
  GroupFormed change;
  auto members = in.getMembers();
  change.members.reserve(members.size());
  for (std::uint64_t member : members) change.members.emplace_back(member);
  change.unlisted = in.getUnlisted();
  return change;
}

Result<BucketsAssigned> read_buckets_assigned(proto::Change::BucketsAssigned::Reader in) {
  BucketsAssigned change;
  if (in.getReason() > proto::Reason::OPERATOR)
    return Error(Errc::kInvalid,
                 "BucketsAssigned has the unknown reason " + std::to_string(static_cast<unsigned>(in.getReason())));
  change.reason = static_cast<Reason>(in.getReason());
  auto list = in.getAssignments();
  change.assignments.reserve(list.size());
  for (auto item : list) {
    if (item.getRole() > proto::Role::NONE)
      return Error(Errc::kInvalid,
                   "an assignment has the unknown role " + std::to_string(static_cast<unsigned>(item.getRole())));
    auto buckets = read_buckets(item.getBuckets());
    if (!buckets) return buckets.error();
    change.assignments.push_back({static_cast<Role>(item.getRole()), NodeId{item.getNode()}, *std::move(buckets)});
  }
  return change;
}

template <class ChangeKind, class Group>
Result<Change> read_node_buckets(Group in) {
  auto buckets = read_buckets(in.getBuckets());
  if (!buckets) return buckets.error();
  return ChangeKind{NodeId{in.getNode()}, *std::move(buckets)};
}

}  // namespace

GroupFormed GroupFormed::of(std::vector<NodeId> accepted) {
  std::sort(accepted.begin(), accepted.end());
  GroupFormed change{std::move(accepted), 0};
  if (change.members.size() > kMembersMax) {
    change.unlisted = static_cast<std::uint32_t>(change.members.size() - kMembersMax);
    change.members.resize(kMembersMax);
  }
  return change;
}

void write(const NodeInfo& node, proto::NodeInfo::Builder out) {
  out.setId(node.id.value);
  out.setStore(node.store.value);
  out.setWeight(node.weight);
  out.setName(text(node.name));
  if (!node.zone.empty()) out.setZone(text(node.zone));
  out.setClient(text(node.client));
  out.setPeer(text(node.peer));
  out.setSpeaks(static_cast<std::uint8_t>(node.speaks));
}

NodeInfo read(proto::NodeInfo::Reader in) {
  NodeInfo node;
  node.id = NodeId{in.getId()};
  node.store = StoreId{in.getStore()};
  node.weight = in.getWeight();
  node.name = text(in.getName());
  node.zone = text(in.getZone());
  node.client = text(in.getClient());
  node.peer = text(in.getPeer());
  node.speaks = in.getSpeaks();
  return node;
}

Result<BucketSet> read_buckets(capnp::Data::Reader in) {
  auto buckets = BucketSet::decode({reinterpret_cast<const char*>(in.begin()), in.size()});
  if (!buckets) return Error(Errc::kInvalid, "a bucket set is not in its one canonical form");
  return *std::move(buckets);
}

void write(const Change& change, proto::Change::Builder out) {
  std::visit([&](const auto& kind) { write_change(kind, out); }, change);
}

Result<Change> read(proto::Change::Reader in) {
  switch (in.which()) {
    case proto::Change::GROUP_FORMED:
      return Change(read_group_formed(in.getGroupFormed()));
    case proto::Change::NODE_ADDED:
      return Change(NodeAdded{read(in.getNodeAdded().getNode())});
    case proto::Change::NODE_REMOVED:
      return Change(NodeRemoved{NodeId{in.getNodeRemoved().getNode()}});
    case proto::Change::NODE_UP:
      return Change(NodeUp{read(in.getNodeUp().getNode()), Incarnation{in.getNodeUp().getIncarnation()}});
    case proto::Change::NODE_DOWN:
      return Change(NodeDown{NodeId{in.getNodeDown().getNode()}});
    case proto::Change::BUCKETS_ASSIGNED: {
      auto change = read_buckets_assigned(in.getBucketsAssigned());
      if (!change) return change.error();
      return Change(*std::move(change));
    }
    case proto::Change::BUCKETS_FILLED:
      return read_node_buckets<BucketsFilled>(in.getBucketsFilled());
    case proto::Change::BUCKETS_RELEASED:
      return read_node_buckets<BucketsReleased>(in.getBucketsReleased());
    case proto::Change::BUCKETS_MOVED:
      return read_node_buckets<BucketsMoved>(in.getBucketsMoved());
    case proto::Change::SETTING_CHANGED:
      return Change(SettingChanged{text(in.getSettingChanged().getName()), text(in.getSettingChanged().getValue())});
    case proto::Change::BUCKETS_EMPTIED:
      return read_node_buckets<BucketsEmptied>(in.getBucketsEmptied());
    case proto::Change::NODE_DRAINING:
      return Change(NodeDraining{NodeId{in.getNodeDraining().getNode()}, in.getNodeDraining().getDraining()});
    case proto::Change::LOSS_ACCEPTED: {
      auto buckets = read_buckets(in.getLossAccepted().getBuckets());
      if (!buckets) return buckets.error();
      return Change(LossAccepted{*std::move(buckets)});
    }
    case proto::Change::NODE_RESHAPED: {
      auto group = in.getNodeReshaped();
      return Change(NodeReshaped{NodeId{group.getNode()}, text(group.getZone()), group.getWeight()});
    }
    case proto::Change::NODE_REPLACED: {
      auto nodes = in.getNodeReplaced().getNodes();
      return Change(NodeReplaced{NodeId{nodes.getNode()}, NodeId{nodes.getBy()}});
    }
    case proto::Change::VERSION_RAISED:
      return Change(VersionRaised{in.getVersionRaised().getVersion()});
  }
  return Error(Errc::kInvalid, "a change of the unknown kind " + std::to_string(static_cast<unsigned>(in.which())) +
                                   ": it comes from another release; run the same one on all nodes");
}

Bytes encode(const Change& change) {
  SmallBuilder builder;
  write(change, builder->initRoot<proto::Change>());
  Bytes bytes = flatten(*builder);
  BRIGADE_CHECK(bytes.size() <= limits::kEntryBytesMax, kind_name(change)
                                                            << " of " << bytes.size() << " bytes; split it");
  return bytes;
}

std::size_t encoded_bytes(const Change& change) {
  SmallBuilder builder;
  write(change, builder->initRoot<proto::Change>());
  return flat_bytes(*builder);
}

Result<Change> decode_change(std::span<const std::byte> bytes) {
  if (bytes.size() > limits::kEntryBytesMax)
    return Error(Errc::kInvalid, "a change of " + std::to_string(bytes.size()) + " bytes; at most " +
                                     std::to_string(limits::kEntryBytesMax) + " are allowed");
  auto change =
      read_root<proto::Change>(bytes, 8 * 1024, "a change", [](proto::Change::Reader in) { return read(in); });
  if (!change) return change;
  if (Status valid = validate(*change); !valid) return valid.error();
  return change;
}

}  // namespace brigade::wire
