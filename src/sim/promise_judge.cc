#include "promise_judge.h"

#include <algorithm>

namespace brigade::sim {

std::size_t PromiseJudge::begins(std::size_t key, bool is_delete, Ticks now) {
  Op op;
  op.key = key;
  op.is_delete = is_delete;
  op.began = now;
  ops_.push_back(op);
  keys_[key].push_back(ops_.size() - 1);
  return ops_.size() - 1;
}

void PromiseJudge::attempt_ends(std::size_t op, Ticks now) {
  if (--ops_[op].attempts == 0) ops_[op].ended = now;
}

bool PromiseJudge::is_settled(std::size_t key, Ticks now) const {
  return std::ranges::all_of(keys_[key], [&](std::size_t i) {
    const Op& op = ops_[i];
    return op.attempts == 0 && (op.acknowledged != kNot || (!op.may_be_seen && now - op.ended > kOnItsWay));
  });
}

std::optional<std::size_t> PromiseJudge::superseded(const Op& op, Ticks began) const {
  // Whoever still works at it after its acknowledgement does so in vain.
  const Ticks ended = std::min(op.acknowledged, op.attempts > 0 ? kNot : op.ended);
  for (std::size_t i : keys_[op.key])
    if (ops_[i].acknowledged <= began && ended < ops_[i].began) return i;
  return std::nullopt;
}

std::string PromiseJudge::story(const Op& op) const {
  auto time = [](Ticks t) { return t == kNot ? std::string("never") : std::to_string(t); };
  return std::string(op.is_delete ? "delete" : "write") + " (began " + time(op.began) + ", acknowledged " +
         time(op.acknowledged) + ", ended " + time(op.attempts > 0 ? kNot : op.ended) + ")";
}

void PromiseJudge::fail(Ticks now, std::string what, const std::string& how) {
  if (violation_.empty()) violation_ = "at " + std::to_string(now) + ": " + std::move(what) + "; " + how;
}

void PromiseJudge::has_revision(std::size_t op, Revision revision, Ticks now) {
  const auto [at, is_new] = revisions_.try_emplace({ops_[op].key, revision}, op);
  if (!is_new && at->second != op)
    found(now, "ops " + std::to_string(at->second) + " and " + std::to_string(op) + " of key " +
                   std::to_string(ops_[op].key) + " are acknowledged with revision " + to_string(revision));
}

void PromiseJudge::answered(std::size_t key, Ticks began, Ticks now, std::optional<std::size_t> op,
                            const std::string& how) {
  const std::string read = "a read of key " + std::to_string(key) + " that began at " + std::to_string(began);
  if (!op) {
    Op never;
    never.key = key;
    never.ended = -1;
    std::optional<std::size_t> later = superseded(never, began);
    for (std::size_t i : keys_[key])
      if (later && ops_[i].is_delete && ops_[i].may_be_seen && !superseded(ops_[i], began)) later.reset();
    if (later) fail(now, read + " was told 404 after op " + std::to_string(*later) + ", a " + story(ops_[*later]), how);
    return;
  }
  const std::string got = read + " got op " + std::to_string(*op) + ", a " + story(ops_[*op]);
  if (!ops_[*op].may_be_seen) fail(now, got + ", which was rolled back", how);
  if (const auto later = superseded(ops_[*op], began))
    fail(now, got + ", after op " + std::to_string(*later) + ", a " + story(ops_[*later]), how);
  if (ops_[*op].acknowledged == kNot) return;
  for (std::size_t i : keys_[key]) {
    if (i == *op || ops_[i].acknowledged > began) continue;
    const std::pair<std::size_t, std::size_t> pair{*op, i};
    if (std::ranges::find(later_, std::pair{i, *op}) != later_.end())
      fail(now, got + ", and another read, after both were acknowledged, op " + std::to_string(i), how);
    if (std::ranges::find(later_, pair) == later_.end()) later_.push_back(pair);
  }
}

}  // namespace brigade::sim
