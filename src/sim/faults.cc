#include "faults.h"

#include <utility>
#include <vector>

namespace brigade::sim {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
}  // namespace

void Faults::later(Duration delay, std::function<void()> action) {
  world_.events().after(delay, [this, action = std::move(action)] {
    if (world_.events().now() < end_) action();
  });
}

void Faults::plan_next() {
  const Duration mean = world_.options().fault_interval;
  if (mean <= Duration::zero()) return;
  later(between(mean / 10, mean * 2), [this] {
    strike();
    plan_next();
  });
}

void Faults::strike() {
  switch (prng_.below(21)) {
    case 0:
    case 1:
    case 2:
      return crash_one(any_node());
    case 3:
    case 4:
      return crash_one(leader_or_any());
    case 5:
      return prng_.chance(1, 3) ? crash_all() : crash_one(any_node());
    case 6:
    case 7:
    case 8:
      return part();
    case 9:
      return part_pair();
    case 10:
    case 11:
      return isolate(leader_or_any());
    case 12:
      return isolate(any_node());
    case 13:
      return lose_datagrams();
    case 14:
      return delay_datagrams();
    case 15:
      return slow_disk();
    case 16:
      return pause_one(any_node());
    case 17:
      return pause_one(leader_or_any());
    case 18:
      return world_.complain(any_node(), any_node());
    case 19:
      return coup();
    default:
      return world_.change_setting();
  }
}

void Faults::crash_one(std::size_t node) {
  // Many restarts are quicker than the failure timeout; a few are quicker than a heartbeat.
  static constexpr std::int64_t kMost[] = {10, 80, 300, 700, 2500, 5000};
  crash_for(node, between(milliseconds{2}, milliseconds{kMost[prng_.below(6)]}));
}

void Faults::crash_for(std::size_t node, Duration away) {
  if (!world_.hosts()[node]->is_running()) return;
  world_.crash(node);
  later(away, [this, node] {
    if (!world_.hosts()[node]->is_running()) world_.start(node);
  });
}

void Faults::coup() {
  const std::size_t leader = leader_or_any();
  isolate(leader);
  for (std::size_t i = 0; i < world_.options().nodes; ++i)
    if (i != leader) crash_for(i, between(milliseconds{2}, milliseconds{60}));
}

void Faults::crash_all() {
  for (std::size_t i = 0; i < world_.options().nodes; ++i) crash_one(i);
}

void Faults::part() {
  const std::size_t nodes = world_.options().nodes;
  const bool one_way = prng_.chance(1, 3);
  std::vector<bool> side(nodes);
  for (std::size_t i = 0; i < nodes; ++i) side[i] = prng_.chance(1, 2);
  world_.note(one_way ? "partition, one way" : "partition");
  for (std::size_t a = 0; a < nodes; ++a)
    for (std::size_t b = 0; b < nodes; ++b)
      if (side[a] && !side[b]) {
        world_.network().cut(a, b);
        if (!one_way) world_.network().cut(b, a);
      }
  const std::uint64_t number = ++parted_;
  later(between(milliseconds{50}, seconds{3}), [this, number] {
    if (number != parted_) return;
    world_.note("partition over");
    world_.network().heal();
  });
}

void Faults::part_pair() {
  const std::size_t a = any_node();
  const std::size_t b = any_node();
  if (a == b) return;
  world_.note("pair cut", a, b);
  world_.network().cut(a, b);
  if (prng_.chance(1, 2)) world_.network().cut(b, a);
  if (prng_.chance(1, 2)) world_.complain(a, b);
  const std::uint64_t number = ++parted_;
  later(between(milliseconds{50}, seconds{4}), [this, number] {
    if (number == parted_) world_.network().heal();
  });
}

void Faults::isolate(std::size_t node) {
  const bool deaf = prng_.chance(2, 3);
  const bool mute = !deaf || prng_.chance(1, 2);
  world_.note(deaf ? (mute ? "isolated" : "deaf") : "mute", node);
  for (std::size_t i = 0; i < world_.options().nodes; ++i) {
    if (i == node) continue;
    if (deaf) world_.network().cut(i, node);
    if (mute) world_.network().cut(node, i);
  }
  const std::uint64_t number = ++parted_;
  later(between(milliseconds{50}, seconds{3}), [this, number] {
    if (number == parted_) world_.network().heal();
  });
}

void Faults::lose_datagrams() {
  const auto loss = static_cast<std::uint32_t>(20 + prng_.below(600));
  world_.note("datagrams are lost");
  world_.network().set_loss_permille(loss);
  world_.network().set_duplicate_permille(static_cast<std::uint32_t>(prng_.below(300)));
  later(between(milliseconds{100}, seconds{2}), [this] {
    world_.network().set_loss_permille(world_.options().loss_permille);
    world_.network().set_duplicate_permille(world_.options().duplicate_permille);
  });
}

void Faults::delay_datagrams() {
  world_.note("datagrams are late");
  world_.network().set_delay_max(between(milliseconds{20}, milliseconds{600}));
  later(between(milliseconds{100}, seconds{2}), [this] { world_.network().set_delay_max(world_.options().delay_max); });
}

void Faults::slow_disk() {
  const std::size_t node = any_node();
  world_.note("slow disk", node);
  world_.hosts()[node]->flush_extra = between(milliseconds{20}, milliseconds{600});
  later(between(milliseconds{100}, seconds{2}), [this, node] { world_.hosts()[node]->flush_extra = {}; });
}

void Faults::pause_one(std::size_t node) {
  if (!world_.hosts()[node]->is_running() || world_.hosts()[node]->paused) return;
  world_.pause(node);
  later(between(milliseconds{50}, milliseconds{1500}), [this, node] { world_.resume(node); });
}

void Faults::heal() {
  world_.note("all heals");
  Network& network = world_.network();
  network.heal();
  network.set_loss_permille(world_.options().loss_permille);
  network.set_duplicate_permille(world_.options().duplicate_permille);
  network.set_delay_max(world_.options().delay_max);
  for (std::size_t i = 0; i < world_.options().nodes; ++i) {
    world_.hosts()[i]->flush_extra = {};
    world_.resume(i);
    if (!world_.hosts()[i]->is_running()) world_.start(i);
  }
}

}  // namespace brigade::sim
