#include "promise_writer.h"

#include "promise_copies.h"

#include <algorithm>
#include <utility>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

namespace {

using Kind = PromiseReply::Kind;
using placement::Level;

constexpr Ticks kWriteDeadline = 70;
constexpr Ticks kCatchUp = 40;

placement::Level lowest_level(const cluster::ClusterMap& map) {
  return placement::level_of(map.settings().min_redundancy).value_or(Level{0});
}

}  // namespace

void PromiseWriter::write(PromiseNode& node, const Request& request, PromiseAnswer answer) {
  auto job = std::make_shared<Job>();
  job->node = &node;
  job->request = request;
  job->answer = std::move(answer);
  job->level = request.level;
  world_.begin_attempt(node, request.op);
  if (request.is_delete) {
    lock(job, [this, job] { remove(job); });
  } else {
    put(job);
  }
}

void PromiseWriter::say(const Job& job, const std::string& what) const {
  if (world_.traces())
    world_.trace("n" + std::to_string(job.node->id.value) + " op " + std::to_string(job.request.op) + " (key " +
                 std::to_string(job.request.key) + ", map " + std::to_string(job.node->applied.value) + ") " + what);
}

void PromiseWriter::finish(const JobPtr& job, PromiseReply reply) {
  say(*job, reply.kind == Kind::kOk           ? "is done"
            : reply.kind == Kind::kNotPrimary ? "has another primary"
                                              : "is refused");
  if (job->locked) {
    auto& waiting = job->node->memory.locks[job->request.key];
    auto next = waiting.empty() ? nullptr : std::move(waiting.front());
    if (waiting.empty()) {
      job->node->memory.locks.erase(job->request.key);
    } else {
      waiting.pop_front();
      world_.later_at(*job->node, 0, next);
    }
  }
  world_.end_attempt(*job->node, job->request.op);
  job->answer(std::move(reply));
}

/// A key's entry in `locks` is there as long as somebody holds it.
void PromiseWriter::lock(const JobPtr& job, std::function<void()> then) {
  auto [waiting, is_free] = job->node->memory.locks.try_emplace(job->request.key);
  job->locked = true;
  if (is_free) {
    then();
  } else {
    waiting->second.push_back(std::move(then));
  }
}

std::optional<PromiseReply> PromiseWriter::look(Job& job) const {
  const PromiseNode& node = *job.node;
  job.present = node.store[job.request.key];
  job.reach = job.level;
  if (job.present && !job.present->tombstone) job.reach = std::max(job.level, job.present->level);
  if (!world_.may_serve(node)) return PromiseReply{.nothing_remains = true};
  const ObjectId id = PromiseWorld::object(job.request.key);
  const auto set = replication::replica_set(world_.map(node), id, job.level);
  bool serves = false;
  for (std::uint32_t j = 0; j < job.level.redundancy(); ++j)
    serves = serves || world_.serves(node, placement::by_distance(placement::home_bucket(id), j));
  if (set.primary != node.id || !serves) return PromiseReply{.kind = Kind::kNotPrimary, .nothing_remains = true};
  return std::nullopt;
}

void PromiseWriter::put(const JobPtr& job) {
  if (auto refusal = look(*job)) return finish(job, *refusal);
  stage(job);
}

void PromiseWriter::stage(const JobPtr& job) {
  job->stage_name = ++stages_;
  const ObjectId id = PromiseWorld::object(job->request.key);
  job->at_first = reached(world_.map(*job->node), id, job->level);
  auto left = std::make_shared<std::size_t>(job->at_first.size());
  auto one_less = [this, job, left] {
    if (--*left > 0) return;
    if (job->request.client_leaves) {
      abort(job);
      return finish(job, {.nothing_remains = true});
    }
    lock(job, [this, job] {
      if (auto refusal = look(*job)) {
        abort(job);
        refusal->kind = Kind::kRefused;
        return finish(job, *refusal);
      }
      give_revision(job, [this, job] { commit_all(job); });
    });
  };
  for (NodeId to : job->at_first) {
    if (to == job->node->id) {
      world_.disk(
          *job->node, [] {}, one_less);
      continue;
    }
    auto handler = [this, name = job->stage_name, request = job->request](PromiseNode& there, PromiseAnswer answer) {
      replica_.stage(there, name, request.key, request.op, std::move(answer));
    };
    world_.call(*job->node, to, handler, [job, to, one_less](const PromiseReply& reply) {
      if (reply.kind == Kind::kOk) {
        job->staged.insert(to);
        job->highest = std::max(job->highest, reply.revision);
      }
      one_less();
    });
  }
}

void PromiseWriter::abort(const JobPtr& job) {
  for (NodeId to : job->staged)
    world_.call(
        *job->node, to,
        [this, name = job->stage_name](PromiseNode& there, const PromiseAnswer&) { replica_.abort(there, name); },
        [](const PromiseReply&) {});
}

void PromiseWriter::give_revision(const JobPtr& job, const std::function<void()>& then) {
  if (job->present) job->highest = std::max(job->highest, job->present->revision);
  if (world_.broken(PromiseFlaw::kFreeRunningRevisions)) return revise(job, then);
  if (job->highest.view() > job->node->applied) say(*job, "waits for a map");
  world_.wait_for_seq(*job->node, job->highest.view(), world_.now() + kCatchUp,
                      [this, job, then](bool) { revise(job, then); });
}

void PromiseWriter::revise(const JobPtr& job, const std::function<void()>& then) {
  if (!world_.broken(PromiseFlaw::kRevisionByOldRole)) {
    if (auto refusal = look(*job)) {
      say(*job, "lost its part while it waited for a map");
      abort(job);
      refusal->kind = Kind::kRefused;
      return finish(job, *refusal);
    }
  }
  const cluster::ClusterMap& map = world_.map(*job->node);
  auto revision_after = [&](Revision highest) {
    if (world_.broken(PromiseFlaw::kFreeRunningRevisions)) return std::optional(Revision{highest.value + 1});
    const Seq view = world_.log.view_but_lives(job->node->applied);
    if (world_.broken(PromiseFlaw::kLifeKeepsView))
      return std::optional(std::max(Revision{highest.value + 1}, Revision::of(view, 1)));
    return replication::next_revision(map, highest);
  };
  const Revision gone = world_.broken(PromiseFlaw::kCollectedIsGivenAgain) ? Revision{} : job->node->memory.collected;
  auto revision = revision_after(std::max(job->highest, gone));
  if (revision) {
    job->drop_revision = *revision;
    // Where it is to be held no more, a tombstone stays that must lose against the object itself.
    const bool gap = job->reach > job->level && !world_.broken(PromiseFlaw::kDropKeepsRevision);
    if (gap) revision = revision_after(*revision);
  }
  if (!revision) {
    abort(job);
    return finish(job, {.nothing_remains = true});
  }
  job->deadline = world_.now() + kWriteDeadline;
  job->record = {*revision, job->request.op, job->request.is_delete, job->level};
  job->done_since = world_.log.replicas_since(job->node->applied, PromiseWorld::object(job->request.key), job->reach);
  world_.judge.may_be_seen(job->request.op);
  world_.on_revision(*job->node);
  say(*job, std::string(job->request.is_delete ? "delete" : "write") + " at level " + std::to_string(job->level.value) +
                " gets revision " + to_string(*revision));
  then();
}

void PromiseWriter::commit_all(const JobPtr& job) {
  const Seq map_seq = job->node->applied;
  struct Both {
    int left = 2;
    bool stored = false;
    Seq named;
  };
  auto both = std::make_shared<Both>();
  auto one_less = [this, job, both] {
    if (--both->left > 0) return;
    if (!both->stored) return finish(job, {});
    job->done.insert(job->node->id);
    complete(job, both->named);
  };
  commit_others(job, map_seq, [both, one_less](Seq named) { both->named = named, one_less(); });
  replica_.commit_here(*job->node, job->request.key, job->record, map_seq,
                       [both, one_less](bool stored) { both->stored = stored, one_less(); });
}

void PromiseWriter::commit_others(const JobPtr& job, Seq map_seq, const std::function<void(Seq)>& then) {
  if (job->staged.empty()) return then(Seq{});
  auto left = std::make_shared<std::size_t>(job->staged.size());
  auto named = std::make_shared<Seq>();
  for (NodeId to : job->staged) {
    auto handler = [this, name = job->stage_name, record = job->record, map_seq](PromiseNode& there,
                                                                                 PromiseAnswer answer) {
      replica_.commit(there, name, record, map_seq, std::move(answer));
    };
    world_.call(*job->node, to, handler, [job, to, left, named, then](const PromiseReply& reply) {
      if (reply.kind == Kind::kOk) job->done.insert(to);
      *named = std::max(*named, reply.named);
      if (--*left == 0) then(*named);
    });
  }
}

void PromiseWriter::remove(const JobPtr& job) {
  job->level = lowest_level(world_.map(*job->node));
  if (auto refusal = look(*job)) return finish(job, *refusal);
  if (!job->present || job->present->tombstone) return finish(job, {.kind = Kind::kAbsent, .nothing_remains = true});
  give_revision(job, [this, job] {
    if (!job->present) return finish(job, {});
    job->level = job->reach = job->record.level = job->present->level;
    job->done_since = world_.log.replicas_since(job->node->applied, PromiseWorld::object(job->request.key), job->reach);
    replica_.commit_here(*job->node, job->request.key, job->record, job->node->applied, [this, job](bool stored) {
      if (!stored) return finish(job, {});
      job->done.insert(job->node->id);
      complete(job, Seq{});
    });
  });
}

std::vector<NodeId> PromiseWriter::reached(const cluster::ClusterMap& map, const ObjectId& id, Level level) const {
  std::vector<NodeId> live = replication::replica_set(map, id, level).live;
  if (!world_.broken(PromiseFlaw::kStandInSkipped)) return live;
  std::erase_if(live, [&](NodeId node) {
    for (std::uint32_t j = 0; j < level.redundancy(); ++j) {
      const cluster::Cell& cell = map.cell(placement::by_distance(placement::home_bucket(id), j));
      const bool stands_in = cell.new_owner == node && cell.state == cluster::BucketState::kStandIn;
      if (cell.owner == node || (cell.new_owner == node && !stands_in)) return false;
    }
    return true;
  });
  return live;
}

bool PromiseWriter::enough(const Job& job) const {
  const cluster::ClusterMap& map = world_.map(*job.node);
  const ObjectId id = PromiseWorld::object(job.request.key);
  const auto set = replication::replica_set(map, id, job.level);
  const auto copies = std::ranges::count_if(set.live, [&](NodeId n) { return job.done.contains(n); });
  return static_cast<std::size_t>(copies) >= replication::copies_needed(map, id, job.level);
}

void PromiseWriter::complete(const JobPtr& job, Seq wait_for) {
  world_.wait_for_seq(*job->node, wait_for, job->deadline, [this, job](bool) {
    const Seq applied = job->node->applied;
    const ObjectId id = PromiseWorld::object(job->request.key);
    const Seq since = world_.log.replicas_since(applied, id, job->reach);
    if (since > job->done_since && !world_.broken(PromiseFlaw::kDoneOutlivesRole)) {
      job->done.clear();
      job->done_since = since;
    }
    std::vector<NodeId> wanted = reached(world_.log.at(applied), id, job->reach);
    if (world_.broken(PromiseFlaw::kAckUnderOldMap)) wanted = job->at_first;
    const bool all = std::ranges::includes(job->done, wanted) || world_.broken(PromiseFlaw::kAckBeforeAll);
    // The last that was in sync is complete when it comes back: so nothing is acknowledged after it has gone.
    const bool somebody = world_.broken(PromiseFlaw::kAckWithNobodyInSync) ||
                          replication::replica_set(world_.log.at(applied), id, job->level).primary;
    if (all && somebody && enough(*job)) {
      if (!world_.may_serve(*job->node)) return finish(job, {});
      world_.judge.has_revision(job->request.op, job->record.revision, world_.now());
      check_copies(world_, *job->node, job->request.key, job->record.revision, job->level);
      return finish(job, {.kind = Kind::kOk});
    }
    if (world_.now() >= job->deadline) return finish(job, {});
    bring_up_all(job, Seq{});
  });
}

void PromiseWriter::bring_up_all(const JobPtr& job, Seq wait_for) {
  const auto wanted = reached(world_.map(*job->node), PromiseWorld::object(job->request.key), job->reach);
  std::vector<NodeId> missing;
  std::ranges::set_difference(wanted, job->done, std::back_inserter(missing));
  // The object first: of a write that ends here, a tombstone alone would travel on and kill what was there before.
  if (!world_.broken(PromiseFlaw::kDropsAtOnce)) {
    const auto kept = reached(world_.map(*job->node), PromiseWorld::object(job->request.key), job->level);
    std::vector<NodeId> first;
    std::ranges::set_intersection(missing, kept, std::back_inserter(first));
    if (!first.empty()) missing = std::move(first);
  }
  auto left = std::make_shared<std::size_t>(missing.size() + 1);
  auto named = std::make_shared<Seq>(wait_for);
  auto one_less = [this, job, left, named](Seq seq) {
    *named = std::max(*named, seq);
    if (--*left > 0) return;
    world_.later_at(*job->node, 5, [this, job, named] { complete(job, *named); });
  };
  for (NodeId to : missing) bring_up(job, to, one_less);
  one_less(Seq{});
}

void PromiseWriter::bring_up(const JobPtr& job, NodeId to, const std::function<void(Seq)>& then) {
  PromiseRecord record = job->record;
  const std::size_t key = job->request.key;
  const auto kept = replication::replica_set(world_.map(*job->node), PromiseWorld::object(key), job->level);
  if (!std::ranges::binary_search(kept.live, to)) {
    record.tombstone = true;
    record.level = job->reach;
    record.revision = job->drop_revision;
  }
  const Seq map_seq = job->node->applied;
  if (to == job->node->id) {
    replica_.commit_here(*job->node, key, record, map_seq, [this, job, to, then](bool stored) {
      if (stored || world_.broken(PromiseFlaw::kDoneOutlivesRole)) job->done.insert(to);
      then(Seq{});
    });
    return;
  }
  // The body is read from the own store: what a later write has replaced can't be sent.
  const auto& own = job->node->store[key];
  if (!record.tombstone && (!own || own->op != record.op)) return then(Seq{});
  auto handler = [this, key, record, map_seq](PromiseNode& there, const PromiseAnswer& answer) {
    replica_.put_record(there, key, record, map_seq, answer);
  };
  world_.call(*job->node, to, handler, [job, to, then](const PromiseReply& reply) {
    if (reply.kind == Kind::kOk) job->done.insert(to);
    then(reply.named);
  });
}

}  // namespace brigade::sim
