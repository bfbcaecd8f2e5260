#include "brigade/sim/rehearsal.h"

#include <algorithm>

#include <catch2/catch.hpp>

namespace brigade::sim {
namespace {

using namespace std::chrono_literals;

Rehearsal rehearsed(std::size_t nodes, std::size_t zones, std::vector<Mishap> mishaps, Duration length = 8s,
                    std::map<std::string, std::string> settings = {}) {
  RehearsalOptions options;
  options.length = length;
  options.mishaps = std::move(mishaps);
  auto outcome = rehearse(planned_cluster(nodes, zones, settings), options);
  REQUIRE(outcome);
  CHECK(outcome->violation == "");
  return std::move(*outcome);
}

Mishap fails(std::string_view text) {
  auto mishap = parse_mishap(Mishap::Kind::kFail, text);
  REQUIRE(mishap);
  return *mishap;
}

std::size_t count(const Rehearsal& r, std::string_view kind) {
  return static_cast<std::size_t>(std::ranges::count_if(r.timeline, [&](const auto& m) { return m.kind == kind; }));
}

TEST_CASE("a coordinator that fails is replaced, and all that run serve again") {
  const Rehearsal r = rehearsed(5, 0, {fails("coordinator@2s")}, 5s);
  REQUIRE(r.elections.size() == 2);
  CHECK(r.elections[0].coordinator != r.elections[1].coordinator);
  CHECK(r.elections[1].epoch > r.elections[0].epoch);
  CHECK(r.elections[1].took == r.elections[1].at - 2s);
  CHECK(count(r, "down") == 1);
  CHECK(r.running == 4);
  CHECK(r.serving() == 4);
  CHECK(r.coordinator.sent > 0);
  CHECK(r.coordinator.received > 0);
  WARN("figure: five_nodes_without_coordinator_ms="
       << std::chrono::duration_cast<std::chrono::milliseconds>(r.elections[1].took).count());
}

TEST_CASE("a zone that fails leaves every run of siblings one copy, and no run is ever without") {
  const Rehearsal r = rehearsed(9, 3, {fails("zone:b@2s")}, 5s);
  CHECK(count(r, "down") == 3);
  REQUIRE(!r.risk.empty());
  CHECK(r.risk.front().two == kBucketCount / 2);
  CHECK(std::ranges::all_of(r.risk, [](const auto& risk) { return risk.none == 0; }));
  // A third of the buckets was there.
  CHECK(r.risk.back().one > kBucketCount / 4);
  CHECK(r.serving() == 6);
}

TEST_CASE("after the grace period there are two copies of everything again") {
  const Rehearsal r = rehearsed(4, 2, {fails("node:n3@1s")}, 15s, {{"grace", "2s"}});
  CHECK(r.risk.back().two == kBucketCount / 2);
  CHECK(count(r, "takes-over") > 0);
  CHECK(count(r, "whole") >= 1);
}

TEST_CASE("nodes that return and nodes that join are told of") {
  auto back = parse_mishap(Mishap::Kind::kReturn, "node:n2@3s");
  auto join = parse_mishap(Mishap::Kind::kJoin, "2@4s");
  REQUIRE(back);
  REQUIRE(join);
  const Rehearsal r = rehearsed(3, 0, {fails("node:n2@1s"), *back, *join}, 12s);
  CHECK(count(r, "joined") == 2);
  CHECK(count(r, "up") >= 3);
  CHECK(r.serving() == 5);
}

TEST_CASE("a zone that returns starts those of its nodes that had failed, and none that has yet to join") {
  const auto back = parse_mishap(Mishap::Kind::kReturn, "zone:b@3s");
  const auto join = parse_mishap(Mishap::Kind::kJoin, "2@5s");
  REQUIRE(back);
  REQUIRE(join);
  const Rehearsal r = rehearsed(6, 3, {fails("zone:b@1s"), *back, *join}, 8s);
  const auto starts = std::ranges::find_if(r.timeline, [](const auto& m) { return m.kind == "starts"; });
  REQUIRE(starts != r.timeline.end());
  CHECK(starts->text == "zone b starts again: 2 nodes");
  for (const auto& moment : r.timeline)
    if (moment.kind == "joined") CHECK(moment.at >= 5s);
  CHECK(count(r, "joined") == 2);
  CHECK(r.serving() == 8);
}

TEST_CASE("a failure or a return that changes nothing is told of") {
  const auto back = parse_mishap(Mishap::Kind::kReturn, "node:n1@1s");
  const auto early = parse_mishap(Mishap::Kind::kReturn, "node:new1@1s");
  const auto join = parse_mishap(Mishap::Kind::kJoin, "1@4s");
  REQUIRE(back);
  REQUIRE(early);
  REQUIRE(join);
  const Rehearsal r = rehearsed(3, 0, {*back, *early, fails("node:n3@2s"), fails("node:n3@3s"), *join}, 5s);
  std::vector<std::string> told;
  for (const auto& moment : r.timeline)
    if (moment.kind == "nothing") told.push_back(moment.text);
  CHECK(told == std::vector<std::string>{"n1 runs already: nothing starts",
                                         "new1 has not started yet: nothing starts again",
                                         "n3 is down already: nothing fails"});
}

TEST_CASE("a majority that fails leaves nobody who serves") {
  const Rehearsal r = rehearsed(5, 0, {fails("node:n1@2s"), fails("node:n2@2s"), fails("node:n3@2s")}, 5s);
  CHECK(r.running == 2);
  CHECK(r.serving() == 0);
}

TEST_CASE("equal seeds rehearse the same") {
  const Rehearsal a = rehearsed(5, 0, {fails("coordinator@2s")}, 4s);
  const Rehearsal b = rehearsed(5, 0, {fails("coordinator@2s")}, 4s);
  REQUIRE(a.timeline.size() == b.timeline.size());
  for (std::size_t i = 0; i < a.timeline.size(); ++i) CHECK(a.timeline[i].at == b.timeline[i].at);
}

TEST_CASE("what befalls a cluster is named in a few words") {
  using Kind = Mishap::Kind;
  const auto zone = parse_mishap(Kind::kFail, "zone:rack-1@1500ms");
  REQUIRE(zone);
  CHECK(zone->name == "rack-1");
  CHECK(zone->at == 1500ms);
  for (const char* text : {"zone:b", "zone@3s", "b@3s", "node:n1@soon", "coordinator:n1@3s", "@3s"}) {
    INFO(text);
    CHECK_FALSE(parse_mishap(Kind::kFail, text));
  }
  CHECK_FALSE(parse_mishap(Kind::kReturn, "coordinator@3s"));
  CHECK_FALSE(parse_mishap(Kind::kJoin, "0@3s"));
  CHECK_FALSE(parse_mishap(Kind::kJoin, "-1@3s"));
  RehearsalOptions options;
  options.mishaps = {fails("zone:nowhere@1s")};
  const auto outcome = rehearse(planned_cluster(3, 3, {}), options);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().detail() == "there is no zone nowhere");
}

}  // namespace
}  // namespace brigade::sim
