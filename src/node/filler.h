// Fills the buckets that this node is to serve, and gives up those that have moved.  Source: design §5.
// Concept: looks at each new map; what needs nothing is reported at once, the rest is compared with and fetched from
// the
//          siblings that the pure core names (replication/filling.h). Reports are repeated until the map agrees.
// Thread:  the data plane's executor.
#pragma once

#include "fetcher.h"
#include "leftovers.h"
#include "node_context.h"

#include <map>
#include <set>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "brigade/replication/filling.h"

namespace brigade::node {

class Filler {
 public:
  explicit Filler(NodeContext& context) : context_(context), fetcher_(context) {}
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

 private:
  struct Work {
    BucketId bucket;
    std::vector<replication::FillStep> steps;
  };

  void release_moved(const View& view);
  /// What is to be done now, what has the fewest copies first; buckets that are done already are put into `filled`.
  std::vector<Work> look(const View& view, std::map<Seq, BucketSet>& filled);
  void tell_progress(std::size_t left);
  asio::awaitable<void> fetch(const View& view, const std::vector<Work>& work);
  asio::awaitable<void> fetch_from(NodeId source, const std::set<SharedPart>& parts, FillPass& pass);
  void report(wire::ReportKind kind, Seq as_of, const BucketSet& buckets);

  NodeContext& context_;
  Fetcher fetcher_;
  bool stopped_ = false;
  replication::Filled filled_;  ///< the log does not say so yet
};

}  // namespace brigade::node
