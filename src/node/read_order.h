// Whom a read asks, one after the other.  Source: design §5 Reads.
// Concept: an in-sync copy here is as good as home's, and nearer; without one home answers first, for it knows; then
// the
//          others, by distance, and last those that have just not answered. Nearly every read ends with the first, so
//          the others are looked for only when they are wanted.
// Thread:  the executor of the loop whose context it is.
#pragma once

#include "loop_context.h"

#include <cstddef>
#include <optional>

#include "brigade/replication/placement_view.h"

namespace brigade::node {

class ReadOrder {
 public:
  /// All three outlive it.
  ReadOrder(LoopContext& context, const cluster::ClusterMap& map, const ObjectId& id)
      : context_(context), map_(map), id_(id) {}
  /// Each node once; nothing when all were named.
  std::optional<replication::ReadCandidate> next();

 private:
  [[nodiscard]] std::optional<replication::ReadCandidate> first() const;
  void list_others();

  LoopContext& context_;
  const cluster::ClusterMap& map_;
  const ObjectId& id_;
  std::optional<replication::ReadCandidate> first_;
  enum class At : std::uint8_t { kFirst, kFirstNamed, kOthers } at_ = At::kFirst;
  replication::ReadCandidates others_;
  std::size_t named_ = 0;
};

}  // namespace brigade::node
