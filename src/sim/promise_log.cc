#include "promise_log.h"

#include <utility>
#include <variant>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

PromiseLog::PromiseLog() {
  maps_.push_back({cluster::ClusterMap(ClusterId{1}), Seq{}});
}

Seq PromiseLog::append(wire::Change change) {
  State state = maps_.back();
  const Seq seq = next(state.map.seq());
  const auto* up = std::get_if<wire::NodeUp>(&change);
  const auto* entry = up != nullptr ? state.map.node(up->node.id) : nullptr;
  const bool was_missed = entry == nullptr || !entry->up || entry->node.store != up->node.store;
  state.map.apply({Epoch{1, NodeId{1}}, seq, std::move(change)});
  if (state.map.view() == seq && was_missed) state.view_but_lives = seq;
  maps_.push_back(std::move(state));
  return seq;
}

Seq PromiseLog::replicas_since(Seq at, const ObjectId& id, placement::Level level) const {
  return replication::replica_set(this->at(at), id, level).since;
}

}  // namespace brigade::sim
