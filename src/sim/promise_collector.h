// Lets go of old tombstones in a promise run.  Source: design §5 Writes. It mirrors node/tombstone_collector.
// Thread:  one owner.
#pragma once

#include "promise_replica.h"
#include "promise_world.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>

namespace brigade::sim {

class PromiseCollector {
 public:
  /// Draws its own delays, so that seeds tell the same stories with it as without, until a tombstone goes.
  PromiseCollector(PromiseWorld& world, PromiseReplica& replica, std::uint64_t seed)
      : world_(world), replica_(replica), prng_(seed ^ 0x746f6d6273746f6eU) {}

  /// Asks about the tombstones of this node whose retention is over.
  void look(PromiseNode& node);

 private:
  struct Question {
    PromiseNode* node = nullptr;
    Incarnation life;
    std::size_t key = 0;
    Revision revision;
    Seq as_of;
    std::size_t left = 0;  ///< who has yet to say that nothing older is there
  };
  using QuestionPtr = std::shared_ptr<Question>;

  void ask(const QuestionPtr& question, NodeId other);
  void confirmed(const QuestionPtr& question);
  /// Nothing older than the tombstone is at `there`, nor on its way to its disk.
  [[nodiscard]] bool confirms(PromiseNode& there, const Question& question) const;
  void send(NodeId from, NodeId to, std::function<void()> what);

  PromiseWorld& world_;
  PromiseReplica& replica_;
  Prng prng_;
};

}  // namespace brigade::sim
