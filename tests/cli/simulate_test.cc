#include "commands.h"
#include "fake_node.h"
#include "simulate_report.h"
#include "simulate_source.h"
#include "temp_dir.h"

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "brigade/sim/rehearsal.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;
using Catch::Contains;

constexpr const char* kNodes = R"({"seq": 9, "coordinator": "a", "roster": [
  {"name": "b", "id": "00000000000000b0", "zone": "z2", "weight": 3, "up": true, "client": "b:1", "peer": "b:2"},
  {"name": "a", "id": "00000000000000a0", "zone": "", "weight": 1, "up": true, "client": "a:1", "peer": "a:2"},
  {"name": "c", "id": "00000000000000c0", "zone": "z2", "weight": 1, "up": false, "client": "c:1", "peer": "c:2"}]})";
constexpr const char* kSettings = R"({"settings": [
  {"name": "grace", "value": "5s", "set": true}, {"name": "lease", "value": "400ms", "set": false}]})";

/// Node a owns the even buckets, b the odd ones; c owns the first, and b stands in for it.
json::object map_of_three() {
  std::string owners;
  std::string states;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    owners += i == 0 ? "02" : i % 2 == 0 ? "00" : "01";
    states += i == 0 ? 't' : 'S';
  }
  json::object map;
  map["nodes"] = json::array{json::object{{"name", "a"}, {"id", "00000000000000a0"}},
                             json::object{{"name", "b"}, {"id", "00000000000000b0"}},
                             json::object{{"name", "c"}, {"id", "00000000000000c0"}}};
  map["owners"] = owners;
  map["states"] = states;
  map["new_owners"] = json::array{json::array{0, 1}};
  return map;
}

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run(const SimulateCommand& command) {
  std::ostringstream out;
  std::ostringstream err;
  auto* const out_before = std::cout.rdbuf(out.rdbuf());
  auto* const err_before = std::cerr.rdbuf(err.rdbuf());
  Ran ran;
  ran.code = run_simulate(command);
  std::cout.rdbuf(out_before);
  std::cerr.rdbuf(err_before);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

}  // namespace

TEST_CASE("a simulation can begin with the roster, map and settings of a cluster that runs") {
  const auto snapshot = snapshot_from(json::parse(kNodes), map_of_three(), json::parse(kSettings));
  REQUIRE(snapshot);
  REQUIRE(snapshot->roster.size() == 3);
  CHECK(snapshot->roster[0].node.name == "a");
  CHECK(snapshot->roster[0].node.zone.empty());
  CHECK(snapshot->roster[1].node.weight == 3);
  CHECK_FALSE(snapshot->roster[2].up);
  CHECK(snapshot->settings == std::map<std::string, std::string>{{"grace", "5s"}});
  CHECK(snapshot->cells[0].owner == NodeId{0xc0});
  CHECK(snapshot->cells[0].new_owner == NodeId{0xb0});
  CHECK(snapshot->cells[0].state == wire::BucketState::kStandIn);
  CHECK_FALSE(snapshot->cells[0].in_sync);
  CHECK(snapshot->cells[3].owner == NodeId{0xb0});
  CHECK(snapshot->cells[3].in_sync);

  sim::RehearsalOptions options;
  options.length = std::chrono::seconds{3};
  const auto rehearsal = sim::rehearse(*snapshot, options);
  REQUIRE(rehearsal);
  CHECK(rehearsal->violation.empty());
  CHECK(rehearsal->running == 2);
  CHECK(rehearsal->serving() == 2);
}

TEST_CASE("a map that makes no sense is refused") {
  json::object map = map_of_three();
  map["owners"] = "00";
  CHECK_FALSE(snapshot_from(json::parse(kNodes), map, json::parse(kSettings)));
  map = map_of_three();
  map["new_owners"] = json::array{json::array{0, 17}};
  CHECK_FALSE(snapshot_from(json::parse(kNodes), map, json::parse(kSettings)));
  CHECK_FALSE(snapshot_from(json::parse("{}"), map_of_three(), json::parse(kSettings)));
}

TEST_CASE("simulate asks a node for its cluster") {
  test::FakeNode node([](const net::RequestHead& request, const std::string&) {
    if (request.target == "/cluster/nodes") return test::json_answer(200, kNodes);
    if (request.target == "/cluster/map") return test::json_answer(200, json::serialize(map_of_three()));
    return test::json_answer(200, kSettings);
  });
  SimulateCommand command;
  command.like_url = node.url();
  command.length = "4s";
  command.failures = {"node:b@2s"};
  const Ran ran = run(command);
  CAPTURE(ran.err);
  CHECK(ran.code == kDone);
  CHECK_THAT(ran.out, Contains("b fails") && Contains("0 of 1 running node serve"));
}

TEST_CASE("simulate tells of elections, failures, buckets and traffic, for people and as JSON") {
  SimulateCommand command;
  command.nodes = 5;
  command.length = "4s";
  command.failures = {"coordinator@2s"};
  const Ran text = run(command);
  CHECK(text.code == kDone);
  CHECK_THAT(text.out, Contains("leads, in epoch 2") && Contains("fails, the coordinator") &&
                           Contains("declared down") && Contains("2 IN SYNC") && Contains("datagrams sent") &&
                           Contains("2 elections"));
  command.json = true;
  const Ran ran = run(command);
  const json::value value = json::parse(ran.out);
  CHECK(value.at("violation").is_null());
  CHECK(value.at("elections").as_array().size() == 2);
  CHECK(value.at("elections").as_array()[1].at("took_ms").as_int64() > 0);
  CHECK(value.at("serving").as_int64() == 4);
  CHECK(value.at("traffic").at("per_node_and_second").at("sent").as_double() > 1);
  CHECK(value.at("risk").as_array().front().at("two").as_int64() == 32768);
}

TEST_CASE("moments of one kind are one line with the range of their numbers, unless they say different things") {
  sim::Rehearsal r;
  r.timeline = {{std::chrono::milliseconds{500}, "down", "n2", "declared down, 480 ms after it failed; for 10 buckets"},
                {std::chrono::milliseconds{500}, "down", "n5", "declared down, 480 ms after it failed; for 7 buckets"},
                {std::chrono::milliseconds{600}, "down", "n6", "declared down; for 9 buckets"}};
  const std::string text = render_rehearsal(r);
  CHECK_THAT(text, Contains("n2, n5 (2 at once): declared down, 480 ms after it failed; for 7 to 10 buckets\n") &&
                       Contains("n6 declared down; for 9 buckets\n"));
}

TEST_CASE("what simulate can't make sense of is said before anything runs") {
  SimulateCommand command;
  command.failures = {"coordinator"};
  CHECK(run(command).code == kUsage);
  command.failures = {"node:n9@1s"};
  const Ran nobody = run(command);
  CHECK(nobody.code == kFailed);
  CHECK_THAT(nobody.err, Contains("there is no node n9"));
  command.failures = {"coordinator@50s"};
  const Ran late = run(command);
  CHECK(late.code == kUsage);
  CHECK_THAT(late.err, Contains("'coordinator@50s' comes after the end of the run: give --for more than its 30s"));
  command.failures = {};
  command.length = "soon";
  CHECK(run(command).code == kUsage);
}

TEST_CASE("simulate runs a script") {
  const test::TempDir dir;
  SimulateCommand command;
  command.scenario = dir / "one.scenario";
  std::ofstream(command.scenario) << "nodes 3\nstart all\nuntil settled\n";
  const Ran ran = run(command);
  CHECK(ran.code == kDone);
  CHECK_THAT(ran.out, Contains("Invitation") && Contains("serves clients"));
  std::ofstream(command.scenario) << "nodes 3\nstart all\nexpect coordinator n1\n";
  const Ran failed = run(command);
  CHECK(failed.code == kFailed);
  CHECK_THAT(failed.err, Contains("line 3, expect coordinator n1"));
  std::ofstream(command.scenario) << "nodes 3\nstrat all\n";
  CHECK_THAT(run(command).err, Contains("line 2, word 1 'strat'"));
  command.scenario = dir / "none";
  CHECK(run(command).code == kFailed);
}

}  // namespace brigade::cli
