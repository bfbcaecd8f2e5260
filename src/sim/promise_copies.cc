#include "promise_copies.h"

#include <algorithm>
#include <set>
#include <string>

namespace brigade::sim {

namespace {

/// Calls f(node, when it got its part) for each live replica by `map`; for all of them if some are the same node.
template <class F>
void for_live(const cluster::ClusterMap& map, std::size_t key, placement::Level level, F&& f) {
  const auto home = placement::home_bucket(PromiseWorld::object(key)).value;
  for (std::size_t bucket = 0; bucket < kPromiseBuckets; ++bucket) {
    if ((bucket ^ home) >= level.redundancy()) continue;
    const cluster::Cell& cell = map.cell(BucketId{static_cast<std::uint16_t>(bucket)});
    for (const auto& [node, assigned] : {std::pair{cell.owner, cell.assigned}, {cell.new_owner, cell.new_assigned}})
      if (node && map.is_up(node)) f(node, std::max(assigned, map.node(node)->changed));
  }
}

}  // namespace

void check_copies(PromiseWorld& world, const PromiseNode& primary, std::size_t key, Revision revision,
                  placement::Level level) {
  const std::string claim = "key " + std::to_string(key) + " is acknowledged with revision " + to_string(revision);
  // Those that have had their part since then, and still have it.
  std::set<NodeId> bound;
  for_live(world.log.newest(), key, level, [&](NodeId node, Seq since) {
    if (since <= primary.applied) bound.insert(node);
  });
  const auto lacks = [&](NodeId id) {
    const PromiseNode& node = world.node(id);
    const bool exchanged = world.map(primary).node(id)->node.store != node.disk;
    return bound.contains(id) && !exchanged && !(node.store[key] && node.store[key]->revision >= revision);
  };
  for (NodeId id : bound)
    if (lacks(id))
      world.judge.found(world.now(), claim + ", and n" + std::to_string(id.value) + ", a live replica, lacks it");
  // Whoever is bound no longer may have dropped it since.
  std::set<NodeId> copies;
  std::set<NodeId> owners;
  for_live(world.map(primary), key, level, [&](NodeId node, Seq) { copies.insert(node); });
  std::erase_if(copies, lacks);
  const auto home = placement::home_bucket(PromiseWorld::object(key)).value;
  for (std::size_t bucket = 0; bucket < kPromiseBuckets; ++bucket)
    if (const NodeId owner = world.map(primary).cell(BucketId{static_cast<std::uint16_t>(bucket)}).owner;
        owner && (bucket ^ home) < level.redundancy())
      owners.insert(owner);
  const auto needed = std::min<std::size_t>(world.map(primary).settings().write_copies, owners.size());
  if (copies.size() < needed)
    world.judge.found(world.now(),
                      claim + " and has " + std::to_string(copies.size()) + " copies of " + std::to_string(needed));
}

void check_contents(PromiseWorld& world, const PromiseNode& node, std::size_t key) {
  const auto& here = node.store[key];
  for (const PromiseNode& other : world.nodes) {
    const auto& there = other.store[key];
    if (!here || !there || here->revision != there->revision) continue;
    if (here->op != there->op || here->tombstone != there->tombstone)
      world.judge.found(world.now(), "key " + std::to_string(key) + " has two contents of revision " +
                                         to_string(here->revision) + ", op " + std::to_string(here->op) + " on n" +
                                         std::to_string(node.id.value) + " and op " + std::to_string(there->op) +
                                         " on n" + std::to_string(other.id.value));
  }
}

}  // namespace brigade::sim
