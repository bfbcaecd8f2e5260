#include "render.h"

#include "json_view.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;
using Catch::Contains;

json::value cluster() {
  return json::parse(R"({"cluster":"00000000000000aa","node":"n1","state":"serving",
    "epoch":{"counter":7,"coordinator":"n3"},"coordinator":"n3","seq":120,"commit":119,
    "quorum":{"needed":2,"present":2},
    "roster":[
      {"name":"n1","id":"0000000000000001","zone":"","weight":1,"up":true,"buckets":32768,"client":"127.0.0.1:1","peer":"127.0.0.1:2"},
      {"name":"n3","id":"0000000000000003","zone":"east","weight":2,"up":true,"buckets":32760,"client":"127.0.0.1:5","peer":"127.0.0.1:6"},
      {"name":"n2","id":"0000000000000002","zone":"east","weight":1,"up":false,"buckets":8,"client":"127.0.0.1:3","peer":"127.0.0.1:4"}],
    "buckets":{"unassigned":0,"filling":8,"serving":65528,"lost":0},"objects":201,"bytes":33554432})");
}

}  // namespace

TEST_CASE("status tells state, coordinator, quorum, buckets and each node") {
  CHECK(render_status(cluster()) ==
        "cluster      00000000000000aa\n"
        "this node    n1, serving\n"
        "coordinator  n3, epoch 7\n"
        "quorum       2 of 3 nodes present, 2 needed\n"
        "log          seq 120, committed up to 119\n"
        "buckets      65528 serving, 8 on nodes that are down\n"
        "stored here  201 objects, 32.0 MiB\n"
        "\n"
        "NODE  STATE  ROLE         ZONE  WEIGHT  BUCKETS  CLIENT       PEER         ID\n"
        "n1    up                  -          1    32768  127.0.0.1:1  127.0.0.1:2  0000000000000001\n"
        "n2    down                east       1        8  127.0.0.1:3  127.0.0.1:4  0000000000000002\n"
        "n3    up     coordinator  east       2    32760  127.0.0.1:5  127.0.0.1:6  0000000000000003\n");
}

TEST_CASE("status tells how far the scrub is, and what it has found") {
  auto value = cluster();
  value.as_object()["scrub"] = json::parse(R"({"pass_started":"2026-01-31T12:34:56.789Z","bytes_done":1048576,
    "bytes_total":4194304,"bytes_per_second":2048,"corrupt_found":3,"repaired":3,"corrupt_now":0})");
  CHECK_THAT(render_status(value),
             Contains("scrub        pass since 2026-01-31T12:34:56.789Z, 1.0 MiB of 4.0 MiB at 2.0 KiB/s; "
                      "3 corrupt records found, 3 repaired\n"));
  value.at("scrub").as_object()["corrupt_now"] = 1;
  CHECK_THAT(render_status(value), Contains("3 repaired, 1 WAIT FOR A GOOD COPY\n"));
  value.at("scrub").as_object()["pass_started"] = nullptr;
  CHECK_THAT(render_status(value), Contains("scrub        no pass yet; 3 corrupt"));
}

TEST_CASE("after a pass of the scrub people are told what that one read, not how far the next one is") {
  auto scrub = json::parse(R"({"pass_started":"2026-01-31T12:34:56.789Z","bytes_done":1,"bytes_total":2,
    "bytes_per_second":1,"last_pass_bytes":2097152,"corrupt_found":1,"repaired":1,"corrupt_now":0})");
  CHECK(ended_scrub_text(scrub) == "read 2.0 MiB; 1 corrupt record found, 1 repaired since the node started");
  scrub.as_object().erase("last_pass_bytes");  // a node of an older release
  CHECK_THAT(ended_scrub_text(scrub), Catch::StartsWith("all is read; 1 corrupt"));
}

TEST_CASE("status tells how far the node is with what it fills, while it does") {
  auto value = cluster();
  value.as_object()["fill"] = json::parse(R"({"left":0,"filled":9,"bytes":7,"bytes_per_second":0,"seconds_left":0})");
  CHECK_THAT(render_status(value), !Contains("of 9 buckets"));
  value.as_object()["fill"] =
      json::parse(R"({"left":300,"filled":100,"bytes":1048576,"bytes_per_second":2048,"seconds_left":40})");
  CHECK_THAT(render_status(value),
             Contains("filling      100 of 400 buckets, 1.0 MiB at 2.0 KiB/s, about 40 s left\n"));
  value.at("fill").as_object()["seconds_left"] = nullptr;
  CHECK_THAT(render_status(value), Contains("2.0 KiB/s\n"));
}

TEST_CASE("status of a node without a quorum shows that there is no coordinator") {
  auto value = cluster();
  value.as_object()["coordinator"] = nullptr;
  value.as_object()["state"] = "no-quorum";
  CHECK_THAT(render_status(value),
             Contains("coordinator  none\n") && Contains("n1, no-quorum") && Contains("what it knew last"));
}

TEST_CASE("an answer that lacks fields is shown with dashes") {
  CHECK_THAT(render_status(json::parse("{}")), Contains("cluster      -\n"));
  CHECK_THAT(render_status(json::parse("[]")), Contains("this node    -, -\n"));
  CHECK_THAT(render_nodes(json::parse(R"({"roster":[{"name":"n9"}]})")), Contains("n9    down"));
}

TEST_CASE("locate tells for each replica where, in what state, whether it has it, and why it is there") {
  const auto text =
      render_locate(json::parse(R"({"key":"a.jpg","id":"12","home":5,"redundancy":2,"primary":"n1","seq":9,"replicas":[
    {"bucket":5,"state":"serving","owner":"n1","in_sync":true,"holds":true,"revision":"3.1","assigned":{"seq":4,"reason":"join"},
     "new_owner":null,"new_assigned":null},
    {"bucket":4,"state":"stand-in","owner":"n2","in_sync":false,"holds":null,"assigned":{"seq":4,"reason":"join"},
     "new_owner":"n3","new_assigned":{"seq":8,"reason":"failure"}}]})"));
  CHECK_THAT(text, Contains("home bucket  5\n") && Contains("redundancy   2\n") && Contains("map seq      9\n"));
  CHECK_THAT(text, Contains("     5  serving   n1     yes      yes      3.1       seq 4 (join)  -          -\n"));
  CHECK_THAT(
      text,
      Contains("     4  stand-in  n2     no       unknown  -         seq 4 (join)  n3         seq 8 (failure)\n"));
}

TEST_CASE("the log is one line for each transaction") {
  CHECK(
      render_log(json::parse(
          R"({"entries":[{"seq":9,"time":"2026-01-01T00:00:00Z","epoch":"1.n1","kind":"NodeDown","text":"n2"},{"seq":10,"epoch":"2.n3","kind":"GroupFormed","text":"n1, n3"}]})")) ==
      "SEQ  TIME                  EPOCH  KIND         WHAT\n"
      "  9  2026-01-01T00:00:00Z  1.n1   NodeDown     n2\n"
      " 10  -                     2.n3   GroupFormed  n1, n3\n");
}

TEST_CASE("a plan without moves says so") {
  CHECK_THAT(render_plan(json::parse(R"({"moves":0,"assignments":0})")), Contains("nothing to move"));
  CHECK_THAT(
      render_plan(json::parse(
          R"({"moves":3,"lower_bound":2,"bytes":2048,"assignments":0,"transfers":[{"from":"n1","to":"n2","buckets":3,"bytes":2048}]})")),
      Contains("to move      3 buckets, 2.0 KiB") && Contains("at least     2 buckets") &&
          Contains("n1    n2        3  2.0 KiB"));
}

TEST_CASE("settings and objects are tables") {
  CHECK_THAT(render_settings(json::parse(
                 R"({"settings":[{"name":"lease","value":"400ms","default":"400ms","about":"how long"}]})")),
             Contains("lease    400ms  400ms    how long"));
  CHECK_THAT(
      render_objects(json::parse(R"([{"key":"a b.jpg","size":1536,"redundancy":2,"modified":"2026-01-01T00:00:00Z"}])")
                         .as_array()),
      Contains("1.5 KiB       2  2026-01-01T00:00:00Z  a b.jpg"));
}

TEST_CASE("JSON for people is indented and can be read back") {
  const auto value = json::parse(R"({"a":[1,{"b":"x\"y"}],"c":{},"d":[],"e":null})");
  CHECK(pretty(value) ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\\\"y\"\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": "
        "null\n}\n");
  CHECK(json::parse(pretty(cluster())) == cluster());
}

TEST_CASE("buckets that wait for a node that is down are told from those that fill") {
  auto value = cluster();
  value.at("buckets").as_object() = {{"unassigned", 1}, {"filling", 20}, {"serving", 65512}, {"lost", 3}};
  CHECK_THAT(render_status(value),
             Contains("buckets      65512 serving, 12 filling, 8 on nodes that are down, 1 unassigned, 3 lost\n"));
}

TEST_CASE("locate warns where one failure would take all copies") {
  auto value = json::parse(R"({"key":"k","replicas":[
    {"bucket":6,"owner":"n1","in_sync":true},{"bucket":7,"owner":"n1","in_sync":true}]})");
  CHECK_THAT(render_locate(value), Contains("In sync on n1 alone"));
  value.at("replicas").as_array()[1].as_object()["owner"] = "n2";
  CHECK_THAT(render_locate(value), !Contains("alone"));
  for (auto& replica : value.at("replicas").as_array()) replica.as_object()["in_sync"] = false;
  CHECK_THAT(render_locate(value), Contains("No replica is in sync"));
}

TEST_CASE("a key takes one line, whatever is in it") {
  const auto objects = json::parse(R"([{"size":1,"redundancy":2,"modified":"now","key":"a\nb"}])");
  CHECK_THAT(render_objects(objects.as_array()), Contains("a%0Ab\n"));
}

}  // namespace brigade::cli
