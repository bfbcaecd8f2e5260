// Compares what siblings share, in the background and when an operator asks, and mends what differs; clears away what
// is no longer placed here. Source: design §5 ("The same comparison runs in the background between in-sync siblings";
// the higher revision wins),
//         §9 "A proof of redundancy".
// Thread:  the data plane's executor.
#pragma once

#include "fetcher.h"
#include "node_context.h"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace brigade::node {

/// One node's part in the proof that every object has its copies. Deleted objects' records count as well.
struct Comparison {
  /// What two siblings have of one object; no revision: nothing.
  struct Difference {
    SharedPart part;
    NodeId partner;
    ObjectId id;
    Revision here, there;
    bool operator==(const Difference&) const = default;
  };
  /// A part that has fewer copies than its redundancy asks for.
  struct Shortage {
    SharedPart part;
    std::size_t copies = 0;  ///< on as many nodes
    std::uint64_t records = 0;
  };
  std::uint64_t parts = 0;    ///< compared, once for each partner
  std::uint64_t records = 0;  ///< of which this node is the first in sync: so each record of the cluster counts once
  std::uint64_t mended = 0;   ///< parts that differed
  std::vector<Difference> differences;  ///< that are still there, and that no write under way explains
  std::vector<Shortage> shortages;      ///< a replica bucket is not in sync: of what this node is the first for
  std::uint64_t crowded = 0;            ///< of `records`, those that have all copies, but some of them on one node
  std::set<NodeId> silent;              ///< siblings that gave no answer
};

class Comparer {
 public:
  explicit Comparer(NodeContext& context) : context_(context), fetcher_(context) {}
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

  /// Takes a moment if all is equal, and some seconds if something differs: it may be a write that is under way.
  asio::awaitable<Comparison> compare_all();

 private:
  using Questions = std::map<NodeId, std::vector<SharedPart>>;

  asio::awaitable<Questions> questions(Comparison& outcome) const;
  /// Those of them that differ.
  asio::awaitable<Questions> look(Questions wanted, Comparison& outcome);
  asio::awaitable<void> mend(const Questions& unequal, Comparison& outcome);
  /// What is different in each of two looks, in the same way.
  asio::awaitable<void> name_differences(const Questions& unequal, Comparison& outcome);
  asio::awaitable<std::vector<Comparison::Difference>> differences_to(NodeId partner, std::vector<SharedPart> parts,
                                                                      Comparison& outcome);
  [[nodiscard]] bool is_unplaced(BucketId home, placement::Level level) const;
  asio::awaitable<void> clear_unplaced();

  NodeContext& context_;
  Fetcher fetcher_;
  bool stopped_ = false;
};

}  // namespace brigade::node
