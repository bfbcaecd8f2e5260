#include "primary_writer.h"

#include "object_response.h"
#include "own_store.h"
#include "put_request.h"
#include "record_fields.h"
#include "record_write.h"
#include "replica_uploads.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

using Clock = std::chrono::steady_clock;
using placement::Level;
using replication::ReplicaSet;

/// Reads the client's body into the own store and to the replicas at once.
asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_everywhere(NodeContext& context, ObjectId id,
                                                                               std::string key, net::Request& request,
                                                                               ReplicaUploads& uploads,
                                                                               Sha256* digest) {
  const std::uint64_t hint = request.framing().kind == net::BodyFraming::Kind::kLength ? request.framing().length : 0;
  ReadSome read_some = [&request, &uploads](std::span<std::byte> buffer) -> asio::awaitable<Result<std::size_t>> {
    auto read = co_await request.read_some(buffer);
    if (!read || *read == 0) co_return read;
    const auto written = co_await uploads.write(buffer.first(*read));
    if (!written) co_return written.error();
    co_return read;
  };
  auto staged = co_await stage_here(context, id, std::move(key), hint, std::move(read_some), digest);
  if (!staged) co_return staged.error();
  auto finished = co_await uploads.finish();
  if (!finished) co_return finished.error();
  co_return std::move(staged);
}

Status check_claim(const std::optional<std::array<std::byte, 32>>& claimed, Sha256& digest) {
  if (claimed && *claimed != digest.end())
    return Error{Errc::kInvalid, "the body's SHA-256 is not the one that the digest field claims: nothing was stored"};
  return {};
}

/// While a cluster grows from one node, all replica buckets of an object may be on that one for a moment: a write that
/// waits for its second node is not lost with the first.
asio::awaitable<void> wait_for_second_node(NodeContext& context, ObjectId id, Level level) {
  const auto deadline = Clock::now() + std::chrono::seconds{2};
  while (level.redundancy() > 1 && Clock::now() < deadline) {
    const auto view = context.view();
    if (replication::replica_set(view->map, id, level).live.size() > 1 || !context.has_newcomer(view->map)) co_return;
    co_await context.wait_for_view(std::min(deadline, Clock::now() + std::chrono::milliseconds{50}));
  }
}

}  // namespace

asio::awaitable<bool> put_as_primary(NodeContext& context, std::string key, net::Request& request,
                                     net::Response& response) {
  const net::Fields& fields = request.head().fields;
  const auto wanted = wanted_put(context.view()->map.settings(), fields, wall_now());
  if (!wanted) {
    co_await send_problem(response, wanted.error());
    co_return true;
  }
  const ObjectId id = object_id(context.naming, key);
  if (context.key_locks.is_crowded(id)) {
    co_await send_overloaded(response);
    co_return true;
  }
  co_await wait_for_second_node(context, id, wanted->level);
  const auto view = context.view();
  RecordWrite write(context, id, key);
  // Asked before the body is read, so that a refusal costs nothing; decided again under the lock.
  auto fits = co_await write.look(wanted->level, fields);
  if (!fits && fits.error().code() == Errc::kNotPrimary) co_return false;
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  ReplicaUploads uploads(context, id, key, NodeContext::asker(request));
  const ReplicaSet set = replication::replica_set(view->map, id, wanted->level);
  const auto hold = context.uploads.begin(set.primary_bucket);
  const bool sized = request.framing().kind == net::BodyFraming::Kind::kLength;
  co_await uploads.begin(set.live, sized ? request.framing().length : 0);
  Sha256 digest;
  auto staged = co_await stage_everywhere(context, id, key, request, uploads, wanted->sha256 ? &digest : nullptr);
  fits = !staged ? Status(staged.error()) : check_claim(wanted->sha256, digest);
  if (!fits) {
    co_await uploads.abort();
    co_await send_problem(response, fits.error());
    co_return true;
  }

  auto lock = co_await context.key_locks.acquire(id);
  fits = co_await write.look(wanted->level, fields, uploads.highest());
  if (fits) fits = write.give_revision();
  if (!fits) {
    co_await uploads.abort();
    // The body is read: the client must send it again.
    const bool moved = fits.error().code() == Errc::kNotPrimary;
    Error refusal = moved ? unavailable_error("the primary changed meanwhile: ask again") : fits.error();
    co_await send_problem(response, std::move(refusal));
    co_return true;
  }
  store::ObjectMeta& meta = write.meta();
  meta.size = (*staged)->size();
  meta.checksum = (*staged)->checksum();
  meta.content_type = wanted->content_type;
  meta.expires = wanted->expires;
  const bool existed = write.exists();
  const Seq map_seq = context.view()->map.seq();
  Seq named;
  Result<store::ObjectMeta> here = Error{Errc::kInternal};
  TaskGroup group(context.executor);
  auto commit_others = [](ReplicaUploads& to, const store::ObjectMeta& what, Seq seq, std::set<NodeId>& done,
                          Seq& out) -> asio::awaitable<void> { out = co_await to.commit(what, seq, done); };
  group.spawn(commit_others(uploads, meta, map_seq, write.done(), named));
  store::CommitInfo info = commit_info(meta);
  here = co_await commit_here(context, id, std::move(*staged), std::move(info), map_seq);
  co_await group.wait();
  if (here) {
    write.done().insert(context.self);
    fits = co_await write.complete(named);
  } else {
    fits = here.error().code() == Errc::kStale ? Status(unavailable_error("a newer write is here: ask again"))
                                               : Status(here.error());
  }
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  net::ResponseHead head;
  head.status = existed ? 200 : 201;
  head.fields.add("ETag", net::make_etag(meta.revision));
  write.put_receipt(head.fields);
  ++context.stats.puts;
  co_await response.send(std::move(head), "");
  co_return true;
}

asio::awaitable<bool> delete_as_primary(NodeContext& context, std::string key, net::Request& request,
                                        net::Response& response) {
  const ObjectId id = object_id(context.naming, key);
  if (context.key_locks.is_crowded(id)) {
    co_await send_overloaded(response);
    co_return true;
  }
  auto lock = co_await context.key_locks.acquire(id);
  RecordWrite write(context, id, key);
  // Whoever knows of all levels decides; then the object's own level says who must hear of it.
  const Level lowest = placement::level_of(context.view()->map.settings().min_redundancy).value_or(Level{0});
  auto fits = co_await write.look(lowest, request.head().fields);
  if (!fits && fits.error().code() == Errc::kNotPrimary) co_return false;
  if (fits && !write.exists()) fits = Error{Errc::kNotFound, "no object with this key exists"};
  if (fits) write.take_level(write.present_level());
  if (fits) fits = write.give_revision();
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  store::ObjectMeta& meta = write.meta();
  meta.tombstone = true;
  meta.content_type = "application/octet-stream";
  store::CommitInfo info = commit_info(meta);
  auto here = co_await remove_here(context, id, key, std::move(info), context.view()->map.seq());
  fits = here ? Status{} : Status(here.error());
  if (fits) {
    write.done().insert(context.self);
    fits = co_await write.complete(Seq{});
  }
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  net::ResponseHead head;
  head.status = 204;
  head.fields.add(kRevisionField, to_string(meta.revision));
  ++context.stats.deletes;
  co_await response.send(std::move(head), "");
  co_return true;
}

}  // namespace brigade::node
