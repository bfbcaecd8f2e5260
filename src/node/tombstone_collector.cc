#include "tombstone_collector.h"

#include "own_store.h"
#include "record_fields.h"
#include "sibling_lists.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

constexpr std::chrono::seconds kLatestMessage{30};  ///< beyond the deadline of the write that it belongs to
constexpr std::chrono::milliseconds kTurn{200};
constexpr std::chrono::milliseconds kPeerTimeout{5000};
constexpr std::size_t kAtOnce = 1000;
constexpr std::size_t kAnswerBytesMax = 1 << 20;
constexpr std::size_t kRunBuckets = placement::kWidestLevel.redundancy();

/// Often enough that a tombstone stays an eighth longer than it must, at most.
std::chrono::steady_clock::duration interval(const Settings& settings) {
  return std::clamp<std::chrono::steady_clock::duration>(tombstone_age(settings) / 8, std::chrono::seconds{5},
                                                         std::chrono::hours{1});
}

}  // namespace

Duration tombstone_age(const Settings& settings) {
  return std::max<Duration>(settings.retention, settings.write_deadline + kLatestMessage);
}

asio::awaitable<void> TombstoneCollector::run() {
  auto last = std::chrono::steady_clock::now();
  while (!stopped_) {
    if (std::chrono::steady_clock::now() - last >= interval(context_.view()->map.settings())) {
      const std::uint64_t gone = co_await pass(wall_now());
      if (gone > 0) spdlog::info("tombstones collected count={}", gone);
      last = std::chrono::steady_clock::now();
    }
    co_await pause_for(kTurn);
  }
}

asio::awaitable<std::uint64_t> TombstoneCollector::pass(WallTime now) {
  std::uint64_t gone = 0;
  for (std::size_t first = 0; first < kBucketCount && !stopped_; first += kRunBuckets) {
    const BucketId run{static_cast<std::uint16_t>(first)};
    // Requests have their turn in between.
    if (first % (64 * kRunBuckets) == 0) co_await asio::post(context_.executor, asio::use_awaitable);
    for (;;) {
      Entries tombstones = co_await due(run, now);
      if (tombstones.empty()) break;
      const bool is_all = tombstones.size() < kAtOnce;
      const std::uint64_t went = co_await collect(run, std::move(tombstones));
      gone += went;
      if (is_all || went == 0) break;
    }
  }
  context_.stats.tombstones_collected += gone;
  co_return gone;
}

asio::awaitable<TombstoneCollector::Entries> TombstoneCollector::due(BucketId first, WallTime now) {
  Entries found;
  const auto view = context_.view();
  for (std::size_t i = 0; i < kRunBuckets; ++i) {
    const BucketId home{static_cast<std::uint16_t>(first.value + i)};
    if (context_.store.stats(home).tombstones == 0) continue;
    for (const store::IndexEntry& e : context_.store.list(home))
      if (e.tombstone && !e.corrupt) found.push_back(e);
  }
  if (found.empty() || !replication::settled_run(view->map, first, placement::kWidestLevel)) co_return Entries{};
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(tombstone_age(view->map.settings())).count();
  store::ObjectStore* store = &context_.store;
  auto visit = [store, &found, until = now.unix_ms - age] {
    Entries old;
    for (const store::IndexEntry& e : found) {
      const auto meta = store->meta(e.id);
      if (meta && meta->tombstone && meta->revision == e.revision && meta->modified.unix_ms <= until) old.push_back(e);
      if (old.size() == kAtOnce) break;
    }
    return old;
  };
  Entries old = co_await context_.disk.run_behind(std::move(visit));
  co_return std::move(old);
}

asio::awaitable<std::uint64_t> TombstoneCollector::collect(BucketId first, Entries tombstones) {
  const auto view = context_.view();
  const Seq as_of = view->map.seq();
  const auto nodes = replication::settled_run(view->map, first, placement::kWidestLevel);
  if (!nodes || !context_.control.may_serve()) co_return 0;
  for (const NodeId node : *nodes) {
    if (node == context_.self || tombstones.empty()) continue;
    auto agreed = co_await ask(node, as_of, std::move(tombstones));
    if (!agreed) co_return 0;
    tombstones = std::move(*agreed);
  }
  std::uint64_t gone = 0;
  for (const store::IndexEntry& e : tombstones) {
    const auto now = context_.view();
    const bool stands = replication::settled_run(now->map, first, placement::kWidestLevel) &&
                        replication::replica_set(now->map, e.id, placement::kWidestLevel).since <= as_of;
    if (!stands || !context_.control.may_serve() || stopped_) break;
    const auto went = co_await forget_here(context_, e.id, e.revision);
    if (!went) break;
    ++gone;
  }
  co_return gone;
}

asio::awaitable<Result<TombstoneCollector::Entries>> TombstoneCollector::ask(NodeId node, Seq as_of,
                                                                             Entries tombstones) {
  std::string body;
  for (const store::IndexEntry& e : tombstones) append_entry(body, e);
  net::RequestHead head;
  head.method = "POST";
  head.target = "/peer/older";
  head.fields.add(kMapSeqField, to_string(as_of));
  std::string address = NodeContext::peer_address(context_.view()->map, node);
  auto answer = co_await context_.peers.fetch(std::move(address), std::move(head), std::move(body), kAnswerBytesMax,
                                              kPeerTimeout);
  if (!answer) co_return answer.error();
  if (answer->first.status != 200)
    co_return Error{Errc::kUnavailable, "a sibling answered " + std::to_string(answer->first.status)};
  const auto against = parse_entries(answer->second);
  if (!against) co_return against.error();
  std::erase_if(tombstones, [&](const store::IndexEntry& e) {
    return std::ranges::any_of(*against, [&](const store::IndexEntry& other) { return other.id == e.id; });
  });
  co_return std::move(tombstones);
}

}  // namespace brigade::node
