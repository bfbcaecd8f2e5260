// What a client may say of an object: keys, ranges, conditions, digests, dates, types. Whatever the fields hold, ranges
// lie within the object, and what is understood means the same when it is said again.
// The input: the object's size and age, 8 bytes each, then "Name: value" lines.
#include "../../src/wire/little_endian.h"
#include "fuzz_input.h"
#include "text.h"

#include <algorithm>
#include <string>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"

namespace {

using namespace brigade;
using namespace brigade::net;

void check_ranges(const ReadDecision& decision, const Validators& object) {
  BRIGADE_CHECK((decision.status == 206) == !decision.ranges.empty(), "status " << decision.status);
  BRIGADE_CHECK(decision.ranges.size() <= kRangesMax, decision.ranges.size() << " ranges");
  std::uint64_t covered = 0;
  for (std::size_t i = 0; i < decision.ranges.size(); ++i) {
    const ByteRange& a = decision.ranges[i];
    BRIGADE_CHECK(a.first < a.end && a.end <= object.size, a.first << " to " << a.end << " of " << object.size);
    covered += a.end - a.first;
    for (std::size_t j = 0; j < i; ++j) {
      const ByteRange& b = decision.ranges[j];
      BRIGADE_CHECK(a.end <= b.first || b.end <= a.first, "bytes that would be sent twice");
    }
  }
  BRIGADE_CHECK(covered <= object.size, "more than there is");
  if (decision.ranges.size() < 2 || object.size >> 60 != 0) return;
  const Multipart parts = make_multipart(decision.ranges, object.size, "image/jpeg", "boundary");
  std::uint64_t length = parts.tail.size() + covered;
  for (const std::string& head : parts.part_heads) length += head.size();
  BRIGADE_CHECK(parts.part_heads.size() == decision.ranges.size() && parts.length == length, "a wrong length");
}

void check_reads(const Fields& fields, const Validators& object) {
  const ReadDecision get = decide_read("GET", fields, object);
  BRIGADE_CHECK(get.status == 200 || get.status == 206 || get.status == 304 || get.status == 412 || get.status == 416,
                "status " << get.status);
  check_ranges(get, object);
  const ReadDecision head = decide_read("HEAD", fields, object);
  BRIGADE_CHECK(head.ranges.empty() && head.status != 206 && head.status != 416, "a range of a HEAD");
  BRIGADE_CHECK((head.status == 304) == (get.status == 304) && (head.status == 412) == (get.status == 412),
                "GET and HEAD differ");
}

void check_writes(const Fields& fields, const Validators& object) {
  const Status there = decide_write(fields, object.etag);
  const Status absent = decide_write(fields, std::nullopt);
  for (const Status& status : {there, absent})
    BRIGADE_CHECK(
        status || status.error().code() == Errc::kInvalid || status.error().code() == Errc::kPreconditionFailed,
        status.error().detail());
  const auto condition = fields.find("If-None-Match");
  if (condition && trimmed(*condition) == "*") BRIGADE_CHECK(!there, "written over in spite of If-None-Match: *");
  if (fields.find("If-Match")) BRIGADE_CHECK(!absent, "made in spite of If-Match");
}

void check_digests(const Fields& fields) {
  static_cast<void>(wants_sha256(fields));
  const auto claimed = claimed_sha256(fields);
  if (!claimed || !*claimed) return;
  Fields again;
  again.add("Repr-Digest", digest_field(**claimed));
  const auto second = claimed_sha256(again);
  BRIGADE_CHECK(second && *second == *claimed, "another digest");
}

void check_key(std::string_view text) {
  const auto key = decode_key(text);
  if (!key) return;
  BRIGADE_CHECK(!key->empty() && key->size() <= limits::kKeyBytesMax, key->size() << " bytes");
  BRIGADE_CHECK(key->find('\0') == std::string::npos, "a NUL");
  for (std::string_view rest = *key; !rest.empty();) {
    const std::string_view segment = fuzz::take_until(rest, '/');
    BRIGADE_CHECK(!segment.empty() && segment != "." && segment != "..", "a segment '" << segment << "'");
  }
  const std::string encoded = encode_key(*key);
  for (const char c : encoded) BRIGADE_CHECK(c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '"', "a byte " << c);
  const auto again = decode_key(encoded);
  BRIGADE_CHECK(again && *again == *key, "another key");
}

void check_text(std::string_view text) {
  check_key(text);
  const auto [path, query] = split_target(text);
  BRIGADE_CHECK(path.size() + query.size() <= text.size(), "more than there was");
  static_cast<void>(query_value(query, "prefix"));
  if (const auto time = parse_http_date(text)) {
    const std::string said = http_date(*time);
    BRIGADE_CHECK(parse_http_date(said) == *time, "another time than " << said);
  }
  if (const auto type = checked_content_type(text)) {
    BRIGADE_CHECK(type->size() <= limits::kContentTypeBytesMax, type->size() << " bytes");
    const auto again = checked_content_type(*type);
    BRIGADE_CHECK(again && *again == *type, "another type");
  }
  if (const auto bytes = from_base64(text)) BRIGADE_CHECK(to_base64(*bytes) == text, "a second base64 text");
  if (const auto number = parse_decimal(text)) BRIGADE_CHECK(text.ends_with(std::to_string(*number)), *number);
  if (const auto address = split_address(text)) BRIGADE_CHECK(!address->first.empty(), "an address without a host");
}

/// Of any record, even one that claims to be from before Christ.
void check_date(WallTime time) {
  const std::string said = http_date(time);
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  if (time.unix_ms < 0 || time.unix_ms >= kYear10000) return;
  BRIGADE_CHECK(parse_http_date(said) == WallTime{time.unix_ms / 1000 * 1000}, said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 16) return 0;
  Validators object;
  object.size = wire::get<std::uint64_t>(fuzz::bytes(data, size), 0);
  object.modified.unix_ms = static_cast<std::int64_t>(wire::get<std::uint64_t>(fuzz::bytes(data, size), 8));
  object.etag = make_etag({});
  std::string_view rest = fuzz::text(data, size).substr(16);
  const Fields fields = fuzz::take_fields(rest);
  check_reads(fields, object);
  check_writes(fields, object);
  check_digests(fields);
  check_date(object.modified);
  for (const auto& [name, value] : fields.items()) check_text(value);
  return 0;
}
