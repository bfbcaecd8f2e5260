#include "object_response.h"

#include "record_fields.h"
#include "sha256.h"

#include <algorithm>
#include <utility>

#include "brigade/net/http_semantics.h"
#include "brigade/placement/replicas.h"

namespace brigade::node {

namespace {

net::Fields object_fields(const LoopContext& context, const store::ObjectMeta& meta) {
  net::Fields fields;
  fields.add("ETag", net::make_etag(meta.revision));
  fields.add("Last-Modified", net::http_date(meta.modified));
  fields.add("Accept-Ranges", "bytes");
  fields.add("X-Content-Type-Options", "nosniff");
  fields.add(kRevisionField, to_string(meta.revision));
  fields.add(kRedundancyField, std::to_string(placement::Level{meta.level}.redundancy()));
  const std::string& cache_control = context.view()->map.settings().cache_control;
  if (meta.expires.unix_ms > 0) {
    fields.add("Expires", net::http_date(meta.expires));
    const std::int64_t left = std::max<std::int64_t>(0, (meta.expires.unix_ms - wall_now().unix_ms) / 1000);
    fields.add("Cache-Control", "max-age=" + std::to_string(left));
  } else if (!cache_control.empty()) {
    fields.add("Cache-Control", cache_control);
  }
  return fields;
}

/// Of the whole object, for whoever asked for it. None if it can't be read, which sending it will show.
asio::awaitable<std::optional<std::string>> repr_digest(LoopContext& context, const OpenedObject& object) {
  store::ObjectReader* reader = object.reader.get();
  auto visit = [reader]() -> std::optional<std::string> {
    Sha256 digest;
    std::vector<std::byte> buffer(kBufferBytes);
    for (std::uint64_t at = 0; at < reader->meta().size;) {
      const auto read = reader->read(at, buffer);
      if (!read || *read == 0) return std::nullopt;
      digest.update(std::span<const std::byte>(buffer).first(*read));
      at += *read;
    }
    return net::digest_field(digest.end());
  };
  auto digest = co_await context.disk.run(std::move(visit));
  co_return std::move(digest);
}

enum class Sent : std::uint8_t { kWhole, kClientGone, kUnreadable };

/// Streams [range.first, range.end), and leaves in `range` what was not sent. The first bytes may be here already.
asio::awaitable<Sent> send_range(LoopContext& context, OpenedObject& object, net::ByteRange& range,
                                 net::Response& response) {
  const std::span<const std::byte> here = object.here();
  std::vector<std::byte> buffer;
  while (range.first < range.end) {
    std::span<const std::byte> bytes;
    if (range.first < here.size()) {
      bytes = here.subspan(range.first);
    } else {
      buffer.resize(std::min<std::uint64_t>(kBufferBytes, range.end - range.first));
      store::ObjectReader* reader = object.reader.get();
      auto visit = [reader, at = range.first, &buffer] { return reader->read(at, buffer); };
      auto read = co_await context.disk.run(std::move(visit));
      if (!read || *read == 0) co_return Sent::kUnreadable;
      bytes = std::span<const std::byte>(buffer).first(*read);
    }
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), range.end - range.first));
    auto sent = co_await response.write(bytes);
    if (!sent) co_return Sent::kClientGone;
    range.first += bytes.size();
    context.stats.bytes_out += bytes.size();
  }
  co_return Sent::kWhole;
}

}  // namespace

asio::awaitable<Result<OpenedObject>> open_object(LoopContext& context, ObjectId id, std::string key) {
  OpenedObject cached{context.store.open_cached(id, key), {}};
  if (cached.reader) co_return std::move(cached);
  if (context.disk.is_crowded()) co_return Error{Errc::kOverloaded, "too many reads wait for the disk"};
  store::ObjectStore* store = &context.store;
  auto visit = [store, id, key = std::move(key)]() -> Result<OpenedObject> {
    auto reader = store->open(id, key);
    if (!reader) return reader.error();
    OpenedObject object;
    object.reader = std::move(*reader);
    std::byte one{};
    if (auto begun = object.reader->read(0, std::span(&one, 1)); !begun) return begun.error();
    if (!object.reader->in_memory().empty()) return object;
    object.first.resize(std::min<std::uint64_t>(kBufferBytes, object.reader->meta().size));
    std::size_t have = 0;
    while (have < object.first.size()) {
      auto read = object.reader->read(have, std::span(object.first).subspan(have));
      if (!read) return read.error();
      if (*read == 0) return Error{Errc::kCorrupt, "the record is shorter than it says"};
      have += *read;
    }
    return object;
  };
  auto opened = co_await context.disk.run(std::move(visit));
  co_return std::move(opened);
}

asio::awaitable<void> send_problem(net::Response& response, Error error) {
  if (response.begun()) co_return;
  net::ResponseHead head = net::problem_head(error);
  const std::string body = net::problem_json(error, "");
  co_await response.send(std::move(head), body);
}

Error no_quorum_error(const View& view) {
  std::string why;
  if (view.state != cluster::State::kNormal) {
    why = "it has no coordinator and looks for one";
  } else if (view.present < view.quorum_needed) {
    why = "its group has " + std::to_string(view.present) + " of the " + std::to_string(view.quorum_needed) +
          " nodes needed";
  } else {
    why = "it waits for its coordinator's word";
  }
  return {Errc::kNoQuorum, "this node may not serve now, for " + why + ": ask again, or another node"};
}

Error unavailable_error(std::string detail) {
  return {Errc::kUnavailable, std::move(detail)};
}

asio::awaitable<void> send_overloaded(net::Response& response) {
  const Error error{Errc::kOverloaded, "this node has as much under way as it can hold: ask again, or another node"};
  net::ResponseHead head = net::problem_head(error);
  head.fields.add(kNoRoomField, "yes");
  const std::string body = net::problem_json(error, "");
  co_await response.send(std::move(head), body);
}

bool says_overloaded(const net::ResponseHead& answer) {
  return answer.status == 503 && answer.fields.find(kNoRoomField).has_value();
}

asio::awaitable<std::optional<UnsentRest>> send_object(LoopContext& context, OpenedObject object,
                                                       const net::Request& request, net::Response& response,
                                                       std::function<Status()> may_leave) {
  const store::ObjectMeta& meta = object.reader->meta();
  const net::RequestHead& head = request.head();
  net::Validators validators{net::make_etag(meta.revision), meta.modified, meta.size};
  net::ReadDecision decision = net::decide_read(head.method, head.fields, validators);
  std::optional<std::string> digest;
  if (net::wants_sha256(head.fields) && decision.status / 100 == 2) digest = co_await repr_digest(context, object);
  if (auto leaves = may_leave(); !leaves) {
    co_await send_problem(response, leaves.error());
    co_return std::nullopt;
  }
  net::ResponseHead answer;
  answer.status = decision.status;
  answer.fields = object_fields(context, meta);
  if (digest) answer.fields.add("Repr-Digest", std::move(*digest));
  if (decision.status == 304 || decision.status == 412 || decision.status == 416) {
    if (decision.status == 416) answer.fields.add("Content-Range", "bytes */" + std::to_string(meta.size));
    co_await response.send(std::move(answer), "");
    co_return std::nullopt;
  }
  std::vector<net::ByteRange> ranges = std::move(decision.ranges);
  const bool whole = decision.status == 200;
  if (whole) ranges = {net::ByteRange{0, meta.size}};
  if (ranges.size() <= 1) {
    answer.fields.add("Content-Type", meta.content_type);
    if (!whole) answer.fields.add("Content-Range", net::content_range(ranges[0], meta.size));
    const net::BodyFraming framing = net::BodyFraming::of_length(ranges[0].end - ranges[0].first);
    auto begun = co_await response.begin(std::move(answer), framing);
    if (!begun) co_return std::nullopt;
    if (head.method != "HEAD") {
      const Sent sent = co_await send_range(context, object, ranges[0], response);
      if (sent == Sent::kUnreadable) {
        std::optional<UnsentRest> rest(std::in_place, ranges[0], std::move(validators.etag));
        co_return rest;
      }
      if (sent == Sent::kClientGone) co_return std::nullopt;
    }
    co_await response.end();
    co_return std::nullopt;
  }
  net::Multipart parts = net::make_multipart(ranges, meta.size, meta.content_type,
                                             "brigade-" + to_string(meta.id) + to_string(meta.revision));
  answer.fields.add("Content-Type", parts.content_type);
  const net::BodyFraming framing = net::BodyFraming::of_length(parts.length);
  auto begun = co_await response.begin(std::move(answer), framing);
  if (!begun) co_return std::nullopt;
  if (head.method == "HEAD") {
    co_await response.end();
    co_return std::nullopt;
  }
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    auto told = co_await response.write(std::as_bytes(std::span(parts.part_heads[i])));
    if (!told) co_return std::nullopt;
    const Sent sent = co_await send_range(context, object, ranges[i], response);
    if (sent != Sent::kWhole) co_return std::nullopt;
  }
  auto told = co_await response.write(std::as_bytes(std::span(parts.tail)));
  if (told) co_await response.end();
  co_return std::nullopt;
}

}  // namespace brigade::node
