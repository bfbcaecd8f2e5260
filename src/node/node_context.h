// What the endpoints and the background work of a node share.
// Concept: one event loop runs the whole data plane; what blocks goes to the disk pool. The context owns nothing but
// the
//          small things in it; serve.cc builds it and outlives all users.
// Thread:  the data plane's executor, except where said.
#pragma once

#include "async_tools.h"
#include "blocking_pool.h"
#include "fill_pace.h"
#include "fill_progress.h"
#include "fresh_writes.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "brigade/base/checksum.h"
#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/net/http_client.h"
#include "brigade/node/config.h"
#include "brigade/node/control.h"
#include "brigade/store/disk_set.h"
#include "brigade/store/object_store.h"
#include "brigade/wire/auth.h"

namespace brigade::node {

/// Counts for /metrics and /cluster.
struct DataStats {
  std::uint64_t gets = 0, heads = 0, puts = 0, deletes = 0;
  std::uint64_t reads_local = 0, reads_remote = 0, reads_failed_over = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t unavailable = 0, no_quorum = 0;
  std::uint64_t fetched_objects = 0, fetched_bytes = 0;  ///< by filling and comparing
  std::uint64_t buckets_filled = 0;
  std::uint64_t tombstones_collected = 0;
  std::uint64_t staged_now = 0;
};

/// What the operators ask of the scrub, and see of it.
struct ScrubState {
  bool fast = false;                   ///< a pass that an operator asked for is under way
  std::uint64_t goal = 0;              ///< passes that will have ended with it
  std::uint64_t bytes_per_second = 0;  ///< at which it reads now
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

struct NodeContext {
  NodeContext(const asio::any_io_executor& executor_in, const Config& config_in, NodeId self_in, Control& control_in,
              store::ObjectStore& store_in, net::HttpClient& peers_in, BlockingPool& disk_in)
      : executor(executor_in),
        config(config_in),
        self(self_in),
        naming{config_in.naming_seed},
        control(control_in),
        store(store_in),
        peers(peers_in),
        disk(disk_in),
        key_locks(executor_in) {}

  asio::any_io_executor executor;
  const Config& config;
  NodeId self;
  NamingSecret naming;
  Control& control;
  store::ObjectStore& store;
  net::HttpClient& peers;
  BlockingPool& disk;
  KeyLocks key_locks;
  CommitsInFlight commits;
  BucketUploads uploads;
  DataStats stats;
  ScrubState scrub;
  FillPace pace;
  FillProgress fill;
  FreshWrites fresh;
  /// Buckets that this node has stopped serving before the log says so, with the assignment of the new owner for whom
  /// (design §5 "Moving a bucket").
  std::map<BucketId, Seq> released;
  /// Buckets of which a failed disk had a part, whole families of them, for the parts that this node had in a map up to
  /// that seq. Not served; and not filled either, until none of a family is missed any more (disks.h).
  std::map<BucketId, Seq> emptied;
  bool is_whole = true;                   ///< false: some disk is not here, and `emptied` is not known yet
  const store::DiskSet* disks = nullptr;  ///< if there are several

  [[nodiscard]] std::shared_ptr<const View> view() const { return control.view(); }
  /// By the map, and not given up meanwhile.
  [[nodiscard]] bool serves(const cluster::ClusterMap& map, BucketId bucket) const;
  /// Something of it was lost with a disk, and the map does not say so yet.
  [[nodiscard]] bool is_emptied(const cluster::ClusterMap& map, BucketId bucket) const;
  /// A node has come, and has nothing yet: pairs that share a node are about to be parted.
  [[nodiscard]] bool has_newcomer(const cluster::ClusterMap& map);
  /// It has the object, as one of the in-sync replicas of its level.
  [[nodiscard]] bool holds_copy(const cluster::ClusterMap& map, const ObjectId& id) const;
  /// Waits until the map has reached `seq`; false at the deadline.
  asio::awaitable<bool> wait_for_seq(Seq seq, std::chrono::steady_clock::time_point deadline);
  /// Waits for any new view, or until `deadline`.
  asio::awaitable<void> wait_for_view(std::chrono::steady_clock::time_point deadline);
  /// may_serve(), after a short wait if the node follows a coordinator and only lags: while buckets move, a grant can
  /// name a map that is still on its way here.
  asio::awaitable<bool> may_serve_soon();
  /// Peer address of a node, empty if it is not in the roster.
  [[nodiscard]] static std::string peer_address(const cluster::ClusterMap& map, NodeId node);
  [[nodiscard]] static std::string name_of(const cluster::ClusterMap& map, NodeId node);
  /// A node that has just not answered is asked last for a while, so that not every request waits for it.
  void suspect(NodeId node) { suspects_[node] = std::chrono::steady_clock::now() + std::chrono::seconds{1}; }
  [[nodiscard]] bool is_suspect(NodeId node) const {
    auto at = suspects_.find(node);
    return at != suspects_.end() && std::chrono::steady_clock::now() < at->second;
  }
  /// Tells the coordinator that a node that is up by the map of that seq, under which it was tried, can't be reached.
  void complain_about(NodeId node, Seq as_of);

 private:
  std::map<NodeId, std::chrono::steady_clock::time_point> suspects_;
  Seq idle_seen_;                                                 ///< the map for which `idle_` holds
  std::map<NodeId, std::chrono::steady_clock::time_point> idle_;  ///< up, without a bucket; since when
};

}  // namespace brigade::node
