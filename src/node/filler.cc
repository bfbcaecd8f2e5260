#include "filler.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace brigade::node {

namespace {

using replication::FillRole;
using replication::FillStep;

constexpr std::size_t kBucketsPerPass = 2048;
constexpr std::size_t kPartsPerQuestion = 4096;
constexpr std::size_t kPartsPerList = 64;
constexpr std::size_t kReportBytesMax = 1000;
constexpr std::chrono::milliseconds kRepeat{100};
constexpr std::chrono::milliseconds kLooks{10};  ///< between two looks at the whole map, however fast it changes
constexpr std::chrono::milliseconds kIdle{500};

/// The transaction that gave this node its part in the bucket.
Seq since(const cluster::ClusterMap& map, const cluster::Cell& cell, NodeId self) {
  const cluster::RosterEntry* entry = map.node(self);
  const Seq came_up = entry != nullptr ? entry->changed : Seq{};
  return std::max(came_up, replication::fill_role(cell, self) == FillRole::kOwner ? cell.assigned : cell.new_assigned);
}

}  // namespace

void Filler::report(wire::ReportKind kind, Seq as_of, const BucketSet& buckets) {
  for (BucketSet& part : buckets.split(kReportBytesMax)) {
    wire::Report statement;
    statement.kind = kind;
    statement.as_of = as_of;
    statement.buckets = std::move(part);
    context_.control.report(std::move(statement));
  }
}

void Filler::release_moved(const View& view) {
  const auto now = std::chrono::steady_clock::now();
  BucketSet released;
  std::erase_if(context_.released, [&](const auto& r) {
    const cluster::Cell& cell = view.map.cell(r.first);
    return cell.owner != context_.self || cell.new_assigned != r.second || !cell.new_owner;
  });
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    const cluster::Cell& cell = view.map.cell(bucket);
    if (cell.owner != context_.self || cell.state != cluster::BucketState::kMoving || !cell.new_filled) continue;
    if (context_.uploads.hold(bucket, now)) continue;
    context_.released[bucket] = cell.new_assigned;
    released.add(bucket);
  }
  if (!released.empty()) report(wire::ReportKind::kReleased, view.map.seq(), released);
}

std::vector<Filler::Work> Filler::look(const View& view, std::map<Seq, BucketSet>& filled) {
  std::vector<Work> work;
  bool any = false;
  BucketSet complete;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    const cluster::Cell& cell = view.map.cell(bucket);
    if (replication::fill_role(cell, context_.self) == FillRole::kNone) {
      if (!filled_.empty()) filled_.erase(bucket);
      continue;
    }
    any = true;
    if (!context_.is_whole || context_.emptied.contains(bucket)) continue;
    if (auto at = filled_.find(bucket); at != filled_.end()) {
      if (since(view.map, cell, context_.self) <= at->second) {
        filled[at->second].add(bucket);
        continue;
      }
      filled_.erase(at);
    }
    auto steps = replication::fill_steps(view.map, bucket, context_.self);
    if (std::ranges::any_of(steps, [](const FillStep& s) { return s.kind == FillStep::Kind::kWait; })) continue;
    if (std::ranges::all_of(steps, [](const FillStep& s) { return s.kind == FillStep::Kind::kComplete; })) {
      filled_[bucket] = view.map.seq();
      filled[view.map.seq()].add(bucket);
    } else if (work.size() < kBucketsPerPass) {
      work.push_back({bucket, std::move(steps)});
    }
  }
  context_.filling = any;
  if (!any) context_.fresh.clear();
  return work;
}

asio::awaitable<void> Filler::fetch_from(NodeId source, Seq as_of, const std::set<SharedPart>& parts,
                                         std::set<SharedPart>& whole) {
  std::vector<SharedPart> all(parts.begin(), parts.end());
  for (std::size_t at = 0; at < all.size() && !stopped_; at += kPartsPerQuestion) {
    std::vector<SharedPart> some(
        all.begin() + static_cast<std::ptrdiff_t>(at),
        all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), at + kPartsPerQuestion)));
    auto unequal = co_await fetcher_.differing(source, as_of, some);
    if (!unequal) {
      spdlog::debug("fill source={} error=\"{}\"", to_string(source), unequal.error().detail());
      co_return;
    }
    whole.insert(some.begin(), some.end());
    for (const SharedPart& part : *unequal) whole.erase(part);
    for (std::size_t from = 0; from < unequal->size() && !stopped_; from += kPartsPerList) {
      const auto begin = unequal->begin() + static_cast<std::ptrdiff_t>(from);
      const auto end = unequal->begin() + static_cast<std::ptrdiff_t>(std::min(unequal->size(), from + kPartsPerList));
      std::vector<SharedPart> few(begin, end);
      auto aligned = co_await fetcher_.align(source, as_of, few, true);
      if (aligned) {
        whole.insert(few.begin(), few.end());
      } else {
        spdlog::info("fill source={} waits error=\"{}\"", NodeContext::name_of(context_.view()->map, source),
                     aligned.error().detail());
      }
    }
  }
}

asio::awaitable<void> Filler::fetch(const View& view, const std::vector<Work>& work) {
  const Seq as_of = view.map.seq();
  std::map<NodeId, std::set<SharedPart>> wanted;
  auto for_parts = [](const FillStep& step, BucketId bucket, auto&& f) {
    const BucketId first = placement::run_first(bucket, step.level);
    for (std::uint32_t j = 0; j < step.level.redundancy(); ++j)
      f(SharedPart{BucketId(static_cast<std::uint16_t>(first.value + j)), step.level});
  };
  for (const Work& w : work)
    for (const FillStep& step : w.steps)
      if (step.kind == FillStep::Kind::kFetch)
        for_parts(step, w.bucket, [&](const SharedPart& part) { wanted[step.source].insert(part); });

  std::map<NodeId, std::set<SharedPart>> whole;
  TaskGroup group(context_.executor);
  for (const auto& [source, parts] : wanted) group.spawn(fetch_from(source, as_of, parts, whole[source]));
  co_await group.wait();

  BucketSet filled;
  for (const Work& w : work) {
    bool complete = true;
    for (const FillStep& step : w.steps)
      if (step.kind == FillStep::Kind::kFetch)
        for_parts(step, w.bucket,
                  [&](const SharedPart& part) { complete = complete && whole[step.source].contains(part); });
    if (!complete) continue;
    filled.add(w.bucket);
    filled_[w.bucket] = as_of;
    ++context_.stats.buckets_filled;
  }
  if (!filled.empty()) report(wire::ReportKind::kFilled, as_of, filled);
}

asio::awaitable<void> Filler::run() {
  while (!stopped_) {
    const auto view = context_.view();
    std::size_t busy = 0;
    if (view->in_roster && view->map.is_up(context_.self)) {
      release_moved(*view);
      std::map<Seq, BucketSet> filled;
      const auto work = look(*view, filled);
      for (const auto& [as_of, buckets] : filled) report(wire::ReportKind::kFilled, as_of, buckets);
      busy = work.size() + filled.size();
      if (!work.empty()) co_await fetch(*view, work);
    }
    const auto now = std::chrono::steady_clock::now();
    if (busy > 0) {
      co_await pause_for(kRepeat);
    } else {
      if (context_.view()->map.seq() == view->map.seq()) co_await context_.wait_for_view(now + kIdle);
      co_await pause_for(kLooks);
    }
  }
}

}  // namespace brigade::node
