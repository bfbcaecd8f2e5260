#include "brigade/node/data_lock.h"

#include "temp_dir.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

TEST_CASE("a data directory is held alone, or by several that only look") {
  const test::TempDir temp;
  const DataDir dir{temp.path()};
  {
    const auto reader = DataLock::take(dir, Sharing::kWithReaders, "it is looked at");
    REQUIRE(reader);
    REQUIRE(DataLock::take(dir, Sharing::kWithReaders, "it is looked at"));
    REQUIRE(DataLock::take(dir, Sharing::kAlone, "a node serves from it").error().code() == Errc::kConflict);
  }
  const auto node = DataLock::take(dir, Sharing::kAlone, "a node serves from it");
  REQUIRE(node);
  const auto refused = DataLock::take(dir, Sharing::kWithReaders, "it is looked at");
  REQUIRE(refused.error().code() == Errc::kConflict);
  REQUIRE_THAT(refused.error().detail(), Catch::Contains(temp.path()) && Catch::Contains("a node serves from it"));
  REQUIRE(DataLock::take(dir, Sharing::kAlone, "another").error().code() == Errc::kConflict);
}

TEST_CASE("a data directory that is not there is named") {
  const test::TempDir temp;
  const auto lock = DataLock::take({temp.path() + "/none"}, Sharing::kAlone, "x");
  REQUIRE(lock.error().code() == Errc::kNotFound);
  REQUIRE_THAT(lock.error().detail(), Catch::Contains("none"));
}

}  // namespace
}  // namespace brigade::node
