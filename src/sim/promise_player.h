// Plays a scripted promise run, step by step.
// Thread: one owner.
#pragma once

#include "promise_coordinator.h"
#include "promise_world.h"

#include <cstddef>
#include <functional>

namespace brigade::sim {

class PromisePlayer {
 public:
  /// `write(gateway, is_delete)`: a client asks for it; at the level that was set last.
  PromisePlayer(PromiseWorld& world, PromiseCoordinator& coordinator, std::function<void(PromiseNode&, bool)> write,
                std::function<void(placement::Level)> set_level)
      : world_(world), coordinator_(coordinator), write_(std::move(write)), set_level_(std::move(set_level)) {}
  /// From the first step on. Requires that the world has a script.
  void play();

 private:
  void go_on();
  [[nodiscard]] bool is_time(const PromiseStep& step) const;
  void perform(const PromiseStep& step);

  PromiseWorld& world_;
  PromiseCoordinator& coordinator_;
  std::function<void(PromiseNode&, bool)> write_;
  std::function<void(placement::Level)> set_level_;
  std::size_t next_ = 0;
  bool is_due_ = false;  ///< what remains of the next step is what it waits for
};

}  // namespace brigade::sim
