// One write of one record at the primary, from the look at what is there to the acknowledgement.
// Source: design §5 Writes.
// Concept: look, decide, give_revision without a wait in between; the record is committed here; complete() brings every
//          live replica up. Whoever writes holds the key's lock from the last look on.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http.h"
#include "brigade/placement/replicas.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

class RecordWrite {
 public:
  using Level = placement::Level;
  RecordWrite(NodeContext& context, ObjectId id, std::string key) : context_(context), id_(id), key_(std::move(key)) {}

  /// What is here now, and whether this node may decide about it; once the map is as new as what is here, and as
  /// `elsewhere`. Nothing is waited for after the decision. Errors: kNotPrimary, kNoQuorum, kUnavailable, and what the
  /// conditions say.
  asio::awaitable<Status> look(Level level, const net::Fields& conditions, Revision elsewhere = {});
  /// The same, for what is to be there with all its fields. Errors: kNotFound if it is not.
  asio::awaitable<Result<store::ObjectMeta>> look_for_object(Level level, const net::Fields& conditions);

  [[nodiscard]] bool exists() const { return present_ && !present_->tombstone && !has_expired_; }
  /// The object gets `level`, whatever the level at which it was looked at. Requires exists().
  void take_level(Level level);
  [[nodiscard]] Level present_level() const { return Level{present_->level}; }
  /// Replicas that have this revision have the new one's body, too: it is not sent to them.
  void take_body_of(Revision revision) { body_of_ = revision; }

  /// Gives the revision, right after look(). Errors: kUnavailable if the map is older than what is there.
  Status give_revision();

  store::ObjectMeta& meta() { return meta_; }
  std::set<NodeId>& done() { return done_; }

  /// Until every live replica by the map in force has it, on as many nodes as must be; or the deadline.
  asio::awaitable<Status> complete(Seq wait_for);
  /// How many copies are durable, where, by which map.
  void put_receipt(net::Fields& fields) const;

 private:
  [[nodiscard]] bool serves_any(const cluster::ClusterMap& map) const;
  [[nodiscard]] bool enough(const cluster::ClusterMap& map) const;
  asio::awaitable<Status> look_at(Level level, const net::Fields& conditions, Revision elsewhere, bool must_know);
  asio::awaitable<Result<store::ObjectMeta>> meta_here();
  /// Nodes that held the object at a higher level than it has now keep a tombstone in its place.
  asio::awaitable<void> bring_up(NodeId node, std::shared_ptr<const View> view, Seq& wait_for);
  /// This node's part has changed since it wrote, or it holds what it must drop.
  asio::awaitable<bool> bring_up_here(store::ObjectMeta meta, Seq seq);

  NodeContext& context_;
  ObjectId id_;
  std::string key_;
  Level level_;  ///< that the object gets
  Level reach_;  ///< the higher of that and what it had
  std::optional<store::IndexEntry> present_;
  Result<store::ObjectMeta> present_meta_ = Error{Errc::kNotFound};
  bool has_expired_ = false;  ///< it is as if it were deleted
  Revision highest_;          ///< of those that are known, here or elsewhere
  store::ObjectMeta meta_;
  Revision drop_revision_;  ///< of the tombstones where it is to be held no more
  Revision body_of_;        ///< 0: the body is a new one
  std::set<NodeId> done_;
  Seq done_since_;   ///< since when the replicas are what they were when those were done
  std::string why_;  ///< a replica can't take the write; empty if not known
  std::shared_ptr<const View> acknowledged_under_;
};

}  // namespace brigade::node
