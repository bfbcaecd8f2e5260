// Writes at the primary of a promise run.  Source: design §5 Writes. It mirrors node/primary_writer and
// replica_uploads. Thread:  one owner.
#pragma once

#include "promise_replica.h"
#include "promise_world.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace brigade::sim {

class PromiseWriter {
 public:
  PromiseWriter(PromiseWorld& world, PromiseReplica& replica) : world_(world), replica_(replica) {}

  struct Request {
    std::size_t key = 0;
    std::size_t op = 0;
    bool is_delete = false;
    placement::Level level;
    bool client_leaves = false;  ///< in mid-body
  };
  /// kOk: done. kAbsent: a delete of what isn't there. kNotPrimary: nothing happened. Else refused, perhaps open.
  void write(PromiseNode& node, const Request& request, PromiseAnswer answer);

 private:
  struct Job {
    PromiseNode* node = nullptr;
    Request request;
    PromiseAnswer answer;
    std::uint64_t stage_name = 0;
    std::set<NodeId> staged;
    Revision highest;
    placement::Level level;  ///< that the object gets
    placement::Level reach;  ///< the higher of that and what it had
    std::optional<PromiseRecord> present;
    PromiseRecord record;
    Revision drop_revision;  ///< of the tombstones on nodes that are to hold it no more
    std::set<NodeId> done;
    Seq done_since;                ///< `done` counts for replicas that began no later
    std::vector<NodeId> at_first;  ///< the live replicas at the beginning, for a flaw
    Ticks deadline = 0;
    bool locked = false;
  };
  using JobPtr = std::shared_ptr<Job>;

  [[nodiscard]] std::optional<PromiseReply> look(Job& job) const;
  void put(const JobPtr& job);
  void remove(const JobPtr& job);
  void stage(const JobPtr& job);
  void abort(const JobPtr& job);
  void give_revision(const JobPtr& job, const std::function<void()>& then);
  void revise(const JobPtr& job, const std::function<void()>& then);
  void commit_all(const JobPtr& job);
  void commit_others(const JobPtr& job, Seq map_seq, const std::function<void(Seq)>& then);
  void complete(const JobPtr& job, Seq wait_for);
  void bring_up_all(const JobPtr& job, Seq wait_for);
  void bring_up(const JobPtr& job, NodeId to, const std::function<void(Seq)>& then);
  void finish(const JobPtr& job, PromiseReply reply);
  void lock(const JobPtr& job, std::function<void()> then);
  /// The nodes that a write must reach: rising, distinct.
  [[nodiscard]] std::vector<NodeId> reached(const cluster::ClusterMap& map, const ObjectId& id,
                                            placement::Level level) const;
  [[nodiscard]] bool enough(const Job& job) const;
  void say(const Job& job, const std::string& what) const;

  PromiseWorld& world_;
  PromiseReplica& replica_;
  std::uint64_t stages_ = 0;
};

}  // namespace brigade::sim
