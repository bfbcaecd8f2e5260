// Reads of a promise run.  Source: design §5 Reads. It mirrors node/read_path.
// Thread:  one owner.
#pragma once

#include "promise_world.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

class PromiseReader {
 public:
  explicit PromiseReader(PromiseWorld& world) : world_(world) {}
  /// A client asks `gateway`; the judge hears what it is told.
  void read(PromiseNode& gateway, std::size_t key);
  /// What every node would answer in this moment, for each bucket that it serves: reads that take no time.
  void probe();

 private:
  struct Job {
    PromiseNode* gateway = nullptr;
    std::size_t key = 0;
    Ticks began = 0;
    Ticks deadline = 0;
    replication::ReadCandidates candidates;
    std::size_t next = 0;
  };
  using JobPtr = std::shared_ptr<Job>;

  void begin_round(const JobPtr& job);
  void ask_next(const JobPtr& job);
  void read_here(PromiseNode& node, std::size_t key, BucketId bucket, PromiseAnswer answer);
  void read_for_peer(PromiseNode& node, std::size_t key, BucketId bucket, Seq seq, PromiseAnswer answer);
  /// What a node that is asked as `bucket` shows.
  [[nodiscard]] std::optional<std::size_t> shown(const PromiseNode& node, std::size_t key, BucketId bucket) const;
  [[nodiscard]] bool may_leave(const PromiseNode& node, BucketId bucket) const;
  [[nodiscard]] replication::ReadCandidates candidates(const PromiseNode& node, std::size_t key) const;

  PromiseWorld& world_;
};

}  // namespace brigade::sim
