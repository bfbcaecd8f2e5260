#include "any.h"
#include "columns.h"
#include "samples.h"

#include <functional>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/base/checksum.h"
#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"

namespace brigade::wire {

namespace {

/// `bytes` with the checksum made right again.
Bytes resigned(Bytes bytes) {
  bytes.resize(bytes.size() - 8);
  put(bytes, checksum(std::span<const std::byte>(bytes)));
  return bytes;
}

std::string refusal(std::span<const std::byte> bytes) {
  const auto decoded = decode_snapshot(bytes);
  REQUIRE_FALSE(decoded.has_value());
  REQUIRE(decoded.error().code() == Errc::kInvalid);
  return decoded.error().detail();
}

/// A thousand nodes, siblings on different ones, each bucket assigned by one of many transactions.
Snapshot large_snapshot() {
  Snapshot s = sample_snapshot();
  s.last.seq = Seq{200'000};
  s.roster.clear();
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    NodeInfo node{NodeId{i * 7919},
                  "node-" + std::to_string(i),
                  "zone-" + std::to_string(i % 7),
                  1,
                  "10.1.0.1:8080",
                  "10.1.0.1:8081",
                  StoreId{i}};
    s.roster.push_back({node, Incarnation{1}, true, Seq{i}, Seq{i}});
  }
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    s.cells[i] = Cell{};
    s.cells[i].owner = s.roster[(i * 389) % 1000].node.id;
    s.cells[i].state = BucketState::kServing;
    s.cells[i].in_sync = true;
    s.cells[i].assigned = Seq{100'000 + (i * 389) % 1000};
  }
  return s;
}

}  // namespace

TEST_CASE("a snapshot survives the wire") {
  const Snapshot sample = sample_snapshot();
  CHECK(decode_snapshot(encode(sample)).value() == sample);
  // A snapshot is large: a few, from fixed seeds.
  const auto snapshots = rc::gen::exec(any_snapshot);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const Snapshot snapshot = snapshots(rc::Random(seed), rc::kNominalSize).value();
    const auto decoded = decode_snapshot(encode(snapshot));
    REQUIRE(decoded.has_value());
    REQUIRE((*decoded == snapshot));
  }
}

TEST_CASE("an empty map's snapshot survives the wire") {
  Snapshot empty;
  empty.cluster = ClusterId{1};
  empty.cells.resize(kBucketCount);
  const Bytes bytes = encode(empty);
  CHECK(bytes.size() < 300);
  CHECK(decode_snapshot(bytes).value() == empty);
}

TEST_CASE("the snapshot of a thousand nodes is some hundred KiB") {
  const Snapshot large = large_snapshot();
  const Bytes bytes = encode(large);
  CHECK(bytes.size() < 700 * 1024);
  CHECK(decode_snapshot(bytes).value() == large);
}

TEST_CASE("the worst snapshot is within the limit") {
  Snapshot worst = large_snapshot();
  worst.last.seq = Seq{Revision::kViewMax};
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    Cell& cell = worst.cells[i];
    cell.new_owner = worst.roster[999 - i % 1000].node.id;
    cell.state = i % 2 == 0 ? BucketState::kMoving : BucketState::kStandIn;
    cell.reason = Reason::kOperator;
    for (Seq* seq : {&cell.assigned, &cell.new_assigned, &cell.owner_in_sync, &cell.bucket_in_sync})
      *seq = Seq{Revision::kViewMax - i};
  }
  const Bytes bytes = encode(worst);
  CHECK(bytes.size() < kSnapshotBytesMax / 4);
  CHECK(decode_snapshot(bytes).value() == worst);
}

TEST_CASE("a snapshot has the version in force in its head, and who does not read that one names both") {
  Snapshot next = sample_snapshot();
  next.version = kProtocolVersion + 1;
  const Bytes bytes = encode(next);
  CHECK(decode_snapshot(bytes, kProtocolVersion + 1).value() == next);
  CHECK(decode_snapshot(encode(sample_snapshot()), kProtocolVersion + 1).value() == sample_snapshot());
  const auto refused = decode_snapshot(bytes);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().detail() ==
        "a snapshot: it has protocol version 2, and this program reads version 1: run a newer release");
}

TEST_CASE("a snapshot that is cut off, grown or flipped anywhere is refused") {
  const Bytes bytes = encode(sample_snapshot());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    REQUIRE_FALSE(decode_snapshot(std::span(bytes).first(size)).has_value());
  Bytes grown = bytes;
  grown.push_back(std::byte{});
  CHECK_FALSE(decode_snapshot(grown).has_value());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    REQUIRE_FALSE(decode_snapshot(flipped).has_value());
  }
}

TEST_CASE("a flipped bit under a right checksum is refused or makes a well-formed snapshot") {
  const Bytes bytes = encode(sample_snapshot());
  for (std::size_t bit = 0; bit < (bytes.size() - 8) * 8; bit += 61) {
    CAPTURE(bit);
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const auto decoded = decode_snapshot(resigned(std::move(flipped)));
    if (decoded) REQUIRE(decoded->cells.size() == kBucketCount);
  }
}

TEST_CASE("a snapshot of another version is refused with both versions in the text") {
  Bytes bytes = encode(sample_snapshot());
  bytes[4] = std::byte{9};
  const std::string text = refusal(resigned(std::move(bytes)));
  CHECK(text.find("version 9") != std::string::npos);
  CHECK(text.find("version 1") != std::string::npos);
}

TEST_CASE("each refusal of a snapshot says why") {
  const Bytes bytes = encode(sample_snapshot());
  Bytes other = bytes;
  other[0] = std::byte{'X'};
  CHECK(refusal(other) == "a snapshot: it does not begin with BRSN");
  other = bytes;
  other.back() ^= std::byte{1};
  CHECK(refusal(other) == "a snapshot: its checksum does not match");
  other = bytes;
  other[8] ^= std::byte{8};
  CHECK(refusal(resigned(other)) == "a snapshot: its length is not the one in its header");
  CHECK(refusal({}) == "a snapshot: cut off within its header");
}

TEST_CASE("a snapshot whose parts contradict each other is refused") {
  struct Case {
    const char* why;
    std::function<void(Snapshot&)> change;
  };
  const Case cases[] = {
      {"the roster does not rise by node id", [](Snapshot& s) { std::swap(s.roster[0], s.roster[1]); }},
      {"node ids do not rise",
       [](Snapshot& s) {
         s.removed = {NodeId{9}, NodeId{9}};
       }},
      {"a removed node is in the roster", [](Snapshot& s) { s.removed = {NodeId{0x1111}}; }},
      {"a bucket has an unknown state", [](Snapshot& s) { s.cells[5].state = static_cast<BucketState>(6); }},
      {"a seq lies beyond the snapshot's", [](Snapshot& s) { s.cells[65535].bucket_in_sync = Seq{43}; }},
      {"a seq lies beyond the snapshot's", [](Snapshot& s) { s.view = Seq{43}; }},
      {"a seq lies beyond the snapshot's", [](Snapshot& s) { s.roster[0].changed = Seq{43}; }},
      {"a position has both an epoch and a seq, or neither", [](Snapshot& s) { s.last.epoch = {}; }},
      {"the cluster id is missing", [](Snapshot& s) { s.cluster = {}; }},
      {"a node's weight is 0 to 1000000", [](Snapshot& s) { s.roster[0].node.weight = limits::kWeightMax + 1; }},
      {"a setting's value is not plain UTF-8 text", [](Snapshot& s) { s.settings["cache_control"] = "a\r\nb"; }},
  };
  for (const Case& c : cases) {
    Snapshot snapshot = sample_snapshot();
    c.change(snapshot);
    CHECK(refusal(encode(snapshot)) == std::string("a snapshot: ") + c.why);
  }
}

TEST_CASE("a column has one form") {
  const Bytes good = encode_column([](std::size_t i) { return i < 300 ? 5U : 200U; });
  CHECK(hex(good) ==
        "ac02"
        "05"
        "d4fd03"
        "c801");
  auto decode = [](const Bytes& bytes, std::uint64_t max) {
    std::uint64_t sum = 0;
    const Status status = decode_column(bytes, "x", max, [&](std::size_t, std::uint64_t v) { sum += v; });
    return status ? std::to_string(sum) : status.error().detail();
  };
  auto bytes = [](std::initializer_list<unsigned> values) {
    Bytes out;
    for (unsigned v : values) out.push_back(static_cast<std::byte>(v));
    return out;
  };
  CHECK(decode(good, 200) == std::to_string(300 * 5 + (65536 - 300) * 200));
  CHECK(decode(good, 199) == "column x has a value that is out of range");
  CHECK(decode({}, 9) == "column x does not cover all buckets");
  CHECK(decode(bytes({0x01, 0x05}), 9) == "column x does not cover all buckets");
  CHECK(decode(bytes({0x01, 0x05, 0xff, 0xff, 0x03, 0x05}), 9) == "column x has two runs where there should be one");
  CHECK(decode(bytes({0x01, 0x05, 0x80, 0x80, 0x04, 0x06}), 9) == "column x has a run of a wrong length");
  CHECK(decode(bytes({0x00, 0x05}), 9) == "column x has a run of a wrong length");
  for (const Bytes& b : {bytes({0x80, 0x80, 0x04, 0x85, 0x00}), bytes({0x80, 0x80, 0x04}), bytes({0x80}),
                         bytes({0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})})
    CHECK(decode(b, ~0ULL) == "column x has a number that is cut off or not in its shortest form");
}

}  // namespace brigade::wire
