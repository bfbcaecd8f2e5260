#include "replica_endpoint.h"

#include "object_response.h"
#include "own_store.h"
#include "record_fields.h"
#include "sibling_lists.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kCatchUp{2};  ///< for this node's map to reach a peer's
constexpr std::chrono::seconds kAbandonedAfter{60};
constexpr std::size_t kListBytesMax = 4 << 20;

asio::awaitable<void> send_ok(net::Response& response, net::Fields fields, std::string body = {}) {
  net::ResponseHead head;
  head.status = 200;
  head.fields = std::move(fields);
  co_await response.send(std::move(head), body);
}

/// A refusal of the sender's map, or of its revision, tells the seq to wait for.
asio::awaitable<void> refuse(net::Response& response, Error error) {
  net::ResponseHead head = net::problem_head(error);
  if (error.code() == Errc::kStale) head.fields.add("Brigade-Wait-Seq", error.detail());
  const std::string body = net::problem_json(error, "");
  co_await response.send(std::move(head), body);
}

std::string revision_here(const NodeContext& context, const ObjectId& id) {
  auto entry = context.store.find(id);
  return to_string(entry ? entry->revision : Revision{});
}

/// Of a commit that failed. If something later is here, the sender must know the map under which that was written
/// before it says anything.
Error later_is_here(const NodeContext& context, const ObjectId& id, const Error& error) {
  const auto here = context.store.find(id);
  if (error.code() != Errc::kStale || !here) return error;
  return {Errc::kStale, to_string(here->revision.view())};
}

/// Errors: kUnavailable if this node serves none of the replica buckets of a part.
Status parts_served(const NodeContext& context, const std::vector<SharedPart>& parts) {
  const auto view = context.view();
  for (const SharedPart& part : parts) {
    bool served = false;
    for (std::uint32_t j = 0; j < part.level.redundancy() && !served; ++j)
      served = context.serves(view->map, placement::by_distance(part.home, j));
    if (!served) return Error{Errc::kUnavailable, "this node is not in sync for bucket " + to_string(part.home)};
  }
  return {};
}

}  // namespace

asio::awaitable<Status> ReplicaEndpoint::check_sender(const ObjectId& id, std::uint8_t level, Seq sender) {
  const bool caught_up = co_await context_.wait_for_seq(sender, Clock::now() + kCatchUp);
  if (!caught_up) co_return Error{Errc::kUnavailable, "this node's map lags behind the primary's"};
  const auto view = context_.view();
  // A redundancy that is lowered concerns all that are to hold the object so far.
  if (const auto here = context_.store.find(id); here && !here->tombstone) level = std::max(level, here->level);
  const auto set = replication::replica_set(view->map, id, placement::Level{level});
  if (sender < set.since) co_return Error{Errc::kStale, to_string(set.since)};
  co_return Status{};
}

asio::awaitable<void> ReplicaEndpoint::stage(ObjectId id, std::string name, net::Request& request,
                                             net::Response& response) {
  auto key = net::decode_key(request.head().fields.find(kKeyField).value_or(""));
  if (!key || !request.peer()) {
    Error refusal = key ? Error{Errc::kUnauthorized} : key.error();
    co_await send_problem(response, std::move(refusal));
    co_return;
  }
  drop_abandoned();
  auto place = context_.enter(Work::kCopy, request, upload_bytes(request.framing(), context_.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  const std::uint64_t hint = request.framing().kind == net::BodyFraming::Kind::kLength ? request.framing().length : 0;
  ReadSome read_some = [&request](std::span<std::byte> buffer) { return request.read_some(buffer); };
  auto staged = co_await stage_here(context_, id, std::move(*key), hint, std::move(read_some));
  if (!staged) {
    co_await send_problem(response, staged.error());
    co_return;
  }
  net::Fields fields;
  fields.add("Brigade-Checksum", std::to_string((*staged)->checksum()));
  fields.add(kRevisionField, revision_here(context_, id));
  const StagedKey slot{*request.peer(), std::move(name)};
  staged_.insert_or_assign(slot, Staged{id, slot.first, std::move(*staged), Clock::now(), std::move(*place)});
  context_.stats.staged_now = staged_.size();
  co_await send_ok(response, std::move(fields));
}

asio::awaitable<void> ReplicaEndpoint::commit(std::string name, net::Request& request, net::Response& response) {
  const StagedKey slot{request.peer().value_or(NodeId{}), std::move(name)};
  auto at = staged_.find(slot);
  if (at == staged_.end()) {
    Error unknown{Errc::kNotFound, "nothing is staged under this name"};
    co_await send_problem(response, std::move(unknown));
    co_return;
  }
  Staged staged = std::move(at->second);
  staged_.erase(at);
  context_.stats.staged_now = staged_.size();
  auto meta = take_record_fields(request.head().fields, staged.id);
  auto seq = take_map_seq(request.head().fields);
  Status fits = !meta ? Status(meta.error()) : !seq ? Status(seq.error()) : Status{};
  if (fits && meta->checksum != staged.object->checksum())
    fits = Error{Errc::kInvalid, "the staged body's checksum is another one"};
  if (!fits) {
    co_await refuse(response, fits.error());
    co_return;
  }
  const auto token = context_.commits.begin(*seq);
  fits = co_await check_sender(staged.id, meta->level, *seq);
  if (fits) {
    store::CommitInfo info = commit_info(*meta);
    auto done = co_await commit_here(context_, staged.id, std::move(staged.object), std::move(info), *seq);
    if (!done) fits = later_is_here(context_, staged.id, done.error());
  }
  if (!fits) {
    co_await refuse(response, fits.error());
    co_return;
  }
  net::Fields none;
  co_await send_ok(response, std::move(none));
}

asio::awaitable<void> ReplicaEndpoint::abort(std::string name, net::Response& response) {
  std::erase_if(staged_, [&](const auto& s) { return s.first.second == name; });
  context_.stats.staged_now = staged_.size();
  net::Fields none;
  co_await send_ok(response, std::move(none));
}

asio::awaitable<void> ReplicaEndpoint::put_record(ObjectId id, net::Request& request, net::Response& response) {
  auto meta = take_record_fields(request.head().fields, id);
  auto seq = take_map_seq(request.head().fields);
  Status fits = !meta ? Status(meta.error()) : !seq ? Status(seq.error()) : Status{};
  if (!fits) {
    co_await refuse(response, fits.error());
    co_return;
  }
  const auto place =
      context_.enter(Work::kPush, request, upload_bytes(net::BodyFraming::of_length(meta->size), context_.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  // From here on, not only once the body is in: a list that is made meanwhile would lack the record.
  const auto token = context_.commits.begin(*seq);
  fits = co_await check_sender(id, meta->level, *seq);
  if (fits) fits = co_await take_record(*meta, *seq, request);
  if (!fits) {
    co_await refuse(response, fits.error());
    co_return;
  }
  net::Fields fields;
  fields.add(kRevisionField, revision_here(context_, id));
  co_await send_ok(response, std::move(fields));
}

asio::awaitable<Status> ReplicaEndpoint::take_record(const store::ObjectMeta& meta, Seq seq, net::Request& request) {
  if (has_expired(meta, wall_now())) co_return Status{};  // nobody will read it; its time is over on the sender, too
  store::ObjectMeta wanted = meta;
  const bool is_here = co_await has_here(context_, std::move(wanted));
  if (is_here) co_return Status{};
  store::CommitInfo info = commit_info(meta);
  Result<store::ObjectMeta> done = Error{Errc::kInternal};
  if (meta.tombstone) {
    done = co_await remove_here(context_, meta.id, meta.key, std::move(info), seq);
  } else {
    auto staged = co_await stage_record(meta, request);
    if (!staged) co_return staged.error();
    if ((*staged)->checksum() != meta.checksum) co_return Error{Errc::kInvalid, "the body's checksum is another one"};
    done = co_await commit_here(context_, meta.id, std::move(*staged), std::move(info), seq);
  }
  if (!done) co_return later_is_here(context_, meta.id, done.error());
  co_return Status{};
}

asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> ReplicaEndpoint::stage_record(
    const store::ObjectMeta& meta, net::Request& request) {
  if (const auto body_of = request.head().fields.find(kBodyOfField)) {
    const auto revision = parse_revision(*body_of);
    if (!revision) co_return Error{Errc::kInvalid, "Brigade-Body-Of is malformed"};
    auto copied = co_await stage_copy(context_, meta.id, meta.key, *revision);
    // Damaged here: then its body must come from elsewhere, too.
    if (!copied && copied.error().code() == Errc::kCorrupt) co_return Error{Errc::kNotFound, copied.error().detail()};
    co_return std::move(copied);
  }
  const std::uint64_t hint = request.framing().kind == net::BodyFraming::Kind::kLength ? request.framing().length : 0;
  ReadSome read_some = [&request](std::span<std::byte> buffer) { return request.read_some(buffer); };
  auto staged = co_await stage_here(context_, meta.id, meta.key, hint, std::move(read_some));
  co_return std::move(staged);
}

asio::awaitable<void> ReplicaEndpoint::entry(ObjectId id, net::Response& response) {
  auto found = context_.store.find(id);
  std::ostringstream json;
  json << "{\"found\":" << (found ? "true" : "false");
  if (found)
    json << ",\"tombstone\":" << (found->tombstone ? "true" : "false") << ",\"revision\":\""
         << to_string(found->revision) << "\",\"level\":" << int{found->level} << ",\"size\":" << found->size;
  json << "}";
  net::Fields fields;
  fields.add("Content-Type", "application/json");
  co_await send_ok(response, std::move(fields), json.str());
}

asio::awaitable<void> ReplicaEndpoint::fetch(ObjectId id, net::Request& request, net::Response& response) {
  const auto query = net::query_value(net::split_target(request.head().target).second, "revision");
  const auto revision = query && *query ? parse_revision(**query) : std::optional(Revision{});
  if (!query || !revision) {
    Error malformed{Errc::kInvalid, "revision is malformed"};
    co_await send_problem(response, std::move(malformed));
    co_return;
  }
  const auto place = context_.enter(Work::kFetch, request, read_bytes(context_.store.find(id), context_.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  // It is copied, for whoever fills a bucket: clients that wait for an answer go first.
  if (context_.pace.hold().count() > 0) co_await pause_for(context_.pace.hold());
  store::ObjectStore* store = &context_.store;
  auto visit = [store, id, revision = *revision] {
    return revision ? store->open_retained(id, revision) : store->open(id);
  };
  auto reader = co_await context_.disk.run_behind(std::move(visit));
  if (!reader) {
    co_await send_problem(response, reader.error());
    co_return;
  }
  const store::ObjectMeta& meta = (*reader)->meta();
  net::ResponseHead head;
  put_record_fields(head.fields, meta);
  const net::BodyFraming framing = net::BodyFraming::of_length(meta.size);
  auto begun = co_await response.begin(std::move(head), framing);
  if (!begun) co_return;
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kBufferBytes, meta.size));
  for (std::uint64_t at = 0; at < meta.size;) {
    store::ObjectReader* from = reader->get();
    auto read_visit = [from, at, &buffer] { return from->read(at, buffer); };
    auto read = co_await context_.disk.run_behind(std::move(read_visit));
    if (!read || *read == 0) co_return;  // the connection is cut: the other side sees a short body
    auto sent = co_await response.write(std::span<const std::byte>(buffer).first(*read));
    if (!sent) co_return;
    at += *read;
  }
  co_await response.end();
}

asio::awaitable<Status> ReplicaEndpoint::wait_for_older_commits(Seq as_of) {
  const auto deadline = Clock::now() + kCatchUp;
  const bool caught_up = co_await context_.wait_for_seq(as_of, deadline);
  if (!caught_up) co_return Error{Errc::kUnavailable, "this node has yet to apply the assignment: ask again"};
  while (!context_.commits.none_below(as_of)) {
    if (Clock::now() >= deadline) co_return Error{Errc::kUnavailable, "an older write is still under way: ask again"};
    co_await pause_for(std::chrono::milliseconds{2});
  }
  if (!context_.control.may_serve()) co_return no_quorum_error(*context_.view());
  co_return Status{};
}

asio::awaitable<void> ReplicaEndpoint::digests(net::Request& request, net::Response& response) {
  auto seq = take_map_seq(request.head().fields);
  auto body = co_await request.read_all(kListBytesMax);
  Status fits = !seq ? Status(seq.error()) : !body ? Status(body.error()) : Status{};
  if (fits) fits = co_await wait_for_older_commits(*seq);
  Result<std::vector<SharedPart>> parts = fits ? parse_parts(*body) : Result<std::vector<SharedPart>>(fits.error());
  if (parts) fits = parts_served(context_, *parts);
  if (!parts || !fits) {
    Error refusal = !parts ? parts.error() : fits.error();
    co_await send_problem(response, std::move(refusal));
    co_return;
  }
  std::string answer;
  for (const SharedPart& part : *parts) append_digest(answer, part, context_.store.digest(part.home, part.level.value));
  net::Fields fields;
  co_await send_ok(response, std::move(fields), std::move(answer));
}

asio::awaitable<void> ReplicaEndpoint::list(net::Request& request, net::Response& response) {
  auto seq = take_map_seq(request.head().fields);
  auto body = co_await request.read_all(kListBytesMax);
  Status fits = !seq ? Status(seq.error()) : !body ? Status(body.error()) : Status{};
  if (fits) fits = co_await wait_for_older_commits(*seq);
  Result<std::vector<SharedPart>> parts = fits ? parse_parts(*body) : Result<std::vector<SharedPart>>(fits.error());
  if (parts) fits = parts_served(context_, *parts);
  if (!parts || !fits) {
    Error refusal = !parts ? parts.error() : fits.error();
    co_await send_problem(response, std::move(refusal));
    co_return;
  }
  std::string answer;
  for (const SharedPart& part : *parts)
    for (const store::IndexEntry& e : context_.store.list(part.home, part.level.value)) append_entry(answer, e);
  net::Fields fields;
  co_await send_ok(response, std::move(fields), std::move(answer));
}

asio::awaitable<void> ReplicaEndpoint::older(net::Request& request, net::Response& response) {
  auto seq = take_map_seq(request.head().fields);
  auto body = co_await request.read_all(kListBytesMax);
  Status fits = !seq ? Status(seq.error()) : !body ? Status(body.error()) : Status{};
  if (fits) fits = co_await wait_for_older_commits(*seq);
  auto theirs = fits ? parse_entries(*body) : Result<std::vector<store::IndexEntry>>(fits.error());
  if (fits && !theirs) fits = Error{Errc::kInvalid, "malformed list of tombstones"};
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return;
  }
  const auto view = context_.view();
  std::string answer;
  for (const store::IndexEntry& tombstone : *theirs) {
    const auto here = context_.store.find(tombstone.id);
    const bool is_newer_map = replication::replica_set(view->map, tombstone.id, placement::kWidestLevel).since > *seq;
    if (is_newer_map || (here && here->revision < tombstone.revision)) append_entry(answer, tombstone);
  }
  net::Fields fields;
  co_await send_ok(response, std::move(fields), std::move(answer));
}

void ReplicaEndpoint::drop_abandoned() {
  const auto now = Clock::now();
  std::erase_if(staged_, [&](const auto& s) { return now - s.second.since > kAbandonedAfter; });
}

}  // namespace brigade::node
