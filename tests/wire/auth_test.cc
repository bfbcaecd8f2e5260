#include "brigade/wire/auth.h"

#include "samples.h"

#include <catch2/catch.hpp>

namespace brigade::wire {

namespace {
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
}  // namespace

TEST_CASE("a secret is read as it is written") {
  const ClusterSecret secret = sample_secret();
  CHECK(secret.hex() == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  CHECK(ClusterSecret::parse(secret.hex()).value().bytes == secret.bytes);
  CHECK(ClusterSecret::parse(secret.hex() + "\n").value().bytes == secret.bytes);
  CHECK(ClusterSecret::parse("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F").value().bytes ==
        secret.bytes);
}

TEST_CASE("what is not 64 hex digits is no secret, and does not show up in the error") {
  const std::string good = sample_secret().hex();
  for (const std::string& text : {std::string(), good.substr(1), good + "0", good + "\n\n", " " + good.substr(1),
                                  good.substr(0, 63) + "g", good.substr(0, 62) + "-1"}) {
    CAPTURE(text);
    const auto secret = ClusterSecret::parse(text);
    REQUIRE_FALSE(secret.has_value());
    CHECK(secret.error().code() == Errc::kInvalid);
    CHECK(secret.error().detail().find("0102") == std::string::npos);
  }
}

TEST_CASE("the MAC is HMAC-SHA-256 with a key that is HMAC-SHA-256 of the purpose") {
  // Computed with another implementation (Python's hmac).
  const Authenticator authenticator(sample_secret(), "datagram");
  CHECK(hex(authenticator.mac("brigade")) == "c5ef44bea36ebcac974b424642c4bc1cec553eeb778566866b52efaff0087ea4");
}

TEST_CASE("each purpose, secret and text has a MAC of its own") {
  ClusterSecret other = sample_secret();
  other.bytes[31] ^= std::byte{1};
  const Authenticator a(sample_secret(), "datagram");
  const Authenticator b(sample_secret(), "peer");
  const Authenticator c(other, "datagram");
  CHECK(a.mac("x") == a.mac("x"));
  CHECK(a.mac("x") != a.mac("y"));
  CHECK(a.mac("x") != b.mac("x"));
  CHECK(a.mac("x") != c.mac("x"));
  CHECK(a.mac("") != a.mac("x"));
}

TEST_CASE("a MAC may be cut to 16 bytes, not further") {
  const Authenticator a(sample_secret(), "datagram");
  const Mac mac = a.mac("text");
  for (std::size_t size = 0; size <= mac.size(); ++size) {
    CAPTURE(size);
    CHECK(a.verify(bytes_of("text"), std::span(mac).first(size)) == (size >= kMacBytes));
    CHECK_FALSE(a.verify(bytes_of("texT"), std::span(mac).first(size)));
  }
  Bytes longer(mac.begin(), mac.end());
  longer.push_back(std::byte{});
  CHECK_FALSE(a.verify(bytes_of("text"), longer));
}

TEST_CASE("every bit of a MAC counts") {
  const Authenticator a(sample_secret(), "datagram");
  for (std::size_t bit = 0; bit < kMacBytes * 8; ++bit) {
    Mac mac = a.mac("text");
    mac[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    CHECK_FALSE(a.verify(bytes_of("text"), std::span(mac).first(kMacBytes)));
  }
}

}  // namespace brigade::wire
