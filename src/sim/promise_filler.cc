#include "promise_filler.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

namespace {

using Kind = PromiseReply::Kind;
using replication::FillRole;
using replication::FillStep;

BucketId bucket_at(std::size_t i) {
  return BucketId{static_cast<std::uint16_t>(i)};
}

/// What a store can vouch for: no tombstones.
std::map<std::size_t, Revision> digest(const std::vector<std::pair<std::size_t, PromiseRecord>>& records,
                                       const PromisePart& part) {
  std::map<std::size_t, Revision> live;
  for (const auto& [key, record] : records) {
    const PromisePart its{placement::home_bucket(PromiseWorld::object(key)), record.level};
    if (its == part && !record.tombstone) live[key] = record.revision;
  }
  return live;
}

}  // namespace

void PromiseFiller::look(PromiseNode& node) {
  if (!world_.map(node).is_up(node.id)) return;
  // What it was before is over only when the log tells of this life.
  if (!world_.is_known(node) && !world_.broken(PromiseFlaw::kNewLifeServesAtOnce)) return;
  release_moved(node);
  auto work = find_work(node);
  if (!work.empty() && !node.memory.filler_at_work) begin(node, std::move(work));
}

void PromiseFiller::release_moved(PromiseNode& node) {
  const cluster::ClusterMap& map = world_.map(node);
  std::erase_if(node.memory.released, [&](const auto& r) {
    const cluster::Cell& cell = map.cell(r.first);
    return cell.owner != node.id || cell.new_assigned != r.second || !cell.new_owner;
  });
  for (std::size_t i = 0; i < kPromiseBuckets; ++i) {
    const cluster::Cell& cell = map.cell(bucket_at(i));
    if (cell.owner != node.id || cell.state != cluster::BucketState::kMoving || !cell.new_filled) continue;
    if (!world_.broken(PromiseFlaw::kReleaseSkipped) && !world_.broken(PromiseFlaw::kServesAfterMove))
      node.memory.released[bucket_at(i)] = cell.new_assigned;
    report_(node, wire::ReportKind::kReleased, map.seq(), bucket_at(i));
  }
}

Seq PromiseFiller::since(const PromiseNode& node, BucketId bucket) const {
  return replication::fill_since(world_.map(node), bucket, node.id);
}

std::vector<PromiseFiller::Work> PromiseFiller::find_work(PromiseNode& node) {
  const cluster::ClusterMap& map = world_.map(node);
  std::vector<Work> work;
  bool any = false;
  for (std::size_t i = 0; i < kPromiseBuckets; ++i) {
    const BucketId bucket = bucket_at(i);
    auto at = node.memory.filled.find(bucket);
    if (replication::fill_role(map.cell(bucket), node.id) == FillRole::kNone) {
      if (at != node.memory.filled.end()) node.memory.filled.erase(at);
      continue;
    }
    any = true;
    if (at != node.memory.filled.end()) {
      if (since(node, bucket) <= at->second) {
        report_(node, wire::ReportKind::kFilled, at->second, bucket);
        continue;
      }
      node.memory.filled.erase(at);
    }
    auto steps = replication::fill_steps(map, bucket, node.id);
    if (world_.broken(PromiseFlaw::kEmptyRunComplete))
      for (FillStep& step : steps)
        if (step.kind == FillStep::Kind::kWait) step.kind = FillStep::Kind::kComplete;
    if (std::ranges::any_of(steps, [](const FillStep& s) { return s.kind == FillStep::Kind::kWait; })) continue;
    if (std::ranges::all_of(steps, [](const FillStep& s) { return s.kind == FillStep::Kind::kComplete; })) {
      node.memory.filled[bucket] = map.seq();
      report_(node, wire::ReportKind::kFilled, map.seq(), bucket);
    } else {
      work.push_back({bucket, std::move(steps)});
    }
  }
  node.memory.filling = any;
  if (!any && world_.broken(PromiseFlaw::kFreshFromLook)) node.memory.fresh.clear();
  return work;
}

std::vector<PromisePart> PromiseFiller::parts_of(const FillStep& step, BucketId bucket) {
  std::vector<PromisePart> parts;
  if (step.kind != FillStep::Kind::kFetch || step.level.value >= kPromiseLevels) return parts;
  const std::uint32_t first = placement::run_first(bucket, step.level).value;
  for (std::uint32_t j = 0; j < step.level.redundancy(); ++j) parts.emplace_back(bucket_at(first + j), step.level);
  return parts;
}

void PromiseFiller::begin(PromiseNode& node, std::vector<Work> work) {
  auto pass = std::make_shared<Pass>();
  pass->node = &node;
  pass->as_of = node.applied;
  Seq began;
  std::map<NodeId, std::set<PromisePart>> wanted;
  for (const Work& w : work) {
    const Seq part_began = since(node, w.bucket);
    began = std::max(began, part_began);
    for (const FillStep& step : w.steps)
      for (const PromisePart& part : parts_of(step, w.bucket)) {
        wanted[step.source].insert(part);
        pass->began[part] = std::max(pass->began[part], part_began);
      }
  }
  // What this node took before its part began, and is not on its disk yet, would come behind the comparison.
  if (replica_.has_older_commits(node, began) && !world_.bites(PromiseFlaw::kOwnCommitsNotAwaited)) {
    if (world_.traces()) world_.trace("n" + std::to_string(node.id.value) + " waits for its own commits");
    return;
  }
  pass->work = std::move(work);
  pass->left = wanted.size();
  node.memory.filler_at_work = true;
  if (world_.traces())
    world_.trace("n" + std::to_string(node.id.value) + " fills " + std::to_string(pass->work.size()) +
                 " buckets, map " + to_string(pass->as_of));
  for (const auto& [source, parts] : wanted) compare(pass, source, {parts.begin(), parts.end()});
}

void PromiseFiller::compare(const PassPtr& pass, NodeId source, const std::vector<PromisePart>& parts) {
  auto handler = [this, as_of = pass->as_of, parts](PromiseNode& there, const PromiseAnswer& answer) {
    replica_.list(there, as_of, parts, answer);
  };
  world_.call(*pass->node, source, handler, [this, pass, source, parts](const PromiseReply& reply) {
    if (reply.kind != Kind::kOk) return end_source(pass);
    const auto ours = replica_.records(*pass->node, parts);
    std::vector<PromisePart> unequal;
    for (const PromisePart& part : parts) {
      if (digest(ours, part) == digest(reply.records, part)) {
        pass->whole.insert({source, part});
      } else {
        unequal.push_back(part);
      }
    }
    if (unequal.empty()) return end_source(pass);
    // A write may just have taken an object from one level to another: all levels are listed at once.
    if (!world_.broken(PromiseFlaw::kListsOneLevel)) {
      auto differs = [&unequal](const PromisePart& part) {
        return std::ranges::any_of(unequal, [&](const PromisePart& u) { return u.first == part.first; });
      };
      std::vector<PromisePart> same_homes;
      std::ranges::copy_if(parts, std::back_inserter(same_homes), differs);
      unequal = std::move(same_homes);
    }
    align(pass, source, std::move(unequal));
  });
}

void PromiseFiller::align(const PassPtr& pass, NodeId source, const std::vector<PromisePart>& parts) {
  // What is here is listed first: whatever is committed after this moment is no leftover.
  auto ours = replica_.records(*pass->node, parts);
  auto handler = [this, as_of = pass->as_of, parts](PromiseNode& there, const PromiseAnswer& answer) {
    replica_.list(there, as_of, parts, answer);
  };
  world_.call(*pass->node, source, handler, [this, pass, source, parts, ours](const PromiseReply& reply) {
    if (reply.kind != Kind::kOk) return end_source(pass);
    std::vector<std::pair<std::size_t, PromiseRecord>> leftovers;
    // Only what is as new is known: the source, being in sync, has all that was acknowledged. Otherwise what its
    // primary committed alone would be read here, and what went before it there.
    auto knows = [this](const auto& theirs, std::size_t key, const PromiseRecord& here) {
      const bool is_as_new = theirs.second.revision >= here.revision;
      const bool is_old_tombstone = !is_as_new && theirs.second.tombstone && !here.tombstone;
      return theirs.first == key && (is_as_new || (is_old_tombstone && world_.bites(PromiseFlaw::kOldTombstoneKnows)));
    };
    for (const auto& here : ours)
      if (std::ranges::none_of(reply.records, [&](const auto& r) { return knows(r, here.first, here.second); }))
        leftovers.push_back(here);
    take(pass, source, reply.records, [this, pass, source, parts, leftovers](bool taken) {
      if (!taken) return end_source(pass);
      forget(pass, leftovers, [this, pass, source, parts] {
        for (const PromisePart& part : parts) pass->whole.insert({source, part});
        end_source(pass);
      });
    });
  });
}

void PromiseFiller::take(const PassPtr& pass, NodeId source, std::vector<std::pair<std::size_t, PromiseRecord>> theirs,
                         const std::function<void(bool)>& then) {
  std::erase_if(theirs, [&](const auto& r) {
    const auto& here = pass->node->store[r.first];
    return here && here->revision >= r.second.revision;
  });
  auto left = std::make_shared<std::size_t>(theirs.size() + 1);
  auto taken = std::make_shared<bool>(true);
  auto one_less = [left, taken, then](bool ok) {
    *taken = *taken && ok;
    if (--*left == 0) then(*taken);
  };
  for (const auto& [key, record] : theirs) {
    auto handler = [this, k = key](PromiseNode& there, PromiseAnswer answer) {
      replica_.fetch(there, k, std::move(answer));
    };
    auto heard = [this, pass, k = key, one_less](const PromiseReply& reply) {
      if (reply.kind == Kind::kAbsent) return one_less(world_.broken(PromiseFlaw::kVanishedIsWhole));
      if (reply.kind != Kind::kOk) return one_less(false);
      replica_.commit_here(*pass->node, k, reply.records[0].second, pass->as_of, [one_less](bool) { one_less(true); });
    };
    auto ask = [this, pass, source, handler, heard] { world_.call(*pass->node, source, handler, heard); };
    if (world_.temper.fetch_pause == 0) {
      ask();
    } else {
      world_.later_at(*pass->node, world_.some(world_.temper.fetch_pause), ask);
    }
  }
  one_less(true);
}

bool PromiseFiller::vouches(const PromiseNode& node, std::size_t key, placement::Level level) const {
  const BucketId home = placement::home_bucket(PromiseWorld::object(key));
  return !world_.broken(PromiseFlaw::kForgetsOwnTruth) &&
         replication::vouches(world_.map(node), node.id, home, level, node.memory.filled);
}

std::optional<BucketId> PromiseFiller::is_last(const PromiseNode& node, std::size_t key, placement::Level level) const {
  if (world_.broken(PromiseFlaw::kForgetsLastCopy)) return std::nullopt;
  const BucketId home = placement::home_bucket(PromiseWorld::object(key));
  return replication::needed_by(world_.map(node), node.id, home, level);
}

void PromiseFiller::forget(const PassPtr& pass, const std::vector<std::pair<std::size_t, PromiseRecord>>& leftovers,
                           const std::function<void()>& then) {
  if (world_.broken(PromiseFlaw::kLeftoversKept) || leftovers.empty()) return then();
  PromiseNode& node = *pass->node;
  // Written since this node has its present part: it is on its way to the sibling, too.
  auto is_fresh = [this, pass, &node](std::size_t key, placement::Level level) {
    auto at = node.memory.fresh.find(key);
    if (vouches(node, key, level)) return true;
    const PromisePart part{placement::home_bucket(PromiseWorld::object(key)), level};
    const bool is_written = at != node.memory.fresh.end() && !world_.broken(PromiseFlaw::kForgetsFresh);
    if (is_written && (at->second >= pass->began[part] || world_.broken(PromiseFlaw::kFreshOutlivesRole))) return true;
    // One of its buckets needs it; what that means for the others shows when that one is in sync.
    const auto needs = is_last(node, key, level);
    if (needs) pass->kept.emplace(part, *needs);
    return needs.has_value();
  };
  auto going = leftovers;
  std::erase_if(going, [&](const auto& r) { return is_fresh(r.first, r.second.level); });
  auto visit = [this, pass, &node, going, is_fresh] {
    for (const auto& [key, record] : going) {
      if (is_fresh(key, record.level) && !world_.bites(PromiseFlaw::kForgetUnchecked)) {
        if (world_.traces())
          world_.trace("n" + std::to_string(node.id.value) + " finds key " + std::to_string(key) + " fresh in time");
        continue;
      }
      if (!node.store[key] || node.store[key]->revision != record.revision) continue;
      node.store[key].reset();
      pass->forgot = true;
      if (world_.traces())
        world_.trace("n" + std::to_string(node.id.value) + " forgets key " + std::to_string(key) + " revision " +
                     to_string(record.revision));
    }
  };
  world_.disk(node, visit, then);
}

void PromiseFiller::end_source(const PassPtr& pass) {
  if (--pass->left > 0) return;
  PromiseNode& node = *pass->node;
  node.memory.filler_at_work = false;
  if (pass->forgot && world_.traces())
    world_.trace("n" + std::to_string(node.id.value) + " looks again, for it forgot");
  if (pass->forgot && !world_.broken(PromiseFlaw::kForgetIsWhole)) return;
  auto is_decided = [this, &pass](const PromisePart& part, BucketId bucket) {
    return std::ranges::all_of(pass->kept, [&](const auto& k) { return k.first != part || k.second == bucket; }) ||
           world_.bites(PromiseFlaw::kKeptIsWhole);
  };
  for (const Work& w : pass->work) {
    bool complete = true;
    for (const FillStep& step : w.steps)
      for (const PromisePart& part : parts_of(step, w.bucket))
        complete = complete && pass->whole.contains({step.source, part}) && is_decided(part, w.bucket);
    if (!complete) continue;
    node.memory.filled[w.bucket] = pass->as_of;
    report_(node, wire::ReportKind::kFilled, pass->as_of, w.bucket);
  }
}

void PromiseFiller::clear_unplaced(PromiseNode& node) {
  auto is_unplaced = [this, &node](std::size_t key, placement::Level level) {
    const BucketId home = placement::home_bucket(PromiseWorld::object(key));
    // Somebody serves it, or it stays: the last copy is never dropped.
    return !replication::is_placed(world_.map(node), node.id, home, level) &&
           replication::in_sync_sibling(world_.map(node), home, level, node.id);
  };
  for (std::size_t key = 0; key < PromiseWorld::kKeys; ++key) {
    const auto& record = node.store[key];
    if (!record || !is_unplaced(key, record->level) || !world_.may_serve(node)) continue;
    auto visit = [this, &node, key, level = record->level, is_unplaced] {
      const auto& there = node.store[key];
      if (!there || there->level != level) return;
      if (!is_unplaced(key, level) && !world_.broken(PromiseFlaw::kClearUnchecked)) return;
      node.store[key].reset();
      if (world_.traces()) world_.trace("n" + std::to_string(node.id.value) + " clears key " + std::to_string(key));
    };
    world_.disk(node, visit, [] {});
  }
}

}  // namespace brigade::sim
