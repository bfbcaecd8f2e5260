// Keeps what a rehearsal tells.  Thread: the world's owner.
#pragma once

#include "observer.h"
#include "world.h"

#include <map>
#include <string>
#include <utility>

#include "brigade/sim/rehearsal.h"

namespace brigade::sim {

class RehearsalRecorder : public Observer {
 public:
  RehearsalRecorder(const World& world, Rehearsal& rehearsal) : world_(world), rehearsal_(rehearsal) {}

  void on_effects(std::size_t node, const cluster::Effects& effects) override;
  void on_send(std::size_t node, const wire::Envelope& envelope, bool to_all, std::span<const Copy> copies) override;

  void tell(std::string kind, std::string node, std::string text) {
    rehearsal_.timeline.push_back({world_.now(), std::move(kind), std::move(node), std::move(text)});
  }
  /// `node` is about to fail.
  void on_failure(std::size_t node);
  /// Looks at the buckets; now and then.
  void look();

 private:
  void on_commit(std::size_t node, const wire::LogEntry& entry);
  [[nodiscard]] std::string name(NodeId id) const;

  const World& world_;
  Rehearsal& rehearsal_;
  Seq known_;
  Seq looked_at_;
  Duration without_coordinator_since_{};
  std::map<std::size_t, Duration> failed_;  ///< when a node did
  std::size_t stand_ins_ = 0;               ///< buckets since the last NodeDown
  std::size_t moved_ = 0;
};

}  // namespace brigade::sim
