// What a filling node has, and the sibling in sync that it compares with does not know.  Source: design §5 Filling.
// Concept: most of it goes: deleted objects, and writes that were never acknowledged. What must stay is decided by the
//          pure core (replication/filling.h) for one record at a time, at the moment in which it would go.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"
#include "sibling_lists.h"

#include <map>
#include <set>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "brigade/replication/filling.h"

namespace brigade::node {

/// What one comparison with the siblings has shown.
struct FillPass {
  Seq as_of;                                     ///< of the map that it follows
  std::map<SharedPart, Seq> began;               ///< when this node got the bucket for which it compares the part
  std::map<NodeId, std::set<SharedPart>> whole;  ///< by source: here is what is there
  std::multimap<SharedPart, BucketId> kept;      ///< some records stay for the sake of that bucket alone
  bool has_forgotten = false;
};

/// Forgets, or says in `pass` why not. Errors: the store's.
asio::awaitable<Status> settle_leftovers(NodeContext& context, const replication::Filled& filled, FillPass& pass,
                                         const std::vector<store::IndexEntry>& leftovers);

}  // namespace brigade::node
