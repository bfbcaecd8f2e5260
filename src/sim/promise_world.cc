#include "promise_world.h"

#include <algorithm>
#include <memory>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

// Homes at the beginning, the end and the middle of the run; the first three are those of most runs.
const ObjectId PromiseWorld::object_ids_[kKeys] = {
    {0x0000'0000'0000'0001, 1},  {0x0003'0000'0000'0002, 2},  {0x0001'0000'0000'0003, 3},  {0x0002'0000'0000'0004, 4},
    {0x0000'0000'0000'0005, 5},  {0x0001'0000'0000'0006, 6},  {0x0002'0000'0000'0007, 7},  {0x0003'0000'0000'0008, 8},
    {0x0000'0000'0000'0009, 9},  {0x0001'0000'0000'000a, 10}, {0x0002'0000'0000'000b, 11}, {0x0003'0000'0000'000c, 12},
    {0x0000'0000'0000'000d, 13}, {0x0001'0000'0000'000e, 14}, {0x0002'0000'0000'000f, 15}, {0x0003'0000'0000'0010, 16}};

PromiseTemper::PromiseTemper(Prng& prng, PromiseProfile profile)
    : keys(prng.chance(1, 2) ? 1 : 3),
      write_interval(static_cast<Ticks>(prng.chance(1, 2) ? 3 + prng.below(12) : 30 + prng.below(200))),
      writes_at_changes(prng.below(9)),
      lags_at_changes(prng.chance(1, 2) ? 0 : 1 + prng.below(6)),
      whims(prng.chance(1, 2) ? 400 : 15 + prng.below(60)),
      lost(20 + prng.below(200)),
      slow_message(5 + prng.below(40)),
      moves(6 + prng.below(100)),
      aimed(2 + prng.below(30)),
      fault_interval(static_cast<Ticks>(40 + prng.below(300))),
      grace(prng.chance(1, 3) ? 60 : 300),
      falls(prng.below(4)),
      isolations(prng.below(3)),
      lags(prng.below(4)),
      cuts(prng.below(3)),
      shifts(1 + prng.below(4)) {
  if (profile == PromiseProfile::kLevels) draw_levels(prng);
  if (profile == PromiseProfile::kHasty) draw_hasty(prng);
  if (profile == PromiseProfile::kCrowd) draw_crowd(prng);
  if (profile == PromiseProfile::kWild) draw_wild(prng);
}

PromiseTemper::PromiseTemper(Prng& prng, const PromiseScript& script) : PromiseTemper(prng, PromiseProfile::kMixed) {
  keys = 1;
  writes_at_changes = lags_at_changes = moves = 0;
  grace = kNever;
  level_changes = static_cast<std::uint64_t>(kNever);
  lease = script.lease;
  failure_timeout = script.failure_timeout;
  patience = script.patience;
}

void PromiseTemper::draw_levels(Prng& prng) {
  keys = 1 + prng.below(PromiseWorld::kKeys);
  level_changes = 1 + prng.below(3);
  deletes = 4 + prng.below(12);
  write_interval = static_cast<Ticks>(5 + prng.below(20));
  writes_at_changes = prng.below(4);
  whims = prng.chance(1, 2) ? 400 : 40 + prng.below(100);
  lost = 60 + prng.below(400);
  fault_interval = static_cast<Ticks>(60 + prng.below(240));
  aimed = 6 + prng.below(40);
  moves = 20 + prng.below(100);
  long_faults = 1 + prng.below(3);
  falls = 1 + prng.below(4);
  lags = prng.below(2);
  lease = static_cast<Ticks>(12 + prng.below(30));
  failure_timeout = lease + lease / 4;
  commit_falls = 4 + prng.below(30);
  breaks = prng.chance(1, 2) ? 0 : 10 + prng.below(40);
  body = prng.chance(1, 2) ? 0 : static_cast<Ticks>(20 + prng.below(150));
  patience = static_cast<Ticks>(15 + prng.below(45));
  slowest_disk = static_cast<Ticks>(80 + prng.below(120));
  sharing = 1 + prng.below(4);
}

void PromiseTemper::draw_hasty(Prng& prng) {
  lease = static_cast<Ticks>(10 + prng.below(25));
  failure_timeout = lease + lease / 4;
  write_interval = static_cast<Ticks>(5 + prng.below(25));
  keys = prng.chance(1, 2) ? 1 + prng.below(4) : PromiseWorld::kKeys;
  level_changes = 1 + prng.below(4);
  slow_disks = 1 + prng.below(4);
  deletes = 3 + prng.below(6);
  fault_interval = static_cast<Ticks>(20 + prng.below(100));
  grace = 300;
  new_disks = 2 + prng.below(8);
  long_faults = 4 + prng.below(20);
  falls = 1 + prng.below(4);
  isolations = 1 + prng.below(3);
  breaks = 4 + prng.below(20);
  list_falls = 4 + prng.below(40);
  body = prng.chance(1, 3) ? 0 : static_cast<Ticks>(20 + prng.below(100));
  patience = static_cast<Ticks>(15 + prng.below(45));
  slowest_disk = static_cast<Ticks>(80 + prng.below(120));
  sharing = 1 + prng.below(4);
  fetch_pause = prng.chance(1, 2) ? 0 : static_cast<Ticks>(5 + prng.below(30));
}

void PromiseTemper::draw_crowd(Prng& prng) {
  keys = 1;
  write_interval = static_cast<Ticks>(8 + prng.below(20));
  crowd = 2 + prng.below(3);
  writes_at_changes = 3 + prng.below(6);
  lags = lags_at_changes = 0;
  cut_offs = 3 + prng.below(7);
  grants = 1 + prng.below(6);
  deletes = 2 + prng.below(3);
  whims = 60 + prng.below(200);
  lost = 60 + prng.below(200);
  slow_message = 10 + prng.below(40);
  aimed = 20 + prng.below(40);
  commit_falls = 3 + prng.below(20);
  breaks = 10 + prng.below(40);
  fault_interval = static_cast<Ticks>(60 + prng.below(300));
  long_faults = 3;
  moves = 20 + prng.below(80);
  body = prng.chance(1, 2) ? 0 : static_cast<Ticks>(10 + prng.below(50));
  lease = static_cast<Ticks>(50 + prng.below(100));
  failure_timeout = lease + lease / 4;
  sharing = 1 + prng.below(4);
}

void PromiseTemper::draw_wild(Prng& prng) {
  const auto draw = [&prng](auto& value, std::uint64_t least, std::uint64_t most) {
    using Value = std::remove_reference_t<decltype(value)>;
    if (prng.chance(1, 2)) value = static_cast<Value>(least + prng.below(most - least + 1));
  };
  draw(keys, 1, prng.chance(1, 2) ? 3 : PromiseWorld::kKeys);
  draw(write_interval, 3, 40);
  draw(writes_at_changes, 0, 9);
  draw(lags_at_changes, 0, 6);
  draw(cut_offs, 0, 9);
  draw(crowd, 1, 4);
  draw(level_changes, 1, 6);
  draw(deletes, 2, 14);
  draw(whims, 20, 400);
  draw(lost, 20, 400);
  draw(slow_message, 3, 40);
  draw(moves, 6, 120);
  draw(aimed, 2, 40);
  draw(fault_interval, 20, 300);
  draw(grace, 60, 300);
  draw(new_disks, 2, 20);
  draw(long_faults, 1, 20);
  draw(long_fault, 30, 250);
  draw(falls, 0, 4);
  draw(isolations, 0, 3);
  draw(lags, 0, 4);
  draw(cuts, 0, 3);
  draw(commit_falls, 0, 12);
  draw(list_falls, 0, 20);
  draw(breaks, 0, 30);
  draw(grants, 1, 6);
  draw(body, 0, 150);
  draw(patience, 15, 80);
  draw(slow_disks, 1, 5);
  draw(slowest_disk, 40, 200);
  draw(sharing, 1, 4);
  draw(fetch_pause, 0, 30);
  draw(lease, 10, 150);
  failure_timeout = lease + lease / 4;
}

PromiseWorld::PromiseWorld(const PromiseOptions& options, PromiseOutcome& result)
    : prng(options.seed),
      temper(options.script != nullptr ? PromiseTemper(prng, *options.script) : PromiseTemper(prng, options.profile)),
      judge(kKeys),
      outcome(result),
      script(options.script),
      faults(script == nullptr),
      options_(options) {
  for (PromiseFlaw flaw : options.broken) broken_ |= std::uint64_t{1} << static_cast<int>(flaw);
  nodes.resize(script != nullptr ? script->nodes : 3 + prng.below(4));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].id = NodeId{i + 1};
    nodes[i].store.resize(kKeys);
    nodes[i].slow_disk = prng.chance(1, temper.slow_disks) ? 2 + prng.below(4) : 10 + prng.below(60);
    const bool is_slow = prng.chance(1, 4);
    nodes[i].slow_log = is_slow ? 1 + prng.below(4) : 10 + prng.below(50);
    nodes[i].catch_up = script != nullptr ? 1 : is_slow ? 4 + prng.below(10) : 1 + prng.below(2);
  }
}

void PromiseWorld::later(Ticks delay, std::function<void()> what) {
  queue_.push({now_ + delay, ++events_, std::move(what)});
}

void PromiseWorld::later_at(PromiseNode& node, Ticks delay, std::function<void()> what) {
  later(delay, [this, id = node.id, life = node.life, what = std::move(what)] {
    PromiseNode& there = this->node(id);
    if (there.running && there.life == life) what();
  });
}

void PromiseWorld::run_until(Ticks end) {
  while (!queue_.empty() && queue_.top().at <= end && judge.violation().empty()) {
    now_ = queue_.top().at;
    auto what = std::move(const_cast<Event&>(queue_.top()).what);
    queue_.pop();
    ++outcome.events;
    what();
  }
  now_ = end;
}

void PromiseWorld::wait_for_seq(PromiseNode& node, Seq seq, Ticks deadline, std::function<void(bool)> then) {
  if (node.applied >= seq || now_ >= deadline) {
    then(node.applied >= seq);
    return;
  }
  later_at(node, 4, [this, &node, seq, deadline, then = std::move(then)] { wait_for_seq(node, seq, deadline, then); });
}

bool PromiseWorld::bites(PromiseFlaw flaw, bool matters) {
  if (!broken(flaw)) return false;
  if (matters && ++outcome.bites == 1 && options_.turn != 0) prng = Prng(options_.turn);
  if (traces()) trace("from here on without " + std::string(promise_flaw_name(flaw)));
  return true;
}

Ticks PromiseWorld::delay() {
  if (!faults || !prng.chance(1, temper.slow_message)) return some(3);
  return some(prng.chance(1, 4) ? 120 : 30);
}

void PromiseWorld::take_body(PromiseNode& node, std::function<void()> then) {
  const Ticks way = delay();
  const Ticks body = temper.body > 0 && faults && prng.chance(1, 3) ? some(temper.body) : slow_bodies;
  later_at(node, way + body, std::move(then));
}

void PromiseWorld::carry(NodeId from, NodeId to, std::function<void()> what, std::function<void()> refused) {
  const bool cut = from != to && cuts.contains(std::minmax(from, to));
  if (cut || (from != to && faults && prng.chance(1, temper.lost))) return;
  later(from == to ? 1 : delay(), [this, to, what = std::move(what), refused = std::move(refused)] {
    if (node(to).running) {
      what();
    } else if (refused) {
      refused();
    }
  });
}

void PromiseWorld::call(PromiseNode& from, NodeId to, std::function<void(PromiseNode&, PromiseAnswer)> handler,
                        PromiseAnswer done, Ticks timeout) {
  struct Pending {
    PromiseAnswer done;
    Incarnation life;
    bool answered = false;
  };
  auto pending = std::make_shared<Pending>(Pending{std::move(done), from.life});
  auto finish = [this, pending, &from](const PromiseReply& reply) {
    if (pending->answered) return;
    pending->answered = true;
    if (from.running && from.life == pending->life) pending->done(std::move(reply));
    pending->done = nullptr;
  };
  if (timeout == 0) timeout = temper.patience;
  const bool breaks = temper.breaks > 0 && from.id != to && faults && prng.chance(1, temper.breaks);
  if (breaks) timeout = std::min(timeout, some(20));
  later_at(from, timeout, [finish] { finish({.kind = PromiseReply::Kind::kLost}); });
  if (breaks && prng.chance(1, 2)) return;
  std::function<void()> refused;
  if (temper.breaks > 0) refused = [finish] { finish({.kind = PromiseReply::Kind::kLost}); };
  auto arrived = [this, &from, to, handler = std::move(handler), finish] {
    handler(node(to), [this, &from, to, finish](const PromiseReply& reply) {
      carry(to, from.id, [finish, reply = std::move(reply)] { finish(reply); });
    });
  };
  carry(from.id, to, arrived, refused);
}

void PromiseWorld::tell(const PromiseNode& node, std::function<void()> what) {
  if (node.isolated || (faults && prng.chance(1, 20))) return;
  later(delay(), std::move(what));
}

void PromiseWorld::tell_log(PromiseNode& node, Seq seq) {
  if (node.isolated || (faults && prng.chance(1, 20))) return;
  const Ticks takes = faults && prng.chance(1, node.slow_log) ? some(60) : some(4);
  later(takes, [this, &node, seq] {
    if (node.running && now_ >= node.lags_until) node.applied = std::max(node.applied, seq);
  });
}

void PromiseWorld::disk(PromiseNode& node, std::function<void()> visit, std::function<void()> then) {
  const Ticks takes =
      faults && prng.chance(1, node.slow_disk) ? some(prng.chance(1, 4) ? temper.slowest_disk : 20) : some(2);
  later_at(node, takes, [this, &node, visit = std::move(visit), then = std::move(then)]() mutable {
    visit();
    // It may fall between what the disk does and what it says of it.
    later_at(node, prng.below(2), std::move(then));
  });
}

bool PromiseWorld::is_known(const PromiseNode& node) const {
  const auto* entry = map(node).node(node.id);
  return entry != nullptr && entry->incarnation == node.life && entry->node.store == node.disk;
}

bool PromiseWorld::may_serve(const PromiseNode& node) const {
  if (now_ >= node.memory.lease_until) return false;
  if (node.applied < node.memory.grant_seq && !broken(PromiseFlaw::kGrantSeqIgnored)) return false;
  return is_known(node) || broken(PromiseFlaw::kNewLifeServesAtOnce);
}

bool PromiseWorld::serves(const PromiseNode& node, BucketId bucket) const {
  const cluster::ClusterMap& map = this->map(node);
  const cluster::Cell& cell = map.cell(bucket);
  if (broken(PromiseFlaw::kServesAfterMove) && map.is_up(node.id) && node.memory.served.contains(bucket)) return true;
  if (broken(PromiseFlaw::kFillingServes) && cell.owner == node.id && map.is_up(node.id)) return true;
  if (broken(PromiseFlaw::kReleaseSkipped) && cell.owner == node.id && cell.state == cluster::BucketState::kReleased)
    return true;
  if (!replication::serves(map, node.id, bucket)) return false;
  auto at = node.memory.released.find(bucket);
  return at == node.memory.released.end() || !cell.new_owner || cell.new_assigned != at->second;
}

void PromiseWorld::crash(PromiseNode& node) {
  node.running = false;
  ++outcome.crashes;
  for (std::size_t op : node.memory.attempts) judge.attempt_ends(op, now_);
  node.memory = PromiseMemory{};
  if (traces()) trace("n" + std::to_string(node.id.value) + " falls");
}

void PromiseWorld::restart(PromiseNode& node, bool new_disk) {
  node.running = true;
  node.life = Incarnation{node.life.value + 1};
  node.applied = Seq{node.saved.value + prng.below(node.applied.value - node.saved.value + 1)};
  if (new_disk) {
    node.disk = StoreId{node.disk.value + 1};
    node.store.assign(kKeys, std::nullopt);
  }
  if (traces())
    trace("n" + std::to_string(node.id.value) + " starts, map " + std::to_string(node.applied.value) +
          (new_disk ? ", new disk" : ""));
}

void PromiseWorld::begin_attempt(PromiseNode& node, std::size_t op) {
  judge.attempt_begins(op);
  node.memory.attempts.insert(op);
}

void PromiseWorld::end_attempt(PromiseNode& node, std::size_t op) {
  judge.attempt_ends(op, now_);
  node.memory.attempts.erase(node.memory.attempts.find(op));
}

void PromiseWorld::trace(const std::string& line) const {
  if (options_.trace) options_.trace(std::to_string(now_) + " " + line);
}

}  // namespace brigade::sim
