// From a key to the nodes to ask, and from a stream of bytes to a bucket map.  Goals: under 100 ns for the first, under
// 50 ms for the second, with all buckets (design §8).
//
// The reference of `locate` is the hash of the key, without which there is nothing to look up: the counter `x_hash`
// says how many times as long it takes, hash included.
#include <chrono>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "brigade/base/checksum.h"
#include "brigade/base/prng.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/replication/placement_view.h"
#include "brigade/wire/codec.h"

namespace brigade {
namespace {

/// Every bucket in sync at one of `count` nodes.
cluster::ClusterMap map_of(std::int64_t count) {
  cluster::ClusterMap map(ClusterId{1});
  const Epoch epoch{1, NodeId{1}};
  const auto apply = [&](wire::Change change) { map.apply({epoch, next(map.seq()), std::move(change)}); };
  Prng prng(1);
  std::vector<NodeId> nodes;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string name = "n" + std::to_string(i);
    wire::NodeInfo info{NodeId{prng.next()}, name, "", 1, "10.0.0.1:8080", "10.0.0.1:8081", StoreId{1}};
    nodes.push_back(info.id);
    apply(wire::NodeAdded{info});
    apply(wire::NodeUp{info, Incarnation{1}});
  }
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    BucketSet buckets;
    for (std::size_t b = n; b < kBucketCount; b += nodes.size()) buckets.add(BucketId{static_cast<std::uint16_t>(b)});
    apply(wire::BucketsAssigned{wire::Reason::kOperator, {{wire::Role::kOwner, nodes[n], buckets}}});
    apply(wire::BucketsFilled{nodes[n], buckets});
  }
  return map;
}

std::vector<std::string> keys() {
  Prng prng(2);
  std::vector<std::string> keys;
  for (int i = 0; i < 4096; ++i) keys.push_back("photos/2005/" + std::to_string(prng.next()) + ".jpg");
  return keys;
}

template <class F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// `find` is called with the map and an id.
template <class Find>
void measure(benchmark::State& state, Find find) {
  const cluster::ClusterMap map = map_of(state.range(0));
  const NamingSecret naming{77};
  const std::vector<std::string> names = keys();
  double hashing = 0;
  double locating = 0;
  for (auto _ : state) {
    locating += seconds([&] {
      for (const std::string& key : names) benchmark::DoNotOptimize(find(map, object_id(naming, key)));
    });
    state.PauseTiming();
    hashing += seconds([&] {
      for (const std::string& key : names) benchmark::DoNotOptimize(object_id(naming, key));
    });
    state.ResumeTiming();
  }
  state.counters["ns_each"] = locating / static_cast<double>(state.iterations() * names.size()) * 1e9;
  state.counters["x_hash"] = locating / hashing;
}

/// The node to ask first, where a read nearly always ends.
void locate(benchmark::State& state) {
  measure(state, replication::nearest_candidate);
}

/// All that may be asked.
void locate_all(benchmark::State& state) {
  measure(state, replication::read_candidates);
}

/// What a node does with an index that it fetches: checks, decodes, and makes the map of it.
void load_index(benchmark::State& state) {
  const wire::Bytes bytes = wire::encode(map_of(state.range(0)).snapshot());
  for (auto _ : state) {
    const auto snapshot = wire::decode_snapshot(std::span(bytes));
    benchmark::DoNotOptimize(cluster::ClusterMap::from(*snapshot));
  }
  state.counters["bytes"] = static_cast<double>(bytes.size());
}

BENCHMARK(locate)->Arg(5)->Arg(50)->Arg(1000);
BENCHMARK(locate_all)->Arg(5)->Arg(50)->Arg(1000);
BENCHMARK(load_index)->Arg(5)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace brigade
