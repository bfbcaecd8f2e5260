// Conditional requests.  Source: RFC 9110 §8.8.3, §13.
#include "http_range.h"
#include "text.h"

#include "brigade/net/http_semantics.h"

namespace brigade::net {
namespace {

struct EntityTag {
  bool weak = false;
  std::string_view opaque;  ///< with its quotes
};

/// The value of If-Match or If-None-Match: any, or some tags.
struct TagList {
  bool any = false;
  std::vector<EntityTag> tags;
};

/// Takes one tag off the front. Nothing if there is none.
std::optional<EntityTag> take_tag(std::string_view& text) {
  EntityTag tag;
  std::string_view rest = text;
  if (rest.starts_with("W/")) {
    tag.weak = true;
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) return std::nullopt;
  const std::size_t end = rest.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = rest.substr(0, end + 1);
  for (const char c : tag.opaque)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return std::nullopt;
  text = rest.substr(end + 1);
  return tag;
}

/// All fields of that name as one list. Nothing if malformed.
std::optional<TagList> read_tags(const Fields& fields, std::string_view name) {
  TagList list;
  bool found_any = false;
  for (const auto& [key, value] : fields.items()) {
    if (!equals_without_case(key, name)) continue;
    std::string_view rest = trimmed(value);
    if (rest == "*") {
      list.any = true;
      continue;
    }
    while (!rest.empty()) {
      if (rest.front() == ',') {
        rest = trimmed(rest.substr(1));
        continue;
      }
      const auto tag = take_tag(rest);
      if (!tag) return std::nullopt;
      list.tags.push_back(*tag);
      found_any = true;
      rest = trimmed(rest);
      if (!rest.empty() && rest.front() != ',') return std::nullopt;
    }
  }
  if (list.any == found_any) return std::nullopt;  // neither, or "*" among tags
  return list;
}

bool has_strong(const TagList& list, std::string_view etag) {
  for (const EntityTag& tag : list.tags)
    if (!tag.weak && tag.opaque == etag) return true;
  return false;
}

bool has_weak(const TagList& list, std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  for (const EntityTag& tag : list.tags)
    if (tag.opaque == etag) return true;
  return false;
}

/// Dates travel in whole seconds.
std::int64_t seconds(WallTime time) {
  return (time.unix_ms - (((time.unix_ms % 1000) + 1000) % 1000)) / 1000;
}

/// A date that stands alone; fields with nonsense are ignored, as the RFC asks.
std::optional<WallTime> date_field(const Fields& request, std::string_view name) {
  if (request.count(name) != 1) return std::nullopt;
  return parse_http_date(*request.find(name));
}

bool range_applies(const Fields& request, const Validators& object) {
  const std::size_t count = request.count("If-Range");
  if (count == 0) return true;
  if (count > 1) return false;
  const std::string_view value = trimmed(*request.find("If-Range"));
  std::string_view rest = value;
  if (const auto tag = take_tag(rest)) return rest.empty() && !tag->weak && tag->opaque == object.etag;
  const auto date = parse_http_date(value);
  return date && seconds(*date) == seconds(object.modified);
}

ReadDecision plain(int status) {
  ReadDecision decision;
  decision.status = status;
  return decision;
}

}  // namespace

ReadDecision decide_read(std::string_view method, const Fields& request, const Validators& object) {
  if (request.find("If-Match")) {
    const auto list = read_tags(request, "If-Match");
    if (!list || (!list->any && !has_strong(*list, object.etag))) return plain(412);
  } else if (const auto date = date_field(request, "If-Unmodified-Since")) {
    if (seconds(object.modified) > seconds(*date)) return plain(412);
  }
  if (request.find("If-None-Match")) {
    const auto list = read_tags(request, "If-None-Match");
    if (list && (list->any || has_weak(*list, object.etag))) return plain(304);
  } else if (const auto date = date_field(request, "If-Modified-Since")) {
    if (seconds(object.modified) <= seconds(*date)) return plain(304);
  }
  if (method != "GET" || request.count("Range") != 1 || !range_applies(request, object)) return plain(200);
  return decide_range(*request.find("Range"), object.size);
}

Status decide_write(const Fields& request, std::optional<std::string_view> etag) {
  if (request.find("If-Match")) {
    const auto list = read_tags(request, "If-Match");
    if (!list) return Error(Errc::kInvalid, "If-Match must be '*' or a list of quoted entity tags");
    if (!etag) return Error(Errc::kPreconditionFailed, "If-Match does not hold: there is no such object");
    if (!list->any && !has_strong(*list, *etag))
      return Error(Errc::kPreconditionFailed,
                   "If-Match does not hold: the object's entity tag is " + std::string(*etag));
  }
  if (request.find("If-None-Match")) {
    const auto list = read_tags(request, "If-None-Match");
    if (!list) return Error(Errc::kInvalid, "If-None-Match must be '*' or a list of quoted entity tags");
    if (etag && (list->any || has_weak(*list, *etag)))
      return Error(Errc::kPreconditionFailed,
                   "If-None-Match does not hold: there is an object with entity tag " + std::string(*etag));
  }
  return {};
}

}  // namespace brigade::net
