#include "repairer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {
constexpr std::chrono::milliseconds kTurn{200};
constexpr std::chrono::milliseconds kWaitMin{500};
constexpr std::chrono::milliseconds kWaitMax{60'000};
constexpr std::size_t kAtOnce = 1024;
}  // namespace

asio::awaitable<void> Repairer::run() {
  while (!stopped_) {
    if (context_.store.stats().damaged == 0) {
      waits_.clear();
    } else if (context_.control.may_serve()) {
      co_await repair_all();
    }
    co_await pause_for(kTurn);
  }
}

asio::awaitable<void> Repairer::repair_all() {
  store::ObjectStore* store = &context_.store;
  const std::size_t most = kAtOnce + waits_.size();  // those that wait must not hide the others
  auto visit = [store, most] { return store->damaged(most); };
  const std::vector<store::IndexEntry> damaged = co_await context_.disk.run_behind(std::move(visit));
  for (const store::IndexEntry& entry : damaged) {
    if (stopped_ || !context_.control.may_serve()) co_return;
    const auto waiting = waits_.find(entry.id);
    const auto now = std::chrono::steady_clock::now();
    if (waiting != waits_.end() && now < waiting->second.until) continue;
    const bool repaired = co_await repair(entry);
    if (repaired) {
      waits_.erase(entry.id);
      continue;
    }
    Wait& wait = waits_.try_emplace(entry.id, Wait{now, kWaitMin}).first->second;
    wait.until = std::chrono::steady_clock::now() + wait.next;
    wait.next = std::min(2 * wait.next, kWaitMax);
  }
}

asio::awaitable<bool> Repairer::repair(store::IndexEntry entry) {
  const auto view = context_.view();
  for (const auto& candidate : replication::read_candidates(view->map, entry.id)) {
    if (candidate.node == context_.self) continue;
    auto fetched = co_await fetcher_.fetch_object(candidate.node, entry, view->map.seq());
    const auto now = context_.store.find(entry.id);
    if (!now || !now->corrupt) {
      spdlog::info("repaired object={} revision={} from={}", to_string(entry.id), to_string(entry.revision),
                   NodeContext::name_of(view->map, candidate.node));
      co_return true;
    }
    if (!fetched)
      spdlog::debug("repair object={} from={} error=\"{}\"", to_string(entry.id),
                    NodeContext::name_of(view->map, candidate.node), fetched.error().detail());
  }
  if (!waits_.contains(entry.id))
    spdlog::warn("damaged object={} revision={}: no node gives a good copy now; asking again", to_string(entry.id),
                 to_string(entry.revision));
  co_return false;
}

}  // namespace brigade::node
