// What goes wrong, and when.  Source: testing "Network", "Disk, clock, process".
// Concept: draws one fault after the other from the seed; most end by themselves after a while.
// Thread: one owner.
#pragma once

#include "world.h"

#include <cstdint>
#include <functional>
#include <vector>

#include "brigade/base/prng.h"

namespace brigade::sim {

class Faults {
 public:
  Faults(World& world, Prng prng) : world_(world), schedule_(prng), prng_(schedule_.next()) {}

  /// Begins to do harm, until `end`.
  void unleash(Moment end) {
    end_ = end;
    plan_next();
  }
  [[nodiscard]] std::uint64_t planned() const { return planned_; }
  /// Undoes everything: all nodes run, nothing is cut, disks and network are as they should be.
  void heal();

 private:
  void plan_next();
  void strike();
  void crash_one(std::size_t node);
  void crash_for(std::size_t node, Duration away);
  void crash_somebody();
  void crash_leader();
  void crash_all();
  void isolate_somebody();
  void pause_somebody();
  void part_newcomers();
  void part_with_newcomers();
  void late_datagrams();
  void clog_somebody();
  void slow_restarts();
  void complain();
  void change_setting();
  /// A node comes back with another store, or an operator changes what it is to hold.
  void change_somebody();
  void reshape(NodeId id);
  /// A node never comes back; the operator removes it, and a spare joins.
  void replace_one();
  /// True if it had never run.
  bool start_spare(std::size_t node, Duration within);
  void remove_until_gone(std::size_t node);
  void give_up_what_waits_for(std::size_t leader, NodeId gone);
  void rot_one();
  /// One of several is lost, the journal's can't sync what is written next, or all are replaced.
  void trouble_a_disk();
  void lose_disk();
  /// It starts again with other disks, but for the journal's.
  void renew_store(std::size_t node, Duration within);
  void change_release();
  /// Somebody is gone for good, or has a damaged log: with a second one no rule could bring the cluster back.
  [[nodiscard]] bool misses_somebody() const;
  /// The coordinator is cut off, and all others start anew at once: they remember nothing of what they owe it.
  void coup();
  void part();
  void cut_between(const std::vector<bool>& side, bool one_way, Duration span);
  void part_pair();
  void isolate(std::size_t node);
  void lose_datagrams();
  void delay_datagrams();
  void slow_disk();
  void pause_one(std::size_t node);

  [[nodiscard]] std::size_t any_node() { return prng_.below(world_.options().nodes); }
  /// Whoever leads, if anybody does.
  [[nodiscard]] std::size_t leader_or_any() {
    const std::size_t leader = world_.coordinator();
    return leader < world_.options().nodes ? leader : any_node();
  }
  [[nodiscard]] Duration between(Duration low, Duration high) {
    return low + Duration{static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>((high - low).count())))};
  }
  /// As long as harm is allowed.
  void later(Duration delay, std::function<void()> action);

  World& world_;
  Prng schedule_;
  Prng prng_;  ///< of the fault that is next, or under way
  std::uint64_t planned_ = 0;
  Moment end_{};
  std::uint64_t parted_ = 0;
};

}  // namespace brigade::sim
