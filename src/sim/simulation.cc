#include "brigade/sim/simulation.h"

#include "world.h"

#include <utility>

namespace brigade::sim {

std::string_view flaw_name(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNone:
      return "none";
    case Flaw::kDiskLies:
      return "disk lies";
    case Flaw::kReleaseForgotten:
      return "release forgotten";
    case Flaw::kLostServed:
      return "lost buckets served";
    case Flaw::kIndexIncomplete:
      return "index incomplete";
    case Flaw::kClocksRunWild:
      return "clocks run wild";
  }
  return "unknown";
}

Simulation::Simulation(Options options) : world_(std::make_unique<World>(std::move(options))) {}
Simulation::~Simulation() = default;

Outcome Simulation::run() {
  return world_->run();
}

}  // namespace brigade::sim
