#include "put_request.h"

#include "record_fields.h"

#include <utility>

#include "brigade/net/http_semantics.h"

namespace brigade::node {

namespace {

/// A body that is not the whole object as it is to be kept.
Status check_representation(const net::Fields& fields) {
  if (fields.find("Content-Range"))
    return Error{Errc::kInvalid, "a PUT stores the whole object: Content-Range can't be taken (RFC 9110, 14.5)"};
  if (fields.find("Content-MD5"))
    return Error{Errc::kInvalid, "Content-MD5 is not checked: give Repr-Digest: sha-256=:BASE64: instead (RFC 9530)"};
  const auto encoding = fields.find("Content-Encoding");
  if (encoding && *encoding != "identity")
    return Error{Errc::kInvalid, "Content-Encoding is not kept: send the object as clients are to get it"};
  return {};
}

Result<WallTime> wanted_expiry(const net::Fields& fields, WallTime now) {
  constexpr std::int64_t kLongest = std::int64_t{100} * 365 * 86'400;
  if (const auto field = fields.find("Brigade-Expires-In")) {
    const auto seconds = parse_number(*field);
    if (!seconds || *seconds == 0 || *seconds > static_cast<std::uint64_t>(kLongest))
      return Error{Errc::kInvalid,
                   "Brigade-Expires-In must be a number of seconds from 1 to " + std::to_string(kLongest)};
    return WallTime{now.unix_ms + static_cast<std::int64_t>(*seconds) * 1000};
  }
  const auto field = fields.find("Expires");
  if (!field) return WallTime{};
  const auto time = net::parse_http_date(*field);
  if (!time || *time <= now || time->unix_ms > now.unix_ms + kLongest * 1000)
    return Error{Errc::kInvalid, "Expires must be an HTTP date to come: leave it out for an object that stays"};
  return *time;
}

}  // namespace

Result<placement::Level> wanted_level(const Settings& settings, const net::Fields& fields) {
  auto field = fields.find(kRedundancyField);
  auto level = placement::level_of(field ? parse_number(*field).value_or(0) : settings.redundancy);
  if (!level) return Error{Errc::kInvalid, "Brigade-Redundancy must be 1, 2, 4, 8 or 16"};
  if (level->redundancy() < settings.min_redundancy)
    return Error{Errc::kInvalid, "Brigade-Redundancy must be at least " + std::to_string(settings.min_redundancy) +
                                     " here (setting min_redundancy)"};
  return *level;
}

Result<WantedPut> wanted_put(const Settings& settings, const net::Fields& fields, WallTime now) {
  auto level = wanted_level(settings, fields);
  if (!level) return level.error();
  auto type = net::checked_content_type(fields.find("Content-Type"));
  if (!type) return type.error();
  auto sha256 = net::claimed_sha256(fields);
  if (!sha256) return sha256.error();
  const auto expires = wanted_expiry(fields, now);
  if (!expires) return expires.error();
  if (const Status whole = check_representation(fields); !whole) return whole.error();
  return WantedPut{*level, std::move(*type), *sha256, *expires};
}

}  // namespace brigade::node
