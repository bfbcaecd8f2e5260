// The committed log of a promise run: a map for every seq.  Source: design §4 Log.
// Concept: nodes lag by looking at the map of an earlier seq; copies of maps share what is equal.
// Thread:  one owner.
#pragma once

#include <cstddef>
#include <deque>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/placement/replicas.h"
#include "brigade/wire/transaction.h"

namespace brigade::sim {

class PromiseLog {
 public:
  PromiseLog();

  Seq append(wire::Change change);
  [[nodiscard]] Seq last() const { return maps_.back().map.seq(); }
  [[nodiscard]] const cluster::ClusterMap& newest() const { return maps_.back().map; }
  [[nodiscard]] const cluster::ClusterMap& at(Seq seq) const { return maps_[seq.value].map; }

  /// The last transaction that could have added a node, or a new life of a node, to the replicas of this object.
  [[nodiscard]] Seq replicas_since(Seq at, const ObjectId& id, placement::Level level) const;
  /// The view, if new lives of nodes that had not been missed did not begin one.
  [[nodiscard]] Seq view_but_lives(Seq at) const { return maps_[at.value].view_but_lives; }

 private:
  struct State {
    cluster::ClusterMap map;
    Seq view_but_lives;
  };
  std::deque<State> maps_;  ///< by seq
};

}  // namespace brigade::sim
