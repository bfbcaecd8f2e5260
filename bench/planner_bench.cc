// How long the planner takes.  Goal: under a second for 1000 nodes (design §3).
//
// The reference is the plain work that any planner does: to look at every bucket and write down an owner. The counter
// `x_reference` says how many times as long as that a plan takes.
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "brigade/base/prng.h"
#include "brigade/placement/planner.h"

namespace brigade::placement {
namespace {

using Owners = std::vector<NodeId>;

std::vector<PlanNode> equal_nodes(std::int64_t count, std::uint64_t zones) {
  Prng prng(1);
  std::vector<PlanNode> nodes;
  for (std::int64_t i = 0; i < count; ++i)
    nodes.push_back({NodeId{prng.next()}, "zone-" + std::to_string(static_cast<std::uint64_t>(i) % zones), 1, true});
  return nodes;
}

double reference_seconds(const std::vector<PlanNode>& nodes) {
  const auto start = std::chrono::steady_clock::now();
  Owners owners(kBucketCount);
  for (std::size_t b = 0; b < kBucketCount; ++b) owners[b] = nodes[b % nodes.size()].id;
  benchmark::DoNotOptimize(owners.data());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run(benchmark::State& state, const std::vector<PlanNode>& nodes, const Owners& current) {
  double reference = 0;
  double planned = 0;
  Plan last;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    last = plan(nodes, current);
    benchmark::DoNotOptimize(last);
    planned += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    state.PauseTiming();
    reference += reference_seconds(nodes);
    state.ResumeTiming();
  }
  state.counters["x_reference"] = planned / reference;
  state.counters["moves"] = last.moves;
  state.counters["above_lower_bound"] = last.moves - last.lower_bound;
}

void fresh(benchmark::State& state) {
  run(state, equal_nodes(state.range(0), 5), Owners(kBucketCount));
}

void one_joins(benchmark::State& state) {
  const std::vector<PlanNode> after = equal_nodes(state.range(0) + 1, 5);
  const std::vector<PlanNode> before(after.begin(), after.end() - 1);
  run(state, after, plan(before, Owners(kBucketCount)).owners);
}

void one_drains(benchmark::State& state) {
  std::vector<PlanNode> nodes = equal_nodes(state.range(0), 5);
  const Owners current = plan(nodes, Owners(kBucketCount)).owners;
  nodes.front().accepts = false;
  run(state, nodes, current);
}

void all_change_weight(benchmark::State& state) {
  std::vector<PlanNode> nodes = equal_nodes(state.range(0), 5);
  const Owners current = plan(nodes, Owners(kBucketCount)).owners;
  Prng prng(2);
  for (PlanNode& node : nodes) node.weight = 1 + static_cast<std::uint32_t>(prng.below(4));
  run(state, nodes, current);
}

BENCHMARK(fresh)->Arg(3)->Arg(16)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(one_joins)->Arg(3)->Arg(16)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(one_drains)->Arg(3)->Arg(16)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(all_change_weight)->Arg(3)->Arg(16)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace brigade::placement
