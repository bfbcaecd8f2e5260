// Entity tags and digest fields.  Source: RFC 9110 §8.8.3; RFC 9530; RFC 8941 §3.2 (dictionaries), §3.3.5 (byte
// sequences).
#include "text.h"

#include <algorithm>

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

using Sha256 = std::array<std::byte, 32>;
constexpr std::string_view kAlgorithm = "sha-256";

struct Member {
  std::string_view key;
  std::string_view value;  ///< without parameters; empty if none
};

bool is_key(std::string_view text) {
  if (text.empty() || !(text.front() == '*' || (text.front() >= 'a' && text.front() <= 'z'))) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
  });
}

/// The members of all fields of that name. Nothing if malformed. Digest dictionaries hold byte sequences and numbers
/// only, so that commas never stand inside a value.
std::optional<std::vector<Member>> read_dictionary(const Fields& fields, std::string_view name) {
  std::vector<Member> members;
  for (const auto& [key, value] : fields.items()) {
    if (!equals_without_case(key, name)) continue;
    for (const std::string_view item : list_items(value)) {
      const std::size_t equals = item.find('=');
      Member member;
      member.key = item.substr(0, std::min(equals, item.find(';')));
      if (equals != std::string_view::npos && member.key.size() == equals) {
        member.value = item.substr(equals + 1);
        member.value = member.value.substr(0, member.value.find(';'));
      }
      if (!is_key(member.key)) return std::nullopt;
      members.push_back(member);
    }
  }
  return members;
}

/// RFC 8941 asks to forgive missing padding.
std::optional<Sha256> read_sha256(std::string_view value) {
  if (value.size() < 2 || value.front() != ':' || value.back() != ':') return std::nullopt;
  std::string text(value.substr(1, value.size() - 2));
  while (text.size() % 4 != 0) text += '=';
  const auto bytes = from_base64(text);
  Sha256 sha256{};
  if (!bytes || bytes->size() != sha256.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), sha256.begin());
  return sha256;
}

}  // namespace

std::string make_etag(Revision revision) {
  return '"' + to_string(revision) + '"';
}

std::string digest_field(const std::array<std::byte, 32>& sha256) {
  return "sha-256=:" + to_base64(sha256) + ":";
}

Result<std::optional<std::array<std::byte, 32>>> claimed_sha256(const Fields& request) {
  std::optional<Sha256> claimed;
  for (const std::string_view name : {std::string_view("Repr-Digest"), std::string_view("Content-Digest")}) {
    const auto members = read_dictionary(request, name);
    if (!members) return Error(Errc::kInvalid, std::string(name) + " must be a list such as sha-256=:BASE64:");
    std::optional<Sha256> here;
    for (const Member& member : *members) {
      if (member.key != kAlgorithm) continue;
      here = read_sha256(member.value);
      if (!here)
        return Error(Errc::kInvalid, std::string(name) + " must hold the 32 bytes of a SHA-256 as sha-256=:BASE64:");
    }
    if (!here && !members->empty())
      return Error(Errc::kInvalid, std::string(name) + " holds nothing that can be checked: give sha-256=:BASE64:");
    if (!here) continue;
    if (claimed && *claimed != *here)
      return Error(Errc::kInvalid, "Repr-Digest and Content-Digest claim different bytes");
    claimed = here;
  }
  return claimed;
}

bool wants_sha256(const Fields& request) {
  const auto members = read_dictionary(request, "Want-Repr-Digest");
  if (!members) return false;
  bool wanted = false;
  for (const Member& member : *members) {
    if (member.key != kAlgorithm) continue;
    const auto weight = parse_decimal(member.value);
    wanted = weight && *weight > 0 && *weight <= 10;
  }
  return wanted;
}

}  // namespace brigade::net
