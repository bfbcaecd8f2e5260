#include "promise_log.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

PromiseLog::PromiseLog(std::size_t nodes) {
  maps_.push_back({cluster::ClusterMap(ClusterId{1}), std::vector<Seq>(nodes)});
}

Seq PromiseLog::append(wire::Change change) {
  State state = maps_.back();
  const Seq seq = next(state.map.seq());
  if (const auto* up = std::get_if<wire::NodeUp>(&change)) {
    const auto* entry = state.map.node(up->node.id);
    if (entry != nullptr && entry->incarnation != up->incarnation) state.lives[up->node.id.value - 1] = seq;
  }
  state.map.apply({Epoch{1, NodeId{1}}, seq, std::move(change)});
  maps_.push_back(std::move(state));
  return seq;
}

Seq PromiseLog::replicas_since(Seq at, const ObjectId& id, placement::Level level) const {
  const auto set = replication::replica_set(this->at(at), id, level);
  Seq since = set.since;
  for (NodeId node : set.live) since = std::max(since, life_since(at, node));
  return since;
}

}  // namespace brigade::sim
