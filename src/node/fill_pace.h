// How fast a node may copy buckets while clients wait for answers.  Source: design §5 Filling (bounded by bandwidth and
// by foreground latency). Concept: the event loop serves clients and copies; how late its timers are is what a request
// waits for its turn. While
//          clients ask and the loop is late, the rate is halved, otherwise it grows (additive increase, multiplicative
//          decrease; Chiu and Jain 1989). That is a courtesy: a spell of filling that is behind the setting
//          repair_target is bounded by repair_bandwidth alone, for a second loss must not find the first one open.
// Thread:  one owner; a value. FillPacer: the data plane's executor.
#pragma once

#include <chrono>
#include <cstdint>

#include <boost/asio/awaitable.hpp>

#include "brigade/base/settings.h"

namespace brigade::node {

class NodeContext;

class FillPace {
 public:
  struct Turn {
    std::chrono::milliseconds late{0};      ///< the event loop's timer
    bool has_clients = false;               ///< that asked for something since the last turn
    double filled = 0;                      ///< share of the spell's buckets that are done, 0 to 1
    std::chrono::milliseconds since_begin;  ///< of the spell
  };
  void turn(const Turn& now, const Settings& settings);

  /// In bytes of objects and kObjectCost for each of them. 0: no bound.
  [[nodiscard]] std::uint64_t bytes_per_second() const { return rate_; }
  /// How long a node waits before it gives a sibling an object to copy.
  [[nodiscard]] std::chrono::milliseconds hold() const { return hold_; }

  static constexpr std::uint64_t kObjectCost = 32 * 1024;

 private:
  std::uint64_t rate_ = 0;
  std::chrono::milliseconds hold_{0};
};

/// Takes the turns of a node's context_.pace.
class FillPacer {
 public:
  explicit FillPacer(NodeContext& context) : context_(context) {}
  /// Until stop().
  boost::asio::awaitable<void> run();
  void stop() { stopped_ = true; }

 private:
  NodeContext& context_;
  bool stopped_ = false;
};

}  // namespace brigade::node
