// Lets tombstones go once they are no longer needed.  Source: design §5 ("Tombstones go once all siblings have them and
// the retention is over").
// Concept: a tombstone keeps a deleted object from coming back. Nothing can bring it back once no node of the run has
//          anything older of it, all of them are in sync and stay, and no write of it is under way any more: a node
//          that comes back later fills its buckets from those, and drops what they don't know. Each node asks the
//          others, and then forgets its own; that they still have theirs does no harm. Its revision is not given again
//          (ObjectStore::highest_forgotten). The same rules run in the promise model (sim/promise_collector).
// Thread:  the data plane's executor; disk reads go to the pool.
#pragma once

#include "node_context.h"

#include <cstdint>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace brigade::node {

/// How old a tombstone must be at least: the retention, and longer than any message of a write may be under way.
Duration tombstone_age(const Settings& settings);

class TombstoneCollector {
 public:
  explicit TombstoneCollector(NodeContext& context) : context_(context) {}
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

  /// Looks at all that is here once; how many went.
  asio::awaitable<std::uint64_t> pass(WallTime now);

 private:
  using Entries = std::vector<store::IndexEntry>;

  /// Those of the widest run that begins with `first` which are old enough, not too many of them.
  asio::awaitable<Entries> due(BucketId first, WallTime now);
  asio::awaitable<std::uint64_t> collect(BucketId first, Entries tombstones);
  /// Those of them that `node` has nothing against. Errors: it gave no answer.
  asio::awaitable<Result<Entries>> ask(NodeId node, Seq as_of, Entries tombstones);

  NodeContext& context_;
  bool stopped_ = false;
};

}  // namespace brigade::node
