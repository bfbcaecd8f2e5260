#include "record_fields.h"

#include <charconv>

#include "brigade/net/http_semantics.h"
#include "brigade/placement/replicas.h"

namespace brigade::node {

namespace {

constexpr std::uint64_t kTimeMax =
    253'402'300'799'999;  ///< the end of the year 9999, the last that HTTP dates can tell

std::optional<std::uint64_t> parse(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string hex_of(std::uint64_t value) {
  char buffer[17];
  const auto end = std::to_chars(buffer, buffer + 16, value, 16).ptr;
  return {buffer, end};
}

Error missing(std::string_view name) {
  return {Errc::kInvalid, "field " + std::string(name) + " is missing or malformed"};
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view decimal) {
  return parse(decimal, 10);
}

std::optional<ObjectId> parse_object_id(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  auto high = parse(hex.substr(0, 16), 16);
  auto low = parse(hex.substr(16), 16);
  if (!high || !low) return std::nullopt;
  return ObjectId{*high, *low};
}

std::optional<Revision> parse_revision(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  auto view = parse(text.substr(0, dot), 10);
  auto count = parse(text.substr(dot + 1), 10);
  if (!view || !count || *view > Revision::kViewMax || *count > Revision::kCountMax) return std::nullopt;
  return Revision::of(Seq{*view}, *count);
}

Result<Seq> take_map_seq(const net::Fields& fields) {
  auto value = parse_number(fields.find(kMapSeqField).value_or(""));
  if (!value) return missing(kMapSeqField);
  return Seq{*value};
}

void put_record_fields(net::Fields& fields, const store::ObjectMeta& meta) {
  fields.set(kKeyField, net::encode_key(meta.key));
  fields.set(kRevisionField, to_string(meta.revision));
  fields.set(kRedundancyField, std::to_string(placement::Level{meta.level}.redundancy()));
  fields.set("Brigade-Tombstone", meta.tombstone ? "1" : "0");
  fields.set("Brigade-Checksum", hex_of(meta.checksum));
  fields.set("Brigade-Modified", std::to_string(meta.modified.unix_ms));
  if (meta.expires.unix_ms > 0) fields.set("Brigade-Expires", std::to_string(meta.expires.unix_ms));
  fields.set("Brigade-Type", meta.content_type);
}

store::CommitInfo commit_info(const store::ObjectMeta& meta) {
  return {meta.revision, meta.level, meta.modified, meta.content_type, meta.expires, meta.user_headers};
}

bool has_expired(const store::ObjectMeta& meta, WallTime now) {
  return meta.expires.unix_ms > 0 && meta.expires <= now;
}

Result<store::ObjectMeta> take_record_fields(const net::Fields& fields, const ObjectId& id) {
  store::ObjectMeta meta;
  meta.id = id;
  auto key = net::decode_key(fields.find(kKeyField).value_or(""));
  if (!key) return key.error();
  meta.key = std::move(*key);
  auto revision = parse_revision(fields.find(kRevisionField).value_or(""));
  if (!revision || !*revision) return missing(kRevisionField);
  meta.revision = *revision;
  auto redundancy = parse_number(fields.find(kRedundancyField).value_or(""));
  auto level = placement::level_of(redundancy.value_or(0));
  if (!level) return missing(kRedundancyField);
  meta.level = level->value;
  meta.tombstone = fields.find("Brigade-Tombstone") == "1";
  auto checksum = parse(fields.find("Brigade-Checksum").value_or(""), 16);
  if (!checksum) return missing("Brigade-Checksum");
  meta.checksum = *checksum;
  auto modified = parse_number(fields.find("Brigade-Modified").value_or(""));
  if (!modified || *modified > kTimeMax) return missing("Brigade-Modified");
  meta.modified.unix_ms = static_cast<std::int64_t>(*modified);
  if (const auto field = fields.find("Brigade-Expires")) {
    auto expires = parse_number(*field);
    if (!expires || *expires == 0 || *expires > kTimeMax) return missing("Brigade-Expires");
    meta.expires.unix_ms = static_cast<std::int64_t>(*expires);
  }
  auto type = net::checked_content_type(fields.find("Brigade-Type"));
  if (!type) return type.error();
  meta.content_type = std::move(*type);
  return meta;
}

}  // namespace brigade::node
