// Compares what siblings share, in the background, and mends what differs; clears away what is no longer placed here.
// Source: design §5 ("The same comparison runs in the background between in-sync siblings"; the higher revision wins).
// Thread:  the data plane's executor.
#pragma once

#include "fetcher.h"
#include "node_context.h"

#include <map>
#include <set>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace brigade::node {

class Comparer {
 public:
  explicit Comparer(NodeContext& context) : context_(context), fetcher_(context) {}
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

 private:
  asio::awaitable<void> compare_all();
  asio::awaitable<void> compare_with(NodeId partner, std::vector<SharedPart> parts);
  [[nodiscard]] bool is_unplaced(BucketId home, placement::Level level) const;
  asio::awaitable<void> clear_unplaced();

  NodeContext& context_;
  Fetcher fetcher_;
  bool stopped_ = false;
  std::set<SharedPart> suspect_;  ///< differed at the last look: a write may have been under way
};

}  // namespace brigade::node
