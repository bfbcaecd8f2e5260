// Whether all is well again: one group with all nodes in it, all buckets serving where they should be.
// Source: testing "Invariants" E4, P1, P3, R1.
#include "world.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "brigade/placement/planner.h"

namespace brigade::sim {

namespace {

/// Pairs are apart, on nodes or in zones, unless one of these has more than half of all buckets: then its excess is
/// not.
template <class Key>
bool are_apart(std::size_t together, const std::map<Key, double>& shares) {
  double excess = 0;
  for (const auto& [key, share] : shares) excess = std::max(excess, 2 * share - static_cast<double>(kBucketCount));
  return static_cast<double>(together) <= excess + 2;
}

/// Every bucket serves, everybody has its share, pairs are apart, and the planner wants no more: empty if so, else what
/// is not.
std::string unsettled_part(const cluster::ClusterMap& map) {
  std::map<NodeId, std::size_t> owned;
  std::vector<NodeId> owners(kBucketCount);
  std::size_t on_one_node = 0;
  std::size_t in_one_zone = 0;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const cluster::Cell& cell = map.cell(BucketId{static_cast<std::uint16_t>(i)});
    if (cell.state != cluster::BucketState::kServing || !cell.in_sync || cell.new_owner)
      return "bucket " + std::to_string(i) + " is " + std::string(wire::state_name(cell.state)) +
             (cell.in_sync ? "" : ", not in sync") + (cell.new_owner ? ", with a new owner" : "");
    ++owned[cell.owner];
    owners[i] = cell.owner;
    const NodeId other = map.cell(BucketId{static_cast<std::uint16_t>(i ^ 1)}).owner;
    const cluster::RosterEntry* node = map.node(cell.owner);
    const cluster::RosterEntry* sibling = map.node(other);
    if (cell.owner == other) ++on_one_node;
    if (node != nullptr && sibling != nullptr && node->node.zone == sibling->node.zone) ++in_one_zone;
  }
  std::vector<placement::PlanNode> nodes;
  for (const cluster::RosterEntry& e : map.roster())
    nodes.push_back({e.node.id, e.node.zone, e.node.weight, e.takes_share()});
  const std::vector<double> shares = placement::shares(nodes);
  std::map<NodeId, double> node_shares;
  std::map<std::string, double> zone_shares;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (std::abs(static_cast<double>(owned[nodes[n].id]) - shares[n]) > 1.0)
      return to_string(nodes[n].id) + " owns " + std::to_string(owned[nodes[n].id]) + " buckets, its share is " +
             std::to_string(shares[n]);
    node_shares[nodes[n].id] = shares[n];
    zone_shares[nodes[n].zone] += shares[n];
  }
  if (!are_apart(on_one_node, node_shares))
    return std::to_string(on_one_node) + " buckets are on the node of their pair's other";
  if (!are_apart(in_one_zone, zone_shares))
    return std::to_string(in_one_zone) + " buckets are in the zone of their pair's other";
  const std::uint32_t moves = placement::plan(nodes, owners).moves;
  return moves == 0 ? std::string() : std::to_string(moves) + " buckets would move by a new plan";
}

}  // namespace

bool World::has_settled() {
  const std::size_t leader = coordinator();
  if (leader == hosts_.size()) return false;
  const cluster::Member& lead = *hosts_[leader]->member;
  std::size_t wanted = 0;
  for (const auto& host : hosts_) {
    if (!host->wanted) continue;
    ++wanted;
    if (!host->is_running()) return false;
    const cluster::Member& m = *host->member;
    const cluster::RosterEntry* entry = lead.map().node(host->info.id);
    const bool well = m.epoch() == lead.epoch() && m.may_serve(host->clock.local(events_.now())) && m.is_whole() &&
                      m.last() == lead.last() && m.commit() == m.last().seq && entry != nullptr && entry->up &&
                      entry->incarnation == host->disk.incarnation() && entry->node.store == host->info.store;
    if (!well) return false;
  }
  if (options_.upgrading && lead.map().version() == wire::kProtocolVersion) return false;
  if (lead.map().roster().size() != wanted || lead.commit() == unsettled_at_) return false;
  if (unsettled_part(lead.map()).empty()) return true;
  unsettled_at_ = lead.commit();
  return false;
}

std::string World::why_not_settled() const {
  std::string why;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const Host& host = *hosts_[i];
    why += "\n  " + name_of(i) + ": ";
    if (!host.is_running()) {
      why += host.wanted ? "does not run" : "is not wanted";
      continue;
    }
    const cluster::Member& m = *host.member;
    const cluster::RosterEntry* entry = log_checker_.reference().node(host.info.id);
    std::map<cluster::BucketState, std::size_t> states;
    for (std::size_t b = 0; b < kBucketCount; ++b) {
      const cluster::Cell& cell = m.map().cell(BucketId{static_cast<std::uint16_t>(b)});
      if (cell.owner == host.info.id) ++states[cell.state];
    }
    why += "state " + std::to_string(static_cast<int>(m.state())) + ", epoch " + to_string(m.epoch()) + ", promised " +
           to_string(m.promised()) + ", log to " + to_string(m.last()) + ", commit " + to_string(m.commit()) +
           (m.may_serve(host.clock.local(events_.now())) ? ", serves" : ", does not serve") +
           (m.is_whole() ? "" : ", log damaged") +
           (entry == nullptr ? ", not in the roster"
            : entry->up      ? ", up"
                             : ", down");
    if (entry != nullptr && entry->incarnation != host.disk.incarnation()) why += " in another life";
    if (entry != nullptr && entry->node.store != host.info.store) why += " with a store that it has no more";
    for (const auto& [state, count] : states)
      why += ", " + std::to_string(count) + " " + std::string(wire::state_name(state));
  }
  const std::string part = unsettled_part(log_checker_.reference());
  return part.empty() ? why : why + "\n  what is committed: " + part;
}

}  // namespace brigade::sim
