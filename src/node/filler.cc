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

/// The parts that a step of filling the bucket is about; none if nothing is fetched.
std::vector<SharedPart> parts_of(const FillStep& step, BucketId bucket) {
  std::vector<SharedPart> parts;
  if (step.kind != FillStep::Kind::kFetch) return parts;
  const BucketId first = placement::run_first(bucket, step.level);
  for (std::uint32_t j = 0; j < step.level.redundancy(); ++j)
    parts.push_back({BucketId(static_cast<std::uint16_t>(first.value + j)), step.level});
  return parts;
}

/// How many of the replica buckets that an object of the usual redundancy with this home has are in sync.
std::uint32_t copies_in_sync(const cluster::ClusterMap& map, BucketId bucket) {
  std::uint32_t copies = 0;
  for (std::uint32_t j = 0; j < map.settings().redundancy; ++j)
    copies += map.is_in_sync(placement::by_distance(bucket, j)) ? 1 : 0;
  return copies;
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
  std::map<BucketId, Seq> due;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    const cluster::Cell& cell = view.map.cell(bucket);
    if (cell.owner != context_.self || cell.state != cluster::BucketState::kMoving || !cell.new_filled) continue;
    if (context_.uploads.hold(bucket, now)) continue;
    due[bucket] = cell.new_assigned;
  }
  if (due.empty() && context_.withheld.now().released.empty()) return;
  context_.withheld.change([&](Withheld::Buckets& buckets) {
    std::erase_if(buckets.released, [&](const auto& r) {
      const cluster::Cell& cell = view.map.cell(r.first);
      return cell.owner != context_.self || cell.new_assigned != r.second || !cell.new_owner;
    });
    for (const auto& [bucket, assigned] : due) buckets.released[bucket] = assigned;
  });
  BucketSet released;
  for (const auto& [bucket, assigned] : due) released.add(bucket);
  if (!released.empty()) report(wire::ReportKind::kReleased, view.map.seq(), released);
}

std::vector<Filler::Work> Filler::look(const View& view, std::map<Seq, BucketSet>& filled) {
  std::vector<std::pair<std::uint32_t, BucketId>> lacking;  // by copies that there are
  const Withheld::Buckets& withheld = context_.withheld.now();
  bool any = false;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    const BucketId bucket{static_cast<std::uint16_t>(i)};
    const cluster::Cell& cell = view.map.cell(bucket);
    if (replication::fill_role(cell, context_.self) == FillRole::kNone) {
      if (!filled_.empty()) filled_.erase(bucket);
      continue;
    }
    any = true;
    if (!withheld.is_whole || withheld.emptied.contains(bucket)) continue;
    if (auto at = filled_.find(bucket); at != filled_.end()) {
      if (replication::fill_since(view.map, bucket, context_.self) <= at->second) {
        filled[at->second].add(bucket);
        continue;
      }
      filled_.erase(at);
    }
    const auto steps = replication::fill_steps(view.map, bucket, context_.self);
    if (std::ranges::any_of(steps, [](const FillStep& s) { return s.kind == FillStep::Kind::kWait; })) continue;
    if (std::ranges::all_of(steps, [](const FillStep& s) { return s.kind == FillStep::Kind::kComplete; })) {
      filled_[bucket] = view.map.seq();
      filled[view.map.seq()].add(bucket);
    } else {
      lacking.emplace_back(copies_in_sync(view.map, bucket), bucket);
    }
  }
  if (!any) context_.fresh.settle(view.map.seq());
  tell_progress(lacking.size());
  std::ranges::sort(lacking);
  std::vector<Work> work;
  for (const auto& [copies, bucket] : lacking) {
    if (work.size() == kBucketsPerPass) break;
    work.push_back({bucket, replication::fill_steps(view.map, bucket, context_.self)});
  }
  return work;
}

void Filler::tell_progress(std::size_t left) {
  const auto told = context_.fill.update(std::chrono::steady_clock::now(), left, context_.stats.buckets_filled,
                                         context_.stats.fetched_bytes);
  if (told) spdlog::info("{}", *told);
}

asio::awaitable<void> Filler::fetch_from(NodeId source, const std::set<SharedPart>& parts, FillPass& pass) {
  std::set<SharedPart>& whole = pass.whole[source];
  std::vector<SharedPart> all(parts.begin(), parts.end());
  for (std::size_t at = 0; at < all.size() && !stopped_; at += kPartsPerQuestion) {
    std::vector<SharedPart> some(
        all.begin() + static_cast<std::ptrdiff_t>(at),
        all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), at + kPartsPerQuestion)));
    auto unequal = co_await fetcher_.differing(source, pass.as_of, some);
    if (!unequal) {
      spdlog::debug("fill source={} error=\"{}\"", to_string(source), unequal.error().detail());
      co_return;
    }
    // A write may just have taken an object from one level to another: all levels of its home are listed at once.
    std::set<BucketId> homes;
    for (const SharedPart& part : *unequal) homes.insert(part.home);
    std::vector<SharedPart> listed;
    for (const SharedPart& part : all)
      if (homes.contains(part.home)) listed.push_back(part);
    whole.insert(some.begin(), some.end());
    for (const SharedPart& part : listed) whole.erase(part);
    for (std::size_t from = 0; from < listed.size() && !stopped_;) {
      std::size_t end = std::min(listed.size(), from + kPartsPerList);
      while (end < listed.size() && listed[end].home == listed[end - 1].home) ++end;
      const auto begin = listed.begin();
      std::vector<SharedPart> few(begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(end));
      from = end;
      auto leftovers = co_await fetcher_.align(source, pass.as_of, few);
      Status settled;
      if (leftovers) settled = co_await settle_leftovers(context_, filled_, pass, *leftovers);
      if (leftovers && settled) {
        whole.insert(few.begin(), few.end());
      } else {
        spdlog::info("fill source={} waits error=\"{}\"", NodeContext::name_of(context_.view()->map, source),
                     (leftovers ? settled.error() : leftovers.error()).detail());
      }
    }
  }
}

asio::awaitable<void> Filler::fetch(const View& view, const std::vector<Work>& work) {
  FillPass pass;
  pass.as_of = view.map.seq();
  Seq began;
  std::map<NodeId, std::set<SharedPart>> wanted;
  for (const Work& w : work) {
    const Seq part_began = replication::fill_since(view.map, w.bucket, context_.self);
    began = std::max(began, part_began);
    for (const FillStep& step : w.steps)
      for (const SharedPart& part : parts_of(step, w.bucket)) {
        wanted[step.source].insert(part);
        pass.began[part] = std::max(pass.began[part], part_began);
      }
  }
  // What this node took before its part began, and is not on its disk yet, would come behind the comparison.
  if (!context_.commits.none_below(began)) co_return;
  TaskGroup group(context_.executor);
  for (const auto& [source, parts] : wanted) group.spawn(fetch_from(source, parts, pass));
  co_await group.wait();
  // What went may have been known to another source, which was asked before.
  if (pass.has_forgotten) co_return;

  // A part whose leftovers stay for the sake of one bucket is not what the others need, until that one is in sync.
  auto is_whole = [&pass](NodeId source, const SharedPart& part, BucketId bucket) {
    const auto [from, to] = pass.kept.equal_range(part);
    return pass.whole[source].contains(part) &&
           std::all_of(from, to, [&](const auto& kept) { return kept.second == bucket; });
  };
  BucketSet filled;
  for (const Work& w : work) {
    bool complete = true;
    for (const FillStep& step : w.steps)
      for (const SharedPart& part : parts_of(step, w.bucket))
        complete = complete && is_whole(step.source, part, w.bucket);
    if (!complete) continue;
    filled.add(w.bucket);
    filled_[w.bucket] = pass.as_of;
    ++context_.stats.buckets_filled;
  }
  if (!filled.empty()) report(wire::ReportKind::kFilled, pass.as_of, filled);
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
