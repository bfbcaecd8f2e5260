#include "brigade/sim/simulation.h"

#include "world.h"

#include <utility>

namespace brigade::sim {

std::string_view flaw_name(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNone:
      return "none";
    case Flaw::kPromiseForgotten:
      return "promise-forgotten";
    case Flaw::kDiskLies:
      return "disk-lies";
    case Flaw::kNoHoldoffAfterBoot:
      return "no-holdoff-after-boot";
    case Flaw::kPositionHidden:
      return "position-hidden";
    case Flaw::kGrantStretched:
      return "grant-stretched";
    case Flaw::kGrantSeqIgnored:
      return "grant-seq-ignored";
    case Flaw::kReleaseForgotten:
      return "release-forgotten";
    case Flaw::kAckBeyondGap:
      return "ack-beyond-gap";
  }
  return "unknown";
}

Simulation::Simulation(Options options) : world_(std::make_unique<World>(std::move(options))) {}
Simulation::~Simulation() = default;

Outcome Simulation::run() {
  return world_->run();
}

}  // namespace brigade::sim
