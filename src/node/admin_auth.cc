#include "brigade/node/admin_auth.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "brigade/base/check.h"

namespace brigade::node {
namespace {

constexpr std::string_view kVersion = "v1";
constexpr std::size_t kNonceCharsMin = 16;
constexpr std::size_t kNonceCharsMax = 64;

wire::Authenticator key_for(const wire::ClusterSecret& secret, AdminPurpose purpose) {
  return {secret, purpose == AdminPurpose::kAdmin ? "admin" : "join"};
}

std::string signed_text(const AdminCall& call, const AdminStamp& stamp) {
  std::string text;
  text.reserve(call.method.size() + call.target.size() + call.body.size() + stamp.nonce.size() + 32);
  text.append(call.method).append("\n").append(call.target).append("\n");
  text.append(std::to_string(stamp.unix_seconds)).append("\n").append(stamp.nonce).append("\n").append(call.body);
  return text;
}

std::string hex(const wire::Mac& mac) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : mac) {
    text += digits[static_cast<unsigned>(b) >> 4];
    text += digits[static_cast<unsigned>(b) & 15];
  }
  return text;
}

std::optional<wire::Mac> mac_from_hex(std::string_view text) {
  wire::Mac mac{};
  if (text.size() != mac.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* const first = text.data() + i * 2;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(first, first + 2, value, 16);
    if (error != std::errc{} || end != first + 2) return std::nullopt;
    mac[i] = static_cast<std::byte>(value);
  }
  return mac;
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

bool is_nonce(std::string_view text) {
  return text.size() >= kNonceCharsMin && text.size() <= kNonceCharsMax && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

struct ParsedField {
  AdminStamp stamp;
  wire::Mac mac{};
};

/// Exactly four words with one space between.
std::optional<ParsedField> parse_field(std::string_view field) {
  std::array<std::string_view, 4> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto space = field.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == words.size())) return std::nullopt;
    words[i] = field.substr(0, space);
    field.remove_prefix(space == std::string_view::npos ? field.size() : space + 1);
  }
  ParsedField parsed;
  const auto [end, error] =
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), parsed.stamp.unix_seconds);
  const auto mac = mac_from_hex(words[3]);
  if (words[0] != kVersion || error != std::errc{} || end != words[1].data() + words[1].size() || !is_nonce(words[2]) ||
      !mac)
    return std::nullopt;
  parsed.stamp.nonce = words[2];
  parsed.mac = *mac;
  return parsed;
}

std::string join_answer_text(std::string_view nonce, std::string_view body) {
  return std::string(nonce).append("\n").append(body);
}

/// Whether the two lie within `bound` of each other; any values, without overflow.
bool is_within(std::int64_t a, std::int64_t b, std::chrono::seconds bound) {
  const auto distance = a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                              : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
  return distance <= static_cast<std::uint64_t>(bound.count());
}

}  // namespace

std::string sign_call(const wire::ClusterSecret& secret, AdminPurpose purpose, const AdminCall& call,
                      const AdminStamp& stamp) {
  BRIGADE_CHECK(is_nonce(stamp.nonce), "nonce '" << stamp.nonce << "'");
  return std::string(kVersion) + " " + std::to_string(stamp.unix_seconds) + " " + stamp.nonce + " " +
         hex(key_for(secret, purpose).mac(signed_text(call, stamp)));
}

Result<AdminStamp> verify_call(const wire::ClusterSecret& secret, AdminPurpose purpose, const AdminCall& call,
                               std::optional<std::string_view> field, std::int64_t now_unix_seconds) {
  if (!field)
    return Error{Errc::kUnauthorized,
                 "this request changes the cluster and must be signed: use the brigade command with "
                 "--data DIR or --token TOKEN"};
  auto parsed = parse_field(*field);
  if (!parsed)
    return Error{Errc::kUnauthorized,
                 "the Brigade-Admin field is malformed: \"v1 UNIX_SECONDS NONCE HEX\" is expected"};
  if (!key_for(secret, purpose).verify(as_bytes(signed_text(call, parsed->stamp)), parsed->mac))
    return Error{Errc::kUnauthorized, "the signature does not fit: the token or secret is of another cluster"};
  if (!is_within(parsed->stamp.unix_seconds, now_unix_seconds, kAdminSkewMax))
    return Error{Errc::kUnauthorized,
                 "the request was signed at another time: the clocks of the two machines are more than " +
                     std::to_string(kAdminSkewMax.count()) + " s apart; set them right"};
  return std::move(parsed->stamp);
}

std::string sign_join_answer(const wire::ClusterSecret& secret, std::string_view nonce, std::string_view body) {
  return hex(key_for(secret, AdminPurpose::kJoin).mac(join_answer_text(nonce, body)));
}

Status verify_join_answer(const wire::ClusterSecret& secret, std::string_view nonce, std::string_view body,
                          std::optional<std::string_view> field) {
  const auto mac = field ? mac_from_hex(*field) : std::nullopt;
  if (!mac || !key_for(secret, AdminPurpose::kJoin).verify(as_bytes(join_answer_text(nonce, body)), *mac))
    return Error{Errc::kUnauthorized, "who answered does not know the token's cluster: check the URL"};
  return {};
}

Result<AdminStamp> AdminGate::admit(AdminPurpose purpose, const AdminCall& call, std::optional<std::string_view> field,
                                    std::int64_t now_unix_seconds) {
  auto stamp = verify_call(secret_, purpose, call, field, now_unix_seconds);
  if (!stamp) return stamp;
  const std::lock_guard lock(mutex_);
  // A call signed before this no longer verifies, so its nonce need not be known; unless the clock is set back.
  forgotten_before_ = std::max(forgotten_before_, now_unix_seconds - kAdminSkewMax.count());
  while (!by_time_.empty() && by_time_.begin()->first < forgotten_before_) {
    nonces_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
  if (stamp->unix_seconds < forgotten_before_ || nonces_.contains(stamp->nonce))
    return Error{Errc::kUnauthorized, "this very request was received before: sign it anew"};
  if (nonces_.size() >= kNoncesMax)
    return Error{Errc::kOverloaded, "too many signed requests in the last minutes: ask again later"};
  nonces_.insert(stamp->nonce);
  by_time_.emplace(stamp->unix_seconds, stamp->nonce);
  return stamp;
}

}  // namespace brigade::node
