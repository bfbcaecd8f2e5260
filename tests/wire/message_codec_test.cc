#include "any.h"
#include "samples.h"

#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

namespace brigade::wire {

TEST_CASE("every kind of message survives the wire") {
  for (std::size_t kind = 0; kind < std::variant_size_v<Message>; ++kind)
    rc::prop(std::string(kind_name(sample_messages()[kind])), [kind] {
      const Message message = any_message(kind);
      RC_ASSERT(message.index() == kind);
      const Bytes bytes = encode(message);
      RC_ASSERT(bytes.size() <= kMessageBytesMax);
      RC_ASSERT(encoded_bytes(message) == bytes.size());
      const auto decoded = decode_message(bytes);
      if (!decoded) RC_FAIL(decoded.error().detail());
      RC_ASSERT(*decoded == message);
    });
}

TEST_CASE("a message at an odd address is read like any other") {
  const Message message = sample_messages()[7];
  Bytes bytes = encode(message);
  bytes.insert(bytes.begin(), std::byte{});
  const auto decoded = decode_message(std::span(bytes).subspan(1));
  REQUIRE(decoded.has_value());
  CHECK(*decoded == message);
}

TEST_CASE("a message that is cut off at any length, or too long, is refused") {
  for (const Message& message : sample_messages()) {
    CAPTURE(kind_name(message));
    Bytes bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode_message(std::span(bytes).first(size));
      REQUIRE_FALSE(decoded.has_value());
      REQUIRE(decoded.error().code() == Errc::kInvalid);
    }
    bytes.resize(bytes.size() + 8);
    CHECK_FALSE(decode_message(bytes).has_value());
    bytes.resize(kMessageBytesMax + 8);
    CHECK_FALSE(decode_message(bytes).has_value());
  }
}

TEST_CASE("whatever a flipped bit makes of a message is refused or well-formed") {
  std::size_t refused = 0;
  for (const Message& message : sample_messages()) {
    CAPTURE(kind_name(message));
    const Bytes bytes = encode(message);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      CAPTURE(bit);
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      const auto decoded = decode_message(flipped);
      if (!decoded) {
        ++refused;
        continue;
      }
      REQUIRE(validate(*decoded).has_value());
      REQUIRE(decode_message(encode(*decoded)).value() == *decoded);
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("random bytes behind a right segment table never get through unchecked") {
  rc::prop("random words", [] {
    const auto words = any_number(1, 160);
    Bytes bytes(8 + words * 8);
    bytes[4] = static_cast<std::byte>(words);
    for (std::size_t i = 8; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
    const auto decoded = decode_message(bytes);
    if (decoded) RC_ASSERT(validate(*decoded).has_value());
  });
}

TEST_CASE("the largest message of each kind fits a datagram") {
  const Epoch epoch{kEpochCounterMax, NodeId{~0ULL}};
  const Position before{epoch, Seq{kSeqMax.value - 1}};
  const std::string why(JoinRefusal::kWhyBytesMax, 'y');
  BucketSet scattered;
  for (std::uint32_t b = 0; scattered.encoded_bytes() + 4 <= limits::kEntryBytesMax; b += 129)
    scattered.add(BucketId{static_cast<std::uint16_t>(b)});
  Heartbeat heartbeat{epoch, ~0ULL, kSeqMax, {}, kDurationMax, kSeqMax, kSeqMax, kSeqMax, kDurationMax};
  heartbeat.answered.assign(limits::kNodesMax, true);
  heartbeat.answered_earlier = heartbeat.answered;
  for (const Message& message :
       {Message(Probe{~0ULL, before, epoch, longest_node()}), Message(Accept{epoch, before, longest_node()}),
        Message(JoinRefusal{why}), Message(heartbeat),
        Message(Report{ReportKind::kFilled, kSeqMax, scattered, NodeId{~0ULL}})}) {
    CAPTURE(kind_name(message));
    CHECK(encoded_bytes(message) <= kMessageBytesMax);
    const auto decoded = decode_message(encode(message));
    REQUIRE(decoded.has_value());
    CHECK(*decoded == message);
  }
}

TEST_CASE("an entry of the largest payload fits a datagram") {
  const Epoch epoch{kEpochCounterMax, NodeId{~0ULL}};
  // Each run of one bucket and a gap takes two bytes; the last one makes the size come out exactly.
  BucketSet set;
  std::uint32_t b = 0;
  BucketsFilled change{NodeId{~0ULL}, {}};
  for (; encoded_bytes(change) < limits::kEntryBytesMax; b += 2)
    change.buckets.add(BucketId{static_cast<std::uint16_t>(b)});
  REQUIRE(encoded_bytes(change) == limits::kEntryBytesMax);
  const Message append = Append{epoch, {epoch, Seq{7}}, Seq{7}, true, {{epoch, Seq{8}, change}}};
  CHECK(encoded_bytes(append) <= kMessageBytesMax);
  const auto decoded = decode_message(encode(append));
  REQUIRE(decoded.has_value());
  CHECK(*decoded == append);
}

TEST_CASE("the size of a message too large for a datagram is known without sending it") {
  Append append{{5, NodeId{1}}, {}, {}, false, {}};
  for (std::uint64_t seq = 1; seq <= 100; ++seq)
    append.entries.push_back({append.epoch, Seq{seq}, BucketsFilled{NodeId{1}, buckets({1, 5, 9})}});
  const Bytes bytes = encode(append);
  CHECK(bytes.size() > kMessageBytesMax);
  CHECK(encoded_bytes(append) == bytes.size());
  const auto decoded = decode_message(bytes);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().detail().find("at most 1344") != std::string::npos);
}

TEST_CASE("an overlong reason is cut between two characters") {
  const std::string euro = "\xe2\x82\xac";
  std::string why = "xx";
  while (why.size() <= JoinRefusal::kWhyBytesMax) why += euro;
  const auto decoded = decode_message(encode(JoinRefusal{why}));
  REQUIRE(decoded.has_value());
  const auto& cut = std::get<JoinRefusal>(*decoded).why;
  CHECK(cut.size() == 398);
  CHECK(why.substr(0, cut.size()) == cut);
}

}  // namespace brigade::wire
