#include "any.h"
#include "little_endian.h"
#include "samples.h"

#include <set>

#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include "brigade/base/limits.h"
#include "brigade/wire/auth.h"

namespace brigade::wire {

namespace {

constexpr ClusterId kCluster{0xc1};
constexpr NodeId kSelf{0xaaaa};
constexpr NodeId kPeer{0xbbbb};
const Message kMessage = Invitation{{5, kPeer}};

DatagramSealer sealer(NodeId from = kPeer, Incarnation incarnation = Incarnation{1}, ClusterId cluster = kCluster) {
  return {sample_secret(), cluster, from, incarnation};
}
DatagramOpener opener() {
  return {sample_secret(), kCluster, kSelf};
}

/// A datagram of ours with any header and body, and a right MAC.
Bytes forged(NodeId from, Incarnation incarnation, std::uint64_t counter, const Bytes& body) {
  Bytes out{std::byte{'B'}, std::byte{'R'}, std::byte{'G'}, std::byte{'D'}};
  put(out, std::uint32_t{1});
  put(out, kCluster.value);
  put(out, from.value);
  put(out, incarnation.value);
  put(out, counter);
  out.insert(out.end(), body.begin(), body.end());
  const Mac mac = Authenticator(sample_secret(), "datagram").mac(out);
  out.insert(out.end(), mac.begin(), mac.begin() + kMacBytes);
  return out;
}
Bytes with_counter(std::uint64_t counter, NodeId from = kPeer) {
  return forged(from, Incarnation{1}, counter, encode(kMessage));
}

/// The label of a drop, or "accepted".
std::string fate(DatagramOpener& opener, std::span<const std::byte> datagram) {
  const auto opened = opener.open(datagram);
  return opened ? "accepted" : std::string(drop_name(opened.error()));
}

}  // namespace

TEST_CASE("a datagram is opened as it was sealed") {
  rc::prop("any message", [] {
    const Message message = any_message(any_number(0, std::variant_size_v<Message> - 1));
    auto in = opener();
    auto out = sealer(kPeer, Incarnation{9});
    const Bytes datagram = out.seal(message);
    RC_ASSERT(datagram.size() <= limits::kDatagramBytesMax);
    const auto opened = in.open(datagram);
    RC_ASSERT(opened.has_value());
    RC_ASSERT(opened->from == kPeer);
    RC_ASSERT(opened->incarnation == Incarnation{9});
    RC_ASSERT(opened->message == message);
  });
}

TEST_CASE("a datagram with any bit flipped is dropped and changes nothing") {
  auto in = opener();
  auto out = sealer();
  const Bytes datagram = out.seal(sample_messages()[7]);
  for (std::size_t bit = 0; bit < datagram.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = datagram;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    REQUIRE_FALSE(in.open(flipped).has_value());
  }
  CHECK(fate(in, datagram) == "accepted");
}

TEST_CASE("a datagram cut off at any length is dropped") {
  auto in = opener();
  const Bytes datagram = sealer().seal(kMessage);
  for (std::size_t size = 0; size < datagram.size(); ++size)
    REQUIRE_FALSE(in.open(std::span(datagram).first(size)).has_value());
  CHECK(fate(in, {}) == "malformed");
  CHECK(fate(in, datagram) == "accepted");
}

TEST_CASE("noise is malformed, and so is what is larger than any datagram of ours") {
  auto in = opener();
  CHECK(fate(in, Bytes(100)) == "malformed");
  CHECK(fate(in, with_counter(1)) == "accepted");
  CHECK(fate(in, forged(kPeer, Incarnation{1}, 2, Bytes(kMessageBytesMax + 8))) == "malformed");
}

TEST_CASE("a datagram of another cluster is foreign, with another secret forged") {
  auto in = opener();
  CHECK(fate(in, sealer(kPeer, Incarnation{1}, ClusterId{0xc2}).seal(kMessage)) == "foreign-cluster");
  ClusterSecret other = sample_secret();
  other.bytes[0] ^= std::byte{1};
  CHECK(fate(in, DatagramSealer(other, kCluster, kPeer, Incarnation{1}).seal(kMessage)) == "bad-mac");
}

TEST_CASE("our own echo is dropped, of this start and of earlier ones") {
  auto in = opener();
  CHECK(fate(in, sealer(kSelf, Incarnation{1}).seal(kMessage)) == "own");
  CHECK(fate(in, sealer(kSelf, Incarnation{9}).seal(kMessage)) == "own");
}

TEST_CASE("a sender without an id does not exist") {
  auto in = opener();
  CHECK(fate(in, sealer(NodeId{}).seal(kMessage)) == "malformed");
}

TEST_CASE("a datagram is accepted once") {
  auto in = opener();
  auto out = sealer();
  const Bytes first = out.seal(kMessage);
  const Bytes second = out.seal(kMessage);
  CHECK(fate(in, second) == "accepted");
  CHECK(fate(in, first) == "accepted");
  CHECK(fate(in, first) == "replayed");
  CHECK(fate(in, second) == "replayed");
}

TEST_CASE("any order within the window is accepted, once each, and nothing below it") {
  rc::prop("counters against a set", [] {
    auto in = opener();
    std::set<std::uint64_t> seen;
    std::uint64_t highest = 0;
    std::uint64_t base = any_number(0, ~0ULL - 100'000);
    const auto steps = any_number(1, 60);
    for (std::uint64_t i = 0; i < steps; ++i) {
      // Near the highest, at the window's edges, or a leap.
      const std::uint64_t counter = base + *rc::gen::element<std::uint64_t>(0, 1, 2, 3, 500, 1022, 1023, 1024, 1025,
                                                                            2047, 2048, 5000, any_number(0, 3000));
      const bool is_new = seen.empty() || counter > highest || (highest - counter < 1024 && seen.count(counter) == 0);
      RC_ASSERT(fate(in, with_counter(counter)) == (is_new ? "accepted" : "replayed"));
      if (!is_new) continue;
      seen.insert(counter);
      highest = seen.size() == 1 ? counter : std::max(highest, counter);
      if (*rc::gen::inRange(0, 10) == 0) base += 700;
    }
  });
}

TEST_CASE("the window is 1024 counters") {
  auto in = opener();
  CHECK(fate(in, with_counter(5000)) == "accepted");
  CHECK(fate(in, with_counter(5000 - 1023)) == "accepted");
  CHECK(fate(in, with_counter(5000 - 1024)) == "replayed");
  CHECK(fate(in, with_counter(~0ULL)) == "accepted");
  CHECK(fate(in, with_counter(~0ULL)) == "replayed");
  CHECK(fate(in, with_counter(~0ULL - 1)) == "accepted");
}

TEST_CASE("a counter that was leapt over is new, though the one 1024 before it was seen") {
  auto in = opener();
  for (std::uint64_t counter : {1, 2, 1000, 1030}) CHECK(fate(in, with_counter(counter)) == "accepted");
  CHECK(fate(in, with_counter(1025)) == "accepted");
  CHECK(fate(in, with_counter(1026)) == "accepted");
  CHECK(fate(in, with_counter(1025)) == "replayed");
  CHECK(fate(in, with_counter(1000)) == "replayed");
}

TEST_CASE("each sender has a window of its own") {
  auto in = opener();
  CHECK(fate(in, with_counter(7, kPeer)) == "accepted");
  CHECK(fate(in, with_counter(7, NodeId{0xcccc})) == "accepted");
  CHECK(fate(in, with_counter(7, kPeer)) == "replayed");
}

TEST_CASE("a new start of a sender begins anew, and its earlier life is over for good") {
  auto in = opener();
  auto before = sealer(kPeer, Incarnation{3});
  auto after = sealer(kPeer, Incarnation{4});
  CHECK(fate(in, before.seal(kMessage)) == "accepted");
  const Bytes late = before.seal(kMessage);
  const Bytes first = after.seal(kMessage);
  CHECK(fate(in, first) == "accepted");
  CHECK(fate(in, first) == "replayed");
  CHECK(fate(in, late) == "old-incarnation");
  CHECK(fate(in, after.seal(kMessage)) == "accepted");
}

TEST_CASE("a datagram that is refused for its body does not use up its counter or end an earlier life") {
  auto in = opener();
  CHECK(fate(in, forged(kPeer, Incarnation{1}, 1, encode(kMessage))) == "accepted");
  CHECK(fate(in, forged(kPeer, Incarnation{2}, 1, Bytes(64))) == "malformed");
  CHECK(fate(in, forged(kPeer, Incarnation{1}, 2, Bytes(64))) == "malformed");
  CHECK(fate(in, forged(kPeer, Incarnation{1}, 2, encode(kMessage))) == "accepted");
}

TEST_CASE("a forged datagram does not use up a counter or end an earlier life") {
  auto in = opener();
  ClusterSecret other = sample_secret();
  other.bytes[0] ^= std::byte{1};
  DatagramSealer forger(other, kCluster, kPeer, Incarnation{99});
  CHECK(fate(in, forger.seal(kMessage)) == "bad-mac");
  CHECK(fate(in, sealer().seal(kMessage)) == "accepted");
}

TEST_CASE("the number of senders is bounded: the one not heard for longest is forgotten") {
  auto in = opener();
  const std::uint64_t most = 4 * limits::kNodesMax;
  for (std::uint64_t id = 1; id <= most; ++id) REQUIRE(fate(in, with_counter(1, NodeId{id})) == "accepted");
  CHECK(fate(in, with_counter(2, NodeId{1})) == "accepted");
  CHECK(fate(in, with_counter(1, NodeId{most + 1})) == "accepted");
  // Node 1 was heard again; node 2 made room, and is met for the first time again.
  CHECK(fate(in, with_counter(1, NodeId{1})) == "replayed");
  CHECK(fate(in, with_counter(1, NodeId{2})) == "accepted");
  CHECK(fate(in, with_counter(1, NodeId{most})) == "replayed");
}

TEST_CASE("a frame of another version is dropped with both versions in the text") {
  auto in = opener();
  Bytes datagram = sealer().seal(kMessage);
  datagram[4] = std::byte{7};
  CHECK(fate(in, datagram) == "version");
  const std::string text = drop_text(Drop::kVersion, datagram);
  CHECK(text.find("version 7") != std::string::npos);
  CHECK(text.find("version 1") != std::string::npos);
}

TEST_CASE("a datagram of the next protocol version is dropped and changes nothing; who speaks that one reads both") {
  const ClusterSecret secret = sample_secret();
  DatagramSealer next(secret, kCluster, kPeer, Incarnation{9}, kProtocolVersion + 1);
  const Bytes in_old = next.seal(kMessage, kProtocolVersion);
  const Bytes in_new = next.seal(kMessage, kProtocolVersion + 1);
  DatagramOpener both(secret, kCluster, kSelf, kProtocolVersion + 1);
  for (const Bytes& datagram : {in_old, in_new}) {
    const auto opened = both.open(datagram);
    REQUIRE(opened.has_value());
    CHECK(opened->speaks == kProtocolVersion + 1);
    CHECK(opened->version == (datagram == in_old ? kProtocolVersion : kProtocolVersion + 1));
  }
  auto old = opener();
  CHECK(fate(old, in_new) == "version");
  CHECK(fate(old, sealer(kPeer, Incarnation{8}).seal(kMessage)) == "accepted");  // its incarnation 9 was not believed
  CHECK(fate(old, in_old) == "accepted");
  DatagramOpener after_next(secret, kCluster, kSelf, kProtocolVersion + 2);
  CHECK(fate(after_next, in_old) == "version");
  CHECK(fate(after_next, in_new) == "accepted");
}

TEST_CASE("reserved bytes that are set are refused even with a right MAC") {
  auto in = opener();
  Bytes datagram = with_counter(1);
  datagram.resize(datagram.size() - kMacBytes);
  datagram[6] = std::byte{1};
  const Mac mac = Authenticator(sample_secret(), "datagram").mac(datagram);
  datagram.insert(datagram.end(), mac.begin(), mac.begin() + kMacBytes);
  CHECK(fate(in, datagram) == "malformed");
}

}  // namespace brigade::wire
