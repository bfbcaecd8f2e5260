#include "brigade/node/admin_auth.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using Catch::Contains;

constexpr std::int64_t kNow = 1'700'000'000;
constexpr AdminCall kCall{"POST", "/cluster/settings", R"({"name":"lease","value":"1s"})"};

wire::ClusterSecret secret_of(unsigned seed) {
  wire::ClusterSecret secret;
  secret.bytes.fill(static_cast<std::byte>(seed));
  return secret;
}

AdminStamp stamp_at(std::int64_t seconds, const std::string& nonce = "0123456789abcdef") {
  return {seconds, nonce};
}

Result<AdminStamp> verify(const std::string& field, const AdminCall& call = kCall, std::int64_t now = kNow) {
  return verify_call(secret_of(1), AdminPurpose::kAdmin, call, field, now);
}

}  // namespace

TEST_CASE("a signed call verifies and gives its stamp back") {
  const auto field = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  CHECK_THAT(field, Catch::StartsWith("v1 1700000000 0123456789abcdef "));
  CHECK(verify(field).value() == stamp_at(kNow));
}

TEST_CASE("a call that differs in anything does not verify") {
  const auto field = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  CHECK_FALSE(verify(field, {"PUT", kCall.target, kCall.body}));
  CHECK_FALSE(verify(field, {kCall.method, "/cluster/remove", kCall.body}));
  CHECK_FALSE(verify(field, {kCall.method, kCall.target, "{}"}));
  CHECK_FALSE(verify_call(secret_of(2), AdminPurpose::kAdmin, kCall, field, kNow));
  CHECK_FALSE(verify_call(secret_of(1), AdminPurpose::kJoin, kCall, field, kNow));
  auto later = field;
  later.replace(3, 10, "1700000001");
  CHECK_FALSE(verify(later));
  auto other_nonce = field;
  other_nonce[14] = '1';
  CHECK_FALSE(verify(other_nonce));
  for (std::size_t i = field.rfind(' ') + 1; i < field.size(); ++i) {
    auto forged = field;
    forged[i] = forged[i] == '0' ? '1' : '0';
    CAPTURE(i);
    CHECK_FALSE(verify(forged));
  }
}

TEST_CASE("a call verifies for five minutes on either side of its time") {
  const auto field = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  CHECK(verify(field, kCall, kNow + 300));
  CHECK(verify(field, kCall, kNow - 300));
  CHECK_THAT(verify(field, kCall, kNow + 301).error().detail(), Contains("clocks"));
  CHECK_THAT(verify(field, kCall, kNow - 301).error().detail(), Contains("clocks"));
  CHECK_FALSE(verify(field, kCall, std::numeric_limits<std::int64_t>::min()));
}

TEST_CASE("a signature of another secret is told from clocks that differ") {
  const auto field = sign_call(secret_of(2), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  const auto verified = verify(field);
  REQUIRE_FALSE(verified);
  CHECK(verified.error().code() == Errc::kUnauthorized);
  CHECK_THAT(verified.error().detail(), Contains("another cluster"));
}

TEST_CASE("malformed fields are refused") {
  const auto good = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  const auto hex = good.substr(good.rfind(' ') + 1);
  for (const auto& field : std::vector<std::string>{
           "", " ", "v1", "v1 1700000000", "v2 1700000000 0123456789abcdef " + hex, "v1  0123456789abcdef " + hex,
           "v1 1700000000 short " + hex, "v1 1700000000 0123456789abcde\n " + hex,
           "v1 17000000o0 0123456789abcdef " + hex, "v1 99999999999999999999 0123456789abcdef " + hex, good + " ",
           good + "0", good.substr(0, good.size() - 1), "v1 1700000000 " + std::string(65, 'a') + " " + hex,
           " " + good}) {
    CAPTURE(field);
    CHECK_THAT(verify(field).error().detail(), Contains("malformed"));
  }
  CHECK_THAT(verify_call(secret_of(1), AdminPurpose::kAdmin, kCall, std::nullopt, kNow).error().detail(),
             Contains("must be signed"));
}

TEST_CASE("the gate lets each call in once") {
  AdminGate gate(secret_of(1));
  const auto field = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  CHECK(gate.admit(AdminPurpose::kAdmin, kCall, field, kNow));
  CHECK_THAT(gate.admit(AdminPurpose::kAdmin, kCall, field, kNow).error().detail(), Contains("before"));
  CHECK_FALSE(gate.admit(AdminPurpose::kAdmin, kCall, field, kNow + 300));
  const auto anew = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow, "fedcba9876543210"));
  CHECK(gate.admit(AdminPurpose::kAdmin, kCall, anew, kNow));
}

TEST_CASE("the gate lets nothing in twice when the clock is set back") {
  AdminGate gate(secret_of(1));
  const auto field = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  const auto later = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow + 1000, "fedcba9876543210"));
  REQUIRE(gate.admit(AdminPurpose::kAdmin, kCall, field, kNow));
  REQUIRE(gate.admit(AdminPurpose::kAdmin, kCall, later, kNow + 1000));
  CHECK_FALSE(gate.admit(AdminPurpose::kAdmin, kCall, field, kNow));
}

TEST_CASE("a refused call leaves no trace in the gate") {
  AdminGate gate(secret_of(1));
  const auto forged = sign_call(secret_of(2), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  const auto good = sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(kNow));
  CHECK_FALSE(gate.admit(AdminPurpose::kAdmin, kCall, forged, kNow));
  CHECK(gate.admit(AdminPurpose::kAdmin, kCall, good, kNow));
}

TEST_CASE("a full gate says so, and has room again once its calls are too old to repeat") {
  AdminGate gate(secret_of(1));
  const auto admit = [&](std::size_t number, std::int64_t at) {
    auto nonce = std::to_string(number);
    nonce.insert(0, 16 - nonce.size(), '0');
    return gate.admit(AdminPurpose::kAdmin, kCall,
                      sign_call(secret_of(1), AdminPurpose::kAdmin, kCall, stamp_at(at, nonce)), at);
  };
  std::size_t admitted = 0;
  while (admitted < AdminGate::kNoncesMax && admit(admitted, kNow)) ++admitted;
  CHECK(admitted == AdminGate::kNoncesMax);
  const auto refused = admit(admitted, kNow);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kOverloaded);
  CHECK(admit(admitted, kNow + 301));
}

TEST_CASE("a newcomer believes a join answer only from its own cluster and for its own request") {
  const std::string nonce = "0123456789abcdef";
  const std::string body = R"({"cluster":"1"})";
  const auto field = sign_join_answer(secret_of(1), nonce, body);
  CHECK(verify_join_answer(secret_of(1), nonce, body, field));
  CHECK_FALSE(verify_join_answer(secret_of(2), nonce, body, field));
  CHECK_FALSE(verify_join_answer(secret_of(1), "fedcba9876543210", body, field));
  CHECK_FALSE(verify_join_answer(secret_of(1), nonce, body + " ", field));
  CHECK_FALSE(verify_join_answer(secret_of(1), nonce, body, std::nullopt));
  CHECK_FALSE(verify_join_answer(secret_of(1), nonce, body, "00"));
}

}  // namespace brigade::node
