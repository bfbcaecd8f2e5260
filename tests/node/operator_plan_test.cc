// What operators wish of nodes, and what that would move.  Source: design §7, §9.
#include "operator_plan.h"

#include "replication/maps.h"

#include <optional>
#include <string>

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

namespace json = boost::json;
using replication::testing::MapMaker;

/// n1 and n2, both seen; n1 has a hundred buckets, one of each pair, so that none has to move.
MapMaker two_nodes() {
  MapMaker m;
  m.node(1).node(2);
  BucketSet low;
  for (std::uint16_t b = 0; b < 200; b += 2) low.add(BucketId{b});
  m.apply(wire::BucketsAssigned{wire::Reason::kBootstrap, {{wire::Role::kOwner, NodeId{1}, low}}});
  return m;
}

json::object plan_of(const MapMaker& m, const std::string& query, std::optional<double> bucket_bytes = 10) {
  const auto change = planned_change(query, m.map());
  REQUIRE(change);
  return plan_json(m.map(), *change, bucket_bytes);
}

TEST_CASE("the plan of a drained node moves all that it has, and tells bytes if a bucket's are known") {
  const MapMaker m = two_nodes();
  json::object plan = plan_of(m, "drain=n1");
  CHECK(plan.at("moves").to_number<int>() == 100);
  CHECK(plan.at("lower_bound").to_number<int>() == 100);
  CHECK(plan.at("assignments").to_number<int>() == kBucketCount - 100);
  CHECK(plan.at("bytes").to_number<int>() == 1000);
  CHECK(plan.at("seq").to_number<std::uint64_t>() == m.map().seq().value);
  CHECK(plan.at("least_seconds").is_null());
  CHECK(json::serialize(plan.at("transfers")) == R"([{"from":"n1","to":"n2","buckets":100,"bytes":1000}])");
  plan = plan_of(m, "drain=n1", std::nullopt);
  CHECK(plan.at("bytes").is_null());
  CHECK(plan.at("transfers").as_array()[0].as_object().at("bytes").is_null());
  CHECK(plan_of(m, "").at("moves").to_number<int>() == 0);
}

TEST_CASE("a plan takes at least what its busiest receiver takes at the rate that is allowed") {
  MapMaker m = two_nodes();
  m.apply(wire::SettingChanged{"repair_bandwidth", "64KiB/s"});
  CHECK(plan_of(m, "drain=n1", 65536).at("least_seconds").to_number<double>() == Approx(100.0));
}

TEST_CASE("what another weight or zone, or another node in the place of one, would move") {
  const MapMaker m = two_nodes();
  CHECK(plan_of(m, "reshape=n1&weight=0").at("moves").to_number<int>() == 100);
  CHECK(plan_of(m, "reshape=n2&weight=3&zone=b").at("moves").to_number<int>() == 0);
  CHECK(plan_of(m, "reshape=n2&zone=").at("moves").to_number<int>() == 0);  // in no zone
  CHECK(plan_of(m, "replace=n1&with=n2").at("moves").to_number<int>() == 100);
}

TEST_CASE("a plan of what can't be is refused") {
  const MapMaker m = two_nodes();
  const auto code = [&](const std::string& query) { return planned_change(query, m.map()).error().code(); };
  CHECK(code("drain=n9") == Errc::kNotFound);
  CHECK(code("replace=n1") == Errc::kInvalid);
  CHECK(code("replace=n1&with=n1") == Errc::kInvalid);
  CHECK(code("replace=n1&with=n9") == Errc::kNotFound);
  CHECK(code("reshape=n1") == Errc::kInvalid);
  CHECK(code("reshape=n1&weight=1000001") == Errc::kInvalid);
  CHECK(code("reshape=n1&weight=x") == Errc::kInvalid);
  CHECK(code("reshape=n1&zone=a%20b") == Errc::kInvalid);
  const auto detail = [&](const std::string& query) { return planned_change(query, m.map()).error().detail(); };
  CHECK(detail("reshape=n1&weight=1000001") == "weight must be a number from 0 to 1000000");
  CHECK(detail("replace=n1&with=n1") == "a node can't replace itself");
  CHECK(detail("reshape=n1&zone=a%20b") == "a node's zone is empty or 1 to 63 of A-Z a-z 0-9 . _ -");
}

}  // namespace
}  // namespace brigade::node
