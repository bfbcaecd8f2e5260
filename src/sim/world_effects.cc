// Carrying out what nodes ask for.
#include "world.h"

#include <algorithm>
#include <utility>

#include "brigade/base/check.h"

namespace brigade::sim {

namespace {
constexpr Duration kFillDelayMax = std::chrono::milliseconds{60};
constexpr Duration kIndexTakes = std::chrono::milliseconds{2};
constexpr Duration kIndexTakesMore = std::chrono::milliseconds{80};
constexpr Duration kSayAgain = std::chrono::milliseconds{250};
constexpr Duration kStartAgain = std::chrono::seconds{2};
}  // namespace

void World::carry_out(std::size_t node, cluster::Effects effects) {
  Host& host = *hosts_[node];
  if (observer_ != nullptr) observer_->on_effects(node, effects);
  for (const cluster::Event& event : effects.events) tell(node, event);
  if (!effects.committed.empty()) {
    const std::size_t fresh = log_checker_.on_committed(node, hosts_, effects.committed, verdict_);
    if (fresh > 0) serving_checker_.on_reference(log_checker_.reference(), hosts_, effects.committed, fresh);
    history_.add({events_.now(), node, "commits", {}, kWorld, {}, host.member->commit().value});
  }
  if (effects.map_changed) {
    const BucketSet concerned = host.data.on_map(host.member->map());
    if (effects.committed.empty()) {
      serving_checker_.on_whole_map(node, host);
    } else {
      serving_checker_.on_committed(node, host, effects.committed);
      serving_checker_.on_buckets(node, host, concerned);
    }
    plan_look(node, std::chrono::milliseconds{10});
  }
  if (effects.persist) submit(node, std::move(*effects.persist));
  for (const cluster::Send& out : effects.send) send(node, out);
  if (effects.fetch_index) fetch_index(node, effects.fetch_index->from);
}

void World::submit(std::size_t node, cluster::PersistBatch batch) {
  Host& host = *hosts_[node];
  const std::uint64_t number = batch.number;
  for (const cluster::PersistOp& op : batch.ops)
    if (const auto* append = std::get_if<cluster::AppendEntries>(&op))
      log_checker_.on_entries(node, append->entries, verdict_);
  host.disk.submit(std::move(batch));
  Moment done = events_.now() + options_.flush_min + some(options_.flush_max - options_.flush_min) + host.flush_extra;
  done = std::max(done, host.flushed_at + std::chrono::microseconds{20});
  host.flushed_at = done;
  auto persisted = [this, node, number] {
    if (observer_ != nullptr) observer_->on_durable(node, number);
    give(node, [&](cluster::Member& m, Instant now) { return m.persisted(now, number); });
  };
  const bool lies = options_.flaw == Flaw::kDiskLies;
  events_.at(done, [this, node, life = host.life, lies, persisted] {
    if (hosts_[node]->life != life) return;
    if (hosts_[node]->sync_fails) return fail_sync(node);
    hosts_[node]->disk.finish_oldest();
    if (!lies) in_life(node, life, persisted);
  });
  if (lies) events_.after({}, [this, node, life = host.life, persisted] { in_life(node, life, persisted); });
}

void World::fail_sync(std::size_t node) {
  note("can't sync", node);
  hosts_[node]->sync_fails = false;
  crash(node);
  events_.after(some(kStartAgain), [this, node] { start(node); });
}

void World::send(std::size_t node, const cluster::Send& out) {
  const Host& host = *hosts_[node];
  gate_checker_.on_send(node, host, out.message, verdict_);
  auto envelope = std::make_shared<wire::Envelope>();
  envelope->from = host.info.id;
  envelope->incarnation = host.disk.incarnation();
  envelope->message = out.message;
  envelope->version = out.version;
  envelope->speaks = host.info.speaks;
  std::vector<Observer::Copy> copies;
  for (std::size_t to = 0; to < hosts_.size(); ++to) {
    if (to == node || (out.to && hosts_[to]->info.id != *out.to)) continue;
    const std::optional<Duration> takes = network_.send(node, to, envelope);
    if (observer_ != nullptr) copies.push_back({to, takes});
  }
  if (observer_ != nullptr) observer_->on_send(node, *envelope, !out.to, copies);
}

void World::tell(std::size_t node, const cluster::Event& event) {
  history_.add({events_.now(),
                node,
                cluster::event_name(event.kind),
                {},
                event.node ? index_of(event.node) : kWorld,
                event.epoch,
                event.seq.value});
  switch (event.kind) {
    case cluster::Event::Kind::kCoordinating:
      ++outcome_.groups;
      log_checker_.on_coordinating(node, *hosts_[node], verdict_);
      break;
    case cluster::Event::Kind::kIndexInstalled:
      ++outcome_.index_transfers;
      log_checker_.on_index(node, *hosts_[node], verdict_);
      break;
    case cluster::Event::Kind::kRolledBack:
      ++outcome_.rollbacks;
      break;
    case cluster::Event::Kind::kOutdated:
      on_outdated(node);
      events_.after({}, [this, node, life = hosts_[node]->life] {
        if (hosts_[node]->life == life) crash(node);
      });
      break;
    default:
      break;
  }
}

void World::fetch_index(std::size_t node, NodeId from) {
  const std::uint64_t life = hosts_[node]->life;
  const std::size_t peer = index_of(from);
  const Duration delay = kIndexTakes + some(kIndexTakesMore);
  note("fetches index", node, peer);
  // The peer makes it half way through; then it is on its way.
  events_.after(delay / 2, [this, node, peer, life, delay] {
    std::shared_ptr<const wire::Snapshot> snapshot;
    if (peer != kWorld && hosts_[peer]->is_running() && !hosts_[peer]->paused && !network_.is_cut(node, peer) &&
        !network_.is_cut(peer, node)) {
      const Host& host = *hosts_[peer];
      if (host.member->may_hand_out_index(host.clock.local(events_.now()))) {
        auto index = host.member->map().snapshot();
        if (options_.flaw == Flaw::kIndexIncomplete)
          std::fill(index.cells.begin() + kBucketCount / 2, index.cells.end(), wire::Cell{});
        snapshot = std::make_shared<const wire::Snapshot>(std::move(index));
      }
    }
    events_.after(delay / 2, [this, node, life, snapshot] {
      in_life(node, life, [this, node, snapshot] {
        give(node, [&](cluster::Member& m, Instant now) {
          return snapshot ? m.on_index(now, *snapshot) : m.on_index_failed(now);
        });
      });
    });
  });
}

void World::plan_look(std::size_t node, Duration delay) {
  Host& host = *hosts_[node];
  if (host.look_planned) return;
  host.look_planned = true;
  events_.after(delay + some(kFillDelayMax),
                [this, node, life = host.life] { in_life(node, life, [this, node] { look(node); }); });
}

void World::look(std::size_t node) {
  Host& host = *hosts_[node];
  host.look_planned = false;
  BucketSet released;
  std::vector<wire::Report> reports = host.data.look(host.member->map(), released);
  serving_checker_.on_buckets(node, host, released);
  if (reports.empty()) return;
  plan_look(node, kSayAgain);
  // Filling takes a while, and what is said then holds for the map as it was.
  events_.after(some(kFillDelayMax), [this, node, life = host.life, reports = std::move(reports)] {
    in_life(node, life, [this, node, reports] {
      for (const wire::Report& report : reports)
        give(node, [&](cluster::Member& m, Instant now) { return m.report(now, report); });
    });
  });
}

}  // namespace brigade::sim
