#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

TEST_CASE("a key is percent-decoded exactly once") {
  CHECK(decode_key("a/b.jpg").value() == "a/b.jpg");
  CHECK(decode_key("a%2Fb").value() == "a/b");
  CHECK(decode_key("a%2fb").value() == "a/b");
  CHECK(decode_key("100%25").value() == "100%");
  CHECK(decode_key("%2525").value() == "%25");
  CHECK(decode_key("a+b").value() == "a+b");
  CHECK(decode_key("caf%C3%A9").value() == "caf\xc3\xa9");
  CHECK(decode_key("..a/b../...").value() == "..a/b../...");
}

TEST_CASE("a key that breaks a rule is refused, and the rule is named") {
  const auto refused = [](std::string_view encoded, const std::string& rule) {
    const auto key = decode_key(encoded);
    INFO(encoded);
    REQUIRE(!key);
    CHECK(key.error().code() == Errc::kInvalid);
    CHECK_THAT(key.error().detail(), Catch::Contains(rule));
  };
  refused("", "empty");
  refused("/a", "empty segment");
  refused("a/", "empty segment");
  refused("a//b", "empty segment");
  refused("a%2F%2Fb", "empty segment");
  refused("..", "'..'");
  refused("a/../b", "'..'");
  refused("a/%2e%2E/b", "'..'");
  refused("a%2f..%2fb", "'..'");
  refused("./a", "'..'");
  refused("a/%2e", "'..'");
  refused("a%00b", "NUL");
  refused("%", "hex");
  refused("a%2", "hex");
  refused("%zz", "hex");
  refused("%+1", "hex");
  refused(std::string(limits::kKeyBytesMax + 1, 'k'), "1024");
}

TEST_CASE("a key of the greatest length is taken, counted after decoding") {
  std::string encoded;
  for (std::size_t i = 0; i < limits::kKeyBytesMax; ++i) encoded += "%61";
  CHECK(decode_key(encoded).value() == std::string(limits::kKeyBytesMax, 'a'));
}

TEST_CASE("a key is valid UTF-8 or no key") {
  for (const char* good :
       {"%C2%80", "%DF%BF", "%E0%A0%80", "%ED%9F%BF", "%EE%80%80", "%EF%BF%BD", "%F0%90%80%80", "%F4%8F%BF%BF"}) {
    INFO(good);
    CHECK(decode_key(good).has_value());
  }
  // Overlong, surrogates, beyond U+10FFFF, cut, continuation alone, bytes that never occur.
  for (const char* bad :
       {"%C0%80", "%C1%BF", "%E0%9F%BF", "%ED%A0%80", "%ED%BF%BF", "%F0%8F%BF%BF", "%F4%90%80%80", "%F5%80%80%80",
        "%C3", "%E2%82", "%F0%9F%98", "%80", "%BF", "%FE", "%FF", "%C3a", "%E2%82a"}) {
    INFO(bad);
    CHECK(!decode_key(bad));
  }
}

TEST_CASE("encoding a key and decoding it gives the key back") {
  CHECK(encode_key("a b/c?d#e%") == "a%20b/c%3Fd%23e%25");
  CHECK(encode_key("AZaz09-._~") == "AZaz09-._~");
  REQUIRE(rc::check("decode(encode(key)) == key", [] {
    // Segments of any code points but '/' and NUL.
    const auto segments =
        *rc::gen::resize(20, rc::gen::nonEmpty(rc::gen::container<std::vector<std::vector<std::uint32_t>>>(
                                 rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint32_t>>(rc::gen::suchThat(
                                     rc::gen::inRange<std::uint32_t>(1, 0x110000),
                                     [](std::uint32_t c) { return c != '/' && (c < 0xd800 || c > 0xdfff); }))))));
    std::string key;
    for (const auto& segment : segments) {
      if (!key.empty()) key += '/';
      for (const std::uint32_t c : segment) {
        if (c < 0x80) {
          key += static_cast<char>(c);
        } else if (c < 0x800) {
          key += static_cast<char>(0xc0 | (c >> 6));
        } else if (c < 0x10000) {
          key += static_cast<char>(0xe0 | (c >> 12));
          key += static_cast<char>(0x80 | ((c >> 6) & 63));
        } else {
          key += static_cast<char>(0xf0 | (c >> 18));
          key += static_cast<char>(0x80 | ((c >> 12) & 63));
          key += static_cast<char>(0x80 | ((c >> 6) & 63));
        }
        if (c >= 0x80) key += static_cast<char>(0x80 | (c & 63));
      }
    }
    const bool dots = [&] {
      for (const auto& s : segments)
        if (s == std::vector<std::uint32_t>{'.'} || s == std::vector<std::uint32_t>{'.', '.'}) return true;
      return false;
    }();
    RC_PRE(!dots && key.size() <= limits::kKeyBytesMax);
    const std::string encoded = encode_key(key);
    for (const char c : encoded) RC_ASSERT(c > 0x20 && c < 0x7f && c != '?' && c != '#');
    RC_ASSERT(decode_key(encoded).value() == key);
  }));
}

TEST_CASE("what decode_key takes of any bytes is a key that encodes and decodes to itself") {
  REQUIRE(rc::check("decode is closed", [](const std::string& any) {
    const auto key = decode_key(any);
    if (key) RC_ASSERT(decode_key(encode_key(*key)).value() == *key);
  }));
}

TEST_CASE("a target is split at its first question mark") {
  CHECK(split_target("/o/a") == std::pair<std::string_view, std::string_view>("/o/a", ""));
  CHECK(split_target("/o/a?b=c?d") == std::pair<std::string_view, std::string_view>("/o/a", "b=c?d"));
  CHECK(split_target("/?") == std::pair<std::string_view, std::string_view>("/", ""));
}

TEST_CASE("a query's value is found by its decoded name and decoded") {
  CHECK(query_value("after=7", "after").value() == "7");
  CHECK(query_value("x=1&after=7&after=8", "after").value() == "7");
  CHECK(query_value("a%66ter=%37+0", "after").value() == "7 0");
  CHECK(query_value("flag&x=", "flag").value() == "");
  CHECK(query_value("flag&x=", "x").value() == "");
  CHECK(!query_value("x=1", "after").value().has_value());
  CHECK(!query_value("", "after").value().has_value());
  CHECK(!query_value("after=%4", "after"));
  CHECK(!query_value("%=1&after=1", "after"));
}

TEST_CASE("a content type is stored only if it can be sent back") {
  CHECK(checked_content_type(std::nullopt).value() == "application/octet-stream");
  CHECK(checked_content_type(" image/jpeg ").value() == "image/jpeg");
  CHECK(checked_content_type("text/html; charset=utf-8").value() == "text/html; charset=utf-8");
  for (const std::string bad :
       {"", "image", "image/", "/jpeg", "im age/jpeg", "image/jpeg\r\nX: y", "image/j\xc3\xa9", "a/b/c"}) {
    INFO(bad);
    CHECK(!checked_content_type(bad));
  }
  CHECK(checked_content_type("a/" + std::string(253, 'b')).has_value());
  CHECK(!checked_content_type("a/" + std::string(254, 'b')));
}

}  // namespace
}  // namespace brigade::net
