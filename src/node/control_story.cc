#include "control_story.h"

#include <chrono>
#include <string_view>
#include <utility>

#include <spdlog/logger.h>

#include "brigade/base/settings.h"

namespace brigade::node {
namespace {

using Kind = cluster::Event::Kind;

/// What a network does by itself: two paths, late datagrams, the own echo.
bool is_ordinary(wire::Drop drop) {
  return drop == wire::Drop::kOwn || drop == wire::Drop::kReplayed || drop == wire::Drop::kOldIncarnation;
}

std::string present_text(Instant now, const cluster::Member& member) {
  return std::to_string(member.present(now)) + " of " + std::to_string(member.map().roster().size()) + " present";
}

}  // namespace

Story::Story(std::shared_ptr<spdlog::logger> logger, const AddressBook& names, NodeId self, std::uint32_t speaks)
    : log_(std::move(logger)), names_(names), self_(self), speaks_(speaks) {}

void Story::started(const cluster::Member& member, const std::string& address, std::string_view way) {
  log_->info("{} listens for datagrams on {} ({})", names_.name(self_), address, way);
  if (member.in_roster()) {
    log_->info("one of {} in the roster, map at seq {}, log up to {}: looking around for a coordinator",
               member.map().roster().size(), to_string(member.commit()), to_string(member.last().seq));
  } else {
    log_->info("not in the roster yet: asking to join");
  }
}

void Story::tell(Instant now, const cluster::Event& event, const cluster::Member& member) {
  const std::string node = names_.name(event.node);
  switch (event.kind) {
    case Kind::kLookingAround:
      lost(member);
      break;
    case Kind::kInviting:
      epoch_ = event.epoch;
      state_ = cluster::State::kReorganization;
      log_->info("standing for election, epoch {}", names_.name(event.epoch));
      break;
    case Kind::kAccepted:
      epoch_ = event.epoch;
      state_ = cluster::State::kReorganization;
      log_->debug("accepts {} as coordinator, epoch {}", node, names_.name(event.epoch));
      break;
    case Kind::kCoordinating:
      epoch_ = event.epoch;
      state_ = cluster::State::kNormal;
      log_->info("{} coordinates, epoch {}, {}", node, event.epoch.counter, present_text(now, member));
      break;
    case Kind::kFollowing:
      epoch_ = event.epoch;
      state_ = cluster::State::kNormal;
      log_->info("{} coordinates, epoch {}: following it", node, event.epoch.counter);
      break;
    case Kind::kSteppedDown:
      state_ = cluster::State::kElection;
      log_->info("no longer coordinates ({}): looking around", event.detail);
      break;
    case Kind::kNodeUp:
      log_->info("{} is up", node);
      break;
    case Kind::kNodeDown:
      log_->info("{} is down", node);
      break;
    case Kind::kNodeAdded:
      log_->info("{} joined", event.node == self_ ? "this node" : node);
      join_refused_.clear();
      break;
    case Kind::kNodeRemoved:
      log_->info("{} was removed", event.node == self_ ? "this node" : node);
      break;
    case Kind::kJoinRefused:
      if (join_refused_ == event.detail) break;
      join_refused_ = event.detail;
      log_->warn("the cluster does not take this node: {}", event.detail);
      break;
    case Kind::kIndexWanted:
      log_->info("too far behind for the log: taking the index from {}", node);
      break;
    case Kind::kIndexInstalled:
      log_->info("index of seq {} taken from {}", to_string(event.seq), node);
      break;
    case Kind::kRolledBack:
      log_->info("rolled back from seq {} (uncommitted)", to_string(event.seq));
      break;
    case Kind::kOutdated:
      log_->critical("this node leaves: {}", event.detail);
      break;
  }
}

void Story::lost(const cluster::Member& member) {
  const cluster::State before = std::exchange(state_, cluster::State::kElection);
  if (before == cluster::State::kNormal) {
    log_->info("{} is no longer heard as coordinator (within {}): looking around", names_.name(epoch_.coordinator),
               duration_text(3 * member.map().settings().heartbeat));
  } else if (before == cluster::State::kReorganization) {
    log_->info("no group formed in epoch {}: looking around", names_.name(epoch_));
  }
}

void Story::dropped(Instant now, wire::Drop drop, std::span<const std::byte> datagram, const std::string& from) {
  const std::string text = wire::drop_text(drop, datagram, speaks_);
  if (is_ordinary(drop)) {
    log_->debug("datagram from {} dropped: {}", from, text);
    return;
  }
  DropCount& count = drops_[static_cast<std::size_t>(drop)];
  if (now < count.quiet_until) {
    ++count.untold;
    return;
  }
  count.quiet_until = now + kDropQuiet;
  const std::uint64_t untold = std::exchange(count.untold, 0);
  if (untold == 0) {
    log_->warn("datagram from {} dropped: {}", from, text);
  } else {
    log_->warn("datagram from {} dropped: {} ({} more like it since the last line)", from, text, untold);
  }
}

void Story::damaged() {
  log_->warn(
      "the journal has lost entries: this node stays out of elections until it has them again from a coordinator");
}

void Story::index_failed(const Error& error) {
  log_->debug("index not taken: {}", error.detail());
}

void Story::died(const Error& error) {
  log_->critical("the journal failed, so this node leaves: {}", error.detail());
}

}  // namespace brigade::node
