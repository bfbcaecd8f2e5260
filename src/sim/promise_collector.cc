#include "promise_collector.h"

#include <algorithm>
#include <string>
#include <utility>

#include "brigade/replication/placement_view.h"

namespace brigade::sim {

namespace {

/// With no write of the key under way any more, which the product ensures by the time that a write may take.
constexpr Ticks kRetention = 100;
constexpr placement::Level kWidest{kPromiseLevels - 1};

BucketId home_of(std::size_t key) {
  return placement::home_bucket(PromiseWorld::object(key));
}

}  // namespace

void PromiseCollector::look(PromiseNode& node) {
  if (!node.running || !world_.may_serve(node)) return;
  for (std::size_t key = 0; key < PromiseWorld::kKeys; ++key) {
    const auto& record = node.store[key];
    if (!record || !record->tombstone || world_.now() - record->since < kRetention) continue;
    if (world_.judge.is_worked_at(key)) continue;
    const auto run = replication::settled_run(world_.map(node), home_of(key), kWidest);
    if (!run) continue;
    auto question =
        std::make_shared<Question>(Question{&node, node.life, key, record->revision, node.applied, run->size()});
    for (NodeId other : *run) {
      if (other == node.id)
        confirmed(question);
      else
        ask(question, other);
    }
  }
}

void PromiseCollector::send(NodeId from, NodeId to, std::function<void()> what) {
  if (world_.cuts.contains(std::minmax(from, to))) return;
  world_.later(1 + static_cast<Ticks>(prng_.below(prng_.chance(1, 8) ? 60 : 4)), [this, to, what = std::move(what)] {
    if (world_.node(to).running) what();
  });
}

void PromiseCollector::ask(const QuestionPtr& question, NodeId other) {
  send(question->node->id, other, [this, question, other] {
    if (!confirms(world_.node(other), *question)) return;
    send(other, question->node->id, [this, question] { confirmed(question); });
  });
}

bool PromiseCollector::confirms(PromiseNode& there, const Question& question) const {
  if (there.applied < question.as_of || !world_.may_serve(there)) return false;
  if (world_.log.replicas_since(there.applied, PromiseWorld::object(question.key), kWidest) > question.as_of)
    return false;
  if (replica_.has_older_commits(there, question.as_of)) return false;
  const auto& record = there.store[question.key];
  return !record || record->revision >= question.revision;
}

void PromiseCollector::confirmed(const QuestionPtr& question) {
  if (--question->left > 0) return;
  PromiseNode& node = *question->node;
  if (node.life != question->life || !world_.may_serve(node)) return;
  if (world_.log.replicas_since(node.applied, PromiseWorld::object(question->key), kWidest) > question->as_of) return;
  auto& record = node.store[question->key];
  if (!record || !record->tombstone || record->revision != question->revision) return;
  if (!replication::settled_run(world_.map(node), home_of(question->key), kWidest)) return;
  record.reset();
  node.memory.collected = std::max(node.memory.collected, question->revision);
  if (world_.traces())
    world_.trace("n" + std::to_string(node.id.value) + " lets go of the tombstone of key " +
                 std::to_string(question->key) + " revision " + to_string(question->revision));
}

}  // namespace brigade::sim
