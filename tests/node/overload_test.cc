// Requests for which a node has no room, at each of its doors.
#include "client_endpoint.h"
#include "node/local_node.h"
#include "peer_endpoint.h"
#include "primary_writer.h"
#include "record_fields.h"

#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "brigade/placement/replicas.h"

namespace brigade::node {
namespace {

using testing::commit_info;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::LocalNode;

const Admission::Room kNothing{0, 0};

/// Node 1 serves all replica buckets of `k`; it takes one write at a time.
class Crowded : public LocalNode {
 public:
  Crowded() {
    maker.node(1);
    config().writes_max = 1;
    for (const char* key : {"k", "none"})
      for (std::uint32_t j = 0; j < 2; ++j)
        maker.serving(1, placement::by_distance(placement::home_bucket(id_of(key)), j).value);
    show();
    id = put("k", commit_info(2, WallTime{1000}));
  }

  FakeResponse ask(const std::string& method, const std::string& key, net::Fields fields = {}, std::string body = {}) {
    FakeRequest request({method, "/o/" + key, std::move(fields)}, std::move(body));
    FakeResponse response;
    ClientEndpoint endpoint(context());
    run(endpoint.handle(request, response));
    body_read = request.read;
    return response;
  }
  FakeResponse ask_as_peer(PeerEndpoint& endpoint, const std::string& method, const std::string& target,
                           std::string body = {}, const store::ObjectMeta& record = {}) {
    net::Fields fields;
    put_record_fields(fields, record);
    fields.set(kKeyField, "k");
    fields.add(kMapSeqField, to_string(maker.map().seq()));
    FakeRequest request({method, target, std::move(fields)}, std::move(body));
    request.sender = NodeId{2};
    FakeResponse response;
    run(endpoint.handle(request, response));
    return response;
  }
  [[nodiscard]] Admission::Room used(Work work) { return context().admissions.stats(work).used; }
  /// Somebody else's request.
  auto hold(Work work, std::uint64_t bytes = 0) {
    FakeRequest other({"GET", "/"}, {});
    other.from = "10.9.9.9:1";
    return context().enter(work, other, bytes);
  }
  std::uint64_t all_bytes(Work work) { return room_of(work, config()).bytes; }

  ObjectId id;
  std::size_t body_read = 0;
};

void check_refused(const FakeResponse& response) {
  CHECK(response.head.status == 503);
  CHECK(response.head.fields.find("Retry-After"));
  CHECK(response.head.fields.find(kNoRoomField) == "yes");
  CHECK(response.object().at("type") == "urn:brigade:problem:overloaded");
}

TEST_CASE_METHOD(Crowded, "a write for which there is no room is refused before its body is read, and reads go on") {
  auto place = hold(Work::kWrite);
  REQUIRE(place);
  check_refused(ask("PUT", "k", {}, "body"));
  CHECK(body_read == 0);
  check_refused(ask("DELETE", "k"));
  CHECK(ask("GET", "k").head.status == 200);
  place.reset();
  CHECK(ask("PUT", "k", {}, "body").head.status == 200);
  CHECK(body_read == 4);
  CHECK(context().admissions.stats(Work::kWrite).refused_full == 2);
}

TEST_CASE_METHOD(Crowded, "a read for which there is no room is refused, and writes go on") {
  const auto place = hold(Work::kRead, all_bytes(Work::kRead));
  REQUIRE(place);
  check_refused(ask("GET", "k"));
  check_refused(ask("HEAD", "none"));
  CHECK(ask("PUT", "k", {}, "body").head.status == 200);
}

TEST_CASE_METHOD(Crowded, "a client's request gives its place back, whatever becomes of it") {
  net::Fields never;
  never.add("If-Match", "\"other\"");
  net::Fields wrong;
  wrong.add(kRedundancyField, "3");
  CHECK(ask("GET", "k").head.status == 200);
  CHECK(ask("GET", "none").head.status == 404);
  CHECK(ask("PUT", "k", {}, "body").head.status == 200);
  CHECK(ask("PUT", "k", never, "body").head.status == 412);
  CHECK(ask("PUT", "k", wrong, "body").head.status == 400);
  CHECK(ask("DELETE", "none").head.status == 404);
  CHECK(ask("PATCH", "k").head.status == 405);
  control.serves = false;
  CHECK(ask("PUT", "k", {}, "body").head.status == 503);
  CHECK(ask("GET", "k").head.status == 503);
  CHECK(used(Work::kRead) == kNothing);
  CHECK(used(Work::kWrite) == kNothing);
}

TEST_CASE_METHOD(Crowded, "what is staged here has its place until it is committed or rolled back") {
  PeerEndpoint endpoint(context());
  const std::string stage = "/peer/stage/" + to_string(id) + "/";
  for (int i = 0; i < 4; ++i) CHECK(ask_as_peer(endpoint, "PUT", stage + std::to_string(i), "body").head.status == 200);
  CHECK(used(Work::kCopy).places == 4);
  check_refused(ask_as_peer(endpoint, "PUT", stage + "more", "body"));
  CHECK(context().stats.staged_now == 4);

  CHECK(ask_as_peer(endpoint, "POST", "/peer/abort/0").head.status == 200);
  CHECK(used(Work::kCopy).places == 3);
  store::ObjectMeta record = store().meta(id).value();
  CHECK(ask_as_peer(endpoint, "POST", "/peer/commit/1", {}, record).head.status == 400);  // another checksum
  CHECK(used(Work::kCopy).places == 2);
  record.revision = Revision::of(maker.map().seq(), 7);
  record.checksum = checksum(std::as_bytes(std::span("body", 4)));
  CHECK(ask_as_peer(endpoint, "POST", "/peer/commit/2", {}, record).head.status == 200);
  CHECK(used(Work::kCopy).places == 1);
  CHECK(ask_as_peer(endpoint, "POST", "/peer/abort/3").head.status == 200);
  CHECK(used(Work::kCopy) == kNothing);
}

TEST_CASE_METHOD(Crowded, "what another node passes on counts for the client from whom it came") {
  FakeRequest request({"GET", "/"}, {});
  CHECK(NodeContext::asker(request) == "10.0.0.1");
  request.sender = NodeId{2};
  CHECK(NodeContext::asker(request) == to_string(NodeId{2}));
  net::Fields fields;
  fields.add(kClientField, "10.7.7.7");
  FakeRequest passed_on({"GET", "/", std::move(fields)}, {});
  CHECK(NodeContext::asker(passed_on) == "10.0.0.1");  // a client may say so, and nobody listens
  passed_on.sender = NodeId{2};
  CHECK(NodeContext::asker(passed_on) == "10.7.7.7");
}

TEST_CASE_METHOD(Crowded, "what other nodes ask for has rooms of its own, and gives its places back") {
  PeerEndpoint endpoint(context());
  const std::string bucket = std::to_string(placement::home_bucket(id).value);
  const std::string read = "/peer/read/" + to_string(id) + "?bucket=" + bucket;
  const std::string fetch = "/peer/fetch/" + to_string(id);
  const auto clients_write = hold(Work::kWrite);
  const auto clients_read = hold(Work::kRead, all_bytes(Work::kRead));
  CHECK(ask_as_peer(endpoint, "GET", read).head.status == 200);
  CHECK(ask_as_peer(endpoint, "GET", fetch).head.status == 200);
  CHECK(ask_as_peer(endpoint, "PUT", "/peer/write/k", "body").head.status == 200);
  CHECK(ask_as_peer(endpoint, "PUT", "/peer/object/" + to_string(id), {}, store().meta(id).value()).head.status == 200);
  for (const Work work : {Work::kPeerRead, Work::kFetch, Work::kHandedOn, Work::kPush}) CHECK(used(work) == kNothing);

  const auto reads = hold(Work::kPeerRead, all_bytes(Work::kPeerRead));
  const auto fetches = hold(Work::kFetch, all_bytes(Work::kFetch));
  const auto writes = hold(Work::kHandedOn);
  const auto pushes = hold(Work::kPush);
  check_refused(ask_as_peer(endpoint, "GET", read));
  check_refused(ask_as_peer(endpoint, "GET", fetch));
  check_refused(ask_as_peer(endpoint, "PUT", "/peer/write/k", "body"));
  check_refused(ask_as_peer(endpoint, "PUT", "/peer/object/" + to_string(id), {}, store().meta(id).value()));
}

TEST_CASE_METHOD(Crowded, "of many requests that can't reach a node the coordinator hears once in a while") {
  for (int i = 0; i < 10'000; ++i) context().complain_about(NodeId{2}, Seq{3});
  CHECK(control.reported.size() < 1000);
  const std::size_t before = control.reported.size();
  context().complain_about(NodeId{3}, Seq{3});
  context().complain_about(NodeId{2}, Seq{4});  // under another map it is news
  CHECK(control.reported.size() == before + 2);
}

/// Another node, of which only the door is there: it refuses what is asked first, and notes it.
class FullPeer {
 public:
  FullPeer() {
    net::ServerOptions options;
    net::Handler handler = [this](net::Request& request, net::Response& response) -> asio::awaitable<void> {
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(request.head().method + " " + request.head().target.substr(0, 12));
      }
      net::ResponseHead head(503);
      head.fields.add(kNoRoomField, "yes");
      co_await response.send(std::move(head), "{}");
    };
    server_ = net::HttpServer::start(io_.get_executor(), options, std::move(handler)).value();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~FullPeer() {
    std::promise<void> gone;
    asio::post(io_, [&] {
      server_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
    io_.stop();
    thread_.join();
  }
  [[nodiscard]] std::string address() const { return server_->address(); }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::unique_ptr<net::HttpServer> server_;
  std::thread thread_;
};

asio::awaitable<void> ask_and_hang_up(NodeContext& context, FakeRequest& request, FakeResponse& response) {
  ClientEndpoint endpoint(context);
  co_await endpoint.handle(request, response);
  context.peers.clear();
}

TEST_CASE("a write for which a replica has no room is rolled back, and its client told at once") {
  FullPeer peer;
  LocalNode node;
  const ObjectId id = node.id_of("k");
  const wire::NodeInfo other{NodeId{2}, "n2", "", 1, "127.0.0.1:80", peer.address(), StoreId{2}};
  node.maker.node(1).apply(wire::NodeAdded{other}).apply(wire::NodeUp{other, Incarnation{1}});
  node.maker.serving(1, placement::home_bucket(id).value);
  node.maker.serving(2, placement::by_distance(placement::home_bucket(id), 1).value);
  node.show();
  const std::size_t size = GENERATE(std::size_t{100}, std::size_t{5} << 20);
  FakeRequest request({"PUT", "/o/k"}, std::string(size, 'x'));
  FakeResponse response;
  node.run(ask_and_hang_up(node.context(), request, response));
  CHECK(response.head.status == 503);
  CHECK(response.head.fields.find("Retry-After"));
  CHECK(response.object().at("type") == "urn:brigade:problem:overloaded");
  CHECK_FALSE(node.store().find(id));
  CHECK(peer.asked() == std::vector<std::string>{"PUT /peer/stage/"});
  CHECK(node.context().admissions.stats(Work::kWrite).used == kNothing);
  CHECK(node.context().commits.none_below(Seq{1000}));
}

TEST_CASE("a read for which its node has no room is refused at once, and that node not held to be gone") {
  FullPeer peer;
  LocalNode node;
  const ObjectId id = node.id_of("k");
  const wire::NodeInfo other{NodeId{2}, "n2", "", 1, "127.0.0.1:80", peer.address(), StoreId{2}};
  node.maker.node(1).apply(wire::NodeAdded{other}).apply(wire::NodeUp{other, Incarnation{1}});
  for (std::uint32_t j = 0; j < 2; ++j)
    node.maker.serving(2, placement::by_distance(placement::home_bucket(id), j).value);
  node.show();
  FakeRequest request({"GET", "/o/k"}, {});
  FakeResponse response;
  node.run(ask_and_hang_up(node.context(), request, response));
  check_refused(response);
  CHECK_FALSE(node.context().is_suspect(NodeId{2}));
}

}  // namespace
}  // namespace brigade::node
