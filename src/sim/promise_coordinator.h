// Makes the log of a promise run: what Member and Assigner would, at random moments.  Source: design §4 Leases,
// "Failure of a node"; §5 "Moving a bucket". Concept: hears nodes and their reports, grants leases, declares nodes down
// once their grants are over, names stand-ins
//          and new owners. Which node, which bucket and when is drawn; that a change may be made is checked as there.
// Thread:  one owner.
#pragma once

#include "promise_world.h"

#include <cstdint>
#include <vector>

#include "brigade/base/bucket_set.h"
#include "brigade/base/ids.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

class PromiseCoordinator {
 public:
  explicit PromiseCoordinator(PromiseWorld& world);

  /// All nodes up, all buckets filled, everybody has applied it. Call once, first.
  void found();
  void tick();
  /// Gives the bucket a new owner, if it may move now.
  void move(BucketId bucket);
  /// ... gives it to `node`.
  void move(BucketId bucket, NodeId node);
  /// A node's statement arrives.
  void on_report(NodeId from, Incarnation life, wire::ReportKind kind, Seq as_of, BucketId bucket);

 private:
  struct Peer {
    Ticks heard = 0;
    Incarnation life;
    StoreId disk;
    Seq applied;
    Ticks grant_end = 0;
    bool condemned = false;
    Ticks down_since = 0;
  };

  NodeId first_owner(std::size_t bucket);
  Seq append(wire::Change change);
  void assign(wire::Role role, NodeId node, BucketId bucket);
  void bring_up(NodeId node);
  void listen();
  void watch(PromiseNode& node, Peer& peer);
  void grant(PromiseNode& node, Peer& peer);
  void take_out(NodeId node, Peer& peer);
  void care_for(BucketId bucket);
  /// A node that is up and not `other`; none if there is none.
  NodeId somebody_up(NodeId other);

  PromiseWorld& world_;
  std::vector<Peer> peers_;
};

}  // namespace brigade::sim
