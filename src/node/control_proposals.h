// Operators' changes on their way to being committed.
// Concept: a proposal is known by its position. It is done when an entry with its seq is committed: under the same
// epoch
//          it is this one, under another it was overwritten. Until then nobody knows.
// Thread:  the control thread, which also calls back.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/base/time.h"
#include "brigade/wire/transaction.h"

namespace brigade::node {

class Proposals {
 public:
  using Done = std::function<void(Result<Position>)>;
  static constexpr Duration kDeadline = std::chrono::seconds{5};
  static constexpr std::size_t kWaitingMax = 256;

  void add(Instant now, Position position, Done done);
  void on_committed(const wire::LogEntry& entry);
  /// The map is at `seq`, and what was not seen to be committed on the way is open; so is what took too long.
  void on_step(Instant now, Seq seq);
  /// All fail with `error`.
  void abandon(const Error& error);
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] bool is_full() const { return waiting_.size() >= kWaitingMax; }

 private:
  struct Proposal {
    Position position;
    Instant deadline;
    Done done;
  };
  /// Takes out those for which `is_over`, and then calls them: a callback may add another.
  template <class F>
  void finish(F is_over, const std::function<Result<Position>(const Proposal&)>& outcome);

  std::deque<Proposal> waiting_;
};

}  // namespace brigade::node
