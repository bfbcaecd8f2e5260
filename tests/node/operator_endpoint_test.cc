#include "operator_endpoint.h"

#include "node/fakes.h"
#include "record_fields.h"
#include "replication/maps.h"

#include <ctime>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "brigade/net/http_semantics.h"
#include "brigade/placement/replicas.h"
#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

using namespace brigade;        // NOLINT(google-build-using-namespace)
using namespace brigade::node;  // NOLINT(google-build-using-namespace)
using brigade::node::testing::FakeControl;
using brigade::node::testing::FakeRequest;
using brigade::node::testing::FakeResponse;
using replication::testing::MapMaker;

namespace {

namespace json = boost::json;

/// A node of a cluster of one, without sockets.
class Bench {
 public:
  Bench() {
    config.name = "n1";
    config.cluster = ClusterId{1};
    config.naming_seed = 77;
    secret.bytes.fill(std::byte{5});
    store_ = store::open_segment_store(files_, "/objects").value();
    peers_ = net::HttpClient::make(io_.get_executor(), {});
    control.show(maker.node(1));
    context_ = std::make_unique<NodeContext>(io_.get_executor(), config, NodeId{1}, control, *store_, *peers_, disk_);
    endpoint_ = std::make_unique<OperatorEndpoint>(*context_, secret);
  }

  FakeResponse call(net::RequestHead head, std::string body = {}) {
    FakeRequest request(std::move(head), std::move(body));
    FakeResponse response;
    run(endpoint_->handle(request, response));
    REQUIRE(response.sent);
    return response;
  }
  FakeResponse get(const std::string& target) { return call({"GET", target}); }
  FakeResponse peer_keys(const std::string& target) {
    net::RequestHead head("GET", target);
    head.fields.add(kMapSeqField, "1");
    FakeRequest request(std::move(head), {});
    FakeResponse response;
    run(handle_peer_keys(*context_, request, response));
    return response;
  }
  FakeResponse peer_propose(const std::string& target) {
    FakeRequest request({"POST", target}, {});
    FakeResponse response;
    run(handle_peer_propose(*context_, request, response));
    return response;
  }
  net::RequestHead sign(const std::string& target, const std::string& body, AdminPurpose purpose,
                        const std::string& nonce = "0123456789abcdef") const {
    net::RequestHead head("POST", target);
    head.fields.add(kAdminField, sign_call(secret, purpose, {"POST", target, body}, {std::time(nullptr), nonce}));
    return head;
  }
  /// Stores an object and makes its home bucket serve.
  void put(const std::string& key, std::uint64_t view = 2) {
    const ObjectId id = object_id(context_->naming, key);
    auto staged = store_->stage(id, key, 3).value();
    REQUIRE(staged->write(std::as_bytes(std::span("abc", 3))));
    REQUIRE(staged->finish());
    store::CommitInfo info;
    info.revision = Revision::of(Seq{view}, 1);
    info.modified = WallTime{1000};
    info.content_type = "text/plain";
    REQUIRE(store_->commit(std::move(staged), info));
    maker.serving(1, placement::home_bucket(id).value);
    control.show(maker);
  }

  Config config;
  wire::ClusterSecret secret;
  MapMaker maker;
  FakeControl control;

 private:
  void run(asio::awaitable<void> work) { node::testing::run_to_end(io_, std::move(work)); }

  asio::io_context io_{1};
  BlockingPool disk_{2};
  store::MemoryFileSystem files_;
  std::unique_ptr<store::ObjectStore> store_;
  std::unique_ptr<net::HttpClient> peers_;
  std::unique_ptr<NodeContext> context_;
  std::unique_ptr<OperatorEndpoint> endpoint_;
};

constexpr const char* kGrace = R"({"name":"grace","value":"5min"})";

}  // namespace

TEST_CASE("a node is ready with a lease and in the roster, alive in any case") {
  Bench bench;
  CHECK(bench.get("/readyz").head.status == 200);
  bench.control.serves = false;
  const FakeResponse refused = bench.get("/readyz");
  CHECK(refused.head.status == 503);
  CHECK(refused.object().at("type") == "urn:brigade:problem:no-quorum");
  CHECK(refused.head.fields.find("Retry-After"));
  bench.control.serves = true;
  bench.control.show(MapMaker());
  CHECK(bench.get("/readyz").head.status == 503);
  CHECK(bench.get("/livez").head.status == 200);
  CHECK(bench.get("/cluster").object().at("state") == "joining");
}

TEST_CASE("what an operator reads is there without a lease, a list of objects is not") {
  Bench bench;
  bench.control.serves = false;
  for (const char* target : {"/", "/cluster", "/cluster/nodes", "/cluster/map", "/cluster/log", "/cluster/settings",
                             "/cluster/plan", "/cluster/locate/a%20b.jpg", "/metrics", "/cluster?x=1"}) {
    INFO(target);
    CHECK(bench.get(target).head.status == 200);
    CHECK(bench.call({"HEAD", target}).head.status == 200);
  }
  CHECK(bench.get("/cluster").object().at("state") == "no-quorum");
  CHECK(bench.get("/cluster/objects").head.status == 503);
  CHECK(bench.peer_keys("/peer/keys").head.status == 503);
}

TEST_CASE("metrics are Prometheus text that names the serving state") {
  Bench bench;
  const FakeResponse response = bench.get("/metrics");
  CHECK(response.head.fields.find("Content-Type").value().starts_with("text/plain; version=0.0.4"));
  CHECK_THAT(response.body, Catch::Contains("\nbrigade_serving 1\n") &&
                                Catch::Contains("brigade_buckets{state=\"unassigned\"} 65536\n"));
}

TEST_CASE("unknown paths are 404, wrong methods 405 with what is allowed, bad queries 400") {
  Bench bench;
  for (const char* target : {"/nothing", "/cluster/", "/clusters", "/cluster/locate", "/o"}) {
    INFO(target);
    CHECK(bench.get(target).head.status == 404);
  }
  const FakeResponse refused = bench.call({"DELETE", "/cluster/settings"});
  CHECK(refused.head.status == 405);
  CHECK(refused.head.fields.find("Allow") == "GET, HEAD, POST");
  CHECK(bench.call({"POST", "/cluster"}).head.fields.find("Allow") == "GET, HEAD");
  CHECK(bench.get("/cluster/join").head.fields.find("Allow") == "POST");
  for (const char* target : {"/cluster/log?after=x", "/cluster/objects?limit=1001", "/cluster/locate/..",
                             "/cluster/locate/", "/cluster/log?after=%zz"}) {
    INFO(target);
    CHECK(bench.get(target).head.status == 400);
  }
  CHECK(bench.get("/cluster/plan?drain=n9").head.status == 404);
  CHECK(bench.get("/cluster/can-stop").head.status == 400);
  CHECK(bench.get("/cluster/can-stop?nodes=n1,n9").head.status == 404);
  CHECK(bench.get("/cluster/can-stop?nodes=n1").object().at("safe").is_bool());
}

TEST_CASE("a setting is changed by whoever has the secret, once for each signature") {
  Bench bench;
  CHECK(bench.call({"POST", "/cluster/settings"}, kGrace).head.status == 401);
  CHECK(bench.call(bench.sign("/cluster/settings", kGrace, AdminPurpose::kJoin), kGrace).head.status == 401);
  CHECK(bench.call(bench.sign("/cluster/settings", "{}", AdminPurpose::kAdmin), kGrace).head.status == 401);
  CHECK(bench.control.proposed.empty());
  const FakeResponse done = bench.call(bench.sign("/cluster/settings", kGrace, AdminPurpose::kAdmin), kGrace);
  CHECK(done.head.status == 200);
  CHECK(done.object().at("seq").as_int64() == 42);
  CHECK(bench.call(bench.sign("/cluster/settings", kGrace, AdminPurpose::kAdmin), kGrace).head.status == 401);
  REQUIRE(bench.control.proposed.size() == 1);
  CHECK(bench.control.proposed[0] == wire::Change{wire::SettingChanged{"grace", "5min"}});
}

TEST_CASE("a scrub is begun by whoever has the secret, and one at a time") {
  Bench bench;
  CHECK(bench.get("/cluster/scrub").head.fields.find("Allow") == "POST");
  CHECK(bench.call({"POST", "/cluster/scrub"}, "{}").head.status == 401);
  CHECK_FALSE(bench.get("/cluster").object().at("scrub").at("fast").as_bool());
  const auto begin = [&](const std::string& nonce) {
    return bench.call(bench.sign("/cluster/scrub", "{}", AdminPurpose::kAdmin, nonce), "{}");
  };
  const FakeResponse begun = begin("0000000000000001");
  CHECK(begun.head.status == 200);
  CHECK(begun.object().at("goal").as_int64() == 1);
  CHECK(begin("0000000000000002").object().at("goal").as_int64() == 1);
  const json::object shown = bench.get("/cluster").object().at("scrub").as_object();
  CHECK(shown.at("fast").as_bool());
  for (const char* field :
       {"bytes_done", "bytes_total", "bytes_per_second", "corrupt_found", "repaired", "corrupt_now"})
    CHECK(shown.at(field).is_number());
  CHECK(shown.at("pass_started").is_null());
  CHECK(shown.at("last_pass_bytes").is_null());
  CHECK(bench.control.proposed.empty());
}

TEST_CASE("what the coordinator refuses reaches the operator in its words") {
  Bench bench;
  bench.control.outcome = Error{Errc::kConflict, "n1 is up: stop it first"};
  const std::string body = R"({"node":"n1"})";
  const FakeResponse refused = bench.call(bench.sign("/cluster/remove", body, AdminPurpose::kAdmin), body);
  CHECK(refused.head.status == 409);
  CHECK(refused.object().at("detail") == "n1 is up: stop it first");
  for (const char* field : {"buckets", "buckets_alone"}) CHECK(refused.object().at(field).is_number());
  CHECK(refused.object().at("keys").is_array());
  CHECK(bench.control.proposed[0] == wire::Change{wire::NodeRemoved{NodeId{1}}});
}

TEST_CASE("a node is drained, and takes part again") {
  Bench bench;
  const std::string drain = R"({"node":"n1"})", cancel = R"({"node":"n1","draining":false})";
  CHECK(bench.call({"POST", "/cluster/drain"}, drain).head.status == 401);
  CHECK(bench.call(bench.sign("/cluster/drain", drain, AdminPurpose::kAdmin, "0000000000000001"), drain).head.status ==
        200);
  CHECK(
      bench.call(bench.sign("/cluster/drain", cancel, AdminPurpose::kAdmin, "0000000000000002"), cancel).head.status ==
      200);
  REQUIRE(bench.control.proposed.size() == 2);
  CHECK(bench.control.proposed[0] == wire::Change{wire::NodeDraining{NodeId{1}, true}});
  CHECK(bench.control.proposed[1] == wire::Change{wire::NodeDraining{NodeId{1}, false}});
}

TEST_CASE("an operator says where a node stands, what it holds, and who takes its place") {
  Bench bench;
  bench.control.show(bench.maker.node(2));
  auto post = [&, n = 0](const std::string& path, const std::string& body) mutable {
    const std::string nonce = "0123456789abcde" + std::to_string(n++);
    return bench.call(bench.sign(path, body, AdminPurpose::kAdmin, nonce), body).head.status;
  };
  CHECK(bench.call({"POST", "/cluster/reshape"}, R"({"node":"n1","weight":2})").head.status == 401);
  CHECK(post("/cluster/reshape", R"({"node":"n1","weight":2})") == 200);
  CHECK(post("/cluster/reshape", R"({"node":"n1","zone":"b"})") == 200);
  CHECK(post("/cluster/reshape", R"({"node":"n1","zone":"","weight":0})") == 200);
  CHECK(post("/cluster/replace", R"({"node":"n1","with":"n2"})") == 200);
  REQUIRE(bench.control.proposed.size() == 4);
  CHECK(bench.control.proposed[0] == wire::Change{wire::NodeReshaped{NodeId{1}, "", 2}});
  CHECK(bench.control.proposed[1] == wire::Change{wire::NodeReshaped{NodeId{1}, "b", 1}});
  CHECK(bench.control.proposed[2] == wire::Change{wire::NodeReshaped{NodeId{1}, "", 0}});
  CHECK(bench.control.proposed[3] == wire::Change{wire::NodeReplaced{NodeId{1}, NodeId{2}}});
  for (const char* body : {R"({"node":"n1"})", R"({"node":"n1","weight":"2"})", R"({"node":"n1","weight":1000001})",
                           R"({"node":"n1","zone":"no zone"})", R"({"node":"n1","zone":5})"}) {
    INFO(body);
    CHECK(post("/cluster/reshape", body) == 400);
  }
  CHECK(post("/cluster/reshape", R"({"node":"n9","weight":2})") == 404);
  CHECK(post("/cluster/replace", R"({"node":"n1"})") == 400);
  CHECK(post("/cluster/replace", R"({"node":"n1","with":"n1"})") == 400);
  CHECK(post("/cluster/replace", R"({"node":"n1","with":"n9"})") == 404);
  CHECK(bench.control.proposed.size() == 4);
}

TEST_CASE("without a quorum nobody is told that nothing is lost, and all else says in which state it was") {
  Bench bench;
  bench.control.serves = false;
  CHECK(bench.call({"GET", "/cluster/losses"}, "").head.status == 503);
  CHECK(bench.call({"GET", "/cluster/plan"}, "").object().at("state") == "no-quorum");
  CHECK(bench.call({"GET", "/cluster/nodes"}, "").object().at("state") == "no-quorum");
}

TEST_CASE("a loss is accepted of buckets that are lost, and of no others") {
  Bench bench;
  auto post = [&, n = 0](const std::string& body) mutable {
    const std::string nonce = "0123456789abcde" + std::to_string(n++);
    return bench.call(bench.sign("/cluster/accept-loss", body, AdminPurpose::kAdmin, nonce), body).head.status;
  };
  CHECK(bench.call({"GET", "/cluster/losses"}, "").object().at("count") == 0);
  CHECK(bench.call({"POST", "/cluster/accept-loss"}, R"({"all":true})").head.status == 401);
  CHECK(post("{}") == 400);
  CHECK(post(R"({"all":false})") == 400);
  CHECK(post(R"({"all":true,"buckets":[1]})") == 400);
  CHECK(post(R"({"buckets":[65536]})") == 400);
  CHECK(post(R"({"buckets":[]})") == 400);
  CHECK(post(R"({"all":true})") == 404);
  CHECK(post(R"({"buckets":[6]})") == 409);
  CHECK(bench.control.proposed.empty());
}

TEST_CASE("a change that makes no sense is refused before anybody is asked") {
  Bench bench;
  auto post = [&, n = 0](const std::string& target, const std::string& body) mutable {
    const std::string nonce = "0123456789abcde" + std::to_string(n++);
    return bench.call(bench.sign(target, body, AdminPurpose::kAdmin, nonce), body).head.status;
  };
  CHECK(post("/cluster/settings", "") == 400);
  CHECK(post("/cluster/settings", "[1]") == 400);
  CHECK(post("/cluster/settings", R"({"name":"grace"})") == 400);
  CHECK(post("/cluster/settings", R"({"name":"grace","value":5})") == 400);
  CHECK(post("/cluster/remove", "{}") == 400);
  CHECK(post("/cluster/drain", R"({"node":"n1","draining":"yes"})") == 400);
  CHECK(post("/cluster/remove", R"({"node":"n9"})") == 404);
  CHECK(post("/cluster/remove", std::string(20'000, ' ')) == 413);
  CHECK(bench.control.proposed.empty());
}

TEST_CASE("a newcomer is told what it needs, by somebody who has the secret") {
  Bench bench;
  const std::string body = R"({"name":"n2"})";
  const std::string nonce = "fedcba9876543210";
  const FakeResponse welcome = bench.call(bench.sign("/cluster/join", body, AdminPurpose::kJoin, nonce), body);
  REQUIRE(welcome.head.status == 200);
  CHECK(verify_join_answer(bench.secret, nonce, welcome.body, welcome.head.fields.find(kJoinField)));
  CHECK(welcome.object().at("cluster") == "0000000000000001");
  CHECK(welcome.object().at("naming_seed") == "000000000000004d");
  CHECK(welcome.object().at("transport") == "multicast");
  CHECK(welcome.object().at("protocol") == wire::kProtocolVersion);
  CHECK(welcome.object().at("peers") == json::parse(R"(["127.0.0.1:81"])"));
  CHECK(bench.control.proposed.empty());
}

TEST_CASE("a newcomer with a name that is taken, or none, is refused") {
  Bench bench;
  const auto join = [&](const std::string& body, const std::string& nonce) {
    return bench.call(bench.sign("/cluster/join", body, AdminPurpose::kJoin, nonce), body).head.status;
  };
  CHECK(join(R"({"name":"n1"})", "0000000000000001") == 409);
  CHECK(join(R"({"name":"a b"})", "0000000000000002") == 400);
  CHECK(join("{}", "0000000000000003") == 400);
  bench.control.show(MapMaker());
  CHECK(join(R"({"name":"n2"})", "0000000000000004") == 503);
}

TEST_CASE("a peer's proposal is committed here, and only by the coordinator") {
  Bench bench;
  const std::string target =
      "/peer/propose?change=" + net::encode_key(R"({"kind":"SettingChanged","name":"grace","value":"5min"})");
  CHECK(bench.peer_propose(target).object().at("seq").as_int64() == 42);
  CHECK(bench.peer_propose("/peer/propose").head.status == 400);
  bench.control.is_coordinator = false;
  bench.control.show(bench.maker);
  CHECK(bench.peer_propose(target).head.status == 421);
  CHECK(bench.control.proposed.size() == 1);
}

TEST_CASE("objects are listed by key, page by page, within a prefix") {
  Bench bench;
  for (const char* key : {"b/2", "a", "b/1", "c", "b/3"}) bench.put(key);
  const auto keys = [](const FakeResponse& response) {
    std::string text;
    const json::object body = response.object();
    for (const json::value& object : body.at("objects").as_array())
      text += std::string(object.as_object().at("key").as_string()) + " ";
    const json::value& next = body.at("next");
    return text + (next.is_null() ? "." : "> " + std::string(next.as_string()));
  };
  CHECK(keys(bench.get("/cluster/objects")) == "a b/1 b/2 b/3 c .");
  CHECK(keys(bench.get("/cluster/objects?limit=2")) == "a b/1 > b/1");
  CHECK(keys(bench.get("/cluster/objects?limit=2&after=b/1")) == "b/2 b/3 > b/3");
  CHECK(keys(bench.get("/cluster/objects?limit=2&after=b/3")) == "c .");
  CHECK(keys(bench.get("/cluster/objects?prefix=b/&limit=3")) == "b/1 b/2 b/3 .");
  CHECK(keys(bench.get("/cluster/objects?prefix=x")) == ".");
  CHECK(keys(bench.peer_keys("/peer/keys?prefix=b/&limit=1")) == "b/1 > b/1");
  const json::object first = bench.get("/cluster/objects?limit=1").object().at("objects").as_array()[0].as_object();
  CHECK(first.at("size").to_number<int>() == 3);
  CHECK(first.at("redundancy").to_number<int>() == 2);
  CHECK(first.at("modified") == "1970-01-01T00:00:01.000Z");
}

TEST_CASE("locate finds what is stored here") {
  Bench bench;
  bench.put("a b.jpg");
  const json::object located = bench.get("/cluster/locate/a%20b.jpg").object();
  CHECK(located.at("key") == "a b.jpg");
  CHECK(located.at("exists") == true);
  CHECK(located.at("revision") == "2.1");
  CHECK(located.at("replicas").as_array()[0].as_object().at("holds") == true);
  CHECK(bench.get("/cluster/locate/other").object().at("exists").is_null());  // its bucket has no owner yet
}
