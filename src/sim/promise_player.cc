#include "promise_player.h"

#include <algorithm>
#include <string>

namespace brigade::sim {

namespace {

using Kind = PromiseStep::Kind;

BucketId bucket_of(const PromiseStep& step) {
  return BucketId{static_cast<std::uint16_t>(step.number)};
}

}  // namespace

void PromisePlayer::play() {
  world_.on_commit = [this] {
    if (is_due_) go_on();
  };
  if (!world_.script->steps.empty()) world_.later(world_.script->steps[0].after, [this] { go_on(); });
}

void PromisePlayer::go_on() {
  const auto& steps = world_.script->steps;
  while (next_ < steps.size()) {
    is_due_ = !is_time(steps[next_]);
    if (is_due_) return;
    perform(steps[next_]);
    if (++next_ == steps.size()) return;
    if (steps[next_].after == 0) continue;
    world_.later(steps[next_].after, [this] { go_on(); });
    return;
  }
}

bool PromisePlayer::is_time(const PromiseStep& step) const {
  const cluster::ClusterMap& map = world_.log.newest();
  const NodeId node{step.node};
  if (step.kind == Kind::kUntilInSync)
    return map.is_in_sync(bucket_of(step)) && map.cell(bucket_of(step)).owner == node;
  if (step.kind == Kind::kUntilDown) return !map.is_up(node);
  return true;
}

void PromisePlayer::perform(const PromiseStep& step) {
  if (world_.traces())
    world_.trace("STEP " + std::to_string(next_) + ": n" + std::to_string(step.node) + ", " +
                 std::to_string(step.number));
  PromiseNode& node = world_.node(NodeId{std::max<std::uint64_t>(step.node, 1)});
  const auto ticks = static_cast<Ticks>(step.number);
  switch (step.kind) {
    case Kind::kWrite:
    case Kind::kDelete:
      write_(node, step.kind == Kind::kDelete);
      break;
    case Kind::kFall:
      world_.crash(node);
      break;
    case Kind::kStart:
      world_.restart(node, false);
      break;
    case Kind::kDeaf:
      node.isolated = true;
      world_.later(ticks, [&node] { node.isolated = false; });
      break;
    case Kind::kLag:
      node.lags_until = world_.now() + ticks;
      break;
    case Kind::kCut:
      world_.cuts.insert(std::minmax(node.id, NodeId{step.number}));
      break;
    case Kind::kMend:
      world_.cuts.erase(std::minmax(node.id, NodeId{step.number}));
      break;
    case Kind::kLevel:
      set_level_(placement::Level{static_cast<std::uint8_t>(step.number)});
      break;
    case Kind::kBodies:
      world_.slow_bodies = ticks;
      break;
    case Kind::kMove:
      coordinator_.move(bucket_of(step), node.id);
      break;
    case Kind::kUntilInSync:
    case Kind::kUntilDown:
      break;
  }
}

}  // namespace brigade::sim
