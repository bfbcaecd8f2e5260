#include "operator_losses.h"

#include "node_context.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <boost/json/array.hpp>

#include "brigade/replication/filling.h"

namespace brigade::node {
namespace {

namespace json = boost::json;

constexpr std::size_t kToldMax = 1000;

/// When the last of all whose content the bucket may need ceased to be in sync.
Seq lost_at(const cluster::ClusterMap& map, BucketId bucket) {
  Seq last;
  for (std::uint32_t j = 0; j < placement::Level{placement::kLevelCount - 1}.redundancy(); ++j)
    last = std::max(last, map.cell(placement::by_distance(bucket, j)).bucket_in_sync);
  return last;
}

BucketSet all_lost(const cluster::ClusterMap& map) {
  BucketSet lost;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    if (replication::is_lost(map, bucket)) lost.add(bucket);
  }
  return lost;
}

}  // namespace

json::object losses_json(const cluster::ClusterMap& map) {
  const BucketSet lost = all_lost(map);
  json::array told;
  lost.for_each([&](BucketId bucket) {
    if (told.size() == kToldMax) return;
    const cluster::Cell& cell = map.cell(bucket);
    told.push_back(json::object{{"bucket", bucket.value},
                                {"node", NodeContext::name_of(map, cell.owner)},
                                {"up", map.is_up(cell.owner)},
                                {"complete_until", cell.owner_in_sync.value},
                                {"lost_at", lost_at(map, bucket).value}});
  });
  return {{"seq", map.seq().value}, {"count", lost.size()}, {"buckets", std::move(told)}};
}

Result<BucketSet> accepted_losses(const cluster::ClusterMap& map, const std::optional<BucketSet>& wanted) {
  if (!wanted) {
    BucketSet lost = all_lost(map);
    if (lost.empty()) return Error{Errc::kNotFound, "nothing is lost: no bucket waits for a node that is away"};
    return lost;
  }
  std::optional<BucketId> other;
  wanted->for_each([&](BucketId bucket) {
    if (!other && !replication::is_lost(map, bucket)) other = bucket;
  });
  if (other)
    return Error{Errc::kConflict,
                 "nothing of bucket " + to_string(*other) + " is lost: it is served, or will be filled from a sibling"};
  return *wanted;
}

}  // namespace brigade::node
