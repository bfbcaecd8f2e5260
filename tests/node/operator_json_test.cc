#include "operator_json.h"

#include "operator_answers.h"
#include "operator_can_stop.h"
#include "operator_changes.h"
#include "operator_locate.h"
#include "operator_losses.h"
#include "operator_requests.h"
#include "operator_verify.h"
#include "replication/maps.h"

#include <map>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

using namespace brigade;        // NOLINT(google-build-using-namespace)
using namespace brigade::node;  // NOLINT(google-build-using-namespace)
using replication::testing::id_in;
using replication::testing::MapMaker;

namespace {

namespace json = boost::json;
using Catch::Contains;

View view_of(const MapMaker& maker) {
  return View{.map = maker.map(),
              .state = cluster::State::kNormal,
              .epoch = Epoch{3, NodeId{2}},
              .coordinator = NodeId{2},
              .in_roster = true,
              .quorum_needed = 2,
              .present = 3,
              .last = next(maker.map().seq())};
}

Config config_of(const std::string& name) {
  Config config;
  config.name = name;
  return config;
}

std::optional<LogLine> no_line(Seq /*seq*/) {
  return std::nullopt;
}

store::IndexEntry entry_at(std::uint64_t count, bool tombstone = false) {
  store::IndexEntry entry;
  entry.revision = Revision::of(Seq{5}, count);
  entry.level = 1;
  entry.tombstone = tombstone;
  entry.size = 100;
  return entry;
}

}  // namespace

TEST_CASE("/cluster has the fields that the design promises") {
  MapMaker m;
  m.node(1, "east")
      .node(2)
      .node(3)
      .serving(1, 6)
      .serving(2, 7)
      .assign(wire::Role::kOwner, 2, 8)
      .assign(wire::Role::kOwner, 3, 20)
      .down(3);
  store::StoreStats stored;
  stored.objects = 4;
  stored.bytes = 4000;
  const View view = view_of(m);
  const json::object out = cluster_json(view, count_buckets(view.map), config_of("n1"), true, stored);
  CHECK(out.at("cluster") == "0000000000000001");
  CHECK(out.at("node") == "n1");
  CHECK(out.at("state") == "serving");
  CHECK(out.at("epoch") == json::parse(R"({"counter":3,"coordinator":"n2"})"));
  CHECK(out.at("coordinator") == "n2");
  CHECK(out.at("seq").as_uint64() == m.map().seq().value + 1);
  CHECK(out.at("commit").as_uint64() == m.map().seq().value);
  CHECK(json::serialize(out.at("quorum")) == R"({"needed":2,"present":3})");
  CHECK(json::serialize(out.at("buckets")) ==
        R"({"unassigned":65532,"filling":1,"serving":2,"lost":1,"stand_ins":0,"moving":0})");
  CHECK(out.at("objects").as_uint64() == 4);
  CHECK(out.at("bytes").as_uint64() == 4000);
  const json::array& roster = out.at("roster").as_array();
  REQUIRE(roster.size() == 3);
  const json::object& first = roster[0].as_object();
  CHECK(first.at("name") == "n1");
  CHECK(first.at("id") == "0000000000000001");
  CHECK(first.at("zone") == "east");
  CHECK(first.at("weight").to_number<int>() == 1);
  CHECK(first.at("up") == true);
  CHECK(first.at("buckets").to_number<int>() == 1);
  CHECK(first.at("client") == "127.0.0.1:80");
  CHECK(first.at("peer") == "127.0.0.1:81");
  CHECK(roster[2].as_object().at("up") == false);
}

TEST_CASE("a node that reads its store tells the same fields") {
  MapMaker m;
  const View view = view_of(m.node(1));
  json::object starting = starting_json(config_of("n1"));
  CHECK(starting.at("state") == "starting");
  const json::object all = cluster_json(view, count_buckets(view.map), config_of("n1"), true, {});
  for (const char* name : {"cluster", "node", "state", "epoch", "coordinator", "seq", "commit", "quorum", "roster",
                           "buckets", "objects", "bytes"}) {
    CHECK(starting.contains(name));
    CHECK(all.contains(name));
  }
}

TEST_CASE("the state of a node is serving only with a lease and in the roster") {
  MapMaker m;
  View view = view_of(m.node(1));
  CHECK(node_state(view, true) == "serving");
  CHECK(node_state(view, false) == "no-quorum");
  view.in_roster = false;
  view.join_refused = "the name is taken";
  CHECK(node_state(view, true) == "joining");
  const json::object out = cluster_json(view, count_buckets(view.map), config_of("n9"), false, {});
  CHECK(out.at("join_refused") == "the name is taken");
}

TEST_CASE("without a group there is no coordinator and no epoch") {
  MapMaker m;
  View view = view_of(m.node(1));
  view.epoch = Epoch{};
  view.coordinator = NodeId{};
  const json::object out = cluster_json(view, count_buckets(view.map), config_of("n1"), false, {});
  CHECK(out.at("coordinator").is_null());
  CHECK(json::serialize(out.at("epoch")) == R"({"counter":0,"coordinator":null})");
}

TEST_CASE("a bucket whose content is with a node that is away counts as lost until that node is back") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7).down(1).down(2).up(1);
  BucketCounts counts = count_buckets(m.map());
  CHECK(counts.lost == 2);  // 6 waits for 2, which was the last in sync, and 7 is its own
  CHECK(counts.filling == 0);
  m.up(2).filled(2, 7);
  counts = count_buckets(m.map());
  CHECK(counts.lost == 0);
  CHECK(counts.serving == 1);
  CHECK(counts.filling == 1);
  CHECK(counts.unassigned + counts.filling + counts.serving + counts.lost == kBucketCount);
}

TEST_CASE("what is lost is told with the node that has the rest of it") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(2, 7).down(2).down(1).assign(wire::Role::kOwner, 3, 6);
  const json::object losses = losses_json(m.map());
  CHECK(losses.at("count") == 2);  // and 7, whose node is away
  CHECK(losses.at("buckets").as_array()[1].as_object().at("up") == false);
  const json::object& bucket = losses.at("buckets").as_array()[0].as_object();
  CHECK(bucket.at("bucket") == 6);
  CHECK(bucket.at("node") == "n3");
  CHECK(bucket.at("up") == true);
  CHECK(bucket.at("complete_until") == 0);
  CHECK(accepted_losses(m.map(), std::nullopt)->size() == 2);
  CHECK(accepted_losses(m.map(), BucketSet::of(BucketId{6}))->size() == 1);
  CHECK(accepted_losses(m.map(), BucketSet::of(BucketId{9})).error().code() == Errc::kConflict);
}

TEST_CASE("what nodes say of their copies is added up") {
  MapMaker m;
  m.node(1).node(2);
  const SharedPart part{BucketId{6}, placement::Level{1}};
  Comparison one;
  one.parts = 10;
  one.records = 70;
  one.mended = 1;
  one.crowded = 4;
  one.shortages = {{part, 1, 3}, {{BucketId{8}, placement::Level{2}}, 2, 5}};
  one.differences = {{part, NodeId{2}, ObjectId{6, 1}, Revision{}, Revision{9}}};
  one.silent = {NodeId{2}};
  Comparison two;
  two.records = 30;
  two.silent = {NodeId{2}};
  const json::object first = comparison_json(m.map(), NodeId{1}, one);
  const auto sum = add_up({first, comparison_json(m.map(), NodeId{2}, two)});
  REQUIRE(sum);
  CHECK(sum->at("records") == 100);
  CHECK(sum->at("compared") == 10);
  CHECK(sum->at("mended") == 1);
  CHECK(sum->at("crowded") == 4);
  CHECK(sum->at("short") == 8);
  CHECK(sum->at("differing") == 1);
  CHECK(sum->at("silent") == json::array{"n2"});
  CHECK(sum->at("shortages").as_array().size() == 2);
  const json::object& difference = sum->at("differences").as_array()[0].as_object();
  CHECK(difference.at("node") == "n1");
  CHECK(difference.at("other") == "n2");
  CHECK(difference.at("redundancy") == 2);

  json::object other = first;
  other["short"] = "many";
  CHECK(add_up({other}).error().code() == Errc::kBadGateway);
  other = first;
  other.erase("silent");
  CHECK_FALSE(add_up({other}));
}

TEST_CASE("stand-ins and buckets on the move are counted beside") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(1, 8);
  m.assign(wire::Role::kNewOwner, 2, 8);
  CHECK(count_buckets(m.map()).moving == 1);
  CHECK(count_buckets(m.map()).serving == 2);
  m.assign(wire::Role::kStandIn, 3, 6).down(1);
  CHECK(count_buckets(m.map()).stand_ins == 2);  // a new owner takes writes for an owner that is down, too
  CHECK(count_buckets(m.map()).moving == 0);
  CHECK(count_buckets(m.map()).owned.at(NodeId{1}) == 2);
}

TEST_CASE("the map has two digits and a letter for each bucket") {
  MapMaker m;
  for (std::uint64_t id = 1; id <= 70; ++id) m.node(id);
  m.serving(1, 0).assign(wire::Role::kOwner, 2, 1).serving(70, 2).assign(wire::Role::kNewOwner, 3, 2);
  const json::object out = map_json(m.map());
  const std::string owners(out.at("owners").as_string());
  const std::string states(out.at("states").as_string());
  REQUIRE(owners.size() == 2 * kBucketCount);
  REQUIRE(states.size() == kBucketCount);
  CHECK(owners.substr(0, 8) == "000115__");  // the 1st, 2nd and 70th of the roster, none
  CHECK(states.substr(0, 4) == "SfMu");
  CHECK(json::serialize(out.at("new_owners")) == "[[2,2]]");
  CHECK(out.at("nodes").as_array().size() == 70);
}

TEST_CASE("settings are told with value, default and whether they were set") {
  MapMaker m;
  m.node(1).apply(wire::SettingChanged{"grace", "5min"});
  const json::object out = settings_json(m.map());
  bool seen = false;
  for (const json::value& value : out.at("settings").as_array()) {
    const json::object& setting = value.as_object();
    if (setting.at("name") != "grace") {
      CHECK(setting.at("set") == false);
      CHECK(setting.at("value") == setting.at("default"));
      continue;
    }
    seen = true;
    CHECK(setting.at("value") == "5min");
    CHECK(setting.at("default") == "10min");
    CHECK(setting.at("set") == true);
  }
  CHECK(seen);
}

TEST_CASE("nodes can stop if a quorum, every object and enough nodes for writes are left") {
  MapMaker m;
  m.node(1).node(2).node(3);
  std::map<std::uint64_t, BucketSet> shares;  // each of a pair with another node
  for (std::uint32_t b = 0; b < kBucketCount; ++b)
    shares[1 + (b / 2 + b % 2) % 3].add(BucketId(static_cast<std::uint16_t>(b)));
  for (const auto& [node, buckets] : shares) {
    m.apply(wire::BucketsAssigned{wire::Reason::kBootstrap, {{wire::Role::kOwner, NodeId{node}, buckets}}});
    m.apply(wire::BucketsFilled{NodeId{node}, buckets});
  }
  json::object one = can_stop_json(m.map(), {NodeId{1}});
  CHECK(one.at("safe").as_bool());
  CHECK(one.at("quorum").at("left").to_number<int>() == 2);
  json::object two = can_stop_json(m.map(), {NodeId{3}, NodeId{1}});
  CHECK_FALSE(two.at("safe").as_bool());
  CHECK(two.at("buckets_unreadable").to_number<int>() > 20'000);
  CHECK(json::serialize(two.at("nodes")) == R"(["n1","n3"])");
  CHECK_THAT(json::serialize(two.at("reasons")), Contains("1 of 3 nodes would be left, 2 are needed"));
  // A bucket whose other copy is not in sync.
  m.apply(wire::BucketsEmptied{NodeId{2}, shares[2]});
  one = can_stop_json(m.map(), {NodeId{1}});
  CHECK_FALSE(one.at("safe").as_bool());
  CHECK_THAT(json::serialize(one.at("reasons")), Contains("no copy within reach") && !Contains("redundancy 1"));
  m.apply(wire::SettingChanged{"min_redundancy", "1"});
  one = can_stop_json(m.map(), {NodeId{1}});
  CHECK_THAT(json::serialize(one.at("reasons")), Contains("objects of redundancy 1 in") && Contains("or drain first"));
}

TEST_CASE("times before 1970 and after 2038 are told right") {
  CHECK(iso_time(WallTime{-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(iso_time(WallTime{4'102'444'800'000}) == "2100-01-01T00:00:00.000Z");
}

TEST_CASE("locate tells owners, evidence and the transaction that put each bucket there") {
  MapMaker m;
  m.node(1).node(2).node(3).serving(1, 6).serving(2, 7).assign(wire::Role::kStandIn, 3, 7).down(2);
  const View view = view_of(m);
  const Seq stood_in = view.map.cell(BucketId{7}).new_assigned;
  Evidence evidence;
  evidence.answers[NodeId{1}] = entry_at(3);
  evidence.answers[NodeId{3}] = std::nullopt;
  const json::object out = locate_json(view, NodeId{1}, "a.jpg", id_in(6), evidence, [&](Seq seq) {
    std::optional<LogLine> line;
    if (seq == stood_in)
      line = LogLine{{Epoch{3, NodeId{1}}, seq},
                     wire::BucketsAssigned{wire::Reason::kFailure,
                                           {{wire::Role::kStandIn, NodeId{3}, BucketSet::of(BucketId{7})}}},
                     WallTime{1500}};
    return line;
  });
  CHECK(out.at("home").to_number<int>() == 6);
  CHECK(out.at("exists") == true);
  CHECK(out.at("redundancy").to_number<int>() == 2);
  CHECK(out.at("primary") == "n1");
  const json::array& replicas = out.at("replicas").as_array();
  REQUIRE(replicas.size() == 2);
  const json::object& home = replicas[0].as_object();
  CHECK(home.at("owner") == "n1");
  CHECK(home.at("holds") == true);
  CHECK(home.at("revision") == "5.3");
  CHECK(home.at("in_sync") == true);
  CHECK(home.at("assigned").as_object().at("reason") == "operator");
  CHECK(home.at("assigned").as_object().at("text").is_null());
  CHECK(home.at("new_owner").is_null());
  CHECK(home.at("new_assigned").is_null());
  const json::object& sibling = replicas[1].as_object();
  CHECK(sibling.at("owner") == "n2");
  CHECK(sibling.at("holds").is_null());  // it is down: nobody asked it
  CHECK(sibling.at("state") == "stand-in");
  CHECK(sibling.at("new_owner") == "n3");
  CHECK(sibling.at("new_owner_holds") == false);
  const json::object& why = sibling.at("new_assigned").as_object();
  CHECK(why.at("seq").as_uint64() == stood_in.value);
  CHECK(why.at("reason") == "failure");
  CHECK(why.at("text") == "1 bucket stood in for by n3 (failure)");
  CHECK(out.at("held_by").as_array().size() == 1);
  CHECK(out.at("read_from").as_object().at("node") == "n1");
}

TEST_CASE("locate says that an object does not exist only if a node that would know it was asked") {
  MapMaker m;
  m.node(1).node(2).serving(1, 6).serving(2, 7);
  const View view = view_of(m);
  Evidence evidence;
  CHECK(locate_json(view, NodeId{1}, "k", id_in(6), evidence, no_line).at("exists").is_null());
  evidence.answers[NodeId{2}] = std::nullopt;
  CHECK(locate_json(view, NodeId{1}, "k", id_in(6), evidence, no_line).at("exists") == false);
  evidence.answers[NodeId{1}] = entry_at(4, true);
  evidence.answers[NodeId{2}] = entry_at(3);
  CHECK(locate_json(view, NodeId{1}, "k", id_in(6), evidence, no_line).at("exists") ==
        false);  // the newest is a tombstone
  m.down(1).down(2);
  const json::object nobody = locate_json(view_of(m), NodeId{1}, "k", id_in(6), Evidence(), no_line);
  CHECK(nobody.at("read_from").as_object().at("node").is_null());
  CHECK(nobody.at("primary").is_null());
}

TEST_CASE("an operator's change survives its way to the coordinator, and nothing else passes for one") {
  const wire::Change setting = wire::SettingChanged{"cache_control", "max-age=5, \"x\""};
  const wire::Change removal = wire::NodeRemoved{NodeId{0xfedcba9876543210}};
  CHECK(parse_change(change_json(setting)).value() == setting);
  const wire::Change drain = wire::NodeDraining{NodeId{0xfedcba9876543210}, true};
  CHECK(parse_change(change_json(removal)).value() == removal);
  CHECK(parse_change(change_json(drain)).value() == drain);
  BucketSet buckets = BucketSet::of(BucketId{6});
  buckets.add(BucketId{65535});
  const wire::Change loss = wire::LossAccepted{buckets};
  CHECK(parse_change(change_json(loss)).value() == loss);
  const wire::Change shape = wire::NodeReshaped{NodeId{0xfedcba9876543210}, "b \"x", 0};
  CHECK(parse_change(change_json(wire::NodeReshaped{NodeId{7}, "b", 3})).value() ==
        wire::Change(wire::NodeReshaped{NodeId{7}, "b", 3}));
  CHECK(!parse_change(change_json(shape)));  // no name of a zone
  const wire::Change replaced = wire::NodeReplaced{NodeId{7}, NodeId{0xfedcba9876543210}};
  CHECK(parse_change(change_json(replaced)).value() == replaced);
  for (const char* text : {"",
                           "null",
                           "[]",
                           "{}",
                           R"({"kind":"NodeDown","node":"0000000000000001"})",
                           R"({"kind":"NodeRemoved","node":"1"})",
                           R"({"kind":"NodeDraining","node":"0000000000000001"})",
                           R"({"kind":"NodeRemoved","node":"zzzzzzzzzzzzzzzz"})",
                           R"({"kind":"SettingChanged","name":"grace"})",
                           R"({"kind":"SettingChanged","name":1,"value":2})",
                           R"({"kind":"LossAccepted","runs":[]})",
                           R"({"kind":"LossAccepted","runs":[[3,3]]})",
                           R"({"kind":"LossAccepted","runs":[[0,65537]]})",
                           R"({"kind":"LossAccepted","runs":[[-1,2]]})",
                           R"({"kind":"LossAccepted","runs":[3]})",
                           R"({"kind":"NodeReshaped","node":"0000000000000001","zone":"b"})",
                           R"({"kind":"NodeReshaped","node":"0000000000000001","zone":"b","weight":-1})",
                           R"({"kind":"NodeReshaped","node":"0000000000000001","zone":"b","weight":1000001})",
                           R"({"kind":"NodeReplaced","node":"0000000000000001","by":"0000000000000001"})",
                           R"({"kind":"NodeReplaced","node":"0000000000000001","by":"x"})"}) {
    INFO(text);
    const auto change = parse_change(text);
    REQUIRE(!change);
    CHECK(change.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("numbers and texts of a query are bounded") {
  CHECK(query_number("after=7&limit=3", "limit", 1, 10).value() == 3);
  CHECK(query_number("after=7", "limit", 1, 10).value() == 1);
  for (const char* query : {"limit=11", "limit=-1", "limit=", "limit=x", "limit=99999999999999999999999"}) {
    INFO(query);
    CHECK(!query_number(query, "limit", 1, 10));
  }
  CHECK(query_text("prefix=a%20b", "prefix").value() == "a b");
  CHECK(query_text("", "prefix").value().empty());
  CHECK(!query_text("prefix=" + std::string(1025, 'a'), "prefix"));
}
