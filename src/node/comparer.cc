#include "comparer.h"

#include "own_store.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "brigade/replication/filling.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

constexpr std::chrono::seconds kInterval{10};
constexpr std::chrono::milliseconds kTurn{200};
constexpr std::chrono::milliseconds kSecondLook{1000};
constexpr std::size_t kPartsPerQuestion = 4096;
constexpr std::size_t kBucketsInOneGo = 256;  ///< before requests have their turn
constexpr std::size_t kPartsPerList = 64;
constexpr std::size_t kDifferencesMax = 1000;  ///< that are named

/// The next `count` of them at most.
std::vector<SharedPart> slice(const std::vector<SharedPart>& parts, std::size_t at, std::size_t count) {
  const auto begin = parts.begin() + static_cast<std::ptrdiff_t>(at);
  const auto end = parts.begin() + static_cast<std::ptrdiff_t>(std::min(parts.size(), at + count));
  return {begin, end};
}

std::size_t count_parts(const std::map<NodeId, std::vector<SharedPart>>& questions) {
  std::size_t count = 0;
  for (const auto& [partner, parts] : questions) count += parts.size();
  return count;
}

}  // namespace

asio::awaitable<void> Comparer::run() {
  // The first comparison follows the start: writes that were under way when this node fell are settled by it.
  auto next = std::chrono::steady_clock::now();
  while (!stopped_) {
    if (std::chrono::steady_clock::now() >= next && context_.control.may_serve()) {
      co_await compare_all();
      co_await clear_unplaced();
      next = std::chrono::steady_clock::now() + kInterval;
    }
    co_await pause_for(kTurn);
  }
}

asio::awaitable<Comparison> Comparer::compare_all() {
  Comparison outcome;
  Questions wanted = co_await questions(outcome);
  outcome.parts = count_parts(wanted);
  // A write that is under way is here and not yet there, or the other way round.
  auto unequal = co_await look(std::move(wanted), outcome);
  if (unequal.empty()) co_return std::move(outcome);
  co_await pause_for(kSecondLook);
  unequal = co_await look(std::move(unequal), outcome);
  if (unequal.empty()) co_return std::move(outcome);
  co_await mend(unequal, outcome);
  const std::size_t differed = count_parts(unequal);
  unequal = co_await look(std::move(unequal), outcome);
  outcome.mended = differed - count_parts(unequal);
  co_await name_differences(unequal, outcome);
  co_return std::move(outcome);
}

asio::awaitable<Comparer::Questions> Comparer::questions(Comparison& outcome) const {
  const auto view = context_.view();
  const std::size_t nodes = view->map.roster().size();
  Questions wanted;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    if (i % kBucketsInOneGo == 0) co_await let_others_run();
    const BucketId home{static_cast<std::uint16_t>(i)};
    for (std::uint8_t k = 0; k < placement::kLevelCount; ++k) {
      const SharedPart part{home, placement::Level{k}};
      const std::uint64_t records = context_.store.digest(home, k).count;
      if (records == 0) continue;  // whoever has something there asks us
      for (const NodeId partner : replication::comparison_partners(view->map, home, part.level, context_.self))
        wanted[partner].push_back(part);
      const auto in_sync = replication::in_sync_nodes(view->map, home, part.level);
      if (in_sync.empty() || in_sync.front() != context_.self) continue;
      outcome.records += records;
      bool all_in_sync = true;
      for (std::uint32_t j = 0; j < part.level.redundancy(); ++j)
        all_in_sync = all_in_sync && view->map.is_in_sync(placement::by_distance(home, j));
      if (!all_in_sync)
        outcome.shortages.push_back({part, in_sync.size(), records});
      else if (in_sync.size() < std::min<std::size_t>(part.level.redundancy(), nodes))
        outcome.crowded += records;
    }
  }
  co_return std::move(wanted);
}

asio::awaitable<Comparer::Questions> Comparer::look(Questions wanted, Comparison& outcome) {
  Questions unequal;
  for (const auto& [partner, parts] : wanted) {
    for (std::size_t at = 0; at < parts.size() && !stopped_; at += kPartsPerQuestion) {
      auto some = slice(parts, at, kPartsPerQuestion);
      auto differing = co_await fetcher_.differing(partner, context_.view()->map.seq(), std::move(some));
      if (!differing) {
        outcome.silent.insert(partner);
        break;
      }
      if (!differing->empty()) {
        auto& all = unequal[partner];
        all.insert(all.end(), differing->begin(), differing->end());
      }
    }
  }
  co_return std::move(unequal);
}

asio::awaitable<void> Comparer::mend(const Questions& unequal, Comparison& outcome) {
  for (const auto& [partner, parts] : unequal) {
    const std::string name = NodeContext::name_of(context_.view()->map, partner);
    spdlog::info("siblings differ partner={} parts={}: mending", name, parts.size());
    for (std::size_t at = 0; at < parts.size() && !stopped_; at += kPartsPerList) {
      auto some = slice(parts, at, kPartsPerList);
      auto mended = co_await fetcher_.exchange(partner, context_.view()->map.seq(), std::move(some));
      if (mended) continue;
      spdlog::warn("siblings differ partner={} error=\"{}\"", name, mended.error().detail());
      outcome.silent.insert(partner);
      break;
    }
  }
}

asio::awaitable<void> Comparer::name_differences(const Questions& unequal, Comparison& outcome) {
  for (const auto& [partner, parts] : unequal) {
    for (std::size_t at = 0; at < parts.size() && !stopped_; at += kPartsPerList) {
      const auto some = slice(parts, at, kPartsPerList);
      const auto first = co_await differences_to(partner, some, outcome);
      if (first.empty()) continue;
      co_await pause_for(kSecondLook);
      const auto second = co_await differences_to(partner, some, outcome);
      for (const auto& difference : first)
        if (std::ranges::find(second, difference) != second.end() && outcome.differences.size() < kDifferencesMax)
          outcome.differences.push_back(difference);
    }
  }
}

asio::awaitable<std::vector<Comparison::Difference>> Comparer::differences_to(NodeId partner,
                                                                              std::vector<SharedPart> parts,
                                                                              Comparison& outcome) {
  std::vector<Comparison::Difference> differences;
  auto theirs = co_await fetcher_.listed(partner, context_.view()->map.seq(), parts);
  if (!theirs) {
    outcome.silent.insert(partner);
    co_return differences;
  }
  for (const SharedPart& part : parts) {
    std::map<ObjectId, std::pair<Revision, Revision>> known;
    for (const store::IndexEntry& e : context_.store.list(part.home, part.level.value)) known[e.id].first = e.revision;
    for (const store::IndexEntry& e : *theirs)
      if (placement::home_bucket(e.id) == part.home && e.level == part.level.value) known[e.id].second = e.revision;
    for (const auto& [id, revisions] : known)
      if (revisions.first != revisions.second)
        differences.push_back({part, partner, id, revisions.first, revisions.second});
  }
  co_return differences;
}

/// By the map as it is now. Somebody serves it, or it stays: the last copy is never dropped.
bool Comparer::is_unplaced(BucketId home, placement::Level level) const {
  const auto view = context_.view();
  return !replication::is_placed(view->map, context_.self, home, level) &&
         replication::in_sync_sibling(view->map, home, level, context_.self) && context_.control.may_serve();
}

asio::awaitable<void> Comparer::clear_unplaced() {
  for (std::size_t i = 0; i < kBucketCount && !stopped_; ++i) {
    if (i % kBucketsInOneGo == 0) co_await let_others_run();
    const BucketId home{static_cast<std::uint16_t>(i)};
    for (std::uint8_t k = 0; k < placement::kLevelCount; ++k) {
      const placement::Level level{k};
      if (context_.store.digest(home, k).count == 0 || !is_unplaced(home, level)) continue;
      for (const store::IndexEntry& e : context_.store.list(home, k)) {
        if (!is_unplaced(home, level) || stopped_) break;
        const auto gone = co_await forget_here(context_, e.id, e.revision);
        if (!gone) break;
      }
    }
  }
}

}  // namespace brigade::node
