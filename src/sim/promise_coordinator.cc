#include "promise_coordinator.h"

#include <algorithm>
#include <utility>

namespace brigade::sim {

namespace {

using cluster::BucketState;
using cluster::Cell;

wire::NodeInfo info_of(NodeId id, StoreId disk) {
  wire::NodeInfo info;
  info.id = id;
  info.name = "n" + std::to_string(id.value);
  info.store = disk;
  return info;
}

BucketId bucket_at(std::size_t i) {
  return BucketId{static_cast<std::uint16_t>(i)};
}

}  // namespace

PromiseCoordinator::PromiseCoordinator(PromiseWorld& world) : world_(world), peers_(world.nodes.size()) {}

void PromiseCoordinator::found() {
  for (PromiseNode& node : world_.nodes) {
    peers_[node.id.value - 1].life = node.life;
    peers_[node.id.value - 1].disk = node.disk;
    append(wire::NodeAdded{info_of(node.id, node.disk)});
    bring_up(node.id);
  }
  const bool is_told = world_.script != nullptr;
  const auto copies =
      std::to_string(is_told ? world_.script->min_redundancy : std::uint64_t{1} << world_.prng.below(2));
  if (is_told) append(wire::SettingChanged{"redundancy", "4"});
  append(wire::SettingChanged{"min_redundancy", copies});
  append(wire::SettingChanged{"write_copies", std::to_string(is_told ? 1 : 1 + world_.prng.below(2))});
  for (std::size_t i = 0; i < kPromiseBuckets; ++i) {
    const NodeId owner = first_owner(i);
    assign(wire::Role::kOwner, owner, bucket_at(i));
    append(wire::BucketsFilled{owner, BucketSet::of(bucket_at(i))});
  }
  for (PromiseNode& node : world_.nodes) {
    node.applied = node.saved = world_.log.last();
    grant(node, peers_[node.id.value - 1]);
  }
}

NodeId PromiseCoordinator::first_owner(std::size_t bucket) {
  if (world_.script != nullptr) return NodeId{world_.script->owners[bucket]};
  const bool shares = world_.prng.below(world_.temper.sharing) == 0;
  return world_.nodes[shares ? world_.prng.below(world_.nodes.size()) : bucket % world_.nodes.size()].id;
}

Seq PromiseCoordinator::append(wire::Change change) {
  const std::string_view kind = wire::kind_name(change);
  const auto* down = std::get_if<wire::NodeDown>(&change);
  const auto* up = std::get_if<wire::NodeUp>(&change);
  if (down != nullptr) ++world_.outcome.downs;
  if (std::holds_alternative<wire::BucketsFilled>(change)) ++world_.outcome.filled;
  if (std::holds_alternative<wire::BucketsMoved>(change)) ++world_.outcome.moved;
  const NodeId whom = down != nullptr ? down->node : up != nullptr ? up->node.id : NodeId{};
  const Seq seq = world_.log.append(std::move(change));
  ++world_.outcome.transactions;
  if (world_.traces()) {
    std::string line = "LOG " + to_string(seq) + " " + std::string(kind);
    if (whom) line += " n" + std::to_string(whom.value);
    for (std::size_t i = 0; i < kPromiseBuckets; ++i) {
      const Cell& c = world_.log.newest().cell(bucket_at(i));
      line += "  b" + std::to_string(i) + ":" + std::string(wire::state_name(c.state)) + " n" +
              std::to_string(c.owner.value) +
              (c.new_owner ? ">n" + std::to_string(c.new_owner.value) + (c.new_filled ? "(filled)" : "") : "");
    }
    world_.trace(line);
  }
  for (PromiseNode& node : world_.nodes) world_.tell_log(node, seq);
  world_.on_commit();
  return seq;
}

void PromiseCoordinator::assign(wire::Role role, NodeId node, BucketId bucket) {
  append(wire::BucketsAssigned{wire::Reason::kBalance, {{role, node, BucketSet::of(bucket)}}});
}

void PromiseCoordinator::bring_up(NodeId node) {
  const Peer& peer = peers_[node.value - 1];
  append(wire::NodeUp{info_of(node, peer.disk), peer.life});
}

NodeId PromiseCoordinator::somebody_up(NodeId other) {
  if (world_.script != nullptr) {
    const NodeId spare = world_.nodes.back().id;
    return spare != other && world_.log.newest().is_up(spare) ? spare : NodeId{};
  }
  for (int tries = 0; tries < 8; ++tries) {
    const NodeId node = world_.nodes[world_.prng.below(world_.nodes.size())].id;
    if (node != other && world_.log.newest().is_up(node)) return node;
  }
  return NodeId{};
}

void PromiseCoordinator::listen() {
  for (PromiseNode& node : world_.nodes) {
    Peer& peer = peers_[node.id.value - 1];
    if (!node.running || node.isolated || (world_.faults && world_.prng.chance(1, 10))) continue;
    peer.heard = world_.now();
    peer.life = node.life;
    peer.disk = node.disk;
    peer.applied = node.applied;
    // Appends that were lost are asked for again.
    if (world_.prng.chance(1, node.catch_up)) world_.tell_log(node, world_.log.last());
    if (world_.prng.chance(1, 4)) node.saved = node.applied;
    for (std::size_t i = 0; i < kPromiseBuckets; ++i)
      if (world_.map(node).cell(bucket_at(i)).owner == node.id) node.memory.served.insert(bucket_at(i));
  }
}

void PromiseCoordinator::tick() {
  listen();
  for (PromiseNode& node : world_.nodes) watch(node, peers_[node.id.value - 1]);
  for (std::size_t i = 0; i < kPromiseBuckets; ++i) care_for(bucket_at(i));
}

void PromiseCoordinator::watch(PromiseNode& node, Peer& peer) {
  const cluster::RosterEntry entry = *world_.log.newest().node(node.id);
  const bool heard_now = peer.heard == world_.now();
  if (!entry.up) {
    if (heard_now) grant(node, peer);
    const bool here = world_.now() - peer.heard <= world_.temper.failure_timeout / 2 && peer.applied >= entry.changed;
    if (here && world_.prng.chance(1, 3)) bring_up(node.id);
    return;
  }
  if (world_.now() - peer.heard > world_.temper.failure_timeout ||
      (world_.faults && world_.prng.chance(1, world_.temper.whims)))
    peer.condemned = true;
  if (peer.condemned) {
    if (world_.now() >= peer.grant_end || world_.broken(PromiseFlaw::kDownBeforeGrantEnds)) take_out(node.id, peer);
    return;
  }
  const bool changed = entry.incarnation != peer.life || entry.node.store != peer.disk;
  if (changed && world_.prng.chance(1, 2)) bring_up(node.id);
  if (heard_now) grant(node, peer);
}

void PromiseCoordinator::grant(PromiseNode& node, Peer& peer) {
  if (world_.faults && world_.temper.grants > 1 && !world_.prng.chance(1, world_.temper.grants)) return;
  const Ticks end = world_.now() + world_.temper.lease;
  peer.grant_end = std::max(peer.grant_end, end);
  // What was granted for an answer of an earlier life is nothing to the next one.
  world_.tell(node, [this, id = node.id, life = node.life, end, seq = world_.log.newest().view()] {
    PromiseNode& there = world_.node(id);
    if (!there.running || there.life != life) return;
    there.memory.lease_until = std::max(there.memory.lease_until, end);
    there.memory.grant_seq = std::max(there.memory.grant_seq, seq);
  });
}

void PromiseCoordinator::take_out(NodeId node, Peer& peer) {
  for (std::size_t i = 0; i < kPromiseBuckets; ++i) {
    const Cell& c = world_.log.newest().cell(bucket_at(i));
    const bool owner_goes = c.owner == node && !(c.new_owner && world_.log.newest().is_up(c.new_owner));
    const bool stand_in_goes = c.new_owner == node && c.state == BucketState::kStandIn;
    if ((!owner_goes && !stand_in_goes) || c.state == BucketState::kReleased) continue;
    const NodeId next = somebody_up(node);
    if (next && next != c.owner) assign(wire::Role::kStandIn, next, bucket_at(i));
  }
  peer.condemned = false;
  // Another coordinator may come first, to whom the node answers.
  if (world_.faults && world_.prng.chance(1, 10)) return;
  peer.down_since = world_.now();
  append(wire::NodeDown{node});
}

void PromiseCoordinator::care_for(BucketId bucket) {
  const cluster::ClusterMap& map = world_.log.newest();
  const Cell c = map.cell(bucket);
  const bool up = map.is_up(c.owner);
  if (c.state == BucketState::kReleased && world_.prng.chance(1, 2)) {
    append(wire::BucketsMoved{c.new_owner, BucketSet::of(bucket)});
  } else if (c.state == BucketState::kStandIn && c.in_sync && up) {
    assign(wire::Role::kNone, NodeId{}, bucket);
  } else if (up && c.state == BucketState::kServing && world_.temper.moves > 0 &&
             world_.prng.chance(1, world_.faults ? world_.temper.moves : 100)) {
    move(bucket);
  } else if (!up && c.new_owner) {
    const bool lost = world_.now() - peers_[c.owner.value - 1].down_since > world_.temper.grace;
    if (lost && c.state != BucketState::kReleased) assign(wire::Role::kOwner, c.new_owner, bucket);
  } else if (!up) {
    if (const NodeId node = somebody_up(c.owner)) assign(wire::Role::kStandIn, node, bucket);
  }
}

void PromiseCoordinator::move(BucketId bucket) {
  const Cell c = world_.log.newest().cell(bucket);
  if (c.state != BucketState::kServing || !world_.log.newest().is_up(c.owner)) return;
  if (const NodeId node = somebody_up(c.owner)) move(bucket, node);
}

void PromiseCoordinator::move(BucketId bucket, NodeId node) {
  assign(wire::Role::kNewOwner, node, bucket);
}

void PromiseCoordinator::on_report(NodeId from, Incarnation life, wire::ReportKind kind, Seq as_of, BucketId bucket) {
  const cluster::ClusterMap& map = world_.log.newest();
  const cluster::RosterEntry* sender = map.node(from);
  // Datagrams of an earlier life are dropped once a later one was heard.
  if (!sender->up || life < peers_[from.value - 1].life) return;
  const Cell c = map.cell(bucket);
  if (kind == wire::ReportKind::kFilled) {
    const bool as_owner = c.owner == from && !c.in_sync && c.state != BucketState::kReleased && c.assigned <= as_of &&
                          sender->changed <= as_of;
    const bool as_new_owner = c.new_owner == from && c.state == BucketState::kMoving && !c.new_filled &&
                              c.new_assigned <= as_of && sender->changed <= as_of;
    if (as_owner || as_new_owner) append(wire::BucketsFilled{from, BucketSet::of(bucket)});
  } else if (c.owner == from && c.state == BucketState::kMoving && c.new_filled && c.new_assigned <= as_of) {
    append(wire::BucketsReleased{from, BucketSet::of(bucket)});
    if (world_.prng.chance(1, 2)) append(wire::BucketsMoved{c.new_owner, BucketSet::of(bucket)});
  }
}

}  // namespace brigade::sim
