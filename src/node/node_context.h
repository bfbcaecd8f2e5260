// What the endpoints and the background work of a node share.
// Concept: one event loop runs the whole data plane, all but reads that further loops serve (read_loop.h); what blocks
//          goes to the disk pool. The context owns nothing but the small things in it; serve.cc builds it and outlives
//          all users.
// Thread:  the data plane's executor, except where said.
#pragma once

#include "async_tools.h"
#include "fill_pace.h"
#include "fill_progress.h"
#include "fresh_writes.h"
#include "loop_context.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "brigade/store/disk_set.h"

namespace brigade::node {

/// What the operators ask of the scrub, and see of it.
struct ScrubState {
  bool fast = false;                   ///< a pass that an operator asked for is under way
  std::uint64_t goal = 0;              ///< passes that will have ended with it
  std::uint64_t bytes_per_second = 0;  ///< at which it reads now
  std::uint64_t passes = 0;            ///< that have ended
  std::uint64_t last_pass_bytes = 0;   ///< what the last of them read; 0 before there is one
};

/// Commits under way, so that a list for a filling sibling waits for those that began under an older map (design §5
/// "Filling a bucket": finished writes that began before it).
class CommitsInFlight {
 public:
  class Token {
   public:
    Token(CommitsInFlight& owner, std::multiset<Seq>::iterator at) : owner_(&owner), at_(at) {}
    Token(Token&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), at_(other.at_) {}
    Token& operator=(Token&&) = delete;
    ~Token() {
      if (owner_ != nullptr) owner_->seqs_.erase(at_);
    }

   private:
    CommitsInFlight* owner_;
    std::multiset<Seq>::iterator at_;
  };
  Token begin(Seq map_seq) { return {*this, seqs_.insert(map_seq)}; }
  /// True if none is under way that began under a map below `seq`.
  [[nodiscard]] bool none_below(Seq seq) const { return seqs_.empty() || *seqs_.begin() >= seq; }

 private:
  std::multiset<Seq> seqs_;
};

/// Uploads under way, by the bucket that makes this node their primary: under them it is not given up to a new owner,
/// for a while, because the client would have to send its body again.
class BucketUploads {
 public:
  class Token {
   public:
    Token(BucketUploads& owner, std::multiset<BucketId>::iterator at) : owner_(&owner), at_(at) {}
    Token(Token&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), at_(other.at_) {}
    Token& operator=(Token&&) = delete;
    ~Token() {
      if (owner_ != nullptr) owner_->under_way_.erase(at_);
    }

   private:
    BucketUploads* owner_;
    std::multiset<BucketId>::iterator at_;
  };
  Token begin(BucketId bucket) { return {*this, under_way_.insert(bucket)}; }
  /// True while `bucket`, which is to be given up, should wait.
  bool hold(BucketId bucket, std::chrono::steady_clock::time_point now) {
    if (!under_way_.contains(bucket)) {
      if (!wanted_since_.empty()) wanted_since_.erase(bucket);
      return false;
    }
    return now - wanted_since_.try_emplace(bucket, now).first->second < kPatience;
  }

 private:
  static constexpr std::chrono::seconds kPatience{30};
  std::multiset<BucketId> under_way_;
  std::map<BucketId, std::chrono::steady_clock::time_point> wanted_since_;
};

struct NodeContext : LoopContext {
  NodeContext(const asio::any_io_executor& executor_in, const Config& config_in, NodeId self_in, Control& control_in,
              store::ObjectStore& store_in, net::HttpClient& peers_in, BlockingPool& disk_in)
      : LoopContext(executor_in, config_in, self_in, control_in, store_in, peers_in, disk_in, shared),
        key_locks(executor_in) {}

  LoopsShare shared;  ///< what the others get
  KeyLocks key_locks;
  CommitsInFlight commits;
  BucketUploads uploads;
  ScrubState scrub;
  FillPace pace;
  FillProgress fill;
  FreshWrites fresh;
  const store::DiskSet* disks = nullptr;              ///< if there are several
  std::vector<const DataStats*> stats_of_read_loops;  ///< which outlive this

  /// Of all loops.
  [[nodiscard]] DataStats total_stats() const;
  /// A node has come, and has nothing yet: pairs that share a node are about to be parted.
  [[nodiscard]] bool has_newcomer(const cluster::ClusterMap& map);
  /// Tells the coordinator that a node that is up by the map of that seq, under which it was tried, can't be reached.
  /// Of many requests that found so, at most ten a second say it: the control plane has other things to do.
  void complain_about(NodeId node, Seq as_of);

 private:
  std::map<NodeId, std::pair<Seq, std::chrono::steady_clock::time_point>> complaints_;
  Seq idle_seen_;                                                 ///< the map for which `idle_` holds
  std::map<NodeId, std::chrono::steady_clock::time_point> idle_;  ///< up, without a bucket; since when
};

}  // namespace brigade::node
