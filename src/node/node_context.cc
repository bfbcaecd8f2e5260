#include "node_context.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "brigade/replication/placement_view.h"

namespace brigade::node {

bool NodeContext::serves(const cluster::ClusterMap& map, BucketId bucket) const {
  if (!replication::serves(map, self, bucket) || !is_whole || is_emptied(map, bucket)) return false;
  auto at = released.find(bucket);
  if (at == released.end()) return true;
  // If that new owner went away before it took over, the bucket is this node's to serve again.
  const cluster::Cell& cell = map.cell(bucket);
  return !cell.new_owner || cell.new_assigned != at->second;
}

bool NodeContext::is_emptied(const cluster::ClusterMap& map, BucketId bucket) const {
  if (emptied.empty()) return false;
  const auto at = emptied.find(bucket);
  if (at == emptied.end()) return false;
  const cluster::Cell& cell = map.cell(bucket);
  return (cell.owner == self && cell.assigned <= at->second) ||
         (cell.new_owner == self && cell.new_assigned <= at->second);
}

bool NodeContext::has_newcomer(const cluster::ClusterMap& map) {
  const auto now = std::chrono::steady_clock::now();
  if (idle_seen_ != map.seq()) {
    idle_seen_ = map.seq();
    std::map<NodeId, std::chrono::steady_clock::time_point> idle;
    for (const cluster::RosterEntry& entry : map.roster())
      if (entry.up && !entry.draining) idle[entry.node.id] = now;
    for (std::size_t i = 0; i < kBucketCount && !idle.empty(); ++i) {
      const cluster::Cell& cell = map.cell(BucketId{static_cast<std::uint16_t>(i)});
      idle.erase(cell.owner);
      idle.erase(cell.new_owner);
    }
    for (auto& [node, since] : idle)
      if (const auto before = idle_.find(node); before != idle_.end()) since = before->second;
    idle_ = std::move(idle);
  }
  // Whoever still has nothing after that has too little weight to get anything.
  return std::ranges::any_of(idle_, [&](const auto& i) { return now - i.second < std::chrono::seconds{10}; });
}

bool NodeContext::holds_copy(const cluster::ClusterMap& map, const ObjectId& id) const {
  const auto held = store.find(id);
  if (!held || held->tombstone || held->corrupt) return false;
  for (std::uint32_t j = 0; j < placement::Level{held->level}.redundancy(); ++j)
    if (serves(map, placement::by_distance(placement::home_bucket(id), j))) return true;
  return false;
}

asio::awaitable<void> NodeContext::wait_for_view(std::chrono::steady_clock::time_point deadline) {
  asio::steady_timer timer(executor, deadline);
  // Views come from another thread; short turns of an own timer need no hand-over and end by themselves.
  const auto before = control.view();
  constexpr auto kTurn = std::chrono::milliseconds{5};
  while (control.view() == before && std::chrono::steady_clock::now() < deadline) {
    timer.expires_at(std::min(deadline, std::chrono::steady_clock::now() + kTurn));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<bool> NodeContext::wait_for_seq(Seq seq, std::chrono::steady_clock::time_point deadline) {
  while (control.view()->map.seq() < seq) {
    if (std::chrono::steady_clock::now() >= deadline) co_return false;
    co_await wait_for_view(deadline);
  }
  co_return true;
}

asio::awaitable<bool> NodeContext::may_serve_soon() {
  constexpr std::chrono::milliseconds kLagMax{200};
  const auto deadline = std::chrono::steady_clock::now() + kLagMax;
  while (!control.may_serve()) {
    const auto now = std::chrono::steady_clock::now();
    if (view()->state != cluster::State::kNormal || now >= deadline) co_return false;
    co_await pause_for(std::chrono::milliseconds{2});
  }
  co_return true;
}

std::string NodeContext::peer_address(const cluster::ClusterMap& map, NodeId node) {
  const cluster::RosterEntry* entry = map.node(node);
  return entry == nullptr ? std::string() : entry->node.peer;
}

std::string NodeContext::name_of(const cluster::ClusterMap& map, NodeId node) {
  const cluster::RosterEntry* entry = map.node(node);
  return entry == nullptr ? to_string(node) : entry->node.name;
}

void NodeContext::complain_about(NodeId node, Seq as_of) {
  wire::Report report;
  report.kind = wire::ReportKind::kUnreachable;
  report.as_of = as_of;
  report.node = node;
  control.report(std::move(report));
}

}  // namespace brigade::node
