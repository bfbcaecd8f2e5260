#include "founding.h"

#include <algorithm>
#include <vector>

#include "brigade/base/prng.h"
#include "brigade/placement/planner.h"

namespace brigade::sim {

wire::NodeInfo node_info(std::size_t index) {
  wire::NodeInfo info;
  info.id = NodeId{Prng(index + 1).next() | 1};
  info.name = "n" + std::to_string(index);
  info.zone = "z" + std::to_string(index % 3);
  info.client = info.name + ".example:8080";
  info.peer = info.name + ".example:8081";
  info.store = StoreId{index + 1};
  return info;
}

std::shared_ptr<const wire::Snapshot> founded(const Options& options) {
  auto snapshot = std::make_shared<wire::Snapshot>();
  const wire::NodeInfo first = node_info(0);
  snapshot->cluster = kCluster;
  snapshot->last = {{1, first.id}, Seq{1}};
  snapshot->roster_seq = Seq{1};
  snapshot->view = Seq{1};
  snapshot->roster = {{first, Incarnation{}, true, Seq{1}, Seq{1}}};
  snapshot->settings = options.settings;
  snapshot->cells.resize(kBucketCount);
  return snapshot;
}

std::shared_ptr<const wire::Snapshot> settled(const Options& options) {
  std::vector<wire::NodeInfo> roster;
  for (std::size_t i = 0; i + options.spares < options.nodes; ++i) roster.push_back(node_info(i));
  return settled_roster(roster, options.settings);
}

std::shared_ptr<const wire::Snapshot> settled_roster(const std::vector<wire::NodeInfo>& roster,
                                                     const std::map<std::string, std::string>& settings) {
  auto snapshot = std::make_shared<wire::Snapshot>();
  snapshot->cluster = kCluster;
  snapshot->last = {{1, roster.front().id}, Seq{1}};
  snapshot->roster_seq = Seq{1};
  snapshot->view = Seq{1};
  snapshot->settings = settings;
  snapshot->cells.resize(kBucketCount);
  std::vector<placement::PlanNode> nodes;
  for (const wire::NodeInfo& info : roster) {
    snapshot->roster.push_back({info, Incarnation{1}, true, Seq{1}, Seq{1}});
    nodes.push_back({info.id, info.zone, info.weight, true});
  }
  std::ranges::sort(snapshot->roster, {}, [](const wire::RosterEntry& e) { return e.node.id; });
  const placement::Plan plan = placement::plan(nodes, std::vector<NodeId>(kBucketCount));
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    wire::Cell& cell = snapshot->cells[i];
    cell.owner = plan.owners[i];
    cell.assigned = Seq{1};
    cell.state = wire::BucketState::kServing;
    cell.in_sync = true;
  }
  return snapshot;
}

Beginning beginning(const Options& options) {
  Beginning start;
  for (std::size_t i = 0; i < options.nodes; ++i) start.machines.push_back(node_info(i));
  start.snapshot = options.joining ? founded(options) : settled(options);
  return start;
}

}  // namespace brigade::sim
