#include "brigade/base/checksum.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "brigade/base/prng.h"

namespace brigade {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_CASE("checksums are the published XXH3 values") {
  CHECK(checksum(std::string_view()) == 0x2d06800538d394c2U);
  const ObjectId empty = object_id(NamingSecret{0}, "");
  CHECK(empty.high == 0x99aa06d3014798d8U);
  CHECK(empty.low == 0x6001c324468d497fU);
}

TEST_CASE("the object id of a key depends on the cluster's secret") {
  CHECK(object_id(NamingSecret{1}, "cat.jpg") == object_id(NamingSecret{1}, "cat.jpg"));
  CHECK(object_id(NamingSecret{1}, "cat.jpg") != object_id(NamingSecret{2}, "cat.jpg"));
  CHECK(object_id(NamingSecret{1}, "cat.jpg") != object_id(NamingSecret{1}, "cat.jpeg"));
}

TEST_CASE("a stream that arrives in pieces has the checksum of the whole, and goes on after being asked") {
  std::string text(100'000, '\0');
  Prng prng(1);
  for (char& c : text) c = static_cast<char>(prng.next());
  ChecksumStream stream;
  CHECK(stream.value() == checksum(std::string_view()));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = std::min<std::size_t>(prng.below(5000), text.size() - at);
    stream.update(bytes_of(std::string_view(text).substr(at, n)));
    at += n;
    REQUIRE(stream.value() == checksum(std::string_view(text).substr(0, at)));
  }
  CHECK(stream.value() == checksum(bytes_of(text)));
  ChecksumStream moved = std::move(stream);
  CHECK(moved.value() == checksum(text));
}

TEST_CASE("a digest does not depend on the order in which members come and go") {
  const ObjectId a{1, 2};
  const ObjectId b{3, 4};
  Digest forward;
  forward.add(a, Revision{1});
  forward.add(b, Revision{2});
  Digest detour;
  detour.add(b, Revision{2});
  detour.add(a, Revision{9});
  detour.add(a, Revision{1});
  detour.remove(a, Revision{9});
  CHECK(forward == detour);
  detour.remove(a, Revision{1});
  detour.remove(b, Revision{2});
  CHECK(detour == Digest{});
}

TEST_CASE("a digest notices another revision, another id, and the same member twice") {
  Digest one;
  one.add(ObjectId{1, 2}, Revision{1});
  Digest other_revision;
  other_revision.add(ObjectId{1, 2}, Revision{2});
  Digest other_id;
  other_id.add(ObjectId{2, 1}, Revision{1});
  Digest twice = one;
  twice.add(ObjectId{1, 2}, Revision{1});
  CHECK(one != other_revision);
  CHECK(one != other_id);
  CHECK(one != twice);
  // A sum, not an exclusive or: two equal members do not hide each other.
  CHECK((twice.high != 0 || twice.low != 0));
}

TEST_CASE("a digest of many members carries into its upper half and back") {
  Prng prng(3);
  std::vector<std::pair<ObjectId, Revision>> members;
  for (int i = 0; i < 1000; ++i) members.push_back({{prng.next(), prng.next()}, Revision{prng.next()}});
  Digest digest;
  for (const auto& [id, revision] : members) digest.add(id, revision);
  CHECK(digest.count == members.size());
  for (auto it = members.rbegin(); it != members.rend(); ++it) digest.remove(it->first, it->second);
  CHECK(digest == Digest{});
}

}  // namespace
}  // namespace brigade
