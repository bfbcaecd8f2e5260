// What a node does for others in a promise run: stages, commits, takes records, lists.  Source: design §5 Writes,
// Filling. It mirrors node/replica_endpoint step by step.
// Thread:  one owner.
#pragma once

#include "promise_world.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace brigade::sim {

/// The keys with one home bucket and one level.
using PromisePart = std::pair<BucketId, placement::Level>;

class PromiseReplica {
 public:
  explicit PromiseReplica(PromiseWorld& world) : world_(world) {}

  void stage(PromiseNode& node, std::uint64_t name, std::size_t key, std::size_t op, PromiseAnswer answer);
  void commit(PromiseNode& node, std::uint64_t name, PromiseRecord record, Seq sender, PromiseAnswer answer);
  void abort(PromiseNode& node, std::uint64_t name) { node.memory.staged.erase(name); }
  void put_record(PromiseNode& node, std::size_t key, PromiseRecord record, Seq sender, const PromiseAnswer& answer);
  /// The records of these parts; for a comparison, or to fetch.
  void list(PromiseNode& node, Seq as_of, const std::vector<PromisePart>& parts, const PromiseAnswer& answer);
  void fetch(PromiseNode& node, std::size_t key, PromiseAnswer answer);
  void drop_abandoned(PromiseNode& node);

  /// It takes, or commits, what was sent under a map before `seq`.
  [[nodiscard]] bool has_older_commits(const PromiseNode& node, Seq seq) const;
  /// Commits on this node's disk. `then` hears whether it is there: not if an equal or a higher revision is.
  void commit_here(PromiseNode& node, std::size_t key, PromiseRecord record, Seq map_seq,
                   std::function<void(bool)> then);
  [[nodiscard]] std::vector<std::pair<std::size_t, PromiseRecord>> records(const PromiseNode& node,
                                                                           const std::vector<PromisePart>& parts) const;

 private:
  /// Nothing if the sender's map will do; otherwise the refusal.
  void check_sender(PromiseNode& node, std::size_t key, placement::Level level, Seq sender,
                    std::function<void(std::optional<PromiseReply>)> then);
  void list_when_done(PromiseNode& node, Seq as_of, std::vector<PromisePart> parts, Ticks deadline,
                      PromiseAnswer answer);

  PromiseWorld& world_;
};

}  // namespace brigade::sim
