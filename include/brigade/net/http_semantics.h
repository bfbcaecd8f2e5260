// What HTTP means for a stored object, as pure functions.  Source: RFC 9110 §8, §13, §14; RFC 9530; RFC 3986.
// Thread:  pure functions. No I/O, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/base/time.h"
#include "brigade/net/http.h"

namespace brigade::net {

/// Half-open [first, end) of a body.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  bool operator==(const ByteRange&) const = default;
};
inline constexpr std::size_t kRangesMax = 16;

/// The key in an `/o/KEY` target: percent-decoded once, then checked (1..1024 bytes, UTF-8, no NUL, no empty, `.` or
/// `..` segment). Errors: kInvalid, naming the rule.
Result<std::string> decode_key(std::string_view encoded);
/// The inverse, for links: everything but unreserved characters and '/' is encoded.
std::string encode_key(std::string_view key);
/// Splits a target into its path (still encoded) and its query.
std::pair<std::string_view, std::string_view> split_target(std::string_view target);
/// The decoded value of `name` in a query. Errors: kInvalid.
Result<std::optional<std::string>> query_value(std::string_view query, std::string_view name);

/// IMF-fixdate, such as "Sun, 06 Nov 1994 08:49:37 GMT", whole seconds.
std::string http_date(WallTime time);
/// All three formats of RFC 9110 §5.6.7; nothing if malformed.
std::optional<WallTime> parse_http_date(std::string_view text);

/// A strong entity tag with its quotes. No two bodies of a key have one revision, and all replicas give the same.
std::string make_etag(Revision revision);

/// What a stored object offers to conditions and ranges.
struct Validators {
  std::string etag;
  WallTime modified;
  std::uint64_t size = 0;
};

/// How to answer a GET or HEAD of an object that exists (RFC 9110 §13.2.2, §14.2).
struct ReadDecision {
  int status = 200;  ///< 200, 206, 304, 412 or 416
  std::vector<ByteRange>
      ranges;  ///< for 206: in the order of the request; overlapping ones are merged (RFC 9110 §14.2)
};
ReadDecision decide_read(std::string_view method, const Fields& request, const Validators& object);

/// If-Match and If-None-Match of a PUT or DELETE. `etag` is nothing if no object is there. Errors: kPreconditionFailed,
/// kInvalid (malformed).
Status decide_write(const Fields& request, std::optional<std::string_view> etag);

/// Head fields and framing of a multipart/byteranges answer.
struct Multipart {
  std::string content_type;             ///< with the boundary
  std::vector<std::string> part_heads;  ///< to send before each range
  std::string tail;
  std::uint64_t length = 0;  ///< of the whole body
};
Multipart make_multipart(const std::vector<ByteRange>& ranges, std::uint64_t size, std::string_view content_type,
                         std::string_view boundary);
std::string content_range(const ByteRange& range, std::uint64_t size);

/// SHA-256 that Repr-Digest or Content-Digest of a request claims (RFC 9530), if it names sha-256. Other algorithms are
/// ignored. Errors: kInvalid if malformed, or if both claim and differ.
Result<std::optional<std::array<std::byte, 32>>> claimed_sha256(const Fields& request);
/// "sha-256=:...:" .
std::string digest_field(const std::array<std::byte, 32>& sha256);
/// True if Want-Repr-Digest asks for sha-256 with a weight above 0.
bool wants_sha256(const Fields& request);

/// A Content-Type that may be stored and sent back: at most limits::kContentTypeBytesMax bytes, type/subtype, no
/// controls.
Result<std::string> checked_content_type(std::optional<std::string_view> field);

}  // namespace brigade::net
