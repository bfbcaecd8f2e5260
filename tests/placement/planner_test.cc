// The planner on clusters of a known size, where it can be said in advance what is right.
#include "brigade/placement/planner.h"

#include "placement/plan_facts.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <catch2/catch.hpp>

namespace brigade::placement {
namespace {

/// `count` equal nodes, dealt out to `zones` zones in turn.
std::vector<PlanNode> equal_nodes(std::uint32_t count, std::uint32_t zones) {
  std::vector<PlanNode> nodes;
  for (std::uint32_t i = 0; i < count; ++i)
    nodes.push_back({NodeId{1000 + 7919ULL * i}, "z" + std::to_string(i % zones), 1, true});
  return nodes;
}

void check_balance(const std::vector<PlanNode>& nodes, const Plan& plan) {
  PlanFacts facts = facts_of(nodes, plan.owners);
  const std::vector<double> expected = shares(nodes);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CAPTURE(to_string(nodes[i].id));
    CHECK(std::abs(facts.buckets[nodes[i].id] - expected[i]) < 1.0);
  }
}

TEST_CASE("a fresh cluster's runs lie on as many nodes and zones as there are") {
  for (const std::uint32_t count : {1U, 2U, 3U, 4U, 5U, 16U, 100U, 1000U}) {
    for (const std::uint32_t zones : {1U, 2U, 4U, 16U}) {
      if (count % zones != 0 && count < 100) continue;
      CAPTURE(count, zones);
      const std::vector<PlanNode> nodes = equal_nodes(count, zones);
      const Plan fresh = plan(nodes, nobody());
      check_balance(nodes, fresh);
      CHECK(fresh.assignments == kBucketCount);
      CHECK(fresh.moves == 0);
      CHECK(fresh.lower_bound == 0);
      const PlanFacts facts = facts_of(nodes, fresh.owners);
      // 16 zones can't hold 100 or 1000 nodes in equal parts, so a zone is a little over a sixteenth.
      const bool is_even = count % zones == 0;
      for (std::uint32_t level = 0; level < 4; ++level) {
        const std::uint32_t size = 2U << level;
        const auto runs = static_cast<std::uint32_t>(kBucketCount / size);
        CAPTURE(size);
        CHECK(facts.shared_nodes[level] == (count >= size ? 0 : runs));
        if (zones < size) CHECK(facts.shared_zones[level] == runs);
        if (zones > size || (zones == size && is_even)) CHECK(facts.shared_zones[level] == 0);
      }
    }
  }
}

TEST_CASE("on two nodes, and on three, every pair is split") {
  for (const std::uint32_t count : {2U, 3U}) {
    const std::vector<PlanNode> nodes = equal_nodes(count, count);
    const PlanFacts facts = facts_of(nodes, plan(nodes, nobody()).owners);
    CHECK(facts.shared_nodes[0] == 0);
    CHECK(facts.shared_zones[0] == 0);
  }
}

TEST_CASE("a node with more than half of the weight keeps only its excess as unsplit pairs") {
  std::vector<PlanNode> nodes = equal_nodes(4, 4);
  nodes[1].weight = 5;  // of 8
  const PlanFacts facts = facts_of(nodes, plan(nodes, nobody()).owners);
  CHECK(facts.buckets.at(nodes[1].id) == 40960);
  CHECK(facts.shared_nodes[0] == 40960 - 32768);
}

TEST_CASE("two zones of equal weight hold one bucket of every pair each, however many nodes they have") {
  std::vector<PlanNode> nodes = equal_nodes(1, 1);
  nodes[0].weight = 7;
  for (std::uint32_t i = 1; i <= 7; ++i) nodes.push_back({NodeId{i}, "other", 1, true});
  const PlanFacts facts = facts_of(nodes, plan(nodes, nobody()).owners);
  CHECK(facts.zone_buckets.at("other") == 32768);
  CHECK(facts.shared_zones[0] == 0);
  CHECK(facts.shared_nodes[0] == 0);
}

TEST_CASE("growing a cluster from one node keeps pairs apart and moves nothing beyond the new shares") {
  std::vector<PlanNode> nodes;
  Owners owners = nobody();
  for (const PlanNode& newcomer : equal_nodes(12, 12)) {
    nodes.push_back(newcomer);
    const Plan grown = plan(nodes, owners);
    CAPTURE(nodes.size());
    check_balance(nodes, grown);
    CHECK(grown.moves == grown.lower_bound);
    if (nodes.size() > 1) CHECK(facts_of(nodes, grown.owners).shared_nodes[0] == 0);
    if (nodes.size() > 1) CHECK(facts_of(nodes, grown.owners).shared_zones[0] == 0);
    owners = grown.owners;
  }
}

TEST_CASE("a plan that stands is not touched again") {
  for (const std::uint32_t count : {1U, 2U, 7U, 100U, 1000U}) {
    std::vector<PlanNode> nodes = equal_nodes(count, 3);
    for (std::uint32_t i = 0; i < count; ++i) nodes[i].weight = 1 + i % 5;
    const Plan first = plan(nodes, nobody());
    const Plan second = plan(nodes, first.owners);
    CHECK(second.owners == first.owners);
    CHECK(second.moves == 0);
    CHECK(second.assignments == 0);
  }
}

TEST_CASE("the order of the nodes does not matter") {
  std::vector<PlanNode> nodes = equal_nodes(17, 3);
  for (std::uint32_t i = 0; i < 17; ++i) nodes[i].weight = 1 + i % 4;
  const Plan first = plan(nodes, nobody());
  std::reverse(nodes.begin(), nodes.end());
  std::swap(nodes[3], nodes[11]);
  CHECK(plan(nodes, nobody()).owners == first.owners);
  nodes[5].weight = 9;
  const Plan changed = plan(nodes, first.owners);
  std::rotate(nodes.begin(), nodes.begin() + 6, nodes.end());
  CHECK(plan(nodes, first.owners).owners == changed.owners);
}

TEST_CASE("a draining node ends with nothing, and its buckets count as moves") {
  std::vector<PlanNode> nodes = equal_nodes(5, 5);
  const Plan before = plan(nodes, nobody());
  nodes[2].accepts = false;
  const Plan after = plan(nodes, before.owners);
  PlanFacts facts = facts_of(nodes, after.owners);
  CHECK(facts.buckets[nodes[2].id] == 0);
  CHECK(facts.shared_nodes[0] == 0);
  CHECK(after.assignments == 0);
  CHECK(after.moves == after.lower_bound);
  CHECK(shares(nodes)[2] == 0.0);
}

TEST_CASE("buckets of a node that is gone count as unassigned") {
  std::vector<PlanNode> nodes = equal_nodes(5, 5);
  const Plan before = plan(nodes, nobody());
  const NodeId gone = nodes[2].id;
  const auto lost = static_cast<std::uint32_t>(std::count(before.owners.begin(), before.owners.end(), gone));
  nodes.erase(nodes.begin() + 2);
  const Plan after = plan(nodes, before.owners);
  CHECK(after.assignments == lost);
  CHECK(after.moves == 0);
  CHECK(std::count(after.owners.begin(), after.owners.end(), gone) == 0);
  CHECK(facts_of(nodes, after.owners).shared_nodes[0] == 0);
}

TEST_CASE("if no node accepts, everybody keeps what they have and nobody gets anything") {
  std::vector<PlanNode> nodes = equal_nodes(2, 2);
  for (PlanNode& node : nodes) node.accepts = false;
  Owners owners = nobody();
  owners[5] = nodes[1].id;
  owners[6] = NodeId{424242};
  const Plan nothing = plan(nodes, owners);
  CHECK(nothing.owners[5] == nodes[1].id);
  CHECK(std::count(nothing.owners.begin(), nothing.owners.end(), NodeId{}) == static_cast<long>(kBucketCount) - 1);
  CHECK(nothing.moves == 0);
  CHECK(plan({}, nobody()).owners == nobody());
  CHECK(shares(nodes) == std::vector<double>{0.0, 0.0});
}

TEST_CASE("an inherited map with both buckets of each pair on one node is taken apart, although that moves buckets") {
  const std::vector<PlanNode> nodes = equal_nodes(4, 2);
  Owners owners = nobody();
  for (std::size_t b = 0; b < kBucketCount; ++b) owners[b] = nodes[b / 2 % 4].id;
  REQUIRE(facts_of(nodes, owners).shared_nodes[0] == 32768);
  const Plan repaired = plan(nodes, owners);
  const PlanFacts facts = facts_of(nodes, repaired.owners);
  CHECK(repaired.lower_bound == 0);
  CHECK(facts.shared_nodes[0] == 0);
  CHECK(facts.shared_zones[0] == 0);
  CHECK(repaired.moves <= 32768 + 655);  // one bucket of each pair has to go
  check_balance(nodes, repaired);
}

TEST_CASE("the largest and the smallest weights side by side get their shares") {
  std::vector<PlanNode> nodes = equal_nodes(1000, 10);
  for (std::uint32_t i = 0; i < 1000; ++i) nodes[i].weight = i % 2 == 0 ? 1'000'000 : 1;
  const Plan fresh = plan(nodes, nobody());
  check_balance(nodes, fresh);
  const PlanFacts facts = facts_of(nodes, fresh.owners);
  CHECK(facts.shared_nodes[3] == 0);
}

TEST_CASE("one node out of a thousand comes, goes or changes weight without disturbing the others") {
  const std::vector<PlanNode> nodes = equal_nodes(1000, 10);
  const Plan before = plan(nodes, nobody());
  std::vector<PlanNode> more = nodes;
  more.push_back({NodeId{5}, "z3", 1, true});
  std::vector<PlanNode> fewer = nodes;
  fewer.erase(fewer.begin() + 500);
  std::vector<PlanNode> heavier = nodes;
  heavier[500].weight = 20;
  for (const std::vector<PlanNode>& changed : {more, fewer, heavier}) {
    const Plan after = plan(changed, before.owners);
    CHECK(after.moves == after.lower_bound);
    check_balance(changed, after);
    const PlanFacts facts = facts_of(changed, after.owners);
    CHECK(facts.shared_nodes[0] == 0);
    CHECK(facts.shared_zones[0] == 0);
    CHECK(facts.shared_nodes[1] == 0);
    CHECK(facts.shared_zones[1] <= 16);  // of 16 384
    CHECK(facts.shared_nodes[3] <= 41);  // of 4 096: 1 %
  }
}

}  // namespace
}  // namespace brigade::placement
