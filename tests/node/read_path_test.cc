#include "read_path.h"

#include "node/local_node.h"
#include "record_fields.h"

#include <string>

#include <catch2/catch.hpp>

#include "brigade/placement/replicas.h"

namespace brigade::node {
namespace {

using testing::commit_info;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::LocalNode;

/// Node 1 of three, with a record of the key `k`.
class Reader : public LocalNode {
 public:
  explicit Reader(std::uint8_t level) {
    maker.node(1).node(2).node(3);
    show();
    id_ = put("k", commit_info(2, WallTime{1000}, level));
  }

  /// The replica bucket at that distance from home.
  [[nodiscard]] BucketId bucket(std::uint32_t distance) const {
    return placement::by_distance(placement::home_bucket(id_), distance);
  }
  /// Node 1 is asked as that bucket, which it serves.
  int ask_as(std::uint32_t distance) {
    const std::string place = to_string(id_) + "?bucket=" + std::to_string(bucket(distance).value);
    net::RequestHead head("GET", "/peer/read/" + place);
    head.fields.add(kKeyField, "k");
    head.fields.add(kMapSeqField, "1");
    FakeRequest request(std::move(head), {});
    FakeResponse response;
    run(read_for_peer(context(), request, response));
    return response.head.status;
  }

 private:
  ObjectId id_;
};

TEST_CASE("a record is shown only for a bucket that holds it, not for another one that the node serves") {
  const std::uint8_t level = GENERATE(std::uint8_t{1}, std::uint8_t{2});
  Reader n(level);
  n.maker.serving(1, n.bucket(2).value);
  n.show();
  // At redundancy 2 it is left from when this node had one of the two: it may be old.
  CHECK(n.ask_as(2) == (level == 1 ? 404 : 200));
  n.maker.serving(1, n.bucket(1).value);
  n.show();
  CHECK(n.ask_as(1) == 200);
  CHECK(n.ask_as(0) == 503);  // served by somebody else
}

TEST_CASE("another node's read that names no object or no bucket is refused") {
  LocalNode n;
  for (const char* target : {"/peer/read/", "/peer/read/x?bucket=1", "/peer/read/00112233445566778899aabbccddeeff",
                             "/peer/read/00112233445566778899aabbccddeeff?bucket=65536",
                             "/peer/read/00112233445566778899aabbccddeeff?bucket=x",
                             "/peer/read/00112233445566778899aabbccddeeff/more?bucket=1"}) {
    CAPTURE(target);
    net::RequestHead head("GET", target);
    head.fields.add(kKeyField, "k");
    head.fields.add(kMapSeqField, "1");
    FakeRequest request(std::move(head), {});
    FakeResponse response;
    n.run(read_for_peer(n.context(), request, response));
    CHECK(response.head.status == 400);
  }
}

}  // namespace
}  // namespace brigade::node
