// The executor: gives nodes their inputs, carries out their effects, and lets the checkers look.
// Source: cluster/effects.h; brigade/sim/simulation.h.
// Thread: one owner.
#pragma once

#include "event_queue.h"
#include "founding.h"
#include "gate_checker.h"
#include "history.h"
#include "lease_checker.h"
#include "log_checker.h"
#include "network.h"
#include "observer.h"
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
  explicit World(const Options& options);
  /// Requires options.nodes machines.
  World(const Options& options, const Beginning& beginning);
  Outcome run();

  // What faults do.
  void start(std::size_t node);
  void crash(std::size_t node);
  void pause(std::size_t node);
  void resume(std::size_t node);
  /// `node` says that it can't reach `other`.
  void complain(std::size_t node, std::size_t other);
  /// One of its disks fails, on which these buckets are.
  void lose_disk(std::size_t node, const BucketSet& buckets);
  /// An operator wants `change` from `node`, which should lead. Errors: as Member::propose; kUnavailable if it is down.
  Result<Position> propose(std::size_t node, const wire::Change& change);
  /// An operator changes a setting, through whoever leads.
  void change_setting();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Hosts& hosts() const { return hosts_; }
  /// The coordinator, or one of them; hosts().size() if there is none.
  [[nodiscard]] std::size_t coordinator() const;
  [[nodiscard]] std::size_t index_of(NodeId id) const;
  /// What everybody has agreed on so far.
  [[nodiscard]] const cluster::ClusterMap& committed() const { return log_checker_.reference(); }
  [[nodiscard]] const Verdict& verdict() const { return verdict_; }
  /// `observer` hears of everything from now on, and outlives this.
  void observe(Observer* observer) { observer_ = observer; }
  /// What is committed.
  [[nodiscard]] const cluster::ClusterMap& reference() const { return log_checker_.reference(); }
  [[nodiscard]] EventQueue& events() { return events_; }
  [[nodiscard]] Moment now() const { return events_.now(); }
  [[nodiscard]] Network& network() { return network_; }
  void note(std::string_view what, std::size_t node = kWorld, std::size_t other = kWorld);

 private:
  template <class Input>
  void give(std::size_t node, Input&& input);
  /// Runs `action` if the node still lives the life `life`; later, if it is paused.
  void in_life(std::size_t node, std::uint64_t life, std::function<void()> action);
  void receive(std::size_t node, const wire::Envelope& envelope);
  void carry_out(std::size_t node, cluster::Effects effects);
  void submit(std::size_t node, cluster::PersistBatch batch);
  void fail_sync(std::size_t node);
  void send(std::size_t node, const cluster::Send& send);
  void tell(std::size_t node, const cluster::Event& event);
  void fetch_index(std::size_t node, NodeId from);
  void on_outdated(std::size_t node);
  void plan_tick(std::size_t node);
  void plan_look(std::size_t node, Duration delay);
  void look(std::size_t node);
  void check(std::size_t node);
  /// Below `bound`; half of it in a steady world.
  [[nodiscard]] Duration some(Duration bound);
  [[nodiscard]] bool has_settled();
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
  Observer* observer_ = nullptr;
  Moment check_at_{};  ///< when all nodes are looked at next
  Seq unsettled_at_;   ///< the map at this seq is known not to be settled
  std::uint64_t settings_changed_ = 0;
};

template <class Input>
void World::give(std::size_t node, Input&& input) {
  Host& host = *hosts_[node];
  ++outcome_.steps;
  const Duration begun = options_.meter ? options_.meter() : Duration{};
  cluster::Effects effects = input(*host.member, host.clock.local(events_.now()));
  if (options_.meter) host.busy += options_.meter() - begun;
  carry_out(node, std::move(effects));
  plan_tick(node);
  check(node);
}

}  // namespace brigade::sim
