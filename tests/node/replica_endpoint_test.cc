#include "replica_endpoint.h"

#include "node/local_node.h"
#include "record_fields.h"

#include <catch2/catch.hpp>

#include "brigade/placement/replicas.h"

namespace brigade::node {
namespace {

using testing::commit_info;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::LocalNode;

/// Node 1 serves all replica buckets of `k`, of which it has a revision.
class Replica : public LocalNode {
 public:
  Replica() {
    id = put("k", commit_info(2, WallTime{1000}));
    maker.node(1).node(2);
    for (std::uint32_t j = 0; j < 4; ++j) maker.serving(1, placement::by_distance(placement::home_bucket(id), j).value);
    show();
  }
  /// The primary sends the next revision without its body, which is that of `body_of`.
  int take(const std::string& body_of) {
    store::ObjectMeta meta = store().meta(id).value();
    meta.revision = Revision::of(maker.map().seq(), 1);
    meta.level = 2;
    net::RequestHead head("PUT", "/peer/object/x");
    put_record_fields(head.fields, meta);
    head.fields.add(kMapSeqField, to_string(maker.map().seq()));
    head.fields.add(kBodyOfField, body_of);
    FakeRequest request(std::move(head), {});
    FakeResponse response;
    ReplicaEndpoint endpoint(context());
    run(endpoint.put_record(id, request, response));
    return response.head.status;
  }

  ObjectId id;
};

TEST_CASE_METHOD(Replica,
                 "a record that comes without its body gets that of the revision that is here, or is refused") {
  const auto before = store().find(id);
  CHECK(take("2.2") == 404);
  CHECK(take("nonsense") == 400);
  CHECK(store().find(id) == before);
  CHECK(take("2.1") == 200);
  const auto after = store().find(id);
  REQUIRE(after);
  CHECK(after->revision.view() == maker.map().seq());
  CHECK(after->level == 2);
  CHECK(store().open(id, "k").value()->meta().size == 3);
  CHECK(context().stats.bytes_in == 0);  // from its own disk
}

}  // namespace
}  // namespace brigade::node
