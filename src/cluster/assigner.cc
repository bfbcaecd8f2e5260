#include "brigade/cluster/assigner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "brigade/base/limits.h"
#include "brigade/placement/replicas.h"
#include "brigade/wire/codec.h"

namespace brigade::cluster {

namespace {

using wire::BucketsAssigned;
using wire::Reason;
using wire::Role;

template <class F>
void for_all_buckets(F&& f) {
  for (std::size_t i = 0; i < kBucketCount; ++i) f(BucketId{static_cast<std::uint16_t>(i)});
}

/// Picks stand-ins: not a sibling's node if that can be had, nor one that is to be emptied, another zone than the
/// sibling's, else the least used.
class StandInPicker {
 public:
  StandInPicker(const ClusterMap& map, NodeId down) : map_(map) {
    for (const RosterEntry& e : map.roster())
      if (e.up && e.node.id != down) used_.emplace_back(0, &e);
  }

  [[nodiscard]] std::optional<NodeId> pick(BucketId bucket) {
    const RosterEntry* sibling = map_.node(map_.cell(BucketId(bucket.value ^ 1)).owner);
    auto cost = [&](const std::pair<std::uint64_t, const RosterEntry*>& candidate) {
      const RosterEntry* e = candidate.second;
      if (e == sibling) return 3;
      if (!e->takes_share()) return 2;
      return sibling != nullptr && e->node.zone == sibling->node.zone ? 1 : 0;
    };
    auto best = used_.end();
    for (auto at = used_.begin(); at != used_.end(); ++at) {
      if (at->second->node.id == map_.cell(bucket).owner) continue;
      if (best == used_.end() || std::pair(cost(*at), at->first) < std::pair(cost(*best), best->first)) best = at;
    }
    if (best == used_.end()) return std::nullopt;
    // In units of 1/weight, so that a heavier node gets more.
    best->first += 1'000'000 / std::max<std::uint32_t>(best->second->node.weight, 1);
    return best->second->node.id;
  }

 private:
  const ClusterMap& map_;
  std::vector<std::pair<std::uint64_t, const RosterEntry*>> used_;
};

/// Which nodes are up, for many questions about few nodes: buckets beside each other often have the same owner.
class UpNodes {
 public:
  explicit UpNodes(const ClusterMap& map) : map_(map) {}
  [[nodiscard]] bool contains(NodeId node) {
    if (node != last_) {
      last_ = node;
      last_is_up_ = map_.is_up(node);
    }
    return last_is_up_;
  }

 private:
  const ClusterMap& map_;
  NodeId last_;
  bool last_is_up_ = false;
};

/// A new owner could fetch from somebody, or there was never anything to fetch. Otherwise the one that is away is
/// waited for, however long: it may be all that is left of the bucket.
bool can_be_inherited(const ClusterMap& map, BucketId bucket) {
  bool any_ever = false;
  for (std::uint32_t j = 0; j < map.settings().min_redundancy; ++j) {
    const BucketId sibling = placement::by_distance(bucket, j);
    if (map.is_in_sync(sibling)) return true;
    any_ever = any_ever || map.cell(sibling).bucket_in_sync;
  }
  return !any_ever;
}

}  // namespace

void ChangeBatch::add(Role role, NodeId node, BucketId bucket) {
  const Key key{role, node};
  auto at = std::lower_bound(sets_.begin(), sets_.end(), key, [](const auto& e, const Key& k) { return e.first < k; });
  if (at == sets_.end() || at->first != key) at = sets_.insert(at, {key, BucketSet{}});
  at->second.add(bucket);
}

void ChangeBatch::flush(Reason reason, std::vector<wire::Change>& out) {
  // As many assignments in one transaction as an entry holds: in a large cluster each node gets a few buckets only.
  BucketsAssigned change{reason, {}};
  for (const auto& [key, set] : sets_)
    for (BucketSet& part : set.split(kSetBytesMax)) {
      change.assignments.push_back({key.role, key.node, std::move(part)});
      if (wire::encoded_bytes(wire::Change(change)) <= limits::kEntryBytesMax) continue;
      wire::Assignment last = std::move(change.assignments.back());
      change.assignments.pop_back();
      out.emplace_back(std::exchange(change, BucketsAssigned{reason, {std::move(last)}}));
    }
  if (!change.assignments.empty()) out.emplace_back(std::move(change));
  sets_.clear();
}

std::vector<wire::Change> Assigner::stand_ins(const ClusterMap& map, NodeId node) {
  StandInPicker picker(map, node);
  ChangeBatch batch;
  for_all_buckets([&](BucketId bucket) {
    const Cell& c = map.cell(bucket);
    const bool owner_goes = c.owner == node && !(c.new_owner && map.is_up(c.new_owner));
    const bool stand_in_goes = c.new_owner == node && c.state == BucketState::kStandIn;
    if (!owner_goes && !stand_in_goes) return;
    if (c.state == BucketState::kReleased) return;
    if (auto next = picker.pick(bucket)) batch.add(Role::kStandIn, *next, bucket);
  });
  std::vector<wire::Change> out;
  batch.flush(Reason::kFailure, out);
  return out;
}

const placement::Plan& Assigner::plan_for(const ClusterMap& map, const std::function<bool(NodeId)>& is_lost) {
  std::vector<placement::PlanNode> nodes;
  for (const RosterEntry& e : map.roster()) {
    const bool seen = e.incarnation.value != 0;  // added, but never yet up: it gets its share once it is
    const bool accepts = e.takes_share() && (e.up || !is_lost(e.node.id));
    if (seen) nodes.push_back({e.node.id, e.node.zone, e.node.weight, accepts});
  }
  auto same = [](const placement::PlanNode& a, const placement::PlanNode& b) {
    return a.id == b.id && a.zone == b.zone && a.weight == b.weight && a.accepts == b.accepts;
  };
  if (!plan_.owners.empty() && std::ranges::equal(nodes, planned_nodes_, same)) return plan_;
  std::vector<NodeId> owners(kBucketCount);
  for_all_buckets([&](BucketId bucket) {
    const Cell& c = map.cell(bucket);
    const bool inherited = c.new_owner && c.owner && !map.is_up(c.owner) && is_lost(c.owner);
    owners[bucket.value] = inherited ? c.new_owner : c.owner;
  });
  plan_ = placement::plan(nodes, owners);
  planned_nodes_ = std::move(nodes);
  return plan_;
}

std::vector<wire::Change> Assigner::next(const ClusterMap& map, const std::function<bool(NodeId)>& is_lost,
                                         std::size_t changes_max) {
  const placement::Plan& plan = plan_for(map, is_lost);
  std::map<NodeId, BucketSet> released;
  ChangeBatch let_go, lost, stand_ins, unowned, pairs, moves;
  std::map<NodeId, StandInPicker> pickers;
  std::vector<BucketId> misplaced;
  std::size_t moving = 0;
  bool all_owned = true;
  UpNodes owners_up(map);
  UpNodes targets_up(map);
  for_all_buckets([&](BucketId bucket) {
    const Cell& c = map.cell(bucket);
    const NodeId target = plan.owners[bucket.value];
    if (!c.owner) {
      all_owned = false;
      if (targets_up.contains(target)) unowned.add(Role::kOwner, target, bucket);
      return;
    }
    const bool up = owners_up.contains(c.owner);
    switch (c.state) {
      case BucketState::kReleased:
        released[c.new_owner].add(bucket);
        ++moving;
        break;
      case BucketState::kMoving:
        ++moving;
        break;
      case BucketState::kStandIn:
        // Its owner serves after all: NodeDown did not get into the log, because another coordinator came first.
        if (c.in_sync && up) let_go.add(Role::kNone, NodeId{}, bucket);
        break;
      case BucketState::kServing: {
        if (!up || c.owner == target || !targets_up.contains(target)) break;
        // Two copies on one node are no two copies: the new owner takes writes from now on, so these do not wait.
        const BucketId other(bucket.value ^ 1);
        const Cell& sibling = map.cell(other);
        const bool sibling_goes = sibling.new_owner || (other < bucket && plan.owners[other.value] != sibling.owner);
        const bool is_alone = sibling.owner == c.owner && !sibling_goes;
        if (is_alone) {
          pairs.add(Role::kNewOwner, target, bucket);
        } else {
          misplaced.push_back(bucket);
        }
        break;
      }
      default:
        break;
    }
    if (up) return;
    if (c.new_owner) {
      if (is_lost(c.owner) && can_be_inherited(map, bucket)) lost.add(Role::kOwner, c.new_owner, bucket);
      return;
    }
    if (auto node = pickers.try_emplace(c.owner, map, c.owner).first->second.pick(bucket))
      stand_ins.add(Role::kStandIn, *node, bucket);
  });

  std::vector<wire::Change> out;
  for (const auto& [node, buckets] : released)
    for (BucketSet& part : buckets.split(kSetBytesMax)) out.emplace_back(wire::BucketsMoved{node, std::move(part)});
  let_go.flush(Reason::kFailure, out);
  lost.flush(Reason::kLoss, out);
  stand_ins.flush(Reason::kFailure, out);
  if (all_owned) {  // nothing moves for balance while a bucket has nobody
    const std::size_t room = moving < kMovingMax ? kMovingMax - moving : 0;
    misplaced.resize(std::min(misplaced.size(), room));
    for (BucketId bucket : misplaced) moves.add(Role::kNewOwner, plan.owners[bucket.value], bucket);
  }
  unowned.flush(Reason::kBootstrap, out);
  if (all_owned) pairs.flush(Reason::kBalance, out);
  moves.flush(Reason::kBalance, out);
  if (out.size() > changes_max) out.resize(changes_max);
  return out;
}

}  // namespace brigade::cluster
