// Leases, seen from outside with true time.  Source: design §4 Leases; testing E2, Q4.
// Concept: at any moment at most one node holds a valid lease as coordinator; a member's lease ends before the one that
//          granted it, and while a lease of one group runs no other group has one.
// Thread:  one owner.
#pragma once

#include "verdict.h"

#include <map>
#include <vector>

namespace brigade::sim {

class LeaseChecker {
 public:
  explicit LeaseChecker(std::size_t nodes) : granted_by_(nodes) {}
  /// `node` has taken a step.
  void note(std::size_t node, const Host& host);
  /// Looks at all of them.
  void check(Moment now, const Hosts& hosts, Verdict& verdict);
  /// The node has crashed: its lease is gone.
  void forget(std::size_t node) { granted_by_[node] = Epoch{}; }

 private:
  std::map<Epoch, Moment> coordinator_until_;  ///< the latest end that was seen
  std::vector<Epoch> granted_by_;              ///< per node: the group that it was last in
};

}  // namespace brigade::sim
