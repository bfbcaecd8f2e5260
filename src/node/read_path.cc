#include "read_path.h"

#include "object_response.h"
#include "read_order.h"
#include "record_fields.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kReadPatience{1500};  ///< for a map that is changing, before 503
constexpr std::chrono::milliseconds kPeerTimeout{1000};   ///< without a byte

/// What a read asks one candidate for came to.
enum class Outcome { kAnswered, kAbsent, kFailed, kOverloaded };

constexpr std::string_view kPeerRead = "/peer/read/";
constexpr std::string_view kForwarded[] = {
    "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Want-Repr-Digest"};
constexpr std::string_view kReturned[] = {
    "ETag",         "Last-Modified", "Accept-Ranges",    "X-Content-Type-Options", "Cache-Control", "Repr-Digest",
    "Content-Type", "Content-Range", "Brigade-Revision", "Brigade-Redundancy",     "Expires"};

Status may_leave(LoopContext& context, BucketId bucket) {
  const auto view = context.view();
  if (!context.control.may_serve()) return no_quorum_error(*view);
  if (!context.serves(view->map, bucket))
    return unavailable_error("this node has stopped serving the bucket: ask again");
  return {};
}

asio::awaitable<Outcome> read_here(LoopContext& context, const ObjectId id, const std::string& key, BucketId bucket,
                                   net::Request& request, net::Response& response, std::optional<UnsentRest>& rest) {
  const auto view = context.view();
  if (!context.serves(view->map, bucket)) co_return Outcome::kFailed;
  // The bucket may have been given up while the disk was looked at.
  const auto absent = [&context, bucket] { return may_leave(context, bucket) ? Outcome::kAbsent : Outcome::kFailed; };
  auto opened = co_await open_object(context, id, key);
  if (!opened) {
    if (opened.error().code() == Errc::kConflict) {
      co_await send_problem(response, opened.error());
      co_return Outcome::kAnswered;
    }
    if (opened.error().code() == Errc::kOverloaded) co_return Outcome::kOverloaded;
    if (opened.error().code() != Errc::kNotFound) co_return Outcome::kFailed;
    co_return absent();
  }
  if (!replication::is_replica_bucket(bucket, id, placement::Level{opened->reader->meta().level})) co_return absent();
  ++context.stats.reads_local;
  OpenedObject object = std::move(*opened);
  std::function<Status()> check = [&context, bucket] { return may_leave(context, bucket); };
  rest = co_await send_object(context, std::move(object), request, response, std::move(check));
  co_return Outcome::kAnswered;
}

net::RequestHead peer_read_head(const LoopContext& context, const ObjectId& id, const std::string& key, BucketId bucket,
                                std::string_view method) {
  net::RequestHead head;
  head.method = method;
  head.target = std::string(kPeerRead) + to_string(id) + "?bucket=" + std::to_string(bucket.value);
  head.fields.add(kKeyField, net::encode_key(key));
  head.fields.add(kMapSeqField, to_string(context.view()->map.seq()));
  return head;
}

/// Where in the object the body of an answer starts and ends; nothing for several ranges.
std::optional<net::ByteRange> body_range(const net::ResponseHead& head, std::optional<std::uint64_t> length) {
  if (!length) return std::nullopt;
  if (head.status == 200) return net::ByteRange{0, *length};
  auto field = head.fields.find("Content-Range");
  if (head.status != 206 || !field || !field->starts_with("bytes ")) return std::nullopt;
  std::uint64_t first = 0;
  const std::string_view text = field->substr(6);
  if (std::from_chars(text.data(), text.data() + text.size(), first).ec != std::errc{}) return std::nullopt;
  return net::ByteRange{first, first + *length};
}

/// A read that is streamed from other nodes.
class RemoteRead {
 public:
  RemoteRead(LoopContext& context, ObjectId id, const std::string& key, net::Request& request, net::Response& response)
      : context_(context), id_(id), key_(key), request_(request), response_(response) {}

  asio::awaitable<Outcome> ask(std::string address, BucketId bucket) {
    net::RequestHead head = peer_read_head(context_, id_, key_, bucket, request_.head().method);
    head.fields.add(kClientField, LoopContext::asker(request_));
    for (std::string_view name : kForwarded)
      if (auto value = request_.head().fields.find(name)) head.fields.add(name, *value);
    auto exchange = co_await start(std::move(address), std::move(head));
    if (!exchange) co_return Outcome::kFailed;
    net::Exchange& ex = **exchange;
    switch (ex.head().status) {
      case 200:
      case 206:
      case 304:
      case 412:
      case 416:
        break;
      case 404:
        co_return Outcome::kAbsent;
      default:
        co_return says_overloaded(ex.head()) ? Outcome::kOverloaded : Outcome::kFailed;
    }
    if (!context_.control.may_serve()) {
      co_await send_problem(response_, no_quorum_error(*context_.view()));
      co_return Outcome::kAnswered;
    }
    ++context_.stats.reads_remote;
    net::ResponseHead answer;
    answer.status = ex.head().status;
    for (std::string_view name : kReturned)
      if (auto value = ex.head().fields.find(name)) answer.fields.add(name, *value);
    const auto length = ex.content_length();
    if (answer.status >= 300) {
      co_await response_.send(std::move(answer), "");
      co_return Outcome::kAnswered;
    }
    rest_ = body_range(ex.head(), length);
    etag_ = ex.head().fields.find("ETag").value_or("");
    const net::BodyFraming framing = length ? net::BodyFraming::of_length(*length) : net::BodyFraming::chunked();
    auto begun = co_await response_.begin(std::move(answer), framing);
    if (!begun) co_return Outcome::kAnswered;
    if (request_.head().method == "HEAD") {
      co_await response_.end();
      co_return Outcome::kAnswered;
    }
    co_return co_await pipe(ex);
  }

  /// From now on it is about the rest of an answer that this node has begun itself.
  void take_over(UnsentRest rest) {
    rest_ = rest.range;
    etag_ = std::move(rest.etag);
  }

  /// Goes on with what is left of a body that broke off, from another node.
  asio::awaitable<Outcome> resume(std::string address, BucketId bucket) {
    ++context_.stats.reads_failed_over;
    net::RequestHead head = peer_read_head(context_, id_, key_, bucket, "GET");
    head.fields.add(kClientField, LoopContext::asker(request_));
    head.fields.add("Range", "bytes=" + std::to_string(rest_->first) + "-" + std::to_string(rest_->end - 1));
    head.fields.add("If-Match", etag_);
    auto exchange = co_await start(std::move(address), std::move(head));
    if (!exchange || (*exchange)->head().status != 206) co_return Outcome::kFailed;
    co_return co_await pipe(**exchange);
  }

  [[nodiscard]] bool broke_off() const { return response_.begun(); }
  [[nodiscard]] bool can_resume() const { return rest_.has_value() && !client_gone_; }

 private:
  asio::awaitable<Result<std::unique_ptr<net::Exchange>>> start(std::string address, net::RequestHead head) {
    const net::BodyFraming none = net::BodyFraming::none();
    auto exchange = co_await context_.peers.open(std::move(address), std::move(head), none, kPeerTimeout);
    if (!exchange) co_return exchange.error();
    auto answered = co_await (*exchange)->response();
    if (!answered) co_return answered.error();
    co_return std::move(exchange);
  }

  asio::awaitable<Outcome> pipe(net::Exchange& exchange) {
    const std::uint64_t left = rest_ ? rest_->end - rest_->first : kBufferBytes;
    const auto size = static_cast<std::size_t>(std::clamp<std::uint64_t>(left, 1, kBufferBytes));
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span buffer(memory.get(), size);
    for (;;) {
      auto read = co_await exchange.read_some(buffer);
      if (!read) co_return Outcome::kFailed;
      if (*read == 0) break;
      auto sent = co_await response_.write(buffer.first(*read));
      if (!sent) {
        client_gone_ = true;
        co_return Outcome::kAnswered;
      }
      if (rest_) rest_->first += *read;
      context_.stats.bytes_out += *read;
    }
    co_await response_.end();
    co_return Outcome::kAnswered;
  }

  LoopContext& context_;
  ObjectId id_;
  const std::string& key_;
  net::Request& request_;
  net::Response& response_;
  std::optional<net::ByteRange> rest_;  ///< of the object, not yet sent
  std::string etag_;
  bool client_gone_ = false;
};

asio::awaitable<void> finish_elsewhere(LoopContext& context, RemoteRead& remote, NodeId failed, ObjectId id) {
  const auto view = context.view();
  for (const auto& candidate : replication::read_candidates(view->map, id)) {
    if (candidate.node == failed || candidate.node == context.self || !remote.can_resume()) continue;
    const auto outcome = co_await remote.resume(LoopContext::peer_address(view->map, candidate.node), candidate.bucket);
    if (outcome == Outcome::kAnswered) co_return;
  }
}

}  // namespace

asio::awaitable<void> read_object(LoopContext& context, const std::string& key, net::Request& request,
                                  net::Response& response) {
  const ObjectId id = object_id(context.naming, key);
  const auto deadline = Clock::now() + kReadPatience;
  RemoteRead remote(context, id, key, request, response);
  for (;;) {
    const bool may_serve = co_await context.may_serve_soon();
    const auto view = context.view();
    if (!may_serve) {
      ++context.stats.no_quorum;
      co_await send_problem(response, no_quorum_error(*view));
      co_return;
    }
    bool is_overloaded = false;
    ReadOrder order(context, view->map, id);
    while (const auto next = order.next()) {
      const replication::ReadCandidate& candidate = *next;
      if (!context.control.may_serve()) break;
      Outcome outcome = Outcome::kFailed;
      if (candidate.node == context.self) {
        std::optional<UnsentRest> rest;
        outcome = co_await read_here(context, id, key, candidate.bucket, request, response, rest);
        if (rest) {
          remote.take_over(std::move(*rest));
          co_await finish_elsewhere(context, remote, context.self, id);
          co_return;
        }
      } else {
        outcome = co_await remote.ask(LoopContext::peer_address(view->map, candidate.node), candidate.bucket);
        if (outcome == Outcome::kFailed) context.suspect(candidate.node);
        if (outcome == Outcome::kFailed && remote.broke_off()) {
          co_await finish_elsewhere(context, remote, candidate.node, id);
          co_return;
        }
      }
      if (outcome == Outcome::kAnswered) co_return;
      if (outcome == Outcome::kAbsent && candidate.knows) {
        const Error absent = context.control.may_serve() ? Error{Errc::kNotFound, "no object with this key exists"}
                                                         : no_quorum_error(*context.view());
        co_await send_problem(response, absent);
        co_return;
      }
      is_overloaded = is_overloaded || outcome == Outcome::kOverloaded;
      if (outcome != Outcome::kAbsent) ++context.stats.reads_failed_over;
    }
    if (is_overloaded) {
      co_await send_overloaded(response);
      co_return;
    }
    // Nobody could tell: most often because a node has just gone and the log does not say so yet.
    if (Clock::now() >= deadline) break;
    co_await context.wait_for_view(std::min(deadline, Clock::now() + std::chrono::milliseconds{100}));
  }
  if (!context.control.may_serve()) {
    ++context.stats.no_quorum;
    co_await send_problem(response, no_quorum_error(*context.view()));
    co_return;
  }
  ++context.stats.unavailable;
  Error error = unavailable_error("no in-sync replica of this object can be reached: ask again");
  co_await send_problem(response, std::move(error));
}

bool is_peer_read(const net::RequestHead& head) {
  return (head.method == "GET" || head.method == "HEAD") && std::string_view(head.target).starts_with(kPeerRead);
}

asio::awaitable<void> read_for_peer(LoopContext& context, net::Request& request, net::Response& response) {
  const auto [path, query] = net::split_target(request.head().target);
  const auto id = parse_object_id(path.substr(kPeerRead.size()));
  const auto value = net::query_value(query, "bucket");
  const auto number = value && *value ? parse_number(**value) : std::nullopt;
  auto key = net::decode_key(request.head().fields.find(kKeyField).value_or(""));
  auto seq = take_map_seq(request.head().fields);
  Status refused;
  if (!seq) refused = seq.error();
  if (!key) refused = key.error();
  if (!id || !number || *number >= kBucketCount) refused = Error{Errc::kInvalid, "an id or a bucket is missing"};
  if (!refused) {
    co_await send_problem(response, refused.error());
    co_return;
  }
  const BucketId bucket{static_cast<std::uint16_t>(*number)};
  // The gateway may know a map in which this node serves, while this node has yet to apply it.
  co_await context.wait_for_seq(*seq, Clock::now() + std::chrono::milliseconds{300});
  if (auto fits = may_leave(context, bucket); !fits) {
    co_await send_problem(response, fits.error());
    co_return;
  }
  const auto place = context.enter(Work::kPeerRead, request, read_bytes(context.store.find(*id), context.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  const std::string wanted = std::move(*key);
  // Damage that is met midway cuts the answer off: the gateway goes on elsewhere.
  std::optional<UnsentRest> rest;
  const Outcome outcome = co_await read_here(context, *id, wanted, bucket, request, response, rest);
  if (outcome == Outcome::kAnswered) co_return;
  if (outcome == Outcome::kOverloaded) {
    co_await send_overloaded(response);
    co_return;
  }
  Status fits = may_leave(context, bucket);
  Error error = !fits                         ? fits.error()
                : outcome == Outcome::kAbsent ? Error{Errc::kNotFound, "not here"}
                                              : Error{Errc::kCorrupt, "the record here is damaged: use a sibling"};
  co_await send_problem(response, std::move(error));
}

}  // namespace brigade::node
