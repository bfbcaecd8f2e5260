#include "sibling_lists.h"

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

store::IndexEntry entry(std::uint64_t object, std::uint64_t seq, bool tombstone = false) {
  return {.id = ObjectId{1, object}, .revision = Revision::of(Seq{seq}, 1), .tombstone = tombstone};
}

std::vector<std::uint64_t> objects(const std::vector<store::IndexEntry>& entries) {
  std::vector<std::uint64_t> ids;
  ids.reserve(entries.size());
  for (const store::IndexEntry& e : entries) ids.push_back(e.id.low);
  return ids;
}

TEST_CASE("what a sibling has as new, or newer, is known to it") {
  CHECK(unknown_to({entry(1, 5), entry(2, 9), entry(3, 5, true)}, {entry(1, 5), entry(2, 5), entry(3, 5)}).empty());
}

TEST_CASE("what a sibling has nothing of is unknown to it") {
  CHECK(objects(unknown_to({entry(1, 5)}, {entry(1, 5), entry(2, 5), entry(3, 5, true)})) ==
        std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("a tombstone or an object that went in the place of a sibling's is unknown to it") {
  const std::vector<store::IndexEntry> theirs{entry(1, 5), entry(2, 5), entry(3, 5, true)};
  CHECK(objects(unknown_to(theirs, {entry(1, 6, true), entry(2, 6), entry(3, 6)})) ==
        std::vector<std::uint64_t>{1, 2, 3});
}

}  // namespace
}  // namespace brigade::node
