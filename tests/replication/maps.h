// Maps for tests, made as the log makes them.
#pragma once

#include <string>
#include <utility>

#include "brigade/cluster/cluster_map.h"
#include "brigade/wire/transaction.h"

namespace brigade::replication::testing {

/// A map and the next seq, so that a test reads as a list of transactions.
class MapMaker {
 public:
  MapMaker() : map_(ClusterId{1}) {}

  MapMaker& apply(wire::Change change) {
    map_.apply({Epoch{1, NodeId{1}}, next(map_.seq()), std::move(change)});
    return *this;
  }
  /// Added and up.
  MapMaker& node(std::uint64_t id, const std::string& zone = "") {
    wire::NodeInfo info{NodeId{id}, "n" + std::to_string(id), zone, 1, "127.0.0.1:80", "127.0.0.1:81", StoreId{id}};
    apply(wire::NodeAdded{info});
    return apply(wire::NodeUp{info, Incarnation{1}});
  }
  MapMaker& up(std::uint64_t id) { return apply(wire::NodeUp{map_.node(NodeId{id})->node, Incarnation{2}}); }
  MapMaker& down(std::uint64_t id) { return apply(wire::NodeDown{NodeId{id}}); }
  MapMaker& assign(wire::Role role, std::uint64_t node, std::uint16_t bucket) {
    return apply(
        wire::BucketsAssigned{wire::Reason::kOperator, {{role, NodeId{node}, BucketSet::of(BucketId{bucket})}}});
  }
  MapMaker& filled(std::uint64_t node, std::uint16_t bucket) {
    return apply(wire::BucketsFilled{NodeId{node}, BucketSet::of(BucketId{bucket})});
  }
  /// Owned and in sync.
  MapMaker& serving(std::uint64_t node, std::uint16_t bucket) {
    return assign(wire::Role::kOwner, node, bucket).filled(node, bucket);
  }

  [[nodiscard]] const cluster::ClusterMap& map() const { return map_; }

 private:
  cluster::ClusterMap map_;
};

/// An id whose home is `bucket`.
inline ObjectId id_in(std::uint16_t bucket) {
  return ObjectId{std::uint64_t{bucket} << 48 | 7, 9};
}

}  // namespace brigade::replication::testing
