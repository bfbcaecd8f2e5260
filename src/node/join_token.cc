// The join token's text form: "brigade1." + base64url(cluster, naming seed, secret, checksum), all big-endian.
#include <array>
#include <cstring>

#include "brigade/base/checksum.h"
#include "brigade/node/config.h"

namespace brigade::node {
namespace {

constexpr std::string_view kTokenStart = "brigade1.";
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kPayloadBytes = 8 + 8 + 32;
constexpr std::size_t kTokenBytes = kPayloadBytes + 8;

std::string base64url(std::string_view bytes) {
  std::string text;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += kDigits[(pending >> (bits - 6)) & 63];
  }
  if (bits > 0) text += kDigits[(pending << (6 - bits)) & 63];
  return text;
}

/// Nothing on a strange digit, or if bits that carry nothing are set: each token has one text.
std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    pending = (pending << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((pending >> bits) & 0xff);
    }
  }
  if (bits >= 6 || (pending & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

void put_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
}

std::uint64_t get_u64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes.substr(0, 8)) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::string to_text(const JoinToken& token) {
  std::string bytes;
  put_u64(bytes, token.cluster.value);
  put_u64(bytes, token.naming_seed);
  bytes.append(reinterpret_cast<const char*>(token.secret.bytes.data()), token.secret.bytes.size());
  put_u64(bytes, checksum(std::string_view(bytes)));
  return std::string(kTokenStart) + base64url(bytes);
}

Result<JoinToken> parse_join_token(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kTokenStart))
    return Error{Errc::kInvalid,
                 "this is not a join token: it starts with \"brigade1.\"; `brigade token --data DIR` on a "
                 "machine of the cluster prints it"};
  const auto bytes = from_base64url(text.substr(kTokenStart.size()));
  if (!bytes || bytes->size() != kTokenBytes ||
      get_u64(std::string_view(*bytes).substr(kPayloadBytes)) !=
          checksum(std::string_view(*bytes).substr(0, kPayloadBytes)))
    return Error{Errc::kInvalid, "the join token is damaged: copy it whole, it is one line"};
  JoinToken token;
  token.cluster = ClusterId{get_u64(*bytes)};
  token.naming_seed = get_u64(std::string_view(*bytes).substr(8));
  std::memcpy(token.secret.bytes.data(), bytes->data() + 16, token.secret.bytes.size());
  if (!token.cluster)
    return Error{Errc::kInvalid, "the join token names no cluster: take the one that bootstrap printed"};
  return token;
}

}  // namespace brigade::node
