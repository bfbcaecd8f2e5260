#include "brigade/base/bucket_set.h"

#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/base/prng.h"

namespace brigade {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

BucketSet set_of(const std::vector<std::uint16_t>& buckets) {
  BucketSet set;
  for (const std::uint16_t b : buckets) set.add(BucketId{b});
  return set;
}

std::vector<std::uint16_t> listed(const BucketSet& set) {
  std::vector<std::uint16_t> buckets;
  set.for_each([&](BucketId b) { buckets.push_back(b.value); });
  return buckets;
}

TEST_CASE("a bucket set merges buckets that touch, whatever order they come in") {
  const BucketSet set = set_of({7, 5, 6, 0, 65535, 65534, 6});
  REQUIRE(set.runs().size() == 3);
  CHECK(set.runs()[0] == BucketSet::Run{0, 1});
  CHECK(set.runs()[1] == BucketSet::Run{5, 8});
  CHECK(set.runs()[2] == BucketSet::Run{65534, 65536});
  CHECK(set.size() == 6);
  CHECK(set.has(BucketId{65535}));
  CHECK_FALSE(set.has(BucketId{8}));
  CHECK_FALSE(set.has(BucketId{4}));
}

TEST_CASE("the set of all buckets is one run of five bytes") {
  CHECK(BucketSet::all().size() == kBucketCount);
  CHECK(BucketSet::all().encoded() == bytes({0, 0x80, 0x80, 0x04}));
  CHECK(BucketSet::decode(BucketSet::all().encoded()) == BucketSet::all());
}

TEST_CASE("the empty set encodes to nothing") {
  CHECK(BucketSet().empty());
  CHECK(BucketSet().encoded().empty());
  CHECK(BucketSet::decode("") == BucketSet());
  CHECK(BucketSet().split(8).empty());
}

TEST_CASE("decoding refuses everything that encoding does not make") {
  CHECK(BucketSet::decode(bytes({3, 1, 2, 1})) == set_of({3, 6}));
  CHECK_FALSE(BucketSet::decode(bytes({3})));                          // a gap without length
  CHECK_FALSE(BucketSet::decode(bytes({3, 0})));                       // an empty run
  CHECK_FALSE(BucketSet::decode(bytes({3, 1, 0, 1})));                 // touching runs
  CHECK_FALSE(BucketSet::decode(bytes({0x83, 0x00, 1})));              // a padded number
  CHECK_FALSE(BucketSet::decode(bytes({0x80, 0x80, 0x80, 0x01, 1})));  // a number too long
  CHECK_FALSE(BucketSet::decode(bytes({3, 0x81})));                    // a number cut off
  CHECK_FALSE(BucketSet::decode(bytes({1, 0x80, 0x80, 0x04})));        // ends behind the last bucket
  CHECK_FALSE(BucketSet::decode(bytes({0x80, 0x80, 0x04, 1})));        // starts behind the last bucket
  CHECK_FALSE(BucketSet::decode(bytes({0xff, 0xff, 0x7f, 0xff, 0xff, 0x7f})));
}

TEST_CASE("a bucket set behaves like a set of numbers") {
  CHECK(rc::check([](const std::vector<std::uint16_t>& wide, const std::vector<std::uint8_t>& dense) {
    std::vector<std::uint16_t> buckets = wide;
    for (const std::uint8_t b : dense) buckets.push_back(static_cast<std::uint16_t>(65535 - b));
    const BucketSet set = set_of(buckets);
    const std::set<std::uint16_t> model(buckets.begin(), buckets.end());
    RC_ASSERT(listed(set) == std::vector<std::uint16_t>(model.begin(), model.end()));
    RC_ASSERT(set.size() == model.size());
    for (const std::uint16_t b : buckets) {
      RC_ASSERT(set.has(BucketId{b}));
      const auto above = static_cast<std::uint16_t>(b + 1);
      RC_ASSERT(set.has(BucketId{above}) == model.contains(above));
    }
    for (std::size_t i = 1; i < set.runs().size(); ++i) RC_ASSERT(set.runs()[i - 1].end < set.runs()[i].first);
    RC_ASSERT(set.encoded().size() == set.encoded_bytes());
    RC_ASSERT(BucketSet::decode(set.encoded()) == set);
  }));
}

TEST_CASE("any bytes either are refused or are what the decoded set encodes to") {
  Prng prng(5);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string noise(prng.below(8), '\0');
    for (char& c : noise) c = static_cast<char>(prng.chance(1, 3) ? prng.below(256) : prng.below(4));
    const std::optional<BucketSet> set = BucketSet::decode(noise);
    if (!set) continue;
    ++accepted;
    REQUIRE(set->encoded() == noise);
  }
  CHECK(accepted > 1000);
}

TEST_CASE("splitting keeps every bucket once and every part within its bytes") {
  Prng prng(6);
  for (const std::size_t bytes_max : {8U, 9U, 100U, 1000U}) {
    BucketSet set;
    for (int i = 0; i < 5000; ++i) set.add(BucketId{static_cast<std::uint16_t>(prng.next())});
    const std::vector<BucketSet> parts = set.split(bytes_max);
    std::vector<std::uint16_t> all;
    for (const BucketSet& part : parts) {
      REQUIRE_FALSE(part.empty());
      REQUIRE(part.encoded_bytes() <= bytes_max);
      for (const std::uint16_t b : listed(part)) all.push_back(b);
    }
    CHECK(all == listed(set));
    // The first run of a part names its place anew, with at most 6 bytes, so parts can't be much more than needed.
    CHECK(parts.size() <= set.encoded_bytes() / (bytes_max - 7) + 1);
  }
  CHECK(BucketSet::all().split(8).size() == 1);
}

}  // namespace
}  // namespace brigade
