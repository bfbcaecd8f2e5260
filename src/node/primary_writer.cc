#include "primary_writer.h"

#include "object_response.h"
#include "own_store.h"
#include "put_request.h"
#include "record_fields.h"
#include "replica_endpoint.h"
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

Error not_primary() {
  return Errc::kNotPrimary;
}

/// The write of one record from the moment that its body, if any, is staged.
class Write {
 public:
  Write(NodeContext& context, ObjectId id, std::string key) : context_(context), id_(id), key_(std::move(key)) {}

  /// What is here now, and whether this node may decide about it; once the map is as new as what is here, and as
  /// `elsewhere`. Nothing is waited for after the decision. Call with the key's lock held.
  asio::awaitable<Status> look(Level level, const net::Fields& conditions, Revision elsewhere = {}) {
    level_ = level;
    const bool conditional = conditions.find("If-Match") || conditions.find("If-None-Match");
    Result<store::ObjectMeta> meta = Error{Errc::kNotFound};
    do {
      present_ = context_.store.find(id_);
      highest_ = std::max(elsewhere, present_ ? present_->revision : Revision{});
      co_await context_.wait_for_seq(highest_.view(), Clock::now() + std::chrono::seconds{2});
      const bool is_read = present_ && !present_->tombstone && (conditional || present_->expires);
      if (is_read) meta = co_await meta_here();
    } while (context_.store.find(id_) != present_);
    has_expired_ = present_ && present_->expires && meta && has_expired(*meta, wall_now());
    reach_ = Level{std::max(level.value, present_ && !present_->tombstone ? present_->level : std::uint8_t{0})};
    const auto view = context_.view();
    if (!context_.control.may_serve()) co_return no_quorum_error(*view);
    const ReplicaSet set = replication::replica_set(view->map, id_, level);
    if (set.primary != context_.self || !serves_any(view->map)) co_return not_primary();
    if (!conditional) co_return Status{};
    if (!exists() && !set.primary_knows)
      co_return unavailable_error("no replica that could decide the condition is in sync: ask again");
    if (exists() && !meta) co_return meta.error();
    const std::string etag = exists() ? net::make_etag(present_->revision) : std::string();
    co_return net::decide_write(conditions, exists() ? std::optional<std::string_view>(etag) : std::nullopt);
  }

  [[nodiscard]] bool exists() const { return present_ && !present_->tombstone && !has_expired_; }
  /// The write is about the object as it is, whatever the level at which it was looked at. Requires exists().
  void take_present_level() { level_ = reach_ = Level{present_->level}; }

  /// Gives the revision, right after look(). Errors: kUnavailable if the map is older than what is there.
  Status give_revision() {
    const auto view = context_.view();
    // What was forgotten had its revision: no other contents of any key get it under the same map.
    auto next = replication::next_revision(view->map, std::max(highest_, context_.store.highest_forgotten()));
    if (next) drop_revision_ = *next;
    // Where the object is to be held no more, a tombstone stays that must lose against the object itself.
    if (next && reach_ > level_) next = replication::next_revision(view->map, *next);
    if (!next) return unavailable_error("this node's map is older than the object: ask again");
    meta_.id = id_;
    meta_.key = key_;
    meta_.revision = *next;
    meta_.level = level_.value;
    meta_.modified = wall_now();
    done_since_ = replication::replica_set(view->map, id_, reach_).since;
    return {};
  }

  store::ObjectMeta& meta() { return meta_; }
  std::set<NodeId>& done() { return done_; }

  /// Until every live replica by the map in force has it, on as many nodes as must be; or the deadline.
  asio::awaitable<Status> complete(Seq wait_for) {
    const auto deadline = Clock::now() + context_.view()->map.settings().write_deadline;
    for (;;) {
      if (wait_for) co_await context_.wait_for_seq(wait_for, deadline);
      wait_for = Seq{};
      const auto view = context_.view();
      const ReplicaSet set = replication::replica_set(view->map, id_, reach_);
      const ReplicaSet kept = replication::replica_set(view->map, id_, level_);
      // A copy made before a node's part changed may have gone with that part.
      if (set.since > done_since_) done_.clear();
      done_since_ = std::max(done_since_, set.since);
      std::vector<NodeId> missing;
      std::ranges::set_difference(set.live, done_, std::back_inserter(missing));
      // The last that was in sync is complete when it comes back: so nothing is acknowledged after it has gone.
      if (missing.empty() && kept.primary && enough(view->map)) {
        if (!context_.control.may_serve()) co_return lost_lease();
        if (context_.view()->map.seq() == view->map.seq()) {
          acknowledged_under_ = view;
          co_return Status{};
        }
        continue;
      }
      if (Clock::now() >= deadline)
        co_return Error{Errc::kTimeout, "not all live replicas have the write" + (why_.empty() ? "" : ", for " + why_) +
                                            ": its outcome is open, ask again"};
      // The object first: of a write that ends here, a tombstone alone would travel on and kill what was there before.
      std::vector<NodeId> first;
      std::ranges::set_intersection(missing, kept.live, std::back_inserter(first));
      if (!first.empty()) missing = std::move(first);
      TaskGroup group(context_.executor);
      for (NodeId node : missing) group.spawn(bring_up(node, view, wait_for));
      co_await group.wait();
      if (!wait_for && !std::ranges::includes(done_, missing))
        co_await context_.wait_for_view(std::min(deadline, Clock::now() + std::chrono::milliseconds{50}));
    }
  }

  /// The receipt: how many copies are durable, where, by which map.
  void put_receipt(net::Fields& fields) const {
    const cluster::ClusterMap& map = acknowledged_under_->map;
    const ReplicaSet set = replication::replica_set(map, id_, level_);
    std::string names;
    std::set<std::string> zones;
    std::size_t copies = 0;
    for (NodeId node : set.live) {
      if (!done_.contains(node)) continue;
      names += (names.empty() ? "" : ", ") + NodeContext::name_of(map, node);
      if (const auto* entry = map.node(node)) zones.insert(entry->node.zone);
      ++copies;
    }
    fields.add(kRevisionField, to_string(meta_.revision));
    fields.add(kRedundancyField, std::to_string(level_.redundancy()));
    fields.add("Brigade-Copies", std::to_string(copies));
    fields.add("Brigade-Nodes", names);
    fields.add("Brigade-Zones", std::to_string(zones.size()));
    fields.add("Brigade-Durable", "yes");
    fields.add(kMapSeqField, to_string(map.seq()));
  }

 private:
  [[nodiscard]] bool serves_any(const cluster::ClusterMap& map) const {
    const BucketId home = placement::home_bucket(id_);
    for (std::uint32_t j = 0; j < level_.redundancy(); ++j)
      if (context_.serves(map, placement::by_distance(home, j))) return true;
    return false;
  }

  [[nodiscard]] bool enough(const cluster::ClusterMap& map) const {
    const auto set = replication::replica_set(map, id_, level_);
    const auto copies = std::ranges::count_if(set.live, [&](NodeId n) { return done_.contains(n); });
    return static_cast<std::size_t>(copies) >= replication::copies_needed(map, id_, level_);
  }

  static Error lost_lease() {
    return {Errc::kTimeout, "this node lost its lease before it could acknowledge: the outcome is open, ask again"};
  }

  asio::awaitable<Result<store::ObjectMeta>> meta_here() {
    store::ObjectStore* store = &context_.store;
    auto visit = [store, id = id_] { return store->meta(id); };
    auto meta = co_await context_.disk.run(std::move(visit));
    if (meta && meta->key != key_) co_return Error{Errc::kConflict, "another key has the same object id"};
    co_return std::move(meta);
  }

  /// Nodes that held the object at a higher level than it has now keep a tombstone in its place.
  asio::awaitable<void> bring_up(NodeId node, std::shared_ptr<const View> view, Seq& wait_for) {
    store::ObjectMeta meta = meta_;
    const ReplicaSet kept = replication::replica_set(view->map, id_, level_);
    if (!std::ranges::binary_search(kept.live, node)) {
      meta.tombstone = true;
      meta.level = reach_.value;
      meta.revision = drop_revision_;
    }
    if (node == context_.self) {
      const bool is_here = co_await bring_up_here(std::move(meta), view->map.seq());
      if (is_here) done_.insert(node);
      co_return;
    }
    auto pushed = co_await push_record(context_, node, std::move(meta), view->map.seq());
    if (pushed) {
      done_.insert(node);
    } else if (pushed.error().code() == Errc::kStale) {
      wait_for = std::max(wait_for, Seq{parse_number(pushed.error().detail()).value_or(0)});
    } else if (pushed.error().code() == Errc::kNoSpace || pushed.error().code() == Errc::kOverloaded) {
      why_ = pushed.error().detail();  // it is there, and its reads go on
    } else if (pushed.error().code() != Errc::kConflict) {
      context_.complain_about(node, view->map.seq());
    }
  }

  /// This node's part has changed since it wrote, or it holds what it must drop.
  asio::awaitable<bool> bring_up_here(store::ObjectMeta meta, Seq seq) {
    const bool has_dropped = meta.tombstone && !meta_.tombstone;
    store::CommitInfo info = commit_info(meta);
    const bool is_here = co_await has_here(context_, std::move(meta));
    if (is_here || !has_dropped) co_return is_here;
    const auto dropped = co_await remove_here(context_, id_, key_, std::move(info), seq);
    co_return dropped.has_value();
  }

  NodeContext& context_;
  ObjectId id_;
  std::string key_;
  Level level_;  ///< that the object gets
  Level reach_;  ///< the higher of that and what it had
  std::optional<store::IndexEntry> present_;
  bool has_expired_ = false;  ///< it is as if it were deleted
  Revision highest_;          ///< of those that are known, here or elsewhere
  store::ObjectMeta meta_;
  Revision drop_revision_;  ///< of the tombstones where it is to be held no more
  std::set<NodeId> done_;
  Seq done_since_;   ///< since when the replicas are what they were when those were done
  std::string why_;  ///< a replica can't take the write; empty if not known
  std::shared_ptr<const View> acknowledged_under_;
};

/// Reads the client's body into the own store and to the replicas at once.
asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_everywhere(NodeContext& context, ObjectId id,
                                                                               std::string key, net::Request& request,
                                                                               ReplicaUploads& uploads,
                                                                               Sha256* digest) {
  const std::uint64_t hint = request.framing().kind == net::BodyFraming::Kind::kLength ? request.framing().length : 0;
  ReadSome read_some = [&request, &uploads](std::span<std::byte> buffer) -> asio::awaitable<Result<std::size_t>> {
    auto read = co_await request.read_some(buffer);
    if (read && *read > 0) co_await uploads.write(buffer.first(*read));
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
  co_await wait_for_second_node(context, id, wanted->level);
  const auto view = context.view();
  Write write(context, id, key);
  // Asked before the body is read, so that a refusal costs nothing; decided again under the lock.
  auto fits = co_await write.look(wanted->level, fields);
  if (!fits && fits.error().code() == Errc::kNotPrimary) co_return false;
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  ReplicaUploads uploads(context, id, key);
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
  auto lock = co_await context.key_locks.acquire(id);
  Write write(context, id, key);
  // Whoever knows of all levels decides; then the object's own level says who must hear of it.
  const Level lowest = placement::level_of(context.view()->map.settings().min_redundancy).value_or(Level{0});
  auto fits = co_await write.look(lowest, request.head().fields);
  if (!fits && fits.error().code() == Errc::kNotPrimary) co_return false;
  if (fits && !write.exists()) fits = Error{Errc::kNotFound, "no object with this key exists"};
  if (fits) write.take_present_level();
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
