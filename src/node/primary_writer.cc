#include "primary_writer.h"

#include "object_response.h"
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

  /// What is here now, and whether this node may decide about it. Call with the key's lock held.
  asio::awaitable<Status> look(Level level, const net::Fields& conditions) {
    level_ = level;
    present_ = context_.store.find(id_);
    if (present_ && present_->expires) {
      auto meta = co_await meta_here();
      if (meta && has_expired(*meta, wall_now())) has_expired_ = true;
    }
    const bool exists = this->exists();
    reach_ = Level{std::max(level.value, present_ && !present_->tombstone ? present_->level : std::uint8_t{0})};
    const auto view = context_.view();
    if (!context_.control.may_serve()) co_return no_quorum_error(*view);
    const ReplicaSet set = replication::replica_set(view->map, id_, level);
    if (set.primary != context_.self || !serves_any(view->map)) co_return not_primary();
    const bool conditional = conditions.find("If-Match") || conditions.find("If-None-Match");
    if (conditional && !exists && !set.primary_knows)
      co_return unavailable_error("no replica that could decide the condition is in sync: ask again");
    if (!conditional) co_return Status{};
    std::optional<std::string> etag;
    if (exists) {
      auto meta = co_await meta_here();
      if (!meta) co_return meta.error();
      etag = net::make_etag(meta->sha256);
    }
    co_return net::decide_write(conditions, etag ? std::optional<std::string_view>(*etag) : std::nullopt);
  }

  [[nodiscard]] bool exists() const { return present_ && !present_->tombstone && !has_expired_; }
  [[nodiscard]] Level present_level() const { return Level{present_->level}; }

  /// Gives the revision. Errors: kUnavailable if the map is older than what is there.
  asio::awaitable<Status> give_revision(Revision highest_elsewhere) {
    Revision highest = std::max(highest_elsewhere, present_ ? present_->revision : Revision{});
    co_await context_.wait_for_seq(highest.view(), Clock::now() + std::chrono::seconds{2});
    auto next = replication::next_revision(context_.view()->map, highest);
    if (!next) co_return unavailable_error("this node's map is older than the object: ask again");
    meta_.id = id_;
    meta_.key = key_;
    meta_.revision = *next;
    meta_.level = level_.value;
    meta_.modified = wall_now();
    co_return Status{};
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
      std::vector<NodeId> missing;
      std::ranges::set_difference(set.live, done_, std::back_inserter(missing));
      if (missing.empty() && enough(view->map)) {
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
    const Level counted = meta_.tombstone ? reach_ : level_;
    const auto set = replication::replica_set(map, id_, counted);
    const auto copies = std::ranges::count_if(set.live, [&](NodeId n) { return done_.contains(n); });
    return static_cast<std::size_t>(copies) >= replication::copies_needed(map, id_, counted);
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
    }
    if (node == context_.self) {  // it became live itself only now, or holds what it must drop
      if (meta.tombstone) {
        store::CommitInfo info = commit_info(meta);
        co_await remove_here(context_, id_, key_, std::move(info), view->map.seq());
      }
      done_.insert(node);
      co_return;
    }
    auto pushed = co_await push_record(context_, node, std::move(meta), view->map.seq());
    if (pushed) {
      done_.insert(node);
    } else if (pushed.error().code() == Errc::kStale) {
      wait_for = std::max(wait_for, Seq{parse_number(pushed.error().detail()).value_or(0)});
    } else if (pushed.error().code() == Errc::kNoSpace || pushed.error().code() == Errc::kOverloaded) {
      why_ = pushed.error().detail();  // it is there, and its reads go on
    } else {
      context_.complain_about(node);
    }
  }

  NodeContext& context_;
  ObjectId id_;
  std::string key_;
  Level level_;  ///< that the object gets
  Level reach_;  ///< the higher of that and what it had
  std::optional<store::IndexEntry> present_;
  bool has_expired_ = false;  ///< it is as if it were deleted
  store::ObjectMeta meta_;
  std::set<NodeId> done_;
  std::string why_;  ///< a replica can't take the write; empty if not known
  std::shared_ptr<const View> acknowledged_under_;
};

/// Reads the client's body into the own store and to the replicas at once.
asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_everywhere(NodeContext& context, ObjectId id,
                                                                               std::string key, net::Request& request,
                                                                               ReplicaUploads& uploads) {
  const std::uint64_t hint = request.framing().kind == net::BodyFraming::Kind::kLength ? request.framing().length : 0;
  ReadSome read_some = [&request, &uploads](std::span<std::byte> buffer) -> asio::awaitable<Result<std::size_t>> {
    auto read = co_await request.read_some(buffer);
    if (read && *read > 0) co_await uploads.write(buffer.first(*read));
    co_return read;
  };
  auto staged = co_await stage_here(context, id, std::move(key), hint, std::move(read_some));
  if (!staged) co_return staged.error();
  auto finished = co_await uploads.finish();
  if (!finished) co_return finished.error();
  co_return std::move(staged);
}

Status check_claim(const std::optional<std::array<std::byte, 32>>& claimed, const store::StagedObject& staged) {
  if (claimed && *claimed != staged.sha256())
    return Error{Errc::kInvalid, "the body's SHA-256 is not the one that the digest field claims: nothing was stored"};
  return {};
}

}  // namespace

Result<Level> wanted_level(const NodeContext& context, const net::Fields& fields) {
  const Settings& settings = context.view()->map.settings();
  auto field = fields.find(kRedundancyField);
  auto level = placement::level_of(field ? parse_number(*field).value_or(0) : settings.redundancy);
  if (!level) return Error{Errc::kInvalid, "Brigade-Redundancy must be 1, 2, 4, 8 or 16"};
  if (level->redundancy() < settings.min_redundancy)
    return Error{Errc::kInvalid, "Brigade-Redundancy must be at least " + std::to_string(settings.min_redundancy) +
                                     " here (setting min_redundancy)"};
  return *level;
}

/// A body that is not the whole object as it is to be kept.
Status check_representation(const net::Fields& fields) {
  if (fields.find("Content-Range"))
    return Error{Errc::kInvalid, "a PUT stores the whole object: Content-Range can't be taken (RFC 9110, 14.5)"};
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

namespace {

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
  auto level = wanted_level(context, fields);
  auto type = net::checked_content_type(fields.find("Content-Type"));
  auto claimed = net::claimed_sha256(fields);
  auto expires = wanted_expiry(fields, wall_now());
  const Status whole = check_representation(fields);
  if (!level || !type || !claimed || !expires || !whole) {
    Error refusal = !level     ? level.error()
                    : !type    ? type.error()
                    : !claimed ? claimed.error()
                    : !expires ? expires.error()
                               : whole.error();
    co_await send_problem(response, std::move(refusal));
    co_return true;
  }
  const ObjectId id = object_id(context.naming, key);
  co_await wait_for_second_node(context, id, *level);
  const auto view = context.view();
  Write write(context, id, key);
  // Asked before the body is read, so that a refusal costs nothing; decided again under the lock.
  auto fits = co_await write.look(*level, fields);
  if (!fits && fits.error().code() == Errc::kNotPrimary) co_return false;
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  ReplicaUploads uploads(context, id, key);
  const ReplicaSet set = replication::replica_set(view->map, id, *level);
  const auto hold = context.uploads.begin(set.primary_bucket);
  const bool sized = request.framing().kind == net::BodyFraming::Kind::kLength;
  co_await uploads.begin(set.live, sized ? request.framing().length : 0);
  auto staged = co_await stage_everywhere(context, id, key, request, uploads);
  fits = !staged ? Status(staged.error()) : check_claim(*claimed, **staged);
  if (!fits) {
    co_await uploads.abort();
    co_await send_problem(response, fits.error());
    co_return true;
  }

  auto lock = co_await context.key_locks.acquire(id);
  fits = co_await write.look(*level, fields);
  if (fits) fits = co_await write.give_revision(uploads.highest());
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
  meta.sha256 = (*staged)->sha256();
  meta.content_type = *type;
  meta.expires = *expires;
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
  head.fields.add("ETag", net::make_etag(meta.sha256));
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
  if (fits) fits = co_await write.give_revision(Revision{});
  if (!fits) {
    co_await send_problem(response, fits.error());
    co_return true;
  }
  store::ObjectMeta& meta = write.meta();
  meta.tombstone = true;
  meta.content_type = "application/octet-stream";
  meta.level = write.present_level().value;
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
