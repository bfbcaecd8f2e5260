#include "fresh_writes.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

const ObjectId kOne{1, 1};

TEST_CASE("a write is fresh for the parts that began before it") {
  FreshWrites fresh;
  CHECK_FALSE(fresh.written_since(kOne, Seq{1}));
  fresh.note(kOne, Seq{7});
  CHECK(fresh.written_since(kOne, Seq{7}));
  CHECK_FALSE(fresh.written_since(kOne, Seq{8}));
  fresh.note(kOne, Seq{9});
  CHECK(fresh.written_since(kOne, Seq{8}));
}

TEST_CASE("a write counts from the map under which it is made, even before anybody has looked at that map") {
  FreshWrites fresh;
  fresh.settle(Seq{6});
  fresh.note(kOne, Seq{7});
  CHECK(fresh.written_since(kOne, Seq{7}));
}

TEST_CASE("what was written while nothing was filled is not kept") {
  FreshWrites fresh;
  fresh.note(kOne, Seq{7});
  fresh.settle(Seq{6});
  CHECK(fresh.written_since(kOne, Seq{7}));
  fresh.settle(Seq{7});
  CHECK_FALSE(fresh.written_since(kOne, Seq{7}));
  fresh.note(kOne, Seq{7});
  CHECK_FALSE(fresh.written_since(kOne, Seq{7}));
}

}  // namespace
}  // namespace brigade::node
