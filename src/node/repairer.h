// Replaces records that were found damaged here by a sibling's.  Source: design §5 (what is corrupt is replaced from a
// sibling), testing R1, R2.
// Concept: whoever finds damage (a scrub, a read, a start) only marks it; this looks for marks all the time, and pulls
//          each such object from those that serve it. Their records are verified as they are read.
// Thread:  the data plane's executor.
#pragma once

#include "fetcher.h"
#include "node_context.h"

#include <chrono>
#include <map>

#include <boost/asio/awaitable.hpp>

namespace brigade::node {

class Repairer {
 public:
  explicit Repairer(NodeContext& context) : context_(context), fetcher_(context) {}
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

 private:
  /// When to try again, and how long to wait after that.
  struct Wait {
    std::chrono::steady_clock::time_point until;
    std::chrono::milliseconds next;
  };
  asio::awaitable<void> repair_all();
  asio::awaitable<bool> repair(store::IndexEntry entry);

  NodeContext& context_;
  Fetcher fetcher_;
  std::map<ObjectId, Wait> waits_;  ///< of objects that nobody could give
  bool stopped_ = false;
};

}  // namespace brigade::node
