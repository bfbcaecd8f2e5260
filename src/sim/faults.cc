#include "faults.h"

#include <utility>
#include <vector>

#include "brigade/replication/filling.h"

namespace brigade::sim {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr std::size_t kLossBytesMax = 900;
}  // namespace

void Faults::later(Duration delay, std::function<void()> action) {
  world_.events().after(delay, [this, action = std::move(action)] {
    if (world_.events().now() < end_) action();
  });
}

void Faults::plan_next() {
  const Duration mean = world_.options().fault_interval;
  if (mean <= Duration::zero()) return;
  // Each fault has its own stream, so that leaving one out changes no other.
  prng_ = Prng(schedule_.next());
  later(between(mean / 10, mean * 2), [this, number = ++planned_] {
    if (!world_.options().left_out.contains(number)) strike();
    plan_next();
  });
}

void Faults::strike() {
  static constexpr struct {
    std::uint32_t weight;
    void (Faults::*fault)();
  } kFaults[] = {
      {6, &Faults::crash_somebody}, {2, &Faults::crash_leader},   {1, &Faults::crash_all},
      {3, &Faults::part},           {1, &Faults::part_pair},      {3, &Faults::isolate_somebody},
      {2, &Faults::part_newcomers}, {1, &Faults::lose_datagrams}, {1, &Faults::delay_datagrams},
      {1, &Faults::late_datagrams}, {1, &Faults::clog_somebody},  {1, &Faults::slow_disk},
      {1, &Faults::slow_restarts},  {2, &Faults::pause_somebody}, {1, &Faults::complain},
      {1, &Faults::coup},           {1, &Faults::change_setting}, {1, &Faults::change_somebody},
      {1, &Faults::replace_one},    {1, &Faults::rot_one},
  };
  if (world_.options().several_disks && prng_.chance(1, 3)) return trouble_a_disk();
  if (world_.options().upgrading && prng_.chance(1, 3)) return change_release();
  std::uint32_t sum = 0;
  for (const auto& each : kFaults) sum += each.weight;
  auto drawn = static_cast<std::uint32_t>(prng_.below(sum));
  for (const auto& each : kFaults) {
    if (drawn < each.weight) return (this->*each.fault)();
    drawn -= each.weight;
  }
}

void Faults::crash_somebody() {
  crash_one(any_node());
}
void Faults::crash_leader() {
  crash_one(leader_or_any());
}
void Faults::isolate_somebody() {
  isolate(prng_.chance(2, 3) ? leader_or_any() : any_node());
}
void Faults::pause_somebody() {
  pause_one(prng_.chance(1, 2) ? leader_or_any() : any_node());
}
void Faults::complain() {
  world_.complain(any_node(), any_node());
}
void Faults::change_setting() {
  world_.change_setting();
}

void Faults::crash_one(std::size_t node) {
  // Many restarts are quicker than the failure timeout; a few are quicker than a heartbeat.
  static constexpr std::int64_t kMost[] = {10, 80, 300, 700, 2500, 5000};
  crash_for(node, between(milliseconds{2}, milliseconds{kMost[prng_.below(6)]}));
}

void Faults::crash_for(std::size_t node, Duration away) {
  if (!world_.hosts()[node]->is_running()) return;
  world_.crash(node);
  later(away, [this, node] { world_.start(node); });
}

void Faults::coup() {
  const std::size_t leader = leader_or_any();
  isolate(leader);
  for (std::size_t i = 0; i < world_.options().nodes; ++i)
    if (i != leader) crash_for(i, between(milliseconds{2}, milliseconds{60}));
}

void Faults::crash_all() {
  if (!prng_.chance(1, 3)) return crash_somebody();
  for (std::size_t i = 0; i < world_.options().nodes; ++i) crash_one(i);
}

void Faults::part_newcomers() {
  // Several come at once, and are cut off with whoever leads: they must not make it a quorum.
  const std::size_t nodes = world_.options().nodes;
  bool came = false;
  if (prng_.chance(2, 3))
    for (std::size_t i = nodes - world_.options().spares; i < nodes; ++i)
      came = start_spare(i, milliseconds{20}) || came;
  later(came ? between(milliseconds{1}, milliseconds{30}) : milliseconds{1}, [this] { part_with_newcomers(); });
}

void Faults::part_with_newcomers() {
  const std::size_t leader = world_.coordinator();
  const std::size_t nodes = world_.options().nodes;
  if (leader >= nodes) return part();
  const cluster::ClusterMap& map = world_.hosts()[leader]->member->map();
  std::vector<bool> side(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    const cluster::RosterEntry* entry = map.node(world_.hosts()[i]->info.id);
    const bool is_new = entry == nullptr || (entry->added > Seq{1} && entry->added.value + 40 > map.seq().value);
    side[i] = i == leader || (is_new ? prng_.chance(9, 10) : prng_.chance(1, 10));
  }
  world_.note("newcomers are cut off with the coordinator");
  cut_between(side, false, between(milliseconds{300}, seconds{3}));
}

void Faults::late_datagrams() {
  world_.note("some datagrams are very late");
  world_.network().set_late_permille(static_cast<std::uint32_t>(1 + prng_.below(60)));
  later(between(milliseconds{100}, seconds{2}), [this] { world_.network().set_late_permille(0); });
}

void Faults::clog_somebody() {
  const std::size_t node = prng_.chance(1, 2) ? leader_or_any() : any_node();
  const bool out = prng_.chance(1, 2);
  const Moment until = world_.events().now() + between(milliseconds{50}, milliseconds{1200});
  world_.note(out ? "its sending is clogged" : "its receiving is clogged", node);
  for (std::size_t i = 0; i < world_.options().nodes; ++i)
    if (i != node && prng_.chance(3, 4)) world_.network().clog(out ? node : i, out ? i : node, until);
}

void Faults::slow_restarts() {
  // Commits take long, and nodes come back before what they had said is committed.
  world_.note("slow disks, quick restarts");
  for (std::size_t i = 0; i < world_.options().nodes; ++i) {
    world_.hosts()[i]->flush_extra = between(milliseconds{50}, milliseconds{400});
    later(between(milliseconds{500}, seconds{2}), [this, i] { world_.hosts()[i]->flush_extra = {}; });
    const std::size_t node = any_node();
    later(between(milliseconds{1}, milliseconds{800}), [this, node] {
      if (node != world_.coordinator()) crash_for(node, between(milliseconds{1}, milliseconds{20}));
    });
  }
}

void Faults::change_somebody() {
  const std::size_t node = any_node();
  if (prng_.chance(3, 4)) return reshape(world_.hosts()[node]->info.id);
  renew_store(node, milliseconds{2500});
}

void Faults::renew_store(std::size_t node, Duration within) {
  Host& host = *world_.hosts()[node];
  if (!host.wanted) return;
  world_.crash(node);
  world_.note("has another store", node);
  host.info.store = StoreId{prng_.next() | 1};
  later(between(milliseconds{2}, within), [this, node] { world_.start(node); });
}

/// An operator changes what a node is to hold. Whoever leads may refuse.
void Faults::reshape(NodeId id) {
  const std::size_t leader = world_.coordinator();
  if (leader >= world_.options().nodes) return;
  const auto weight = static_cast<std::uint32_t>(prng_.below(5));
  const std::string zone = "z" + std::to_string(prng_.below(4));
  const NodeId other = world_.hosts()[any_node()]->info.id;
  switch (prng_.below(4)) {
    case 0:
      static_cast<void>(world_.propose(leader, wire::NodeDraining{id, prng_.chance(1, 2)}));
      break;
    case 1:
      if (other != id) static_cast<void>(world_.propose(leader, wire::NodeReplaced{id, other}));
      break;
    default:
      static_cast<void>(world_.propose(leader, wire::NodeReshaped{id, zone, weight}));
      break;
  }
}

bool Faults::misses_somebody() const {
  for (const auto& host : world_.hosts()) {
    const bool gone = !host->wanted && host->life > 0 && !world_.reference().was_removed(host->info.id);
    if (gone || host->disk.is_damaged() || (host->is_running() && !host->member->is_whole())) return true;
  }
  return false;
}

void Faults::replace_one() {
  if (misses_somebody() || world_.reference().roster().size() < 3) return;
  const Hosts& hosts = world_.hosts();
  const std::size_t first_spare = hosts.size() - world_.options().spares;
  std::size_t spare = first_spare;
  while (spare < hosts.size() && (hosts[spare]->wanted || hosts[spare]->life > 0)) ++spare;
  const std::size_t victim = prng_.below(first_spare);
  if (spare == hosts.size() || !hosts[victim]->wanted) return;
  world_.note("is gone for good", victim);
  world_.crash(victim);
  hosts[victim]->wanted = false;
  remove_until_gone(victim);
  start_spare(spare, seconds{3});
}

bool Faults::start_spare(std::size_t node, Duration within) {
  if (world_.hosts()[node]->wanted || world_.hosts()[node]->life > 0) return false;
  world_.hosts()[node]->wanted = true;
  world_.events().after(between(milliseconds{1}, within), [this, node] { world_.start(node); });
  return true;
}

void Faults::remove_until_gone(std::size_t node) {
  world_.events().after(milliseconds{300}, [this, node] {
    const std::size_t leader = world_.coordinator();
    const NodeId id = world_.hosts()[node]->info.id;
    if (leader < world_.options().nodes) {
      if (world_.hosts()[leader]->member->map().was_removed(id)) return;
      if (!world_.propose(leader, wire::NodeRemoved{id})) give_up_what_waits_for(leader, id);
    }
    remove_until_gone(node);
  });
}

/// What nobody else has, and that is not coming back. Refused while the grace period runs.
void Faults::give_up_what_waits_for(std::size_t leader, NodeId gone) {
  const cluster::ClusterMap& map = world_.hosts()[leader]->member->map();
  BucketSet waiting;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    if (map.cell(bucket).owner == gone && replication::is_lost(map, bucket)) waiting.add(bucket);
  }
  for (BucketSet& part : waiting.split(kLossBytesMax))
    static_cast<void>(world_.propose(leader, wire::LossAccepted{std::move(part)}));
}

void Faults::rot_one() {
  const std::size_t node = any_node();
  if (misses_somebody() || world_.reference().roster().size() < 3 || !world_.hosts()[node]->is_running()) return;
  world_.crash(node);
  world_.note("its log rots", node);
  world_.hosts()[node]->disk.rot(prng_);
  later(between(milliseconds{2}, milliseconds{2500}), [this, node] { world_.start(node); });
}

void Faults::trouble_a_disk() {
  switch (prng_.below(6)) {
    case 0:
      world_.hosts()[any_node()]->sync_fails = true;
      break;
    case 1:
      // While the others elect the next one, who may have heard from it which disks it had.
      crash_leader();
      later(between(milliseconds{300}, milliseconds{800}),
            [this, node = any_node()] { renew_store(node, milliseconds{50}); });
      break;
    default:
      lose_disk();
  }
}

void Faults::lose_disk() {
  // All buckets of a family are on one disk.
  constexpr std::size_t kFamily = 16;
  const std::size_t disks = 2 + prng_.below(5);
  BucketSet lost;
  for (std::size_t first = 0; first < kBucketCount; first += kFamily)
    if (prng_.below(disks) == 0)
      for (std::size_t i = 0; i < kFamily; ++i) lost.add(BucketId{static_cast<std::uint16_t>(first + i)});
  world_.lose_disk(any_node(), lost);
}

void Faults::change_release() {
  const std::size_t node = any_node();
  Host& host = *world_.hosts()[node];
  if (!host.wanted) return;
  world_.crash(node);
  const std::uint32_t before = std::exchange(host.info.speaks, wire::kProtocolVersion + (prng_.chance(4, 5) ? 1 : 0));
  host.went_back = host.went_back || host.info.speaks < before;
  world_.note(host.info.speaks == wire::kProtocolVersion ? "gets the old release" : "gets the next release", node);
  later(between(milliseconds{2}, milliseconds{700}), [this, node] { world_.start(node); });
}

void Faults::part() {
  std::vector<bool> side(world_.options().nodes);
  for (std::size_t i = 0; i < side.size(); ++i) side[i] = prng_.chance(1, 2);
  const bool one_way = prng_.chance(1, 3);
  world_.note(one_way ? "partition, one way" : "partition");
  cut_between(side, one_way, between(milliseconds{50}, seconds{3}));
}

void Faults::cut_between(const std::vector<bool>& side, bool one_way, Duration span) {
  for (std::size_t a = 0; a < side.size(); ++a)
    for (std::size_t b = 0; b < side.size(); ++b)
      if (side[a] && !side[b]) {
        world_.network().cut(a, b);
        if (!one_way) world_.network().cut(b, a);
      }
  const std::uint64_t number = ++parted_;
  later(span, [this, number] {
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
  network.set_late_permille(0);
  for (std::size_t i = 0; i < world_.options().nodes; ++i) {
    Host& host = *world_.hosts()[i];
    host.flush_extra = {};
    host.sync_fails = false;
    if (world_.options().upgrading && host.info.speaks == wire::kProtocolVersion) {
      world_.crash(i);
      ++host.info.speaks;
    }
    world_.resume(i);
    world_.start(i);
  }
}

}  // namespace brigade::sim
