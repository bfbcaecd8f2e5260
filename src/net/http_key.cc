// Keys and targets.  Source: RFC 3986 §2; design §7 (KEY is decoded once, then checked).
#include "text.h"

#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

/// Nothing if a '%' is not followed by two hex digits.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

/// Length of the UTF-8 sequence at the front of `text`; 0 if malformed (overlong, surrogate, beyond U+10FFFF, cut).
std::size_t utf8_sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  const unsigned char second = at(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
      (lead == 0xf4 && second > 0x8f)) {
    return 0;
  }
  return length;
}

}  // namespace

Result<std::string> decode_key(std::string_view encoded) {
  auto key = percent_decoded(encoded, false);
  if (!key)
    return Error(Errc::kInvalid, "the key holds a '%' that is not followed by two hex digits; encode it as %25");
  if (key->empty()) return Error(Errc::kInvalid, "the key is empty");
  if (key->size() > limits::kKeyBytesMax) {
    return Error(Errc::kInvalid, "the key has " + std::to_string(key->size()) + " bytes, at most " +
                                     std::to_string(limits::kKeyBytesMax) + " are allowed");
  }
  for (std::size_t i = 0; i < key->size();) {
    const std::size_t length = utf8_sequence(std::string_view(*key).substr(i));
    if (length == 0) return Error(Errc::kInvalid, "the key is not valid UTF-8");
    if ((*key)[i] == '\0') return Error(Errc::kInvalid, "the key holds a NUL");
    i += length;
  }
  for (std::string_view rest = *key;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment.empty())
      return Error(Errc::kInvalid, "the key has an empty segment; a '/' may not stand first, last, or next to another");
    if (segment == "." || segment == "..") return Error(Errc::kInvalid, "the key has a segment '.' or '..'");
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return std::move(*key);
}

std::string encode_key(std::string_view key) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(key.size());
  for (const char c : key) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '/') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

Result<std::optional<std::string>> query_value(std::string_view query, std::string_view name) {
  const Error bad(Errc::kInvalid, "the query holds a '%' that is not followed by two hex digits");
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    const std::size_t equals = item.find('=');
    const auto key = percent_decoded(item.substr(0, equals), true);
    if (!key) return bad;
    if (*key == name) {
      auto value =
          percent_decoded(equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1), true);
      if (!value) return bad;
      return value;
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return std::optional<std::string>();
}

Result<std::string> checked_content_type(std::optional<std::string_view> field) {
  if (!field) return std::string("application/octet-stream");
  const std::string_view type = trimmed(*field);
  if (type.size() > limits::kContentTypeBytesMax) {
    return Error(Errc::kInvalid, "the Content-Type has " + std::to_string(type.size()) + " bytes, at most " +
                                     std::to_string(limits::kContentTypeBytesMax) + " are allowed");
  }
  for (const char c : type)
    if (c < 0x20 || c > 0x7e) return Error(Errc::kInvalid, "the Content-Type holds a byte that is not printable ASCII");
  const std::string_view essence = trimmed(type.substr(0, type.find(';')));
  const std::size_t slash = essence.find('/');
  if (slash == std::string_view::npos || !is_token(essence.substr(0, slash)) || !is_token(essence.substr(slash + 1)))
    return Error(Errc::kInvalid, "the Content-Type must be type/subtype, such as image/jpeg");
  return std::string(type);
}

}  // namespace brigade::net
