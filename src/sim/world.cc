#include "world.h"

#include "faults.h"

#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kJoinInterval = milliseconds{700};
constexpr std::size_t kWaitingMax = 500;

/// The cluster's map before anything happens, and the hosts with what is on their disks.
cluster::ClusterMap start_map(const wire::Snapshot& snapshot) {
  auto map = cluster::ClusterMap::from(snapshot);
  BRIGADE_CHECK(map.has_value(), "the simulation's own first snapshot can't be read");
  return std::move(*map);
}

Hosts make_hosts(const Options& options, const Beginning& beginning, Prng& prng) {
  Hosts hosts;
  for (std::size_t i = 0; i < options.nodes; ++i) {
    const auto range = static_cast<std::uint64_t>(2 * options.drift_ppm_max + 1);
    auto ppm = static_cast<std::int64_t>(prng.below(range)) - options.drift_ppm_max;
    if (options.flaw == Flaw::kClocksRunWild) ppm = i % 2 == 0 ? 100'000 : -100'000;
    const wire::NodeInfo& info = beginning.machines[i];
    const bool is_member = std::ranges::any_of(beginning.snapshot->roster,
                                               [&](const wire::RosterEntry& e) { return e.node.id == info.id; });
    hosts.push_back(std::make_unique<Host>(info, Disk(kCluster, is_member ? beginning.snapshot : nullptr), ppm));
  }
  return hosts;
}

}  // namespace

World::World(const Options& options) : World(options, beginning(options)) {}

World::World(const Options& options, const Beginning& beginning)
    : options_(options),
      prng_(options.seed),
      history_(options.trace),
      network_(events_, options_, Prng(prng_.next()),
               [this](std::size_t to, std::shared_ptr<const wire::Envelope> envelope) {
                 const std::uint64_t life = hosts_[to]->life;
                 if (hosts_[to]->paused && hosts_[to]->waiting.size() >= kWaitingMax) return;
                 in_life(to, life, [this, to, envelope = std::move(envelope)] { receive(to, *envelope); });
               }),
      hosts_(make_hosts(options_, beginning, prng_)),
      log_checker_(start_map(*beginning.snapshot), options_.nodes),
      lease_checker_(options_.nodes),
      gate_checker_(options_.nodes),
      serving_checker_(log_checker_.reference(), hosts_) {
  BRIGADE_CHECK(options_.nodes >= 1 && options_.nodes <= limits::kNodesMax, options_.nodes << " nodes");
  for (std::size_t i = options_.nodes - options_.spares; i < options_.nodes; ++i) hosts_[i]->wanted = false;
  BRIGADE_CHECK(beginning.machines.size() == options_.nodes, beginning.machines.size() << " machines");
}

Outcome World::run() {
  for (std::size_t i = 0; i < options_.nodes; ++i) {
    // Often several join at the same time.
    const auto turn = static_cast<std::int64_t>(options_.seed % 3 == 0 ? (i + 2) / 3 : i);
    const Duration delay = options_.joining ? kJoinInterval * turn : milliseconds{i};
    events_.at(delay, [this, i] { start(i); });
  }
  Faults faults(*this, Prng(prng_.next()));
  faults.unleash(options_.faults);
  while (!verdict_.failed() && !events_.empty() && events_.next_at() < options_.faults) events_.run_next();
  outcome_.faults = faults.planned();
  if (verdict_.failed()) return outcome();
  faults.heal();
  const Moment deadline = options_.faults + options_.heal_limit;
  Moment look_at = options_.faults;
  while (!verdict_.failed() && !events_.empty()) {
    if (events_.now() >= look_at) {
      if (has_settled()) break;
      look_at = events_.now() + milliseconds{50};
    }
    if (events_.next_at() > deadline) {
      verdict_.fail("not together again in time: " + why_not_settled());
      break;
    }
    events_.run_next();
  }
  outcome_.healed_in = events_.now() - options_.faults;
  for (std::size_t i = 0; i < options_.nodes && !verdict_.failed(); ++i)
    if (hosts_[i]->is_running()) log_checker_.check_digest(i, *hosts_[i], verdict_);
  return outcome();
}

Outcome World::outcome() {
  outcome_.trace_hash = history_.hash();
  outcome_.datagrams = network_.sent();
  outcome_.committed = log_checker_.reference().seq().value;
  if (verdict_.failed()) {
    outcome_.violation = "seed " + std::to_string(options_.seed) + ", at " +
                         std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(events_.now()).count()) +
                         " us: " + verdict_.violation() + "\nbefore that:\n" + history_.recent();
  }
  return outcome_;
}

void World::note(std::string_view what, std::size_t node, std::size_t other) {
  if (observer_ != nullptr) observer_->on_note(what, node, other);
  history_.add({events_.now(), node, what, {}, other, {}, 0});
}

std::size_t World::coordinator() const {
  for (std::size_t i = 0; i < hosts_.size(); ++i)
    if (hosts_[i]->is_running() && hosts_[i]->member->is_coordinator()) return i;
  return hosts_.size();
}

void World::start(std::size_t node) {
  Host& host = *hosts_[node];
  if (host.is_running() || !host.wanted) return;
  cluster::Boot boot = host.disk.boot();
  ++host.life;
  const Instant origin{std::chrono::seconds{2} + Duration{static_cast<std::int64_t>(prng_.below(1'000'000'000'000))}};
  host.clock = Clock(events_.now(), origin, host.drift_ppm);
  host.data.restart();
  if (options_.flaw == Flaw::kReleaseForgotten) host.data.forget_releases();
  if (options_.flaw == Flaw::kLostServed) host.data.serve_lost();
  host.heard.clear();
  host.flushed_at = events_.now();
  host.tick_at = Moment::max();
  host.look_planned = false;
  history_.add({events_.now(), node, "starts", {}, kWorld, boot.promised, boot.incarnation.value});
  const Prng prng(options_.steady ? options_.seed + 1000 * host.life + node : prng_.next());
  auto member = cluster::Member::make(host.info, std::move(boot), prng, origin);
  if (!member && member.error().code() == Errc::kConflict) {
    on_outdated(node);
    return;
  }
  BRIGADE_CHECK(member.has_value(), "what is on the disk can't be read: " << member.error().detail());
  host.member = std::move(*member);
  log_checker_.on_start(node, host, verdict_);
  serving_checker_.on_whole_map(node, host);
  plan_look(node, milliseconds{20});
  give(node, [](cluster::Member& m, Instant now) { return m.tick(now); });
}

/// Nobody is left behind but by going back, or by never having been in the roster.
void World::on_outdated(std::size_t node) {
  note("is too old for its log", node);
  ++outcome_.outdated;
  if (!hosts_[node]->went_back && reference().node(hosts_[node]->info.id) != nullptr)
    verdict_.fail(name_of(node) + " does not speak the protocol version in force, and never spoke more");
}

void World::crash(std::size_t node) {
  Host& host = *hosts_[node];
  if (!host.is_running()) return;
  note("crashes", node);
  ++outcome_.crashes;
  ++host.life;
  host.member.reset();
  host.paused = false;
  host.waiting.clear();
  host.disk.crash(prng_);
  lease_checker_.forget(node);
}

void World::pause(std::size_t node) {
  if (!hosts_[node]->is_running()) return;
  note("pauses", node);
  hosts_[node]->paused = true;
}

void World::resume(std::size_t node) {
  Host& host = *hosts_[node];
  if (!host.paused) return;
  note("resumes", node);
  host.paused = false;
  auto waiting = std::exchange(host.waiting, {});
  for (auto& action : waiting) in_life(node, host.life, std::move(action));
}

void World::complain(std::size_t node, std::size_t other) {
  if (node == other || !hosts_[node]->is_running() || hosts_[node]->paused) return;
  note("complains", node, other);
  const wire::Report report{wire::ReportKind::kUnreachable, hosts_[node]->member->commit(), {}, hosts_[other]->info.id};
  give(node, [&](cluster::Member& m, Instant now) { return m.report(now, report); });
}

void World::lose_disk(std::size_t node, const BucketSet& buckets) {
  Host& host = *hosts_[node];
  if (!host.is_running() || host.paused) return;
  note("loses one of its disks", node);
  host.data.lose(buckets, host.member->map());
  serving_checker_.on_buckets(node, host, buckets);
  plan_look(node, {});
}

Result<Position> World::propose(std::size_t node, const wire::Change& change) {
  if (!hosts_[node]->is_running() || hosts_[node]->paused)
    return Error{Errc::kUnavailable, name_of(node) + " does not answer"};
  Result<Position> result = Position{};
  give(node, [&](cluster::Member& m, Instant now) {
    cluster::Effects effects;
    result = m.propose(now, change, effects);
    return effects;
  });
  return result;
}

Duration World::some(Duration bound) {
  if (options_.steady) return bound / 2;
  return Duration{static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>(bound.count())))};
}

void World::change_setting() {
  const std::size_t node = coordinator();
  if (node == hosts_.size() || hosts_[node]->paused) return;
  note("setting", node);
  static_cast<void>(
      propose(node, wire::SettingChanged{"retention", std::to_string(++settings_changed_ % 1000 + 1) + "min"}));
}

void World::in_life(std::size_t node, std::uint64_t life, std::function<void()> action) {
  Host& host = *hosts_[node];
  if (verdict_.failed() || host.life != life || !host.is_running()) return;
  if (host.paused) {
    host.waiting.push_back(std::move(action));
    return;
  }
  action();
}

void World::receive(std::size_t node, const wire::Envelope& envelope) {
  Host& host = *hosts_[node];
  Incarnation& heard = host.heard[envelope.from];
  if (envelope.incarnation < heard || !wire::reads(host.info.speaks, envelope.version)) return;
  heard = envelope.incarnation;
  history_.add({events_.now(), node, "gets", wire::kind_name(envelope.message), index_of(envelope.from), {}, 0});
  give(node, [&](cluster::Member& m, Instant now) { return m.step(now, envelope); });
}

void World::check(std::size_t node) {
  log_checker_.check(events_.now(), node, *hosts_[node], verdict_);
  lease_checker_.note(node, *hosts_[node]);
  if (events_.now() < check_at_) return;
  check_at_ = events_.now() + options_.check_interval;
  lease_checker_.check(events_.now(), hosts_, verdict_);
  serving_checker_.check(events_.now(), log_checker_.reference(), hosts_, verdict_);
}

void World::plan_tick(std::size_t node) {
  Host& host = *hosts_[node];
  const Moment due = host.clock.moment(host.member->next_tick());
  if (due == Moment::max() || due == host.tick_at) return;
  host.tick_at = due;
  // Timers are late, mostly a little.
  const Duration late = options_.steady ? Duration{} : some(prng_.chance(1, 20) ? milliseconds{3} : microseconds{200});
  events_.at(std::max(due, events_.now()) + late, [this, node, due, life = host.life] {
    if (hosts_[node]->tick_at != due) return;
    in_life(node, life, [this, node] {
      hosts_[node]->tick_at = Moment::max();
      give(node, [](cluster::Member& m, Instant now) { return m.tick(now); });
    });
  });
}

std::size_t World::index_of(NodeId id) const {
  auto at = std::ranges::find_if(hosts_, [&](const auto& host) { return host->info.id == id; });
  return at == hosts_.end() ? kWorld : static_cast<std::size_t>(at - hosts_.begin());
}

}  // namespace brigade::sim
