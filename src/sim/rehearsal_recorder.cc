#include "rehearsal_recorder.h"

#include <algorithm>
#include <chrono>

#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"

namespace brigade::sim {

namespace {

constexpr std::size_t kFrameBytes = limits::kDatagramBytesMax - wire::kMessageBytesMax;

std::string ms_text(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

std::string buckets_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " bucket" : " buckets");
}

}  // namespace

std::string RehearsalRecorder::name(NodeId id) const {
  const std::size_t index = world_.index_of(id);
  return index == kWorld ? to_string(id) : world_.hosts()[index]->info.name;
}

void RehearsalRecorder::on_failure(std::size_t node) {
  failed_[node] = world_.now();
  if (world_.hosts()[node]->is_running() && world_.hosts()[node]->member->is_coordinator())
    without_coordinator_since_ = world_.now();
}

void RehearsalRecorder::on_effects(std::size_t node, const cluster::Effects& effects) {
  for (const cluster::Event& event : effects.events) {
    if (event.kind == cluster::Event::Kind::kSteppedDown) {
      tell("leads-no-more", name(event.node), "leads no more: " + event.detail);
      without_coordinator_since_ = std::max(without_coordinator_since_, world_.now());
    } else if (event.kind == cluster::Event::Kind::kIndexInstalled) {
      tell("index", world_.hosts()[node]->info.name, "has fetched the index");
    } else if (event.kind == cluster::Event::Kind::kRolledBack) {
      tell("rolled-back", world_.hosts()[node]->info.name, "rolls back what was never committed");
    }
  }
  for (const wire::LogEntry& entry : effects.committed) {
    if (entry.seq <= known_) continue;
    known_ = entry.seq;
    on_commit(node, entry);
  }
}

void RehearsalRecorder::on_commit(std::size_t node, const wire::LogEntry& entry) {
  ++rehearsal_.transactions;
  if (std::holds_alternative<wire::GroupFormed>(entry.change)) {
    const Duration took = world_.now() - without_coordinator_since_;
    const std::string& leader = world_.hosts()[node]->info.name;
    rehearsal_.elections.push_back({world_.now(), took, leader, entry.epoch.counter});
    tell("leads", leader,
         "leads, in epoch " + std::to_string(entry.epoch.counter) + ", after " + ms_text(took) +
             " without a coordinator");
  } else if (const auto* assigned = std::get_if<wire::BucketsAssigned>(&entry.change)) {
    for (const wire::Assignment& a : assigned->assignments) {
      if (a.role == wire::Role::kStandIn) stand_ins_ += a.buckets.size();
      if (a.role == wire::Role::kOwner && assigned->reason == wire::Reason::kLoss)
        tell("takes-over", name(a.node), "takes over " + buckets_text(a.buckets.size()) + " for good");
    }
  } else if (const auto* down = std::get_if<wire::NodeDown>(&entry.change)) {
    const auto failed = failed_.find(world_.index_of(down->node));
    tell("down", name(down->node),
         "declared down" +
             (failed == failed_.end() ? "" : ", " + ms_text(world_.now() - failed->second) + " after it failed") +
             "; others stand in for " + buckets_text(std::exchange(stand_ins_, 0)));
  } else if (const auto* up = std::get_if<wire::NodeUp>(&entry.change)) {
    tell("up", name(up->node.id), "is up");
  } else if (const auto* added = std::get_if<wire::NodeAdded>(&entry.change)) {
    tell("joined", name(added->node.id), "has joined the roster");
  } else if (const auto* moved = std::get_if<wire::BucketsMoved>(&entry.change)) {
    moved_ += moved->buckets.size();
  }
}

void RehearsalRecorder::on_send(std::size_t node, const wire::Envelope& envelope, bool /*to_all*/,
                                std::span<const Copy> copies) {
  const std::uint64_t bytes = wire::encoded_bytes(envelope.message) + kFrameBytes;
  const auto second = static_cast<std::size_t>(std::chrono::duration_cast<std::chrono::seconds>(world_.now()).count());
  if (rehearsal_.traffic.size() <= second) rehearsal_.traffic.resize(second + 1);
  const auto arrive = static_cast<std::uint64_t>(std::ranges::count_if(
      copies, [&](const Copy& c) { return c.takes.has_value() && world_.hosts()[c.to]->is_running(); }));
  auto count = [&](Rehearsal::Traffic& t, std::uint64_t sent, std::uint64_t received) {
    t.sent += sent;
    t.sent_bytes += sent * bytes;
    t.received += received;
    t.received_bytes += received * bytes;
  };
  count(rehearsal_.traffic[second], 1, arrive);
  const Hosts& hosts = world_.hosts();
  if (hosts[node]->member->is_coordinator()) {
    count(rehearsal_.coordinator, 1, 0);
  } else if (copies.size() == 1 && arrive == 1 && hosts[copies[0].to]->member->is_coordinator()) {
    count(rehearsal_.coordinator, 0, 1);
  }
}

void RehearsalRecorder::look() {
  const cluster::ClusterMap& map = world_.committed();
  if (map.seq() == looked_at_) return;
  looked_at_ = map.seq();
  Rehearsal::Risk risk{world_.now()};
  for (std::size_t b = 0; b < kBucketCount; b += 2) {
    const auto first = static_cast<std::uint16_t>(b);
    const int in_sync = (map.is_in_sync(BucketId{first}) ? 1 : 0) +
                        (map.is_in_sync(BucketId{static_cast<std::uint16_t>(first + 1)}) ? 1 : 0);
    ++(in_sync == 2 ? risk.two : in_sync == 1 ? risk.one : risk.none);
  }
  const bool had = !rehearsal_.risk.empty();
  const bool was_whole = had && rehearsal_.risk.back().one + rehearsal_.risk.back().none == 0;
  const bool is_whole = risk.one + risk.none == 0;
  const Rehearsal::Risk last = had ? rehearsal_.risk.back() : Rehearsal::Risk{};
  if (had && last.two == risk.two && last.one == risk.one && last.none == risk.none) return;
  if (had && is_whole && !was_whole)
    tell("whole", "",
         "every run of siblings has two copies in sync again" +
             (moved_ > 0 ? "; " + buckets_text(moved_) + " moved so far" : std::string()));
  rehearsal_.risk.push_back(risk);
}

}  // namespace brigade::sim
