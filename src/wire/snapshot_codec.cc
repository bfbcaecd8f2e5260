#include "capnp_io.h"
#include "columns.h"
#include "little_endian.h"
#include "snapshot.capnp.h"
#include "transaction_codec.h"

#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/checksum.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

namespace brigade::wire {

namespace {

constexpr std::uint32_t kMagic = 0x4e535242;  // "BRSN"
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kTrailerBytes = 8;

// Bits of the condition column.
constexpr unsigned kInSyncShift = 3;
constexpr unsigned kNewFilledShift = 4;
constexpr unsigned kReasonShift = 5;
constexpr std::uint64_t kConditionMax = 0xff;

std::uint64_t condition(const Cell& cell) {
  return static_cast<std::uint64_t>(cell.state) | std::uint64_t{cell.in_sync} << kInSyncShift |
         std::uint64_t{cell.new_filled} << kNewFilledShift | static_cast<std::uint64_t>(cell.reason) << kReasonShift;
}

void set_condition(Cell& cell, std::uint64_t bits) {
  cell.state = static_cast<BucketState>(bits & 7);
  cell.in_sync = (bits >> kInSyncShift & 1) != 0;
  cell.new_filled = (bits >> kNewFilledShift & 1) != 0;
  cell.reason = static_cast<Reason>(bits >> kReasonShift);
}

struct Columns {
  Bytes owner, new_owner, condition, assigned, new_assigned, owner_in_sync, bucket_in_sync;
  [[nodiscard]] std::size_t size() const {
    return owner.size() + new_owner.size() + condition.size() + assigned.size() + new_assigned.size() +
           owner_in_sync.size() + bucket_in_sync.size();
  }
};

Columns encode_cells(const Snapshot& snapshot) {
  const auto& cells = snapshot.cells;
  BRIGADE_CHECK(cells.size() == kBucketCount, "a snapshot with " << cells.size() << " buckets");
  std::unordered_map<NodeId, std::uint64_t> numbers{{NodeId{}, 0}};
  for (const RosterEntry& entry : snapshot.roster) numbers.emplace(entry.node.id, numbers.size());
  auto number = [&](NodeId node) {
    const auto found = numbers.find(node);
    BRIGADE_CHECK(found != numbers.end(), "a bucket belongs to " << to_string(node) << ", which is not in the roster");
    return found->second;
  };
  return {encode_column([&](std::size_t i) { return number(cells[i].owner); }),
          encode_column([&](std::size_t i) { return number(cells[i].new_owner); }),
          encode_column([&](std::size_t i) { return condition(cells[i]); }),
          encode_column([&](std::size_t i) { return cells[i].assigned.value; }),
          encode_column([&](std::size_t i) { return cells[i].new_assigned.value; }),
          encode_column([&](std::size_t i) { return cells[i].owner_in_sync.value; }),
          encode_column([&](std::size_t i) { return cells[i].bucket_in_sync.value; })};
}

capnp::Data::Reader as_data(const Bytes& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> as_span(capnp::Data::Reader bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.begin()), bytes.size()};
}

void write(const Columns& columns, proto::Cells::Builder out) {
  out.setOwner(as_data(columns.owner));
  out.setNewOwner(as_data(columns.new_owner));
  out.setCondition(as_data(columns.condition));
  out.setAssigned(as_data(columns.assigned));
  out.setNewAssigned(as_data(columns.new_assigned));
  out.setOwnerInSync(as_data(columns.owner_in_sync));
  out.setBucketInSync(as_data(columns.bucket_in_sync));
}

void write(const Snapshot& snapshot, const Columns& columns, proto::Snapshot::Builder out) {
  out.setCluster(snapshot.cluster.value);
  auto last = out.getLast();
  last.setCounter(snapshot.last.epoch.counter);
  last.setCoordinator(snapshot.last.epoch.coordinator.value);
  last.setSeq(snapshot.last.seq.value);
  out.setRosterSeq(snapshot.roster_seq.value);
  out.setView(snapshot.view.value);
  auto roster = out.initRoster(static_cast<unsigned>(snapshot.roster.size()));
  for (unsigned i = 0; i < roster.size(); ++i) {
    const RosterEntry& entry = snapshot.roster[i];
    write(entry.node, roster[i].initNode());
    roster[i].setIncarnation(entry.incarnation.value);
    roster[i].setUp(entry.up);
    roster[i].setAdded(entry.added.value);
    roster[i].setChanged(entry.changed.value);
    roster[i].setDraining(entry.draining);
  }
  auto removed = out.initRemoved(static_cast<unsigned>(snapshot.removed.size()));
  for (unsigned i = 0; i < removed.size(); ++i) removed.set(i, snapshot.removed[i].value);
  auto settings = out.initSettings(static_cast<unsigned>(snapshot.settings.size()));
  unsigned at = 0;
  for (const auto& [name, value] : snapshot.settings) {
    settings[at].setName(text(name));
    settings[at++].setValue(text(value));
  }
  write(columns, out.initCells());
}

Status read_cells(proto::Cells::Reader in, Snapshot& out) {
  auto& cells = out.cells;
  cells.resize(kBucketCount);
  const std::size_t nodes = out.roster.size();
  auto node = [&](std::uint64_t number) { return number == 0 ? NodeId{} : out.roster[number - 1].node.id; };
  const std::array<Status, 7> columns{
      decode_column(as_span(in.getOwner()), "owner", nodes,
                    [&](std::size_t i, std::uint64_t v) { cells[i].owner = node(v); }),
      decode_column(as_span(in.getNewOwner()), "newOwner", nodes,
                    [&](std::size_t i, std::uint64_t v) { cells[i].new_owner = node(v); }),
      decode_column(as_span(in.getCondition()), "condition", kConditionMax,
                    [&](std::size_t i, std::uint64_t v) { set_condition(cells[i], v); }),
      decode_column(as_span(in.getAssigned()), "assigned", kSeqMax.value,
                    [&](std::size_t i, std::uint64_t v) { cells[i].assigned = Seq{v}; }),
      decode_column(as_span(in.getNewAssigned()), "newAssigned", kSeqMax.value,
                    [&](std::size_t i, std::uint64_t v) { cells[i].new_assigned = Seq{v}; }),
      decode_column(as_span(in.getOwnerInSync()), "ownerInSync", kSeqMax.value,
                    [&](std::size_t i, std::uint64_t v) { cells[i].owner_in_sync = Seq{v}; }),
      decode_column(as_span(in.getBucketInSync()), "bucketInSync", kSeqMax.value,
                    [&](std::size_t i, std::uint64_t v) { cells[i].bucket_in_sync = Seq{v}; })};
  for (const Status& column : columns)
    if (!column) return column;
  return {};
}

Result<Snapshot> read_snapshot(proto::Snapshot::Reader in) {
  Snapshot out;
  out.cluster = ClusterId{in.getCluster()};
  auto last = in.getLast();
  out.last = {{last.getCounter(), NodeId{last.getCoordinator()}}, Seq{last.getSeq()}};
  out.roster_seq = Seq{in.getRosterSeq()};
  out.view = Seq{in.getView()};
  for (auto entry : in.getRoster())
    out.roster.push_back({read(entry.getNode()), Incarnation{entry.getIncarnation()}, entry.getUp(),
                          Seq{entry.getAdded()}, Seq{entry.getChanged()}, entry.getDraining()});
  for (std::uint64_t id : in.getRemoved()) out.removed.emplace_back(id);
  std::string before;
  for (auto setting : in.getSettings()) {
    std::string name = text(setting.getName());
    if (name <= before) return Error(Errc::kInvalid, "a snapshot: settings do not rise by name");
    out.settings.emplace_hint(out.settings.end(), name, text(setting.getValue()));
    before = std::move(name);
  }
  if (Status cells = read_cells(in.getCells(), out); !cells) return cells.error();
  return out;
}

}  // namespace

Bytes encode(const Snapshot& snapshot) {
  const Columns columns = encode_cells(snapshot);
  // An estimate from above for ordinary names; a wrong one costs a copy.
  const std::size_t words =
      256 + columns.size() / 8 + snapshot.roster.size() * 32 + snapshot.removed.size() + snapshot.settings.size() * 16;
  capnp::MallocMessageBuilder builder(static_cast<unsigned>(words));
  write(snapshot, columns, builder.initRoot<proto::Snapshot>());
  const Bytes payload = flatten(builder);

  Bytes out;
  out.reserve(kHeaderBytes + payload.size() + kTrailerBytes);
  put(out, kMagic);
  put(out, snapshot.version);
  put(out, static_cast<std::uint64_t>(payload.size()));
  out.insert(out.end(), payload.begin(), payload.end());
  put(out, checksum(std::span<const std::byte>(out)));
  return out;
}

Result<Snapshot> decode_snapshot(std::span<const std::byte> bytes, std::uint32_t speaks) {
  auto invalid = [](const std::string& what) { return Error(Errc::kInvalid, "a snapshot: " + what); };
  if (bytes.size() > kSnapshotBytesMax) return invalid(std::to_string(bytes.size()) + " bytes are over the limit");
  if (bytes.size() < kHeaderBytes + kTrailerBytes) return invalid("cut off within its header");
  if (get<std::uint32_t>(bytes, 0) != kMagic) return invalid("it does not begin with BRSN");
  const auto version = get<std::uint32_t>(bytes, 4);
  if (!reads(speaks, version)) return invalid("it has protocol " + unreadable(speaks, version));
  const std::size_t body = bytes.size() - kTrailerBytes;
  if (get<std::uint64_t>(bytes, 8) != body - kHeaderBytes) return invalid("its length is not the one in its header");
  if (get<std::uint64_t>(bytes, body) != checksum(bytes.first(body))) return invalid("its checksum does not match");

  const auto payload = bytes.subspan(kHeaderBytes, body - kHeaderBytes);
  // Nothing in it is met twice in reading; list elements without content count a word each.
  const std::uint64_t traversal_words = payload.size() / sizeof(capnp::word) * 2;
  auto snapshot = read_root<proto::Snapshot>(payload, traversal_words, "a snapshot's payload", read_snapshot);
  if (!snapshot) return snapshot;
  snapshot->version = version;
  if (Status valid = validate(*snapshot); !valid) return valid.error();
  return snapshot;
}

}  // namespace brigade::wire
