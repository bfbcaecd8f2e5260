#include "brigade/cluster/cluster_map.h"

#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/checksum.h"

namespace brigade::cluster {

namespace {

BucketId bucket_at(std::size_t index) {
  return BucketId{static_cast<std::uint16_t>(index)};
}

/// The owner fetches, or waits for the day when it can.
BucketState settled_state(const Cell& cell) {
  if (!cell.owner) return BucketState::kUnassigned;
  return cell.in_sync ? BucketState::kServing : BucketState::kFilling;
}

void drop_new_owner(Cell& cell) {
  cell.new_owner = NodeId{};
  cell.new_filled = false;
  cell.state = settled_state(cell);
}

void make_owner(Seq seq, Cell& cell, NodeId node) {
  cell.owner = node;
  cell.assigned = seq;
  cell.owner_in_sync = Seq{};
  cell.in_sync = false;
}

/// The new owner, whose content is whole, takes over.
void finish_move(Seq seq, Cell& cell) {
  make_owner(seq, cell, cell.new_owner);
  cell.in_sync = true;
  drop_new_owner(cell);
}

}  // namespace

ClusterMap::ClusterMap(ClusterId cluster)
    : cluster_(cluster),
      roster_(std::make_shared<std::vector<RosterEntry>>()),
      removed_(std::make_shared<std::vector<NodeId>>()),
      setting_texts_(std::make_shared<std::map<std::string, std::string>>()),
      settings_(std::make_shared<Settings>()) {
  // One empty chunk serves all places until it is written to.
  chunks_.fill(std::make_shared<Chunk>());
}

Result<ClusterMap> ClusterMap::from(const wire::Snapshot& snapshot) {
  auto settings = parse_settings(snapshot.settings);
  if (!settings) return settings.error();
  BRIGADE_CHECK(snapshot.cells.size() == kBucketCount, "a snapshot with " << snapshot.cells.size() << " buckets");
  ClusterMap map(snapshot.cluster);
  map.last_ = snapshot.last;
  map.roster_seq_ = snapshot.roster_seq;
  map.view_ = snapshot.view;
  map.version_ = snapshot.version;
  *map.roster_ = snapshot.roster;
  *map.removed_ = snapshot.removed;
  *map.setting_texts_ = snapshot.settings;
  map.settings_ = std::make_shared<Settings>(*settings);
  NodeId up;  // of a run of buckets, most often
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const Cell& cell = snapshot.cells[i];
    if (cell == Cell{}) continue;
    if (cell.in_sync && cell.owner != up) {
      if (!map.is_up(cell.owner))
        return Error{Errc::kInvalid, "bucket " + std::to_string(i) + " is in sync at a node that is not up"};
      up = cell.owner;
    }
    map.writable(bucket_at(i)) = cell;
  }
  return map;
}

wire::Snapshot ClusterMap::snapshot() const {
  wire::Snapshot s;
  s.cluster = cluster_;
  s.last = last_;
  s.roster_seq = roster_seq_;
  s.view = view_;
  s.version = version_;
  s.roster = *roster_;
  s.removed = *removed_;
  s.settings = *setting_texts_;
  s.cells.reserve(kBucketCount);
  for (const auto& chunk : chunks_) s.cells.insert(s.cells.end(), chunk->begin(), chunk->end());
  return s;
}

void ClusterMap::apply(const wire::LogEntry& entry) {
  BRIGADE_CHECK(entry.seq == next(seq()), "apply of " << to_string(entry.seq) << " to a map at " << to_string(seq()));
  std::visit([&](const auto& c) { change(entry.seq, c); }, entry.change);
  last_ = entry.position();
}

const RosterEntry* ClusterMap::node(NodeId id) const {
  auto at = std::lower_bound(roster_->begin(), roster_->end(), id,
                             [](const RosterEntry& e, NodeId wanted) { return e.node.id < wanted; });
  return at != roster_->end() && at->node.id == id ? &*at : nullptr;
}

const RosterEntry* ClusterMap::node_named(std::string_view name) const {
  auto at = std::find_if(roster_->begin(), roster_->end(), [&](const RosterEntry& e) { return e.node.name == name; });
  return at != roster_->end() ? &*at : nullptr;
}

bool ClusterMap::is_up(NodeId id) const {
  const RosterEntry* entry = node(id);
  return entry != nullptr && entry->up;
}

bool ClusterMap::was_removed(NodeId id) const {
  return std::binary_search(removed_->begin(), removed_->end(), id);
}

std::uint64_t ClusterMap::state_digest() const {
  // Folds field by field: structs have padding, whose bytes mean nothing.
  std::uint64_t h = cluster_.value;
  auto mix = [&h](std::uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
    h ^= h >> 29;
  };
  mix(last_.epoch.counter), mix(last_.epoch.coordinator.value), mix(last_.seq.value);
  mix(roster_seq_.value), mix(view_.value), mix(version_);
  for (const RosterEntry& e : *roster_) {
    mix(e.node.id.value), mix(checksum(e.node.name)), mix(checksum(e.node.zone)), mix(e.node.weight);
    mix(checksum(e.node.client)), mix(checksum(e.node.peer)), mix(e.node.store.value), mix(e.node.speaks);
    mix(e.incarnation.value), mix((e.up ? 1 : 0) | (e.draining ? 2 : 0)), mix(e.added.value), mix(e.changed.value);
  }
  for (NodeId id : *removed_) mix(id.value);
  for (const auto& [name, value] : *setting_texts_) mix(checksum(name)), mix(checksum(value));
  for (const auto& chunk : chunks_)
    for (const Cell& c : *chunk) {
      mix(c.owner.value), mix(c.new_owner.value);
      mix(static_cast<std::uint64_t>(c.state) | (c.in_sync ? 256U : 0U) | (c.new_filled ? 512U : 0U));
      mix(c.assigned.value), mix(c.new_assigned.value), mix(c.owner_in_sync.value), mix(c.bucket_in_sync.value);
    }
  return h;
}

Cell& ClusterMap::writable(BucketId bucket) {
  auto& chunk = chunks_[bucket.value >> 8];
  if (chunk.use_count() > 1) chunk = std::make_shared<Chunk>(*chunk);
  return (*chunk)[bucket.value & 0xff];
}

std::vector<RosterEntry>& ClusterMap::writable_roster() {
  if (roster_.use_count() > 1) roster_ = std::make_shared<std::vector<RosterEntry>>(*roster_);
  return *roster_;
}

RosterEntry* ClusterMap::writable_node(NodeId id) {
  const RosterEntry* found = node(id);
  if (found == nullptr) return nullptr;
  auto index = static_cast<std::size_t>(found - roster_->data());
  return &writable_roster()[index];
}

template <class F>
void ClusterMap::for_cells_of(NodeId node, F&& f) {
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const Cell& c = cell(bucket_at(i));
    if (c.owner == node || c.new_owner == node) f(bucket_at(i), writable(bucket_at(i)));
  }
}

void ClusterMap::lose_sync(Seq seq, Cell& cell) {
  if (!cell.in_sync) return;
  cell.in_sync = false;
  cell.owner_in_sync = seq;
  cell.bucket_in_sync = seq;
  view_ = seq;
}

void ClusterMap::change(Seq /*seq*/, const wire::GroupFormed& /*change*/) {}

void ClusterMap::change(Seq seq, const wire::NodeAdded& change) {
  if (node(change.node.id) != nullptr || was_removed(change.node.id) || node_named(change.node.name) != nullptr) return;
  auto& roster = writable_roster();
  auto at = std::lower_bound(roster.begin(), roster.end(), change.node.id,
                             [](const RosterEntry& e, NodeId wanted) { return e.node.id < wanted; });
  RosterEntry entry;
  entry.node = change.node;
  entry.added = seq;
  entry.changed = seq;
  roster.insert(at, std::move(entry));
  roster_seq_ = seq;
}

void ClusterMap::change(Seq seq, const wire::NodeRemoved& change) {
  if (node(change.node) == nullptr) return;
  for_cells_of(change.node, [&](BucketId, Cell& cell) {
    if (cell.new_owner == change.node) drop_new_owner(cell);
    if (cell.owner == change.node) {
      lose_sync(seq, cell);
      if (cell.new_owner) {  // whoever takes its place goes on as the owner
        make_owner(seq, cell, cell.new_owner);
        drop_new_owner(cell);
      } else {
        make_owner(seq, cell, NodeId{});
        cell.state = BucketState::kUnassigned;
      }
    }
  });
  auto& roster = writable_roster();
  std::erase_if(roster, [&](const RosterEntry& e) { return e.node.id == change.node; });
  if (removed_.use_count() > 1) removed_ = std::make_shared<std::vector<NodeId>>(*removed_);
  removed_->insert(std::lower_bound(removed_->begin(), removed_->end(), change.node), change.node);
  roster_seq_ = seq;
  view_ = seq;
}

void ClusterMap::change(Seq seq, const wire::NodeUp& change) {
  RosterEntry* entry = writable_node(change.node.id);
  if (entry == nullptr) return;
  const bool same_store = entry->node.store == change.node.store;
  const bool same_life = entry->up && same_store && entry->incarnation == change.incarnation;
  // Where it stands and how much it holds is for operators to say, not for its restart.
  wire::NodeInfo node = change.node;
  node.zone = std::move(entry->node.zone);
  node.weight = entry->node.weight;
  entry->node = std::move(node);
  entry->incarnation = change.incarnation;
  entry->up = true;
  if (same_life) return;
  // What it had under way is gone, and it may have given revisions that it has forgotten: they are not given again.
  entry->changed = seq;
  view_ = seq;
  if (same_store) return;
  for_cells_of(change.node.id, [&](BucketId, Cell& cell) { empty(seq, cell, change.node.id); });
}

void ClusterMap::change(Seq seq, const wire::NodeDown& change) {
  RosterEntry* entry = writable_node(change.node);
  if (entry == nullptr || !entry->up) return;
  entry->up = false;
  entry->changed = seq;
  view_ = seq;
  for_cells_of(change.node, [&](BucketId, Cell& cell) {
    if (cell.new_owner == change.node) drop_new_owner(cell);
    if (cell.owner != change.node) return;
    lose_sync(seq, cell);
    const bool successor_is_whole = cell.new_owner && cell.new_filled && is_up(cell.new_owner);
    if (successor_is_whole) {
      finish_move(seq, cell);
    } else if (cell.new_owner) {
      cell.state = BucketState::kStandIn;
    } else {
      cell.state = settled_state(cell);
    }
  });
}

void ClusterMap::assign(Seq seq, Cell& cell, const wire::Assignment& assignment, wire::Reason reason) {
  switch (assignment.role) {
    case wire::Role::kOwner:
      lose_sync(seq, cell);
      if (cell.owner != assignment.node) make_owner(seq, cell, assignment.node);
      drop_new_owner(cell);
      cell.reason = reason;
      return;
    case wire::Role::kNewOwner:
      if (cell.state != BucketState::kServing || cell.owner == assignment.node) return;
      cell.new_owner = assignment.node;
      cell.new_assigned = seq;
      cell.new_filled = false;
      cell.state = BucketState::kMoving;
      cell.reason = reason;
      return;
    case wire::Role::kStandIn:
      if (!cell.owner || cell.owner == assignment.node || cell.state == BucketState::kReleased) return;
      cell.new_owner = assignment.node;
      cell.new_assigned = seq;
      cell.new_filled = false;
      cell.state = BucketState::kStandIn;
      return;
    case wire::Role::kNone:
      if (cell.state != BucketState::kReleased) drop_new_owner(cell);
      return;
  }
}

void ClusterMap::change(Seq seq, const wire::BucketsAssigned& change) {
  for (const wire::Assignment& assignment : change.assignments) {
    if (assignment.role != wire::Role::kNone && node(assignment.node) == nullptr) continue;
    assignment.buckets.for_each([&](BucketId bucket) { assign(seq, writable(bucket), assignment, change.reason); });
  }
}

void ClusterMap::change(Seq seq, const wire::BucketsFilled& change) {
  if (!is_up(change.node)) return;
  change.buckets.for_each([&](BucketId bucket) {
    const Cell& c = cell(bucket);
    if (c.owner == change.node && !c.in_sync && c.state != BucketState::kReleased) {
      Cell& w = writable(bucket);
      w.in_sync = true;
      drop_new_owner(w);
      view_ = seq;
    } else if (c.new_owner == change.node && c.state == BucketState::kMoving) {
      writable(bucket).new_filled = true;
    }
  });
}

void ClusterMap::change(Seq seq, const wire::BucketsReleased& change) {
  change.buckets.for_each([&](BucketId bucket) {
    const Cell& c = cell(bucket);
    if (c.owner != change.node || c.state != BucketState::kMoving || !c.new_filled) return;
    Cell& w = writable(bucket);
    lose_sync(seq, w);
    w.state = BucketState::kReleased;
  });
}

void ClusterMap::change(Seq seq, const wire::BucketsMoved& change) {
  change.buckets.for_each([&](BucketId bucket) {
    const Cell& c = cell(bucket);
    if (c.new_owner != change.node || c.state != BucketState::kReleased) return;
    finish_move(seq, writable(bucket));
    view_ = seq;
  });
}

/// The node has lost what it had of the bucket. Its part begins anew, so that nothing that it said or did before
/// counts. It has stopped serving it.
void ClusterMap::empty(Seq seq, Cell& cell, NodeId node) {
  if (cell.new_owner == node) drop_new_owner(cell);
  if (cell.owner != node || cell.state == BucketState::kReleased) return;
  lose_sync(seq, cell);
  if (cell.state == BucketState::kMoving && cell.new_filled && is_up(cell.new_owner)) {
    finish_move(seq, cell);
    view_ = seq;
    return;
  }
  if (cell.state != BucketState::kStandIn) drop_new_owner(cell);
  cell.assigned = seq;
  cell.owner_in_sync = Seq{};
}

/// As if the node had come up with a new store, for these buckets alone.
void ClusterMap::change(Seq seq, const wire::BucketsEmptied& change) {
  change.buckets.for_each([&](BucketId bucket) {
    if (cell(bucket).owner == change.node || cell(bucket).new_owner == change.node)
      empty(seq, writable(bucket), change.node);
  });
}

/// As if these had been the last that were in sync (design §5 Filling). Two siblings may both become whole by that,
/// each with what it has; as soon as they are in sync, the comparison between them makes it the same. Where the owner
/// is away, its stand-in goes on as the owner.
void ClusterMap::change(Seq seq, const wire::LossAccepted& change) {
  change.buckets.for_each([&](BucketId bucket) {
    const Cell& c = cell(bucket);
    if (c.in_sync || c.state == BucketState::kReleased) return;
    if (!is_up(c.owner)) {
      if (c.state != BucketState::kStandIn || !is_up(c.new_owner)) return;
      Cell& w = writable(bucket);
      make_owner(seq, w, w.new_owner);
      drop_new_owner(w);
    }
    writable(bucket).owner_in_sync = seq;
  });
}

void ClusterMap::change(Seq /*seq*/, const wire::NodeDraining& change) {
  const RosterEntry* entry = node(change.node);
  if (entry != nullptr && entry->draining != change.draining) writable_node(change.node)->draining = change.draining;
}

void ClusterMap::change(Seq /*seq*/, const wire::NodeReshaped& change) {
  RosterEntry* entry = writable_node(change.node);
  if (entry == nullptr) return;
  entry->node.zone = change.zone;
  entry->node.weight = change.weight;
}

void ClusterMap::change(Seq /*seq*/, const wire::NodeReplaced& change) {
  if (node(change.node) == nullptr || node(change.by) == nullptr) return;
  RosterEntry* by = writable_node(change.by);
  by->node.weight = node(change.node)->node.weight;
  by->draining = false;
  writable_node(change.node)->draining = true;
}

void ClusterMap::change(Seq /*seq*/, const wire::SettingChanged& change) {
  auto texts = *setting_texts_;
  texts[change.name] = change.value;
  auto parsed = parse_settings(texts);
  if (!parsed) return;
  setting_texts_ = std::make_shared<std::map<std::string, std::string>>(std::move(texts));
  settings_ = std::make_shared<Settings>(*parsed);
}

}  // namespace brigade::cluster
