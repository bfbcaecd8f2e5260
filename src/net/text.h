// Small pieces of text that several parts of HTTP share: tokens, numbers, hex, base64, lists.
// Thread:  pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::net {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alnum(char c) {
  return is_digit(c) || is_alpha(c);
}
/// RFC 9110 tchar.
bool is_token_char(char c);
/// One or more tchar.
bool is_token(std::string_view text);

/// Digits only, 1 to 18 of them, so that no sum of two overflows.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
/// -1 if `c` is no hex digit.
int hex_value(char c);
std::string to_hex(std::span<const std::byte> bytes);
/// Nothing if `text` is not exactly two hex digits for each byte of `out`.
bool from_hex(std::string_view text, std::span<std::byte> out);
std::string to_base64(std::span<const std::byte> bytes);
/// Nothing if `text` is not canonical base64 with padding.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);
/// The items of a comma-separated list, trimmed, empty ones left out (RFC 9110 §5.6.1). Knows nothing of quotes.
std::vector<std::string_view> list_items(std::string_view text);

/// The two halves of host:port; brackets around an IPv6 host are taken off. Errors: kInvalid.
Result<std::pair<std::string, std::uint16_t>> split_address(std::string_view address);

}  // namespace brigade::net
