// What was written here since this node got its present parts: no leftovers, whatever an older list of a sibling says.
// Source: design §5 Filling.
// Thread:  the data plane's executor.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "brigade/base/ids.h"

namespace brigade::node {

class FreshWrites {
 public:
  /// `applied`: this node's map at that moment.
  void note(const ObjectId& id, Seq applied) {
    if (applied > settled_) written_[id] = applied;
  }
  [[nodiscard]] bool written_since(const ObjectId& id, Seq began) const {
    const auto at = written_.find(id);
    return at != written_.end() && at->second >= began;
  }
  /// By that map this node fills nothing. A part that it gets later begins later, too.
  void settle(Seq as_of) {
    settled_ = std::max(settled_, as_of);
    if (!written_.empty()) std::erase_if(written_, [&](const auto& w) { return w.second <= settled_; });
  }

  /// Being forgotten just now: a write waits, so that it can't find a record that is about to go.
  std::unordered_multiset<ObjectId> going;

 private:
  std::unordered_map<ObjectId, Seq> written_;
  Seq settled_;
};

}  // namespace brigade::node
