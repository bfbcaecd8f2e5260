#include "record_write.h"

#include "object_response.h"
#include "own_store.h"
#include "record_fields.h"
#include "replica_uploads.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

using Clock = std::chrono::steady_clock;
using replication::ReplicaSet;

Error lost_lease() {
  return {Errc::kTimeout, "this node lost its lease before it could acknowledge: the outcome is open, ask again"};
}

}  // namespace

asio::awaitable<Status> RecordWrite::look(Level level, const net::Fields& conditions, Revision elsewhere) {
  const bool conditional = conditions.find("If-Match") || conditions.find("If-None-Match");
  return look_at(level, conditions, elsewhere, conditional);
}

asio::awaitable<Result<store::ObjectMeta>> RecordWrite::look_for_object(Level level, const net::Fields& conditions) {
  const auto fits = co_await look_at(level, conditions, Revision{}, true);
  if (!fits) co_return fits.error();
  if (!exists()) co_return Error{Errc::kNotFound, "no object with this key exists"};
  co_return present_meta_;
}

asio::awaitable<Status> RecordWrite::look_at(Level level, const net::Fields& conditions, Revision elsewhere,
                                             bool must_know) {
  level_ = level;
  do {
    present_ = context_.store.find(id_);
    highest_ = std::max(elsewhere, present_ ? present_->revision : Revision{});
    co_await context_.wait_for_seq(highest_.view(), Clock::now() + std::chrono::seconds{2});
    present_meta_ = Error{Errc::kNotFound};
    const bool is_read = present_ && !present_->tombstone && (must_know || present_->expires);
    if (is_read) present_meta_ = co_await meta_here();
  } while (context_.store.find(id_) != present_);
  has_expired_ = present_ && present_->expires && present_meta_ && has_expired(*present_meta_, wall_now());
  reach_ = Level{std::max(level.value, present_ && !present_->tombstone ? present_->level : std::uint8_t{0})};
  const auto view = context_.view();
  if (!context_.control.may_serve()) co_return no_quorum_error(*view);
  const ReplicaSet set = replication::replica_set(view->map, id_, level);
  if (set.primary != context_.self || !serves_any(view->map)) co_return Error{Errc::kNotPrimary};
  if (!must_know) co_return Status{};
  if (!exists() && !set.primary_knows)
    co_return unavailable_error("no replica that could tell whether the object exists is in sync: ask again");
  if (exists() && !present_meta_) co_return present_meta_.error();
  const std::string etag = exists() ? net::make_etag(present_->revision) : std::string();
  co_return net::decide_write(conditions, exists() ? std::optional<std::string_view>(etag) : std::nullopt);
}

void RecordWrite::take_level(Level level) {
  level_ = level;
  reach_ = Level{std::max(level.value, present_->level)};
}

Status RecordWrite::give_revision() {
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

asio::awaitable<Status> RecordWrite::complete(Seq wait_for) {
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

void RecordWrite::put_receipt(net::Fields& fields) const {
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

bool RecordWrite::serves_any(const cluster::ClusterMap& map) const {
  const BucketId home = placement::home_bucket(id_);
  for (std::uint32_t j = 0; j < level_.redundancy(); ++j)
    if (context_.serves(map, placement::by_distance(home, j))) return true;
  return false;
}

bool RecordWrite::enough(const cluster::ClusterMap& map) const {
  const auto set = replication::replica_set(map, id_, level_);
  const auto copies = std::ranges::count_if(set.live, [&](NodeId n) { return done_.contains(n); });
  return static_cast<std::size_t>(copies) >= replication::copies_needed(map, id_, level_);
}

asio::awaitable<Result<store::ObjectMeta>> RecordWrite::meta_here() {
  store::ObjectStore* store = &context_.store;
  auto visit = [store, id = id_] { return store->meta(id); };
  auto meta = co_await context_.disk.run(std::move(visit));
  if (meta && meta->key != key_) co_return Error{Errc::kConflict, "another key has the same object id"};
  co_return std::move(meta);
}

asio::awaitable<void> RecordWrite::bring_up(NodeId node, std::shared_ptr<const View> view, Seq& wait_for) {
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
  Status pushed = Error{Errc::kNotFound};
  if (body_of_ && !meta.tombstone) {
    store::ObjectMeta same = meta;
    pushed = co_await push_without_body(context_, node, std::move(same), body_of_, view->map.seq());
  }
  if (!pushed && pushed.error().code() == Errc::kNotFound)
    pushed = co_await push_record(context_, node, std::move(meta), view->map.seq());
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

asio::awaitable<bool> RecordWrite::bring_up_here(store::ObjectMeta meta, Seq seq) {
  const bool has_dropped = meta.tombstone && !meta_.tombstone;
  store::CommitInfo info = commit_info(meta);
  const bool is_here = co_await has_here(context_, std::move(meta));
  if (is_here || !has_dropped) co_return is_here;
  const auto dropped = co_await remove_here(context_, id_, key_, std::move(info), seq);
  co_return dropped.has_value();
}

}  // namespace brigade::node
