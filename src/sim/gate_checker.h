// What a message claims must be on the sender's disk.  Source: design §4 "What must be on disk before a message
// leaves"; testing E2, Q1.  Thread: one owner.
#pragma once

#include "verdict.h"

#include <map>
#include <vector>

namespace brigade::sim {

class GateChecker {
 public:
  explicit GateChecker(std::size_t nodes) : announced_(nodes) {}
  void on_send(std::size_t node, const Host& host, const wire::Message& message, Verdict& verdict);

 private:
  /// The highest epoch that a node has told others that it promised; kept over its restarts.
  std::vector<Epoch> announced_;
  std::map<std::pair<Epoch, NodeId>, Incarnation> led_;  ///< who formed a group, in which life: numbers are used once
};

}  // namespace brigade::sim
