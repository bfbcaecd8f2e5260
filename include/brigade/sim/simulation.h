// A whole cluster in one thread: the control plane's code itself under a simulated clock, network and disk.
// Source: design §4 ("The same code runs in the daemon and in the simulator"); testing "Invariants".
// Concept: an executor of cluster::Effects for N nodes. Everything follows from Options::seed: equal options give equal
//          runs, which Outcome::trace_hash shows. After every step the checkers (safety.h) look at all nodes.
// Thread:  one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "brigade/base/time.h"
#include "brigade/sim/options.h"

namespace brigade::sim {

struct Outcome {
  /// Empty if nothing was wrong; otherwise what, when, and what happened just before.
  std::string violation;
  /// Of everything that happened, in order.
  std::uint64_t trace_hash = 0;

  std::uint64_t steps = 0;      ///< inputs given to nodes
  std::uint64_t datagrams = 0;  ///< sent, each receiver counted
  std::uint64_t committed = 0;  ///< transactions
  std::uint64_t groups = 0;     ///< formed
  std::uint64_t faults = 0;
  std::uint64_t crashes = 0;
  std::uint64_t index_transfers = 0;  ///< completed
  std::uint64_t rollbacks = 0;
  std::uint64_t outdated = 0;  ///< nodes that left, or did not start, for their release was too old
  Duration healed_in{};        ///< from the end of faults until all was well

  [[nodiscard]] bool ok() const { return violation.empty(); }
};

class World;

class Simulation {
 public:
  explicit Simulation(Options options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Runs both parts. Call once. Cost: about 0.2 s for five nodes and 10 s of faults in an optimized build.
  Outcome run();

 private:
  std::unique_ptr<World> world_;
};

}  // namespace brigade::sim
