// What newcomers and operators send: nothing gets in unsigned, each signed call gets in once; bodies, queries and
// tokens are refused, or mean the same when they are said again. The input: a Brigade-Admin field and a query, a line
// each, then a body.
#include "fuzz_input.h"
#include "operator_requests.h"

#include <string>

#include "brigade/base/check.h"
#include "brigade/node/admin_auth.h"
#include "brigade/node/config.h"
#include "brigade/wire/validate.h"

namespace {

using namespace brigade;
using namespace brigade::node;

constexpr std::int64_t kNow = 1'700'000'000;

wire::ClusterSecret secret() {
  wire::ClusterSecret secret;
  secret.bytes.fill(std::byte{9});
  return secret;
}

void check_gate(std::string_view field, std::string_view body) {
  AdminGate gate(secret());
  const AdminCall call{"POST", kJoinTarget, body};
  BRIGADE_CHECK(!gate.admit(AdminPurpose::kJoin, call, field, kNow), "a call without the secret");
  BRIGADE_CHECK(!gate.admit(AdminPurpose::kJoin, call, std::nullopt, kNow), "a call that is not signed");
  const AdminStamp stamp{kNow, "0123456789abcdef"};
  const std::string right = sign_call(secret(), AdminPurpose::kJoin, call, stamp);
  const std::string longer = std::string(body) + "x";
  BRIGADE_CHECK(!gate.admit(AdminPurpose::kAdmin, call, right, kNow), "a signature for another purpose");
  BRIGADE_CHECK(!gate.admit(AdminPurpose::kJoin, {"POST", kJoinTarget, longer}, right, kNow), "another body");
  BRIGADE_CHECK(!gate.admit(AdminPurpose::kJoin, call, right, kNow + 301), "an old call");
  const auto admitted = gate.admit(AdminPurpose::kJoin, call, right, kNow);
  BRIGADE_CHECK(admitted && *admitted == stamp, "a right call is refused");
  BRIGADE_CHECK(!gate.admit(AdminPurpose::kJoin, call, right, kNow), "a call that works twice");
  BRIGADE_CHECK(!verify_join_answer(secret(), stamp.nonce, body, field), "an answer without the secret");
}

void check_bodies(std::string_view body) {
  if (const auto name = parse_join(body)) BRIGADE_CHECK(wire::is_name(*name), "a name '" << *name << "'");
  static_cast<void>(parse_node_wish(body));
  if (const auto setting = parse_setting(body)) {
    const wire::Change change(*setting);
    BRIGADE_CHECK(wire::validate(change).has_value(), "a setting that no log may hold");
    const auto again = parse_change(change_json(change));
    BRIGADE_CHECK(again && *again == change, "another setting");
  }
  if (const auto change = parse_change(body)) {
    BRIGADE_CHECK(wire::validate(*change).has_value(), "a change that no log may hold");
    const auto again = parse_change(change_json(*change));
    BRIGADE_CHECK(again && *again == *change, "another change");
  }
}

void check_query(std::string_view query) {
  const auto number = query_number(query, "limit", 3, 1000);
  BRIGADE_CHECK(!number || *number <= 1000, "a limit of " << *number);
  const auto text = query_text(query, "prefix");
  BRIGADE_CHECK(!text || text->size() <= 1024, text->size() << " bytes");
}

void check_token(std::string_view text) {
  if (const auto token = parse_join_token(text))
    BRIGADE_CHECK(text.find(to_text(*token)) != std::string_view::npos, "a second text for a token");
  // With the checksum made right.
  JoinToken token;
  for (std::size_t i = 0; i < text.size(); ++i) token.secret.bytes[i % 32] ^= static_cast<std::byte>(text[i]);
  token.cluster = ClusterId{text.size() + 1};
  const auto again = parse_join_token(to_text(token));
  BRIGADE_CHECK(again && *again == token, "another token");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text(data, size);
  const std::string_view field = fuzz::take_until(rest, '\n');
  const std::string_view query = fuzz::take_until(rest, '\n');
  check_gate(field, rest);
  check_bodies(rest);
  check_query(query);
  check_token(field);
  return 0;
}
