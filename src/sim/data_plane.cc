#include "data_plane.h"

#include <utility>

namespace brigade::sim {

namespace {
constexpr std::size_t kReportSetBytes = 1000;
}

BucketSet DataPlane::on_map(const cluster::ClusterMap& map) {
  BucketSet concerned;
  std::erase_if(released_, [&](const auto& r) {
    const bool stands = is_released(map.cell(r.first), r.first);
    if (!stands) concerned.add(r.first);
    return !stands;
  });
  std::erase_if(lost_, [&](const auto& l) {
    const bool stands = is_lost(map.cell(l.first), l.first);
    if (!stands) concerned.add(l.first);
    return !stands;
  });
  return concerned;
}

void DataPlane::lose(const BucketSet& buckets, const cluster::ClusterMap& map) {
  buckets.for_each([&](BucketId bucket) { lost_[bucket] = map.seq(); });
}

std::vector<wire::Report> DataPlane::look(const cluster::ClusterMap& map, BucketSet& released) {
  std::map<Seq, BucketSet> lost;
  for (const auto& [bucket, seq] : lost_) lost[seq].add(bucket);
  BucketSet filled;
  BucketSet to_release;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    const cluster::Cell& cell = map.cell(bucket);
    if (cell.state == cluster::BucketState::kServing) continue;  // nothing to be said, of most
    const bool fills_as_owner = cell.owner == self_ && !cell.in_sync && cell.state != cluster::BucketState::kReleased;
    const bool fills_as_new =
        cell.new_owner == self_ && cell.state == cluster::BucketState::kMoving && !cell.new_filled;
    if ((fills_as_owner || fills_as_new) && !is_lost(cell, bucket)) filled.add(bucket);
    if (!is_releasable(cell)) continue;
    to_release.add(bucket);
    if (forgets_ || is_released(cell, bucket)) continue;
    released_[bucket] = cell.new_assigned;
    released.add(bucket);
  }
  std::vector<wire::Report> reports;
  auto say = [&](wire::ReportKind kind, Seq as_of, const BucketSet& buckets) {
    for (BucketSet& part : buckets.split(kReportSetBytes)) reports.push_back({kind, as_of, std::move(part), self_});
  };
  for (const auto& [seq, buckets] : lost) say(wire::ReportKind::kEmptied, seq, buckets);
  say(wire::ReportKind::kFilled, map.seq(), filled);
  say(wire::ReportKind::kReleased, map.seq(), to_release);
  return reports;
}

}  // namespace brigade::sim
