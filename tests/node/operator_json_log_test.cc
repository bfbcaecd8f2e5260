// Transactions in words.
#include "operator_json.h"
#include "replication/maps.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

using namespace brigade;        // NOLINT(google-build-using-namespace)
using namespace brigade::node;  // NOLINT(google-build-using-namespace)
using replication::testing::MapMaker;

namespace {
namespace json = boost::json;
}  // namespace

TEST_CASE("transactions read as sentences with the names of nodes") {
  MapMaker m;
  m.node(1).node(2);
  const auto text = [&](const wire::Change& change) { return change_text(m.map(), change); };
  BucketSet three;
  for (std::uint16_t b = 4; b < 7; ++b) three.add(BucketId{b});
  CHECK(text(wire::NodeDown{NodeId{2}}) == "n2 down");
  CHECK(text(wire::NodeRemoved{NodeId{255}}) == "00000000000000ff removed");
  CHECK(text(wire::GroupFormed{{NodeId{1}, NodeId{2}}, 3}) == "group of n1, n2 and 3 more");
  CHECK(text(wire::BucketsAssigned{
            wire::Reason::kJoin,
            {{wire::Role::kOwner, NodeId{2}, three}, {wire::Role::kStandIn, NodeId{1}, BucketSet::of(BucketId{9})}}}) ==
        "3 buckets to n2, 1 bucket stood in for by n1 (join)");
  CHECK(text(wire::BucketsMoved{NodeId{1}, three}) == "3 buckets moved to n1");
  CHECK(text(wire::SettingChanged{"lease", "1s"}) == "lease = 1s");
}

TEST_CASE("a log line has position, kind, words and a time where it is known") {
  MapMaker m;
  m.node(1).node(2);
  const std::vector<LogLine> lines{{{Epoch{4, NodeId{2}}, Seq{7}}, wire::NodeDown{NodeId{1}}, WallTime{}},
                                   {{Epoch{4, NodeId{2}}, Seq{8}}, wire::NodeRemoved{NodeId{1}}, WallTime{1500}}};
  const json::object out = log_json(m.map(), lines, Seq{3});
  json::object first = out.at("entries").as_array()[0].as_object();
  const json::value digest = first.at("digest");
  first.erase("digest");
  CHECK(json::serialize(first) ==
        R"({"seq":7,"time":null,"epoch":"4.n2","kind":"NodeDown","node":"n1","text":"n1 down"})");
  CHECK(out.at("entries").as_array()[1].as_object().at("time") == "1970-01-01T00:00:01.500Z");
  CHECK(out.at("first_kept").as_uint64() == 3);
  CHECK(log_json(m.map(), {}, Seq{}).at("first_kept").is_null());
  // The digest is that of position and change, whatever else a node knows of it.
  const auto digest_of = [&](Seq seq, std::uint64_t node, WallTime applied) {
    const std::vector<LogLine> one{{{Epoch{4, NodeId{2}}, seq}, wire::NodeDown{NodeId{node}}, applied}};
    return log_json(m.map(), one, Seq{3}).at("entries").as_array()[0].as_object().at("digest");
  };
  CHECK(digest_of(Seq{7}, 1, WallTime{99}) == digest);
  CHECK(digest_of(Seq{7}, 2, WallTime{}) != digest);
  CHECK(digest_of(Seq{8}, 1, WallTime{}) != digest);
}

TEST_CASE("a node that has left keeps its name in lines that tell it") {
  MapMaker m;
  m.node(1);
  const wire::NodeInfo gone{NodeId{9}, "n9", "", 1, "h:1", "h:2", StoreId{9}};
  const std::vector<LogLine> lines{{{Epoch{4, NodeId{1}}, Seq{7}}, wire::NodeAdded{gone}, WallTime{}},
                                   {{Epoch{4, NodeId{1}}, Seq{8}}, wire::NodeRemoved{NodeId{9}}, WallTime{}}};
  const json::object out = log_json(m.map(), lines, Seq{3});
  CHECK(out.at("entries").as_array()[1].as_object().at("text") == "n9 removed");
  CHECK(log_json(m.map(), {lines[1]}, Seq{3}).at("entries").as_array()[0].as_object().at("text") ==
        json::value(to_string(NodeId{9}) + " removed"));
}
