// The committed log of a promise run: a map for every seq.  Source: design §4 Log.
// Concept: nodes lag by looking at the map of an earlier seq; copies of maps share what is equal.
// Thread:  one owner.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/placement/replicas.h"
#include "brigade/wire/transaction.h"

namespace brigade::sim {

class PromiseLog {
 public:
  explicit PromiseLog(std::size_t nodes);

  Seq append(wire::Change change);
  [[nodiscard]] Seq last() const { return maps_.back().map.seq(); }
  [[nodiscard]] const cluster::ClusterMap& newest() const { return maps_.back().map; }
  [[nodiscard]] const cluster::ClusterMap& at(Seq seq) const { return maps_[seq.value].map; }

  /// The last transaction that could have added a node, or a new life of a node, to the replicas of this object.
  [[nodiscard]] Seq replicas_since(Seq at, const ObjectId& id, placement::Level level) const;
  /// The transaction that told of this node's present life.
  [[nodiscard]] Seq life_since(Seq at, NodeId node) const { return maps_[at.value].lives[node.value - 1]; }

 private:
  struct State {
    cluster::ClusterMap map;
    std::vector<Seq> lives;  ///< by node
  };
  std::deque<State> maps_;  ///< by seq
};

}  // namespace brigade::sim
