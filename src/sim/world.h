// The executor: gives nodes their inputs, carries out their effects, and lets the checkers look.
// Source: cluster/effects.h; brigade/sim/simulation.h.
// Thread: one owner.
#pragma once

#include "event_queue.h"
#include "gate_checker.h"
#include "history.h"
#include "lease_checker.h"
#include "log_checker.h"
#include "network.h"
#include "serving_checker.h"
#include "verdict.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "brigade/base/prng.h"
#include "brigade/sim/simulation.h"

namespace brigade::sim {

class World {
 public:
  explicit World(Options options);
  Outcome run();

  // What faults do.
  void start(std::size_t node);
  void crash(std::size_t node);
  void pause(std::size_t node);
  void resume(std::size_t node);
  /// `node` says that it can't reach `other`.
  void complain(std::size_t node, std::size_t other);
  /// An operator changes a setting, through whoever leads.
  void change_setting();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Hosts& hosts() const { return hosts_; }
  /// The coordinator, or one of them; hosts().size() if there is none.
  [[nodiscard]] std::size_t coordinator() const;
  [[nodiscard]] EventQueue& events() { return events_; }
  [[nodiscard]] Network& network() { return network_; }
  void note(std::string_view what, std::size_t node = kWorld, std::size_t other = kWorld);

 private:
  World(const Options& options, const std::shared_ptr<const wire::Snapshot>& snapshot);

  template <class Input>
  void give(std::size_t node, Input&& input);
  /// Runs `action` if the node still lives the life `life`; later, if it is paused.
  void in_life(std::size_t node, std::uint64_t life, std::function<void()> action);
  void receive(std::size_t node, const wire::Envelope& envelope);
  void carry_out(std::size_t node, cluster::Effects effects);
  void submit(std::size_t node, cluster::PersistBatch batch);
  void send(std::size_t node, const cluster::Send& send);
  void tell(std::size_t node, const cluster::Event& event);
  void fetch_index(std::size_t node, NodeId from);
  void plan_tick(std::size_t node);
  void plan_look(std::size_t node, Duration delay);
  void look(std::size_t node);
  void check(std::size_t node);
  [[nodiscard]] std::size_t index_of(NodeId id) const;
  [[nodiscard]] bool has_settled();
  [[nodiscard]] bool buckets_settled(const cluster::ClusterMap& map) const;
  [[nodiscard]] std::string why_not_settled() const;
  Outcome outcome();

  const Options options_;
  Prng prng_;
  EventQueue events_;
  History history_;
  Verdict verdict_;
  Network network_;
  Hosts hosts_;
  LogChecker log_checker_;
  LeaseChecker lease_checker_;
  GateChecker gate_checker_;
  ServingChecker serving_checker_;
  Outcome outcome_;
  Seq unsettled_at_;  ///< the map at this seq is known not to be settled
  std::uint64_t settings_changed_ = 0;
};

template <class Input>
void World::give(std::size_t node, Input&& input) {
  Host& host = *hosts_[node];
  ++outcome_.steps;
  carry_out(node, input(*host.member, host.clock.local(events_.now())));
  plan_tick(node);
  check(node);
}

}  // namespace brigade::sim
