// Buckets that the map lets this node serve, and that it does not serve all the same.
// Concept: what was given up before the log says so (design §5 "Moving a bucket"), and what a failed disk had a part
// of.
//          A read asks just before its answer leaves; one that began before the change may still leave, as one that
//          began before a write may miss it.
// Thread:  changes, and what returns the maps themselves, belong to the data plane's executor; holds_back() to any.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "brigade/base/ids.h"
#include "brigade/cluster/cluster_map.h"

namespace brigade::node {

class Withheld {
 public:
  struct Buckets {
    /// Not served since before the log says so, with the assignment of the new owner for whom.
    std::map<BucketId, Seq> released;
    /// Of which a failed disk had a part, whole families of them, for the parts that this node had in a map up to that
    /// seq. Not filled either, until none of a family is missed any more (disks.h).
    std::map<BucketId, Seq> emptied;
    bool is_whole = true;  ///< false: some disk is not here, and `emptied` is not known yet
  };

  [[nodiscard]] const Buckets& now() const { return buckets_; }
  template <class F>
  void change(F&& f) {
    const std::unique_lock lock(mutex_);
    std::forward<F>(f)(buckets_);
    any_ = !buckets_.is_whole || !buckets_.released.empty() || !buckets_.emptied.empty();
  }

  /// It is not to be served, although `map` may say that `self` serves it.
  [[nodiscard]] bool holds_back(const cluster::ClusterMap& map, NodeId self, BucketId bucket) const;
  /// Something of it was lost with a disk, and `map` does not say so yet. The data plane's executor.
  [[nodiscard]] bool is_emptied(const cluster::ClusterMap& map, NodeId self, BucketId bucket) const;

 private:
  Buckets buckets_;
  mutable std::shared_mutex mutex_;
  std::atomic<bool> any_{false};  ///< so that a read seldom needs the lock
};

}  // namespace brigade::node
