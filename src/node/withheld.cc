#include "withheld.h"

namespace brigade::node {

bool Withheld::is_emptied(const cluster::ClusterMap& map, NodeId self, BucketId bucket) const {
  const auto at = buckets_.emptied.find(bucket);
  if (at == buckets_.emptied.end()) return false;
  const cluster::Cell& cell = map.cell(bucket);
  return (cell.owner == self && cell.assigned <= at->second) ||
         (cell.new_owner == self && cell.new_assigned <= at->second);
}

bool Withheld::holds_back(const cluster::ClusterMap& map, NodeId self, BucketId bucket) const {
  if (!any_) return false;
  const std::shared_lock lock(mutex_);
  if (!buckets_.is_whole || is_emptied(map, self, bucket)) return true;
  const auto at = buckets_.released.find(bucket);
  if (at == buckets_.released.end()) return false;
  // If that new owner went away before it took over, the bucket is this node's to serve again.
  const cluster::Cell& cell = map.cell(bucket);
  return cell.new_owner && cell.new_assigned == at->second;
}

}  // namespace brigade::node
