#include "serving_checker.h"

#include <bit>

namespace brigade::sim {

namespace {

BucketId bucket_at(std::size_t i) {
  return BucketId{static_cast<std::uint16_t>(i)};
}

bool touches_all(const wire::LogEntry& entry) {
  return std::holds_alternative<wire::NodeUp>(entry.change) || std::holds_alternative<wire::NodeDown>(entry.change) ||
         std::holds_alternative<wire::NodeRemoved>(entry.change);
}

}  // namespace

template <class F>
void ServingChecker::for_touched(const wire::LogEntry& entry, F&& f) {
  if (const auto* assigned = std::get_if<wire::BucketsAssigned>(&entry.change)) {
    for (const wire::Assignment& a : assigned->assignments) a.buckets.for_each(f);
  } else if (const auto* filled = std::get_if<wire::BucketsFilled>(&entry.change)) {
    filled->buckets.for_each(f);
  } else if (const auto* released = std::get_if<wire::BucketsReleased>(&entry.change)) {
    released->buckets.for_each(f);
  } else if (const auto* moved = std::get_if<wire::BucketsMoved>(&entry.change)) {
    moved->buckets.for_each(f);
  } else if (const auto* emptied = std::get_if<wire::BucketsEmptied>(&entry.change)) {
    emptied->buckets.for_each(f);
  } else if (const auto* accepted = std::get_if<wire::LossAccepted>(&entry.change)) {
    accepted->buckets.for_each(f);
  }
}

ServingChecker::ServingChecker(const cluster::ClusterMap& reference, const Hosts& hosts) : nodes_(hosts.size()) {
  for (std::size_t n = 0; n < hosts.size(); ++n)
    for (std::size_t i = 0; i < kBucketCount; ++i) {
      const cluster::Cell& cell = reference.cell(bucket_at(i));
      nodes_[n].given.set(bucket_at(i), cell.in_sync && cell.owner == hosts[n]->info.id);
    }
}

void ServingChecker::on_reference(const cluster::ClusterMap& reference, const Hosts& hosts,
                                  const std::vector<wire::LogEntry>& entries, std::size_t fresh) {
  for (std::size_t n = 0; n < hosts.size(); ++n) {
    const NodeId id = hosts[n]->info.id;
    PerNode& node = nodes_[n];
    auto look = [&](BucketId bucket) {
      const cluster::Cell& cell = reference.cell(bucket);
      node.given.set(bucket, cell.in_sync && cell.owner == id);
    };
    for (std::size_t e = entries.size() - fresh; e < entries.size(); ++e) {
      if (!touches_all(entries[e])) {
        for_touched(entries[e], look);
        continue;
      }
      for (std::size_t i = 0; i < kBucketCount; ++i) look(bucket_at(i));
      break;  // by the map with all entries applied
    }
    node.changed = true;
  }
}

void ServingChecker::on_committed(std::size_t node, const Host& host, const std::vector<wire::LogEntry>& entries) {
  for (const wire::LogEntry& entry : entries)
    if (touches_all(entry)) {
      on_whole_map(node, host);
      return;
    }
  const cluster::ClusterMap& map = host.member->map();
  auto look = [&](BucketId bucket) { nodes_[node].claimed.set(bucket, host.data.serves(map, bucket)); };
  for (const wire::LogEntry& entry : entries) for_touched(entry, look);
  nodes_[node].changed = true;
}

void ServingChecker::on_buckets(std::size_t node, const Host& host, const BucketSet& buckets) {
  buckets.for_each([&](BucketId b) { nodes_[node].claimed.set(b, host.data.serves(host.member->map(), b)); });
  nodes_[node].changed = true;
}

void ServingChecker::on_whole_map(std::size_t node, const Host& host) {
  const cluster::ClusterMap& map = host.member->map();
  for (std::size_t i = 0; i < kBucketCount; ++i)
    nodes_[node].claimed.set(bucket_at(i), host.data.serves(map, bucket_at(i)));
  nodes_[node].changed = true;
}

void ServingChecker::check(Moment now, const cluster::ClusterMap& reference, const Hosts& hosts, Verdict& verdict) {
  for (std::size_t n = 0; n < hosts.size(); ++n) {
    PerNode& node = nodes_[n];
    const Host& host = *hosts[n];
    if (!host.is_running()) continue;
    if (node.changed) {
      node.changed = false;
      node.beyond = false;
      for (std::size_t w = 0; w < node.claimed.words.size() && !node.beyond; ++w) {
        const std::uint64_t lost = node.claimed.words[w] & ~node.given.words[w];
        if (lost == 0) continue;
        node.beyond = true;
        node.example = bucket_at(w * 64 + static_cast<std::size_t>(std::countr_zero(lost)));
      }
    }
    const NodeId id = host.info.id;
    const bool thinks_up = host.member->map().is_up(id);
    if ((!node.beyond && (!thinks_up || reference.is_up(id))) || !host.member->may_serve(host.clock.local(now)))
      continue;
    if (thinks_up && !reference.is_up(id))
      verdict.fail(name_of(n) + " serves, but is declared down");
    else
      verdict.fail(name_of(n) + " serves bucket " + to_string(node.example) +
                   ", which the committed log has taken from it (its map is at " + to_string(host.member->commit()) +
                   ")");
  }
}

}  // namespace brigade::sim
