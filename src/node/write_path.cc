#include "write_path.h"

#include "object_response.h"
#include "peer_guard.h"
#include "primary_writer.h"
#include "put_request.h"
#include "record_fields.h"
#include "redundancy_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{5};  ///< for a primary to be there
constexpr std::chrono::milliseconds kPeerTimeout{20'000};
constexpr std::size_t kAnswerBytesMax = 64 * 1024;

constexpr std::string_view kForwarded[] = {
    "Content-Type", "If-Match",           "If-None-Match", "Repr-Digest",      "Content-Digest", "Brigade-Redundancy",
    "Expires",      "Brigade-Expires-In", "Content-Range", "Content-Encoding", "Content-MD5"};
constexpr std::string_view kReturned[] = {
    "ETag",           "Content-Type",  "Retry-After",   "Cache-Control",   "Brigade-Revision", "Brigade-Redundancy",
    "Brigade-Copies", "Brigade-Nodes", "Brigade-Zones", "Brigade-Durable", "Brigade-Map-Seq"};

/// A request's body whose beginning is kept, so that it can be sent a second time.
class KeptBody {
 public:
  explicit KeptBody(net::Request& request) : request_(request) {}

  /// Reads the beginning, once: to its end, or a full buffer. Errors: the client's.
  asio::awaitable<Status> read_beginning() {
    if (read_) co_return Status{};
    read_ = true;
    const auto& framing = request_.framing();
    if (framing.kind == net::BodyFraming::Kind::kNone) ended_ = true;
    const bool sized = framing.kind == net::BodyFraming::Kind::kLength;
    beginning_.resize(sized ? std::min<std::uint64_t>(kBufferBytes, framing.length + 1) : kBufferBytes);
    std::size_t have = 0;
    while (!ended_ && have < beginning_.size()) {
      auto read = co_await request_.read_some(std::span(beginning_).subspan(have));
      if (!read) co_return read.error();
      ended_ = *read == 0;
      have += *read;
    }
    beginning_.resize(have);
    co_return Status{};
  }

  /// Sends it all. Errors: only the client's; an upload that the other side ends early has an answer to read.
  asio::awaitable<Status> send(net::Exchange& exchange) {
    auto written = co_await exchange.write(beginning_);
    std::vector<std::byte> buffer(ended_ ? 0 : kBufferBytes);
    while (written && !ended_) {
      auto read = co_await request_.read_some(buffer);
      if (!read) co_return read.error();
      consumed_ = true;
      ended_ = *read == 0;
      if (*read > 0) written = co_await exchange.write(std::span<const std::byte>(buffer).first(*read));
    }
    co_return Status{};
  }

  [[nodiscard]] bool can_send_again() const { return !consumed_; }

 private:
  net::Request& request_;
  std::vector<std::byte> beginning_;
  bool read_ = false;
  bool ended_ = false;
  bool consumed_ = false;
};

enum class Outcome { kAnswered, kTryAgain };

asio::awaitable<void> return_answer(net::Exchange& exchange, net::Response& response) {
  net::ResponseHead head;
  head.status = exchange.head().status;
  for (std::string_view name : kReturned)
    if (auto value = exchange.head().fields.find(name)) head.fields.add(name, *value);
  auto body = co_await exchange.read_all(kAnswerBytesMax);
  const std::string text = body ? std::move(*body) : std::string();
  co_await response.send(std::move(head), text);
}

asio::awaitable<Outcome> hand_on(NodeContext& context, NodeId primary, const std::string& key, net::Request& request,
                                 net::Response& response, KeptBody& body) {
  const auto view = context.view();
  const net::RequestHead& from = request.head();
  auto began = co_await body.read_beginning();
  if (!began) {
    co_await send_problem(response, began.error());
    co_return Outcome::kAnswered;
  }
  net::RequestHead head;
  head.method = from.method;
  head.target = "/peer/write/" + net::encode_key(key) + (changes_metadata(from) ? "?metadata" : "");
  for (std::string_view name : kForwarded)
    if (auto value = from.fields.find(name)) head.fields.add(name, *value);
  head.fields.add(kMapSeqField, to_string(view->map.seq()));
  head.fields.add(kClientField, NodeContext::asker(request));
  net::BodyFraming framing = request.framing();
  auto exchange = co_await context.peers.open(NodeContext::peer_address(view->map, primary), std::move(head), framing,
                                              kPeerTimeout);
  if (!exchange) {
    context.complain_about(primary, view->map.seq());
    co_return Outcome::kTryAgain;
  }
  const PeerGuard guard(context, primary, **exchange);
  auto sent = co_await body.send(**exchange);
  if (!sent) {  // the client is gone or broke the rules: nothing of it remains at the primary either
    (*exchange)->cancel();
    co_await send_problem(response, sent.error());
    co_return Outcome::kAnswered;
  }
  auto answered = co_await (*exchange)->response();
  if (answered && answered->status != 421) {
    co_await return_answer(**exchange, response);
    co_return Outcome::kAnswered;
  }
  // 421: nothing happened there. No answer: it may have been written, and read, and written over; writing it once more
  // would undo that. The client, who can tell, is asked.
  if (answered && body.can_send_again()) co_return Outcome::kTryAgain;
  Error error = answered ? unavailable_error("the primary changed meanwhile: ask again")
                         : Error{Errc::kTimeout, "the primary went away: the outcome is open, ask again"};
  co_await send_problem(response, std::move(error));
  co_return Outcome::kAnswered;
}

}  // namespace

asio::awaitable<void> write_object(NodeContext& context, const std::string& key, net::Request& request,
                                   net::Response& response) {
  const bool is_change = changes_metadata(request.head());
  const bool is_put = request.head().method == "PUT" && !is_change;
  const auto deadline = Clock::now() + kPatience;
  KeptBody body(request);
  bool kept = false;
  for (;;) {
    const bool may_serve = co_await context.may_serve_soon();
    const auto view = context.view();
    if (!may_serve) {
      ++context.stats.no_quorum;
      co_await send_problem(response, no_quorum_error(*view));
      co_return;
    }
    auto level = is_put ? wanted_level(view->map.settings(), request.head().fields)
                        : Result<placement::Level>(
                              placement::level_of(view->map.settings().min_redundancy).value_or(placement::Level{0}));
    if (!level) {
      co_await send_problem(response, level.error());
      co_return;
    }
    const ObjectId id = object_id(context.naming, key);
    const NodeId primary = replication::replica_set(view->map, id, *level).primary;
    if (primary && (primary != context.self || kept)) {
      kept = true;
      const Outcome outcome = co_await hand_on(context, primary, key, request, response, body);
      if (outcome == Outcome::kAnswered) co_return;
    } else if (primary) {
      // No co_await in the arms of ?: : g++ 12 destroys what it yields twice.
      bool answered = false;
      if (is_change) {
        answered = co_await change_redundancy_as_primary(context, key, request, response);
      } else if (is_put) {
        answered = co_await put_as_primary(context, key, request, response);
      } else {
        answered = co_await delete_as_primary(context, key, request, response);
      }
      if (answered) co_return;
    }
    if (Clock::now() >= deadline) break;
    co_await context.wait_for_view(std::min(deadline, Clock::now() + std::chrono::milliseconds{50}));
  }
  ++context.stats.unavailable;
  Error error = unavailable_error("no primary can be reached for this object: ask again");
  co_await send_problem(response, std::move(error));
}

}  // namespace brigade::node
