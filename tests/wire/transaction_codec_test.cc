#include "any.h"
#include "samples.h"

#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

namespace brigade::wire {

TEST_CASE("every kind of change survives the journal") {
  for (std::size_t kind = 0; kind < std::variant_size_v<Change>; ++kind)
    rc::prop(std::string(kind_name(sample_changes()[kind])), [kind] {
      const Change change = any_change(kind);
      RC_ASSERT(change.index() == kind);
      const Bytes bytes = encode(change);
      RC_ASSERT(encoded_bytes(change) == bytes.size());
      const auto decoded = decode_change(bytes);
      if (!decoded) RC_FAIL(decoded.error().detail());
      RC_ASSERT(*decoded == change);
    });
}

TEST_CASE("a change that is cut off at any length is refused") {
  for (const Change& change : sample_changes()) {
    CAPTURE(kind_name(change));
    const Bytes bytes = encode(change);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      REQUIRE_FALSE(decode_change(std::span(bytes).first(size)).has_value());
  }
}

TEST_CASE("whatever a flipped bit makes of a change is refused or well-formed") {
  for (const Change& change : sample_changes()) {
    CAPTURE(kind_name(change));
    const Bytes bytes = encode(change);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      CAPTURE(bit);
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      const auto decoded = decode_change(flipped);
      if (!decoded) continue;
      REQUIRE(validate(*decoded).has_value());
      REQUIRE(decode_change(encode(*decoded)).value() == *decoded);
    }
  }
}

TEST_CASE("a group of a thousand lists its hundred lowest members and counts the rest") {
  std::vector<NodeId> accepted;
  for (std::uint64_t id = 1000; id >= 1; --id) accepted.emplace_back(id);
  const GroupFormed formed = GroupFormed::of(accepted);
  CHECK(formed.members.size() == GroupFormed::kMembersMax);
  CHECK(formed.members.front() == NodeId{1});
  CHECK(formed.members.back() == NodeId{100});
  CHECK(formed.unlisted == 900);
  CHECK(encoded_bytes(formed) <= limits::kEntryBytesMax);
  CHECK(decode_change(encode(formed)).value() == Change(formed));

  std::reverse(accepted.begin(), accepted.end());
  CHECK(encode(GroupFormed{accepted, 0}) == encode(formed));

  CHECK(GroupFormed::of({NodeId{3}, NodeId{2}}) == GroupFormed{{NodeId{2}, NodeId{3}}, 0});
}

TEST_CASE("a change over the limit has a size, and is not well-formed") {
  BucketsFilled change{NodeId{1}, {}};
  for (std::uint32_t b = 0; b < 65536; b += 2) change.buckets.add(BucketId{static_cast<std::uint16_t>(b)});
  CHECK(encoded_bytes(change) > 65536);
  const Status status = validate(Change(change));
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().detail() == "BucketsFilled: a log entry takes at most 1000 bytes: split it");

  BucketsAssigned split{Reason::kBalance, {}};
  for (BucketSet& part : change.buckets.split(900)) {
    split.assignments = {{Role::kOwner, NodeId{1}, std::move(part)}};
    REQUIRE(validate(Change(split)).has_value());
  }
}

TEST_CASE("an empty list without content can't be counted up") {
  // A List(Void) of 2^28 elements where a list of structs is expected: one word that claims a quarter of a billion.
  BucketsAssigned change{Reason::kJoin, {{Role::kOwner, NodeId{1}, buckets({1})}}};
  Bytes bytes = encode(change);
  bool found = false;
  for (std::size_t at = 16; at + 8 <= bytes.size() && !found; at += 8) {
    const auto low = std::to_integer<unsigned>(bytes[at]) & 3;
    const auto size_class = std::to_integer<unsigned>(bytes[at + 4]) & 7;
    if (low != 1 || size_class != 7) continue;
    for (std::size_t i = 4; i < 8; ++i) bytes[at + i] = std::byte{0};
    bytes[at + 7] = std::byte{0x80};
    found = true;
  }
  REQUIRE(found);
  const auto decoded = decode_change(bytes);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().code() == Errc::kInvalid);
}

}  // namespace brigade::wire
