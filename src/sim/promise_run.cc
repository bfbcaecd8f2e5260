// One run: clients and faults for a while, then peace, then a last look through every node.
#include "promise_collector.h"
#include "promise_coordinator.h"
#include "promise_filler.h"
#include "promise_player.h"
#include "promise_reader.h"
#include "promise_replica.h"
#include "promise_world.h"
#include "promise_writer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "brigade/replication/placement_view.h"
#include "brigade/sim/promise.h"

namespace brigade::sim {

namespace {

using Kind = PromiseReply::Kind;
using placement::Level;

constexpr Ticks kFaultsEnd = 400;
constexpr Ticks kWritesEnd = 420;
constexpr Ticks kPeaceEnd = 600;
constexpr Ticks kEnd = 660;
constexpr Ticks kReadInterval = 12;
constexpr Ticks kWritePatience = 60;
constexpr Ticks kWriteTimeout = 200;

class Run {
 public:
  Run(const PromiseOptions& options, PromiseOutcome& outcome)
      : options_(options),
        world_(options, outcome),
        coordinator_(world_),
        replica_(world_),
        writer_(world_, replica_),
        reader_(world_),
        filler_(world_, replica_,
                [this](PromiseNode& node, wire::ReportKind kind, Seq as_of, BucketId bucket) {
                  world_.tell(node, [this, id = node.id, life = node.life, kind, as_of, bucket] {
                    coordinator_.on_report(id, life, kind, as_of, bucket);
                  });
                }),
        collector_(world_, replica_, options.seed),
        script_(
            world_, coordinator_, [this](PromiseNode& gateway, bool is_delete) { begin_write(gateway, 0, is_delete); },
            [this](Level level) { levels_[0] = level; }) {
    for (std::size_t key = 0; key < std::max<std::size_t>(3, world_.temper.keys); ++key) levels_[key] = some_level();
    if (options.script != nullptr) levels_[0] = Level{options.script->level};
  }

  std::string run() {
    coordinator_.found();
    every(4, [this] { coordinator_.tick(); });
    for (PromiseNode& node : world_.nodes) work_at(node);
    client(kReadInterval, [this](PromiseNode& gateway, std::size_t key) { reader_.read(gateway, key); });
    if (options_.script != nullptr) {
      script_.play();
    } else {
      write_and_suffer();
    }
    every(3, [this] { reader_.probe(); });
    every(30, [this] { collect_tombstones(); });
    world_.run_until(kFaultsEnd);
    heal();
    world_.run_until(kPeaceEnd);
    for (PromiseNode& node : world_.nodes)
      for (std::size_t key = 0; key < world_.temper.keys; ++key)
        world_.later(world_.some(50), [this, &node, key] { reader_.read(node, key); });
    world_.run_until(kEnd);
    return world_.judge.violation();
  }

 private:
  void write_and_suffer() {
    client(world_.temper.write_interval, [this](PromiseNode& gateway, std::size_t key) {
      const std::uint64_t burst = world_.prng.chance(1, 3) ? 1 + world_.prng.below(4) : 1;
      for (std::uint64_t i = 0; i < burst && world_.now() < kWritesEnd; ++i)
        begin_write(gateway, key, world_.prng.chance(1, world_.temper.deletes));
    });
    // Where a change and a write meet, most can go wrong.
    world_.on_commit = [this] {
      lag_at_change();
      if (!world_.prng.chance(world_.temper.writes_at_changes, 10) || world_.now() >= kWritesEnd) return;
      const std::uint64_t crowd = world_.temper.crowd > 1 ? 1 + world_.prng.below(world_.temper.crowd) : 1;
      for (std::uint64_t i = 0; i < crowd; ++i) write_at_change();
    };
    world_.on_revision = [this](PromiseNode& node) { fall_perhaps(node, world_.temper.commit_falls); };
    world_.on_list = [this](PromiseNode& node) { fall_perhaps(node, world_.temper.list_falls); };
    faults();
  }

  struct Put {
    PromiseWriter::Request request;
    PromiseNode* gateway = nullptr;
    Ticks began = 0;
    Ticks deadline = 0;
  };

  void every(Ticks interval, std::function<void()> what) {
    world_.later(interval, [this, interval, what = std::move(what)] {
      what();
      every(interval, what);
    });
  }

  void work_at(PromiseNode& node) {
    world_.later(world_.some(8), [this, &node] {
      if (node.running) {
        filler_.look(node);
        replica_.drop_abandoned(node);
        if (world_.prng.chance(1, 12)) filler_.clear_unplaced(node);
      }
      work_at(node);
    });
  }

  // Clients
  Level some_level() {
    constexpr std::array<std::uint8_t, 8> kDrawn{0, 1, 1, 1, 1, 2, 2, 2};
    return Level{kDrawn[world_.prng.below(kDrawn.size())]};
  }

  template <class Asks>
  void client(Ticks interval, Asks asks) {
    world_.later(world_.some(interval), [this, interval, asks] {
      PromiseNode& gateway = world_.nodes[world_.prng.below(world_.nodes.size())];
      if (gateway.running) asks(gateway, world_.prng.below(world_.temper.keys));
      client(interval, asks);
    });
  }

  void write_at_change() {
    const bool misses_it = cut_off_ && world_.prng.chance(1, 2);
    PromiseNode& gateway = misses_it ? world_.node(cut_off_) : world_.nodes[world_.prng.below(world_.nodes.size())];
    world_.later(world_.some(12), [this, &gateway, key = world_.prng.below(world_.temper.keys)] {
      if (gateway.running) begin_write(gateway, key, world_.prng.chance(1, world_.temper.deletes));
    });
  }

  void begin_write(PromiseNode& gateway, std::size_t key, bool is_delete) {
    const bool may_change = options_.levels_change_while_open || world_.judge.is_settled(key, world_.now());
    if (!may_change && changed_by_[key] && !world_.judge.is_acknowledged(*changed_by_[key])) return;
    const Level before = levels_[key];
    if (may_change && !is_delete && world_.prng.chance(1, world_.temper.level_changes)) levels_[key] = some_level();
    const Level lowest = placement::level_of(world_.log.newest().settings().min_redundancy).value_or(Level{0});
    auto put = std::make_shared<Put>();
    put->request = {key, 0, is_delete, is_delete ? lowest : std::max(levels_[key], lowest),
                    !is_delete && world_.script == nullptr && world_.prng.chance(1, 25)};
    put->request.op = world_.judge.begins(key, is_delete, world_.now());
    if (levels_[key] != before) changed_by_[key] = put->request.op;
    put->gateway = &gateway;
    put->began = world_.now();
    put->deadline = world_.now() + kWritePatience;
    world_.begin_attempt(gateway, put->request.op);
    try_write(put);
    aim_at(key);
  }

  /// As node/write_path: finds the primary, and tries again while nothing has happened.
  void try_write(const std::shared_ptr<Put>& put) {
    PromiseNode& gateway = *put->gateway;
    if (!world_.may_serve(gateway)) return end_write(put, {});
    const ObjectId id = PromiseWorld::object(put->request.key);
    const NodeId primary = replication::replica_set(world_.map(gateway), id, put->request.level).primary;
    auto heard = [this, put](const PromiseReply& reply) {
      // Of a write that nobody has answered, one may still be under way, to overwrite what comes after the other.
      const bool repeats = world_.broken(PromiseFlaw::kLostWriteRepeated) && !put->request.is_delete;
      const bool again = reply.kind == Kind::kNotPrimary || (reply.kind == Kind::kLost && repeats);
      if (!again || put->request.client_leaves) return end_write(put, reply);
      wait_and_try(put);
    };
    if (!primary) return wait_and_try(put);
    if (primary == gateway.id) return writer_.write(gateway, put->request, heard);
    auto handler = [this, request = put->request, seq = gateway.applied](PromiseNode& there,
                                                                         const PromiseAnswer& answer) {
      world_.wait_for_seq(there, seq, world_.now() + 20,
                          [this, &there, request, answer](bool) { writer_.write(there, request, answer); });
    };
    world_.call(gateway, primary, handler, heard, kWriteTimeout);
  }

  void wait_and_try(const std::shared_ptr<Put>& put) {
    if (world_.now() >= put->deadline) return end_write(put, {});
    world_.later_at(*put->gateway, world_.some(10), [this, put] { try_write(put); });
  }

  void end_write(const std::shared_ptr<Put>& put, const PromiseReply& reply) {
    if (reply.kind == Kind::kOk) {
      ++world_.outcome.acknowledged;
      world_.judge.acknowledged(put->request.op, world_.now());
      if (world_.traces())
        world_.trace("ACK of op " + std::to_string(put->request.op) +
                     (put->request.is_delete ? ", delete" : ", write") + " of key " + std::to_string(put->request.key));
      reader_.probe();
    } else {
      ++world_.outcome.refused;
    }
    // A DELETE's 404 says what a read's does.
    if (reply.kind == Kind::kAbsent)
      world_.judge.answered(put->request.key, put->began, world_.now(), std::nullopt, "to a delete");
    world_.end_attempt(*put->gateway, put->request.op);
  }

  // Faults
  void faults() {
    world_.later(world_.some(world_.temper.fault_interval), [this] {
      if (!world_.faults) return;
      befall(world_.nodes[world_.prng.below(world_.nodes.size())]);
      faults();
    });
  }

  void befall(PromiseNode& node) {
    const PromiseTemper& temper = world_.temper;
    const Ticks end = world_.some(world_.prng.chance(1, temper.long_faults) ? temper.long_fault : 30);
    std::uint64_t kind =
        world_.prng.below(temper.falls + temper.isolations + temper.lags + temper.cuts + temper.shifts);
    auto is_drawn = [&kind](std::uint64_t share) {
      const bool drawn = kind < share;
      kind -= share;
      return drawn;
    };
    if (is_drawn(temper.falls)) {
      fall(node, end);
    } else if (is_drawn(temper.isolations)) {
      isolate(node, end);
    } else if (is_drawn(temper.lags)) {
      node.lags_until = world_.now() + end;
    } else if (is_drawn(temper.cuts)) {
      cut(node.id, world_.nodes[world_.prng.below(world_.nodes.size())].id, std::min<Ticks>(end, 60));
    } else {
      coordinator_.move(BucketId{static_cast<std::uint16_t>(world_.prng.below(kPromiseBuckets))});
    }
  }

  /// Something happens to one of the replicas while a write of the key is under way.
  void aim_at(std::size_t key) {
    if (!world_.faults || !world_.prng.chance(1, world_.temper.aimed)) return;
    world_.later(world_.some(15), [this, key] {
      const auto set = replication::replica_set(world_.log.newest(), PromiseWorld::object(key), levels_[key]);
      if (!world_.faults || set.live.empty()) return;
      befall(world_.node(world_.prng.chance(1, 2) && set.primary ? set.primary
                                                                 : set.live[world_.prng.below(set.live.size())]));
    });
  }

  void fall(PromiseNode& node, Ticks end) {
    if (!node.running) return;
    world_.crash(node);
    const bool new_disk = world_.prng.chance(1, world_.temper.new_disks);
    world_.later(end, [this, &node, new_disk] {
      if (!node.running) world_.restart(node, new_disk);
    });
  }

  /// One in so many, soon.
  void fall_perhaps(PromiseNode& node, std::uint64_t one_in) {
    if (one_in == 0 || !world_.faults || !world_.prng.chance(1, one_in)) return;
    const Ticks end = world_.some(world_.prng.chance(1, 2) ? 12 : world_.temper.long_fault);
    world_.later(world_.some(12), [this, &node, end] {
      if (world_.faults) fall(node, end);
    });
  }

  void lag_at_change() {
    if (world_.temper.cut_offs > 0) cut_off_at_change();
    if (!world_.faults || !world_.prng.chance(world_.temper.lags_at_changes, 10)) return;
    PromiseNode& node = world_.nodes[world_.prng.below(world_.nodes.size())];
    node.lags_until = std::max(node.lags_until, world_.now() + world_.some(80));
  }

  /// The node that misses the change and the grants that follow is often the one that must know: the primary so far.
  void cut_off_at_change() {
    const bool is_view = world_.log.newest().view() == world_.log.last();
    if (!world_.faults || !is_view || !world_.prng.chance(world_.temper.cut_offs, 10)) return;
    const std::size_t key = world_.prng.below(world_.temper.keys);
    const cluster::ClusterMap& before = world_.log.at(Seq{world_.log.last().value - 1});
    const auto set = replication::replica_set(before, PromiseWorld::object(key), levels_[key]);
    const bool aims = set.primary && world_.prng.chance(2, 3);
    cut_off_ = aims ? set.primary : world_.nodes[world_.prng.below(world_.nodes.size())].id;
    PromiseNode& node = world_.node(cut_off_);
    const Ticks end = world_.some(world_.temper.lease);
    node.lags_until = std::max(node.lags_until, world_.now() + end);
    isolate(node, end);
  }

  void isolate(PromiseNode& node, Ticks end) {
    node.isolated = true;
    world_.later(end, [&node] { node.isolated = false; });
  }

  void cut(NodeId a, NodeId b, Ticks end) {
    if (a == b) return;
    const std::pair<NodeId, NodeId> pair = std::minmax(a, b);
    world_.cuts.insert(pair);
    world_.later(end, [this, pair] { world_.cuts.erase(pair); });
  }

  void heal() {
    world_.faults = false;
    world_.cuts.clear();
    for (PromiseNode& node : world_.nodes) {
      if (!node.running) world_.restart(node, false);
      node.isolated = false;
      node.lags_until = 0;
    }
  }

  void collect_tombstones() {
    for (PromiseNode& node : world_.nodes) collector_.look(node);
    if (!world_.broken(PromiseFlaw::kTombstoneDroppedEarly)) return;
    for (std::size_t key = 0; key < PromiseWorld::kKeys; ++key)
      for (PromiseNode& node : world_.nodes)
        if (auto& record = node.store[key]; record && record->tombstone && node.running && world_.prng.chance(1, 3))
          record.reset();
  }

  const PromiseOptions& options_;
  PromiseWorld world_;
  PromiseCoordinator coordinator_;
  PromiseReplica replica_;
  PromiseWriter writer_;
  PromiseReader reader_;
  PromiseFiller filler_;
  PromiseCollector collector_;
  PromisePlayer script_;
  NodeId cut_off_;  ///< the last one
  std::array<Level, PromiseWorld::kKeys> levels_{};
  std::array<std::optional<std::size_t>, PromiseWorld::kKeys> changed_by_{};  ///< the last write that changed the level
};

}  // namespace

PromiseOutcome run_promise(const PromiseOptions& options) {
  PromiseOutcome outcome;
  outcome.violation = Run(options, outcome).run();
  return outcome;
}

}  // namespace brigade::sim
