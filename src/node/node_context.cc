#include "node_context.h"

#include "record_fields.h"

#include <algorithm>
#include <utility>

namespace brigade::node {

DataStats NodeContext::total_stats() const {
  DataStats total = stats;
  for (const DataStats* other : stats_of_read_loops) total += *other;
  return total;
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

void NodeContext::complain_about(NodeId node, Seq as_of) {
  constexpr std::chrono::milliseconds kRepeat{100};
  const auto now = std::chrono::steady_clock::now();
  auto& [last, when] = complaints_[node];
  if (last == as_of && now - when < kRepeat) return;
  last = as_of;
  when = now;
  wire::Report report;
  report.kind = wire::ReportKind::kUnreachable;
  report.as_of = as_of;
  report.node = node;
  control.report(std::move(report));
}

}  // namespace brigade::node
