// Fills the buckets of a node in a promise run, gives up those that have moved, clears what is not its own.
// Source: design §5 "Filling a bucket", "Moving a bucket". It mirrors node/filler, fetcher and
// comparer::clear_unplaced. Thread:  one owner.
#pragma once

#include "promise_replica.h"
#include "promise_world.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "brigade/replication/filling.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

class PromiseFiller {
 public:
  /// `report` brings a statement on its way to the coordinator.
  using Report = std::function<void(PromiseNode&, wire::ReportKind, Seq as_of, BucketId)>;
  PromiseFiller(PromiseWorld& world, PromiseReplica& replica, Report report)
      : world_(world), replica_(replica), report_(std::move(report)) {}

  /// One look at the map, and what follows from it.
  void look(PromiseNode& node);
  void clear_unplaced(PromiseNode& node);

 private:
  struct Work {
    BucketId bucket;
    std::vector<replication::FillStep> steps;
  };
  struct Pass {
    PromiseNode* node = nullptr;
    Seq as_of;
    std::vector<Work> work;
    std::map<PromisePart, Seq> began;  ///< when this node got the part for which it is fetched
    std::set<std::pair<NodeId, PromisePart>> whole;
    bool forgot = false;
    std::set<std::pair<PromisePart, BucketId>> kept;  ///< unknown to the source; the bucket for which it is the truth
    std::size_t left = 0;
  };
  using PassPtr = std::shared_ptr<Pass>;

  void release_moved(PromiseNode& node);
  [[nodiscard]] Seq since(const PromiseNode& node, BucketId bucket) const;
  [[nodiscard]] std::vector<Work> find_work(PromiseNode& node);
  [[nodiscard]] static std::vector<PromisePart> parts_of(const replication::FillStep& step, BucketId bucket);
  void begin(PromiseNode& node, std::vector<Work> work);
  void compare(const PassPtr& pass, NodeId source, const std::vector<PromisePart>& parts);
  void align(const PassPtr& pass, NodeId source, const std::vector<PromisePart>& parts);
  void take(const PassPtr& pass, NodeId source, std::vector<std::pair<std::size_t, PromiseRecord>> theirs,
            const std::function<void(bool)>& then);
  /// This node vouches for what it holds of the key in one of its buckets.
  [[nodiscard]] bool vouches(const PromiseNode& node, std::size_t key, placement::Level level) const;
  /// The bucket for which what it holds of the key may have taken the place of the last copy of a record.
  [[nodiscard]] std::optional<BucketId> is_last(const PromiseNode& node, std::size_t key, placement::Level level) const;
  void forget(const PassPtr& pass, const std::vector<std::pair<std::size_t, PromiseRecord>>& leftovers,
              const std::function<void()>& then);
  void end_source(const PassPtr& pass);

  PromiseWorld& world_;
  PromiseReplica& replica_;
  Report report_;
};

}  // namespace brigade::sim
