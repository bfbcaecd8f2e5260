#include "read_path.h"

#include "node/fakes.h"
#include "record_fields.h"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "brigade/placement/replicas.h"
#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::node {
namespace {

using testing::FakeControl;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::MapMaker;

/// Node 1 of three, with a record of the key `k`.
class Reader {
 public:
  explicit Reader(std::uint8_t level) {
    config_.naming_seed = 77;
    store_ = store::open_segment_store(files_, "/objects").value();
    peers_ = net::HttpClient::make(io_.get_executor(), {});
    maker.node(1).node(2).node(3);
    control.show(maker);
    context_ = std::make_unique<NodeContext>(io_.get_executor(), config_, NodeId{1}, control, *store_, *peers_, disk_);
    id_ = object_id(context_->naming, "k");
    auto staged = store_->stage(id_, "k", 3).value();
    REQUIRE(staged->write(std::as_bytes(std::span("abc", 3))));
    REQUIRE(staged->finish());
    store::CommitInfo info;
    info.revision = Revision::of(Seq{2}, 1);
    info.modified = WallTime{1000};
    info.content_type = "text/plain";
    info.level = level;
    REQUIRE(store_->commit(std::move(staged), info));
  }

  /// The replica bucket at that distance from home.
  [[nodiscard]] BucketId bucket(std::uint32_t distance) const {
    return placement::by_distance(placement::home_bucket(id_), distance);
  }
  /// Node 1 is asked as that bucket, which it serves.
  int ask_as(std::uint32_t distance) {
    net::RequestHead head("GET", "/peer/read/x");
    head.fields.add(kKeyField, "k");
    head.fields.add(kMapSeqField, "1");
    FakeRequest request(std::move(head), {});
    FakeResponse response;
    run(read_for_peer(*context_, id_, bucket(distance), request, response));
    return response.head.status;
  }

  MapMaker maker;
  FakeControl control;

 private:
  void run(asio::awaitable<void> work) { node::testing::run_to_end(io_, std::move(work)); }

  asio::io_context io_;
  BlockingPool disk_{1};
  store::MemoryFileSystem files_;
  std::unique_ptr<store::ObjectStore> store_;
  std::unique_ptr<net::HttpClient> peers_;
  Config config_;
  std::unique_ptr<NodeContext> context_;
  ObjectId id_;
};

TEST_CASE("a record is shown only for a bucket that holds it, not for another one that the node serves") {
  const std::uint8_t level = GENERATE(std::uint8_t{1}, std::uint8_t{2});
  Reader n(level);
  n.maker.serving(1, n.bucket(2).value);
  n.control.show(n.maker);
  // At redundancy 2 it is left from when this node had one of the two: it may be old.
  CHECK(n.ask_as(2) == (level == 1 ? 404 : 200));
  n.maker.serving(1, n.bucket(1).value);
  n.control.show(n.maker);
  CHECK(n.ask_as(1) == 200);
  CHECK(n.ask_as(0) == 503);  // served by somebody else
}

}  // namespace
}  // namespace brigade::node
