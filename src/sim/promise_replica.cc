#include "promise_replica.h"

#include "promise_copies.h"

#include <algorithm>
#include <memory>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

namespace {

using Kind = PromiseReply::Kind;

constexpr Ticks kCatchUp = 40;
constexpr Ticks kAbandonedAfter = 100;

using Seqs = std::multiset<Seq>;

/// Is among them while what this returns lives.
std::shared_ptr<void> enlist(PromiseNode& node, Seqs PromiseMemory::*seqs, Seq seq) {
  (node.memory.*seqs).insert(seq);
  return {nullptr, [&node, seqs, seq, life = node.life](void*) {
            if (node.running && node.life == life) (node.memory.*seqs).erase((node.memory.*seqs).find(seq));
          }};
}

/// Keeps a commit visible to lists while it lives.
std::shared_ptr<void> begin_commit(PromiseNode& node, Seq seq) {
  return enlist(node, &PromiseMemory::commits, seq);
}

std::size_t count_before(const Seqs& seqs, Seq seq) {
  return static_cast<std::size_t>(std::distance(seqs.begin(), seqs.lower_bound(seq)));
}

}  // namespace

void PromiseReplica::commit_here(PromiseNode& node, std::size_t key, PromiseRecord record, Seq map_seq,
                                 std::function<void(bool)> then) {
  auto token = begin_commit(node, map_seq);
  if (node.memory.filling || !world_.broken(PromiseFlaw::kFreshFromLook)) node.memory.fresh[key] = node.applied;
  auto stored = std::make_shared<bool>(false);
  auto visit = [this, &node, key, record, stored]() mutable {
    auto& there = node.store[key];
    *stored = !there || there->revision < record.revision ||
              (there->revision == record.revision && there->op == record.op && there->tombstone == record.tombstone);
    record.since = world_.now();
    if (*stored) there = record;
    check_contents(world_, node, key);
    if (world_.traces())
      world_.trace("n" + std::to_string(node.id.value) + (*stored ? " stores" : " keeps a higher one than") + " key " +
                   std::to_string(key) + " op " + std::to_string(record.op) + (record.tombstone ? " gone" : "") +
                   " level " + std::to_string(record.level.value) + " revision " + to_string(record.revision));
  };
  if (world_.broken(PromiseFlaw::kAckBeforeDurable)) {
    world_.disk(node, visit, [token] {});
    return then(true);
  }
  world_.disk(node, visit, [token, stored, then = std::move(then)]() mutable {
    token.reset();
    then(*stored);
  });
}

void PromiseReplica::check_sender(PromiseNode& node, std::size_t key, placement::Level level, Seq sender,
                                  std::function<void(std::optional<PromiseReply>)> then) {
  auto check = [this, &node, key, level, sender, then = std::move(then)](bool caught_up) mutable {
    if (!caught_up) return then(PromiseReply{});
    Seq since = world_.log.replicas_since(node.applied, PromiseWorld::object(key), level);
    // A redundancy that is lowered concerns all that are to hold the object so far.
    const auto& here = node.store[key];
    if (here && !here->tombstone && here->level > level) {
      const Seq wider = world_.log.replicas_since(node.applied, PromiseWorld::object(key), here->level);
      if (sender >= wider || sender < since || !world_.bites(PromiseFlaw::kNewLevelAlone))
        since = std::max(since, wider);
    }
    if (sender < since && !world_.broken(PromiseFlaw::kNewerSetNotRefused)) return then(PromiseReply{.named = since});
    then(std::nullopt);
  };
  if (world_.broken(PromiseFlaw::kLaggingReplicaCommits)) return check(true);
  world_.wait_for_seq(node, sender, world_.now() + kCatchUp, check);
}

void PromiseReplica::stage(PromiseNode& node, std::uint64_t name, std::size_t key, std::size_t op,
                           PromiseAnswer answer) {
  auto body_is_here = [this, &node, name, key, op, answer = std::move(answer)] {
    world_.disk(
        node, [] {},
        [this, &node, name, key, op, answer] {
          node.memory.staged[name] = {key, op, world_.now()};
          PromiseReply reply{.kind = Kind::kOk};
          if (node.store[key]) reply.revision = node.store[key]->revision;
          answer(reply);
        });
  };
  if (world_.temper.body == 0) return body_is_here();
  world_.take_body(node, body_is_here);
}

void PromiseReplica::commit(PromiseNode& node, std::uint64_t name, PromiseRecord record, Seq sender,
                            PromiseAnswer answer) {
  auto at = node.memory.staged.find(name);
  if (at == node.memory.staged.end()) return answer({});
  const PromiseStaged staged = at->second;
  node.memory.staged.erase(at);
  auto token = begin_commit(node, sender);
  check_sender(
      node, staged.key, record.level, sender,
      [this, &node, staged, record, sender, token, answer = std::move(answer)](std::optional<PromiseReply> refusal) {
        if (refusal) return answer(*refusal);
        commit_here(node, staged.key, record, sender,
                    [answer](bool stored) { answer({.kind = stored ? Kind::kOk : Kind::kRefused}); });
      });
}

void PromiseReplica::put_record(PromiseNode& node, std::size_t key, PromiseRecord record, Seq sender,
                                const PromiseAnswer& answer) {
  auto token = begin_commit(node, sender);
  auto take = [this, &node, key, record, sender, token, answer](std::optional<PromiseReply> refusal) {
    if (refusal) return answer(*refusal);
    auto body = enlist(node, &PromiseMemory::bodies, sender);
    world_.take_body(node, [this, &node, key, record, sender, token, body, answer]() mutable {
      body.reset();
      commit_here(node, key, record, sender, [this, &node, key, record, answer](bool stored) {
        if (!stored && world_.traces())
          world_.trace("n" + std::to_string(node.id.value) + " refuses a push of key " + std::to_string(key));
        const bool was_open = !stored && node.store[key] && world_.judge.is_over_before(node.store[key]->op, record.op);
        if (stored || world_.bites(PromiseFlaw::kHigherRevisionIsOk, was_open)) return answer({.kind = Kind::kOk});
        answer({.named = node.store[key] ? node.store[key]->revision.view() : Seq{}});
      });
    });
  };
  check_sender(node, key, record.level, sender, take);
}

bool PromiseReplica::has_older_commits(const PromiseNode& node, Seq seq) const {
  const std::size_t older = count_before(node.memory.commits, seq);
  if (older == 0) return false;
  return older > count_before(node.memory.bodies, seq) || !world_.bites(PromiseFlaw::kCommitUnseenInBody);
}

std::vector<std::pair<std::size_t, PromiseRecord>> PromiseReplica::records(
    const PromiseNode& node, const std::vector<PromisePart>& parts) const {
  std::vector<std::pair<std::size_t, PromiseRecord>> found;
  for (std::size_t key = 0; key < PromiseWorld::kKeys; ++key) {
    if (!node.store[key]) continue;
    const PromisePart part{placement::home_bucket(PromiseWorld::object(key)), node.store[key]->level};
    if (std::ranges::find(parts, part) != parts.end()) found.emplace_back(key, *node.store[key]);
  }
  return found;
}

void PromiseReplica::list(PromiseNode& node, Seq as_of, const std::vector<PromisePart>& parts,
                          const PromiseAnswer& answer) {
  const Ticks deadline = world_.now() + kCatchUp;
  world_.wait_for_seq(node, as_of, deadline, [this, &node, as_of, parts, deadline, answer](bool caught_up) {
    if (!caught_up) return answer({});
    list_when_done(node, as_of, parts, deadline, answer);
  });
}

void PromiseReplica::list_when_done(PromiseNode& node, Seq as_of, std::vector<PromisePart> parts, Ticks deadline,
                                    PromiseAnswer answer) {
  if (has_older_commits(node, as_of) && !world_.broken(PromiseFlaw::kListBeforeCommits)) {
    if (world_.now() >= deadline) return answer({});
    world_.later_at(node, 3, [this, &node, as_of, parts = std::move(parts), deadline, answer = std::move(answer)] {
      list_when_done(node, as_of, parts, deadline, answer);
    });
    return;
  }
  if (!world_.may_serve(node)) return answer({});
  for (const auto& [home, level] : parts) {
    bool served = false;
    for (std::uint32_t j = 0; j < level.redundancy(); ++j)
      served = served || world_.serves(node, placement::by_distance(home, j));
    if (!served) return answer({});
  }
  answer({.kind = Kind::kOk, .records = records(node, parts)});
  world_.on_list(node);
}

void PromiseReplica::fetch(PromiseNode& node, std::size_t key, PromiseAnswer answer) {
  world_.disk(
      node, [] {},
      [&node, key, answer = std::move(answer)] {
        if (!node.store[key]) return answer({.kind = Kind::kAbsent});
        answer({.kind = Kind::kOk, .records = {{key, *node.store[key]}}});
      });
}

void PromiseReplica::drop_abandoned(PromiseNode& node) {
  for (auto at = node.memory.staged.begin(); at != node.memory.staged.end();) {
    const PromiseStaged staged = at->second;
    if (world_.now() - staged.since <= kAbandonedAfter) {
      ++at;
      continue;
    }
    at = node.memory.staged.erase(at);
    if (!world_.broken(PromiseFlaw::kStageCommitsAlone)) continue;
    const Revision here = node.store[staged.key] ? node.store[staged.key]->revision : Revision{};
    if (auto revision = replication::next_revision(world_.map(node), here))
      commit_here(node, staged.key, {*revision, staged.op, false, placement::Level{1}}, node.applied, [](bool) {});
  }
}

}  // namespace brigade::sim
