// Members driven by hand: time passes, datagrams arrive and disks finish when the test says so.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "brigade/base/check.h"
#include "brigade/cluster/member.h"
#include "brigade/placement/planner.h"

namespace brigade::cluster {

inline constexpr ClusterId kCluster{7};
inline constexpr Instant kStart{std::chrono::hours{1}};

inline wire::NodeInfo info(std::uint64_t id, std::uint32_t speaks = wire::kProtocolVersion) {
  wire::NodeInfo node;
  node.id = NodeId{id};
  node.name = "n" + std::to_string(id);
  node.client = node.name + ".example:8080";
  node.peer = node.name + ".example:8081";
  node.store = StoreId{id};
  node.speaks = speaks;
  return node;
}

/// Nodes 1 to `nodes`, all up in their first life; node 1 owns and serves everything. Ends at {1.1, 1}.
inline wire::Snapshot snapshot_of(std::uint64_t nodes) {
  wire::Snapshot s;
  s.cluster = kCluster;
  s.last = {{1, NodeId{1}}, Seq{1}};
  s.roster_seq = s.view = Seq{1};
  for (std::uint64_t id = 1; id <= nodes; ++id) s.roster.push_back({info(id), Incarnation{1}, true, Seq{1}, Seq{1}});
  wire::Cell cell;
  cell.owner = NodeId{1};
  cell.state = wire::BucketState::kServing;
  cell.in_sync = true;
  cell.assigned = Seq{1};
  s.cells.assign(kBucketCount, cell);
  return s;
}

inline Boot boot_of(std::uint64_t nodes) {
  Boot boot;
  boot.cluster = kCluster;
  boot.incarnation = Incarnation{1};
  boot.snapshot = snapshot_of(nodes);
  boot.promised = boot.snapshot->last.epoch;
  return boot;
}

inline wire::LogEntry entry(Epoch epoch, std::uint64_t seq, std::string value = "2h") {
  return {epoch, Seq{seq}, wire::SettingChanged{"retention", std::move(value)}};
}

class Driven {
 public:
  explicit Driven(std::uint64_t id, Boot boot = boot_of(3), std::uint32_t speaks = wire::kProtocolVersion)
      : now_(kStart) {
    auto made = Member::make(info(id, speaks), std::move(boot), Prng(id), now_);
    BRIGADE_CHECK(made.has_value(), "boot");
    member_ = std::move(*made);
  }

  Member& operator*() { return *member_; }
  Member* operator->() { return member_.get(); }
  [[nodiscard]] Instant now() const { return now_; }

  void hear(std::uint64_t from, wire::Message message, std::uint64_t incarnation = 1) {
    hear({NodeId{from}, Incarnation{incarnation}, std::move(message), wire::kFirstVersion, peers_speak});
  }
  void hear(const wire::Envelope& envelope) { take(member_->step(now_, envelope)); }
  void tick() { take(member_->tick(now_)); }
  void report(const wire::Report& r) { take(member_->report(now_, r)); }
  void index(const wire::Snapshot& s) { take(member_->on_index(now_, s)); }
  Result<Position> propose(const wire::Change& change) {
    Effects effects;
    auto result = member_->propose(now_, change, effects);
    take(std::move(effects));
    return result;
  }
  /// Ticks whenever the member wants to, until `d` has passed.
  void pass(Duration d) {
    const Instant end = now_ + d;
    while (member_->next_tick() <= end) {
      now_ = std::max(now_, member_->next_tick());
      tick();
    }
    now_ = end;
  }
  /// All that was handed to the disk is on it now.
  void flush() {
    while (!pending.empty()) {
      const std::uint64_t number = pending.front().number;
      done.push_back(std::move(pending.front()));
      pending.pop_front();
      take(member_->persisted(now_, number));
    }
  }

  template <class M>
  [[nodiscard]] std::vector<M> all() const {
    std::vector<M> found;
    for (const Send& s : sent)
      if (const auto* m = std::get_if<M>(&s.message)) found.push_back(*m);
    return found;
  }
  template <class M>
  [[nodiscard]] std::size_t count() const {
    return all<M>().size();
  }
  /// The last one; the default value if there is none.
  template <class M>
  [[nodiscard]] M last() const {
    auto found = all<M>();
    return found.empty() ? M{} : found.back();
  }
  [[nodiscard]] bool told(Event::Kind kind) const {
    return std::ranges::any_of(events, [&](const Event& e) { return e.kind == kind; });
  }
  /// The latest change of this kind in its log, if there is one.
  template <class C>
  [[nodiscard]] std::optional<C> logged() const {
    for (Seq seq = member_->log().last().seq; member_->log().has(seq); seq = previous(seq))
      if (const auto* c = std::get_if<C>(&member_->log().at(seq).change)) return *c;
    return std::nullopt;
  }

  std::uint32_t peers_speak = wire::kProtocolVersion;
  std::vector<Send> sent;
  std::vector<Event> events;
  std::deque<PersistBatch> pending;
  std::vector<PersistBatch> done;
  std::optional<IndexRequest> wanted;

 private:
  void take(Effects e) {
    for (Send& s : e.send) sent.push_back(std::move(s));
    for (Event& v : e.events) events.push_back(std::move(v));
    if (e.persist) pending.push_back(std::move(*e.persist));
    if (e.fetch_index) wanted = e.fetch_index;
  }

  Instant now_;
  std::unique_ptr<Member> member_;
};

/// Longer than the holdoff after a start.
inline constexpr Duration kHoldoff = std::chrono::milliseconds{410};

/// Node `self` follows `epoch`'s coordinator; nothing is in flight.
inline void follow(Driven& node, Epoch epoch) {
  node.pass(kHoldoff);
  node.hear(epoch.coordinator.value, wire::Invitation{epoch});
  node.pass(kHoldoff);  // it may owe somebody else a lease
  node.flush();
  node.hear(epoch.coordinator.value, wire::Ready{epoch, Seq{1}});
  node.sent.clear();
}

/// Node 1 leads a group with 2 and 3, as far as others have to do with it: it has their Accepts. Returns its epoch.
inline Epoch lead(Driven& node, Position accepted = {{1, NodeId{1}}, Seq{1}}) {
  node.pass(kHoldoff);
  for (int i = 0; i < 50 && node.count<wire::Invitation>() == 0; ++i) {
    const wire::Probe probe = node.last<wire::Probe>();
    for (std::uint64_t id : {2, 3})
      node.hear(id, wire::ProbeReply{probe.round, accepted, accepted.epoch, std::nullopt});
    node.pass(std::chrono::milliseconds{10});
    node.flush();
  }
  const Epoch epoch = node.last<wire::Invitation>().epoch;
  for (std::uint64_t id : {2, 3}) node.hear(id, wire::Accept{epoch, accepted, info(id, node.peers_speak)});
  return epoch;
}

/// 2 and 3 acknowledge all that node 1 has, and answer its last heartbeat.
inline void answer(Driven& node, std::vector<std::uint64_t> who = {2, 3}) {
  node.flush();
  const wire::Heartbeat h = node.last<wire::Heartbeat>();
  for (std::uint64_t id : who) {
    if (h.round != 0) node.hear(id, wire::HeartbeatReply{h.epoch, h.round, node->last().seq, node->commit()});
    node.hear(id, wire::Ack{node->epoch(), node->last().seq});
  }
}

/// `d` passes, in which `who` answer.
inline void pass_answered(Driven& node, Duration d, const std::vector<std::uint64_t>& who = {2, 3}) {
  for (const Instant end = node.now() + d; node.now() < end;) {
    node.pass(std::chrono::milliseconds{5});
    answer(node, who);
  }
}

}  // namespace brigade::cluster
