// Carrying out what the member asks for: write, publish, send, call back.
#include "control_loop.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace brigade::node {
namespace {

constexpr Duration kPresentKept = std::chrono::milliseconds{50};
constexpr Duration kTimerMax = std::chrono::hours{1};

}  // namespace

void ControlLoop::carry_out(Instant now, cluster::Effects effects) {
  if (touches_roster(effects)) nodes_.read_roster(*member_);
  if (effects.persist) write(std::move(*effects.persist));
  note_join(effects);
  const auto fresh = publish(now);
  for (const cluster::Send& out : effects.send) send(now, out);
  arm();

  const WallTime applied = effects.committed.empty() ? WallTime{} : wall_now();
  for (const wire::LogEntry& entry : effects.committed) published_.keep(entry, applied);
  for (const wire::LogEntry& entry : effects.committed) proposals_.on_committed(entry);
  proposals_.on_step(now, member_->commit());
  if (fresh && on_view_) on_view_(fresh);
  if (effects.fetch_index) fetch_index(effects.fetch_index->from);
  for (const cluster::Event& event : effects.events) {
    if (event.kind == cluster::Event::Kind::kInviting) ++published_.elections;
    story_.tell(now, event, *member_);
    if (event.kind == cluster::Event::Kind::kOutdated) leave(event.detail);
  }
}

/// Not at once: it may be the socket that is to be closed which has called.
void ControlLoop::leave(std::string why) {
  boost::asio::post(timer_.get_executor(), [this, why = std::move(why)] {
    if (dead_) return;
    close();
    if (on_fatal_) on_fatal_(why);
  });
}

void ControlLoop::write(cluster::PersistBatch batch) {
  // An index may replace a log that differs from it: then nothing that stood above belongs to what the node claims.
  const bool installs = std::ranges::any_of(
      batch.ops, [](const auto& op) { return std::holds_alternative<cluster::InstallSnapshot>(op); });
  if (installs) batch.ops.push_back(cluster::TruncateFrom{next(member_->last().seq)});
  journal_.submit(std::move(batch));
}

void ControlLoop::note_join(const cluster::Effects& effects) {
  for (const cluster::Event& event : effects.events)
    if (event.kind == cluster::Event::Kind::kJoinRefused) join_refused_ = event.detail;
  if (member_->in_roster() && member_->state() == cluster::State::kNormal) join_refused_.clear();
}

/// Replaces the view if it shows something else now, and says until when this node serves. Returns the view if it is
/// new.
std::shared_ptr<const View> ControlLoop::publish(Instant now) {
  const cluster::Member& m = *member_;
  const bool moved = !view_ || view_->state != m.state() || view_->epoch != m.epoch();
  if (moved || now >= present_until_) {
    present_ = m.present(now);
    present_until_ = now + kPresentKept;
  }
  std::shared_ptr<const View> fresh;
  if (moved || !shows(*view_)) {
    fresh = std::make_shared<const View>(View{.map = m.map(),
                                              .state = m.state(),
                                              .epoch = m.epoch(),
                                              .coordinator = m.coordinator(),
                                              .is_coordinator = m.is_coordinator(),
                                              .in_roster = m.in_roster(),
                                              .quorum_needed = m.quorum_needed(),
                                              .present = present_,
                                              .last = m.last().seq,
                                              .join_refused = join_refused_});
    view_ = fresh;
    published_.set_view(fresh);
  }
  const bool new_enough = m.commit() >= m.serve_seq();
  published_.set_serve_until(new_enough ? m.serve_until() : Instant{});
  return fresh;
}

/// `view` shows the member as it is.
bool ControlLoop::shows(const View& view) const {
  const cluster::Member& m = *member_;
  return view.map.last() == m.map().last() && view.is_coordinator == m.is_coordinator() &&
         view.in_roster == m.in_roster() && view.quorum_needed == m.quorum_needed() && view.present == present_ &&
         view.last == m.last().seq && view.join_refused == join_refused_;
}

void ControlLoop::send(Instant now, const cluster::Send& out) {
  if (out.to && *out.to == self_) return;
  const wire::Bytes datagram = sealer_.seal(out.message, out.version);
  if (!out.to && config_.transport == Transport::kMulticast) {
    port_->multicast(datagram);
    ++published_.sent;
  }
  for (const std::string& address : destinations(now, out)) send_to(now, address, datagram);
}

/// Where a datagram goes beside the multicast group.
std::vector<std::string> ControlLoop::destinations(Instant now, const cluster::Send& out) const {
  std::vector<std::string> to;
  if (out.to) {
    to.push_back(nodes_.address(*out.to));
    return to;
  }
  if (config_.transport == Transport::kUnicast) to = nodes_.everyone(now);
  if (!member_->in_roster() && std::holds_alternative<wire::Probe>(out.message))
    for (const std::string& peer : config_.peers)
      if (std::ranges::find(to, peer) == to.end()) to.push_back(peer);
  return to;
}

void ControlLoop::send_to(Instant now, const std::string& address, const wire::Bytes& datagram) {
  const std::string numeric = resolver_.numeric(now, address);
  if (numeric.empty()) return;
  port_->send(numeric, datagram);
  ++published_.sent;
}

void ControlLoop::fetch_index(NodeId from) {
  const std::string address = nodes_.address(from);
  if (fetch_index_ && !address.empty()) {
    fetch_index_(address);
  } else {
    boost::asio::post(timer_.get_executor(), [this] {
      index_fetched(Error{Errc::kUnavailable, "nobody knows where the coordinator is"});
    });
  }
}

void ControlLoop::arm() {
  const Instant at = member_->next_tick();
  if (at >= armed_for_) return;  // woken early is soon asleep again
  armed_for_ = at;
  timer_.expires_after(std::clamp<Duration>(at - boot_now(), Duration::zero(), kTimerMax));
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) on_timer();
  });
}

}  // namespace brigade::node
