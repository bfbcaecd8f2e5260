#include "text.h"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

using Sha256 = std::array<std::byte, 32>;

/// SHA-256 of "{\"hello\": \"world\"}\n", RFC 9530 appendix B.
constexpr std::string_view kExample = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";

Sha256 example() {
  Sha256 out{};
  const auto bytes = from_base64(kExample).value();
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

Fields with(std::string_view name, std::string_view value) {
  Fields fields;
  fields.add(name, value);
  return fields;
}

TEST_CASE("the digest of the RFC's example is read from either field and written back") {
  const std::string field = "sha-256=:" + std::string(kExample) + ":";
  CHECK(claimed_sha256(with("Repr-Digest", field)).value() == example());
  CHECK(claimed_sha256(with("content-digest", field)).value() == example());
  CHECK(digest_field(example()) == field);
}

TEST_CASE("other algorithms, parameters and repeats are passed over") {
  const std::string own = "sha-256=:" + std::string(kExample) + ":";
  CHECK(claimed_sha256(with("Repr-Digest", "sha-512=:AAAA:, " + own)).value() == example());
  CHECK(claimed_sha256(with("Repr-Digest", own + ";p=1 , unixsum=3")).value() == example());
  // Not to be checked is not to be taken as if it were.
  CHECK(claimed_sha256(with("Repr-Digest", "sha-512=:AAAA:")).error().code() == Errc::kInvalid);
  CHECK(claimed_sha256(with("Content-Digest", "garbage")).error().code() == Errc::kInvalid);
  CHECK(claimed_sha256(Fields{}).value() == std::nullopt);
  Fields two = with("Repr-Digest", "sha-512=:AAAA:");
  two.add("Repr-Digest", own);
  CHECK(claimed_sha256(two).value() == example());
  CHECK(claimed_sha256(with("Repr-Digest", own.substr(0, own.size() - 2) + ":")).value() == example());
}

TEST_CASE("a digest that is malformed is refused") {
  for (const std::string bad : {"sha-256", "sha-256=", "sha-256=abc", "sha-256=::", "sha-256=:AAAA:",
                                "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:",
                                "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDh=:",
                                "SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", "=:AAAA:"}) {
    INFO(bad);
    const auto claimed = claimed_sha256(with("Repr-Digest", bad));
    REQUIRE(!claimed);
    CHECK(claimed.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("two claims must agree") {
  Sha256 other = example();
  other[31] ^= std::byte{1};
  Fields fields = with("Repr-Digest", digest_field(example()));
  fields.add("Content-Digest", digest_field(example()));
  CHECK(claimed_sha256(fields).value() == example());
  fields.set("Content-Digest", digest_field(other));
  CHECK(!claimed_sha256(fields));
}

TEST_CASE("Want-Repr-Digest asks for sha-256 with a weight above zero") {
  CHECK(wants_sha256(with("Want-Repr-Digest", "sha-256=1")));
  CHECK(wants_sha256(with("Want-Repr-Digest", "sha-512=3, sha-256=10, unixsum=0")));
  for (const char* no : {"", "sha-256", "sha-256=0", "sha-256=11", "sha-256=-1", "sha-256=a", "sha-512=5"}) {
    INFO(no);
    CHECK(!wants_sha256(with("Want-Repr-Digest", no)));
  }
  CHECK(!wants_sha256(Fields{}));
}

TEST_CASE("an entity tag is strong and quoted") {
  CHECK(make_etag(Revision::of(Seq{17}, 3)) == "\"17.3\"");
}

TEST_CASE("base64 and hex give back the bytes") {
  REQUIRE(rc::check("round trip", [](const std::vector<std::uint8_t>& any) {
    const auto bytes = std::as_bytes(std::span(any));
    const std::vector<std::byte> copy(bytes.begin(), bytes.end());
    RC_ASSERT(from_base64(to_base64(bytes)).value() == copy);
    std::vector<std::byte> out(any.size());
    RC_ASSERT(from_hex(to_hex(bytes), out));
    RC_ASSERT(out == copy);
  }));
  CHECK(!from_base64("A"));
  CHECK(!from_base64("===="));
  CHECK(!from_base64("A=AA"));
  CHECK(!from_base64("AB=="));
  CHECK(from_base64("").value().empty());
}

}  // namespace
}  // namespace brigade::net
