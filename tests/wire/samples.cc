#include "samples.h"

#include "brigade/base/limits.h"

namespace brigade::wire {

using std::chrono::milliseconds;

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (std::byte byte : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

BucketSet buckets(std::initializer_list<std::uint16_t> ids) {
  BucketSet set;
  for (std::uint16_t id : ids) set.add(BucketId{id});
  return set;
}

NodeInfo sample_node() {
  return {NodeId{0x1111}, "n1", "north", 3, "10.0.0.1:8080", "media-1.example:8081", StoreId{0x5555}};
}

NodeInfo longest_node() {
  const std::string name(limits::kNameBytesMax, 'x');
  const std::string label(55, 'a');
  const std::string address = label + "." + label + ".example.o:65535";
  return {NodeId{~0ULL}, name, name, limits::kWeightMax, address, address, StoreId{~0ULL}};
}

std::vector<Change> sample_changes() {
  return {
      GroupFormed{{NodeId{0x1111}, NodeId{0x2222}}, 0},
      NodeAdded{sample_node()},
      NodeRemoved{NodeId{0x2222}},
      NodeUp{sample_node(), Incarnation{7}},
      NodeDown{NodeId{0x2222}},
      BucketsAssigned{
          Reason::kFailure,
          {{Role::kStandIn, NodeId{0x1111}, buckets({1, 2, 3, 9})}, {Role::kNone, NodeId{}, buckets({500})}}},
      BucketsFilled{NodeId{0x1111}, BucketSet::all()},
      BucketsReleased{NodeId{0x1111}, buckets({65535})},
      BucketsMoved{NodeId{0x2222}, buckets({0, 2, 4})},
      SettingChanged{"heartbeat", "100ms"},
      BucketsEmptied{NodeId{0x1111}, buckets({16, 17, 31})},
      NodeDraining{NodeId{0x2222}, true},
      LossAccepted{buckets({6, 7})},
      NodeReshaped{NodeId{0x2222}, "south", 3},
      NodeReplaced{NodeId{0x1111}, NodeId{0x2222}},
      VersionRaised{2},
  };
}

std::vector<Message> sample_messages() {
  const Epoch old_epoch{4, NodeId{0x2222}};
  const Epoch epoch{5, NodeId{0x1111}};
  return {
      Probe{3, {old_epoch, Seq{40}}, epoch, sample_node()},
      ProbeReply{3, {old_epoch, Seq{40}}, epoch, old_epoch},
      Invitation{epoch},
      Accept{epoch, {old_epoch, Seq{40}}, sample_node()},
      Refusal{old_epoch, epoch},
      JoinRefusal{"the name n1 is taken"},
      Ready{epoch, Seq{41}},
      Append{epoch,
             {old_epoch, Seq{40}},
             Seq{39},
             false,
             {{epoch, Seq{41}, GroupFormed{{NodeId{0x1111}, NodeId{0x2222}}, 0}},
              {epoch, Seq{42}, NodeDown{NodeId{0x3333}}}}},
      Ack{epoch, Seq{42}},
      LogRequest{epoch, Seq{40}, Seq{42}},
      LogCut{epoch, Seq{30}},
      Heartbeat{epoch,
                77,
                Seq{12},
                {true, false, true},
                milliseconds{390},
                Seq{41},
                Seq{42},
                Seq{41},
                milliseconds{400},
                {true, true, false}},
      HeartbeatReply{epoch, 77, Seq{42}, Seq{41}},
      Report{ReportKind::kReleased, Seq{41}, buckets({7, 8, 1000}), NodeId{0x2222}},
  };
}

Snapshot sample_snapshot() {
  Snapshot s;
  s.cluster = ClusterId{0xc1};
  s.last = {{5, NodeId{0x1111}}, Seq{42}};
  s.roster_seq = Seq{12};
  s.view = Seq{41};
  NodeInfo second{NodeId{0x2222}, "n2", "", 1, "10.0.0.2:8080", "10.0.0.2:8081", StoreId{0x6666}};
  s.roster = {{sample_node(), Incarnation{7}, true, Seq{2}, Seq{40}}, {second, Incarnation{}, false, Seq{12}, Seq{41}}};
  s.removed = {NodeId{0x3333}};
  s.settings = {{"heartbeat", "100ms"}, {"redundancy", "4"}};
  s.cells.resize(kBucketCount);
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    Cell& cell = s.cells[i];
    if (i >= 60000) continue;  // unassigned
    cell.owner = NodeId{i < 30000 ? 0x1111U : 0x2222U};
    cell.state = BucketState::kServing;
    cell.in_sync = true;
    cell.reason = Reason::kJoin;
    cell.assigned = Seq{20};
  }
  for (std::size_t i = 100; i < 110; ++i) {
    Cell& cell = s.cells[i];
    cell.new_owner = NodeId{0x2222};
    cell.new_assigned = Seq{33};
    cell.state = BucketState::kMoving;
    cell.new_filled = i < 105;
  }
  for (std::size_t i = 40000; i < 40003; ++i) {
    Cell& cell = s.cells[i];
    cell.state = BucketState::kFilling;
    cell.in_sync = false;
    cell.reason = Reason::kOperator;
    cell.owner_in_sync = Seq{41};
    cell.bucket_in_sync = Seq{42};
  }
  return s;
}

ClusterSecret sample_secret() {
  ClusterSecret secret;
  for (std::size_t i = 0; i < secret.bytes.size(); ++i) secret.bytes[i] = static_cast<std::byte>(i);
  return secret;
}

}  // namespace brigade::wire
