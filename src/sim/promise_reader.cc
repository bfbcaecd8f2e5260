#include "promise_reader.h"

#include <string>
#include <utility>

namespace brigade::sim {

namespace {

using Kind = PromiseReply::Kind;

constexpr Ticks kReadPatience = 30;
constexpr Ticks kCatchUp = 15;

}  // namespace

bool PromiseReader::may_leave(const PromiseNode& node, BucketId bucket) const {
  return world_.may_serve(node) && world_.serves(node, bucket);
}

replication::ReadCandidates PromiseReader::candidates(const PromiseNode& node, std::size_t key) const {
  const cluster::ClusterMap& map = world_.map(node);
  if (!world_.broken(PromiseFlaw::kFillingServes)) return replication::read_candidates(map, PromiseWorld::object(key));
  replication::ReadCandidates all;
  for (std::uint32_t j = 0; j < kPromiseBuckets; ++j) {
    const BucketId bucket = placement::by_distance(placement::home_bucket(PromiseWorld::object(key)), j);
    const NodeId owner = map.cell(bucket).owner;
    if (map.is_up(owner)) all.push_back({owner, bucket, j < map.settings().min_redundancy});
  }
  return all;
}

void PromiseReader::read(PromiseNode& gateway, std::size_t key) {
  auto job = std::make_shared<Job>();
  job->gateway = &gateway;
  job->key = key;
  job->began = world_.now();
  job->deadline = world_.now() + kReadPatience;
  begin_round(job);
}

void PromiseReader::begin_round(const JobPtr& job) {
  if (!world_.may_serve(*job->gateway)) {
    ++world_.outcome.unavailable;
    return;
  }
  job->candidates = candidates(*job->gateway, job->key);
  job->next = 0;
  // Whoever is in sync may be asked; the product begins with the home bucket.
  if (!job->candidates.empty() && world_.prng.chance(1, 2))
    std::swap(job->candidates.front(), job->candidates[world_.prng.below(job->candidates.size())]);
  ask_next(job);
}

void PromiseReader::ask_next(const JobPtr& job) {
  if (job->next == job->candidates.size()) {
    // Nobody could tell.
    if (world_.now() >= job->deadline) {
      ++world_.outcome.unavailable;
      return;
    }
    world_.later_at(*job->gateway, world_.some(10), [this, job] { begin_round(job); });
    return;
  }
  const auto candidate = job->candidates[job->next++];
  auto heard = [this, job, candidate](const PromiseReply& reply) {
    const bool tells = reply.kind == Kind::kOk || (reply.kind == Kind::kAbsent && candidate.knows);
    if (!tells) return ask_next(job);
    if (!world_.may_serve(*job->gateway)) {
      ++world_.outcome.unavailable;
      return;
    }
    ++(reply.kind == Kind::kOk ? world_.outcome.read : world_.outcome.absent);
    const std::string how = "from n" + std::to_string(candidate.node.value) + " for bucket " +
                            std::to_string(candidate.bucket.value) + " through n" +
                            std::to_string(job->gateway->id.value);
    if (world_.traces())
      world_.trace("READ of key " + std::to_string(job->key) + " since " + std::to_string(job->began) + ": " +
                   (reply.op ? "op " + std::to_string(*reply.op) : "404") + " " + how);
    world_.judge.answered(job->key, job->began, world_.now(), reply.op, how);
  };
  if (candidate.node == job->gateway->id) return read_here(*job->gateway, job->key, candidate.bucket, heard);
  auto handler = [this, key = job->key, candidate, seq = job->gateway->applied](PromiseNode& there,
                                                                                PromiseAnswer answer) {
    read_for_peer(there, key, candidate.bucket, seq, std::move(answer));
  };
  world_.call(*job->gateway, candidate.node, handler, heard);
}

std::optional<std::size_t> PromiseReader::shown(const PromiseNode& node, std::size_t key, BucketId bucket) const {
  const auto& record = node.store[key];
  if (!record || record->tombstone) return std::nullopt;
  const bool is_placed = replication::is_replica_bucket(bucket, PromiseWorld::object(key), record->level) ||
                         world_.broken(PromiseFlaw::kUnplacedRead);
  return is_placed ? std::optional(record->op) : std::nullopt;
}

void PromiseReader::probe() {
  for (const PromiseNode& node : world_.nodes) {
    if (!node.running || !world_.may_serve(node)) continue;
    const cluster::ClusterMap& map = world_.map(node);
    for (std::size_t key = 0; key < world_.temper.keys; ++key)
      for (std::uint32_t j = 0; j < kPromiseBuckets; ++j) {
        const BucketId bucket = placement::by_distance(placement::home_bucket(PromiseWorld::object(key)), j);
        if (!world_.serves(node, bucket)) continue;
        const auto op = shown(node, key, bucket);
        const bool tells = op || j < map.settings().min_redundancy;
        if (tells)
          world_.judge.answered(key, world_.now(), world_.now(), op,
                                "at n" + std::to_string(node.id.value) + " for bucket " + std::to_string(bucket.value));
      }
  }
}

void PromiseReader::read_here(PromiseNode& node, std::size_t key, BucketId bucket, PromiseAnswer answer) {
  if (!world_.serves(node, bucket)) return answer({});
  auto found = std::make_shared<std::optional<std::size_t>>();
  auto visit = [this, &node, key, bucket, found] { *found = shown(node, key, bucket); };
  world_.disk(node, visit, [this, &node, bucket, found, answer = std::move(answer)] {
    const bool checked = *found || !world_.broken(PromiseFlaw::kAbsentUnchecked);
    if (checked && !may_leave(node, bucket)) return answer({});
    PromiseReply reply{.kind = *found ? Kind::kOk : Kind::kAbsent};
    reply.op = *found;
    answer(reply);
  });
}

void PromiseReader::read_for_peer(PromiseNode& node, std::size_t key, BucketId bucket, Seq seq, PromiseAnswer answer) {
  // The gateway may know a map in which this node serves, while this node has yet to apply it.
  world_.wait_for_seq(node, seq, world_.now() + kCatchUp, [this, &node, key, bucket, answer = std::move(answer)](bool) {
    if (!may_leave(node, bucket)) return answer({});
    read_here(node, key, bucket, [this, &node, bucket, answer](const PromiseReply& reply) {
      if (reply.kind == Kind::kAbsent && !may_leave(node, bucket)) return answer({});
      answer(reply);
    });
  });
}

}  // namespace brigade::sim
