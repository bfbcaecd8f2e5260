// One node's control plane: discovery, election, log, leases, and, when elected, coordination.
// Source: design §4; Garcia-Molina, "Elections in a Distributed Computing System", 1982 (invitation algorithm).
// Concept: a pure state machine. Datagrams, timers, finished disk writes and local requests go in; Effects come out.
//          The daemon and the simulator execute the same effects. States are the paper's: election (looking around),
//          reorganization (an invitation is out or accepted), normal (a group stands).
// Thread:  owned by one strand.  Time: takes now; never decreases between calls (checked).
// Invariants: M1 promised never falls   M2 commit never falls, and never passes the log's end
//             M3 commit <= what a quorum of the roster holds on disk   M4 map.seq() == commit
//             M5 a message that claims something leaves only when that is on disk
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/prng.h"
#include "brigade/base/result.h"
#include "brigade/base/time.h"
#include "brigade/cluster/assigner.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/cluster/coordinator.h"
#include "brigade/cluster/effects.h"
#include "brigade/cluster/lease.h"
#include "brigade/cluster/log.h"
#include "brigade/cluster/reorder_buffer.h"
#include "brigade/cluster/rules.h"
#include "brigade/wire/message.h"

namespace brigade::cluster {

/// What was on disk when the node started.
struct Boot {
  ClusterId cluster;
  Incarnation incarnation;
  Epoch promised;
  std::optional<wire::Snapshot> snapshot;
  std::vector<wire::LogEntry> log;
  Seq commit;
  /// Entries that may have been acknowledged were unreadable: the log ends before them.
  bool damaged = false;
};

enum class State : std::uint8_t { kElection, kReorganization, kNormal };

class Member {
 public:
  /// `self` as this node is now; its id is the one that the log knows it by. Errors: kInvalid (snapshot unreadable),
  /// kConflict (the log is of a protocol version that `self` does not read).
  static Result<std::unique_ptr<Member>> make(wire::NodeInfo self, Boot boot, Prng prng, Instant now);

  // Inputs. Each returns what is to be done now.
  Effects step(Instant now, const wire::Envelope& envelope);
  Effects tick(Instant now);
  Effects persisted(Instant now, std::uint64_t number);
  Effects on_index(Instant now, const wire::Snapshot& snapshot);
  Effects on_index_failed(Instant now);
  /// The data plane's statement to the coordinator; to be repeated by the caller until the map says so.
  Effects report(Instant now, const wire::Report& report);
  /// Appends a change that an operator wants; coordinator only. Check `map()` for the outcome: it holds once
  /// commit() >= the position's seq under the same epoch. Errors: kNoQuorum (not coordinator, or no lease), kConflict
  /// (not applicable, or another roster change is under way: ask again), kInvalid.
  Result<Position> propose(Instant now, const wire::Change& change, Effects& effects);

  // Queries.
  /// When tick() wants to be called at the latest.
  [[nodiscard]] Instant next_tick() const;
  [[nodiscard]] State state() const { return state_; }
  /// The epoch that this node follows or leads; none in election.
  [[nodiscard]] Epoch epoch() const { return state_ == State::kNormal ? epoch_ : Epoch{}; }
  [[nodiscard]] bool is_coordinator() const { return coordinator_ != nullptr; }
  /// None in election and reorganization.
  [[nodiscard]] NodeId coordinator() const { return epoch().coordinator; }
  [[nodiscard]] Epoch promised() const { return promised_; }
  [[nodiscard]] Seq commit() const { return map_.seq(); }
  [[nodiscard]] Position last() const { return log_.last(); }
  [[nodiscard]] const Log& log() const { return log_; }
  /// The committed state.
  [[nodiscard]] const ClusterMap& map() const { return map_; }
  /// This node may serve clients and hand out its index until this moment (if it is later than now), as long as it has
  /// applied serve_seq().
  [[nodiscard]] Instant serve_until() const { return lives_in_map() ? lease_until() : Instant{}; }
  [[nodiscard]] Seq serve_seq() const;
  /// The lease alone: as coordinator its own, otherwise what it was granted.
  [[nodiscard]] Instant lease_until() const;
  [[nodiscard]] bool may_serve(Instant now) const { return now < serve_until() && map_.seq() >= serve_seq(); }
  /// This node may hand out map().snapshot() to a peer. What it holds is committed. A coordinator that can't commit yet
  /// must, for it may be waiting for just that peer.
  [[nodiscard]] bool may_hand_out_index(Instant now) const {
    return coordinator_ ? now < lease_until() : may_serve(now);
  }
  /// Nodes heard lately, self included; of the roster in force.
  [[nodiscard]] std::size_t present(Instant now) const;
  [[nodiscard]] std::size_t quorum_needed() const {
    return roster_in_force_.size() / 2 + (holds(Rule::kQuorumIsMajority) ? 1 : 0);
  }
  [[nodiscard]] NodeId self() const { return self_.id; }
  [[nodiscard]] bool in_roster() const;
  /// False while its log may lack what it has acknowledged (Boot::damaged). Nobody may choose a log by its word then:
  /// it does not invite, and its Accept, which says so, counts for no quorum. It is whole again once it holds all that
  /// a coordinator had when it spoke.
  [[nodiscard]] bool is_whole() const { return whole_; }

 private:
  struct Answer {
    Position last;
    Epoch promised;
    std::optional<Epoch> following;
    Instant at;
  };
  struct Outgoing {
    std::uint64_t after = 0;  ///< number of the batch that must be durable first
    Send send;
  };

  Member(wire::NodeInfo self, Boot boot, ClusterMap map, Prng prng, Instant now);

  /// The committed map has this node up in its present life. In an earlier one it may have said what it has forgotten,
  /// or have had another store; NodeUp comes behind all that in the log.
  [[nodiscard]] bool lives_in_map() const;

  // member.cc: plumbing
  void begin(Instant now);
  Effects finish();
  void persist(PersistOp op);
  void send(std::optional<NodeId> to, wire::Message message);
  void send_in(std::uint32_t version, std::optional<NodeId> to, wire::Message message);
  [[nodiscard]] std::uint32_t version_to_write(const wire::Message& message) const;
  void turn_away(const wire::Envelope& envelope);
  void outdated(std::uint32_t version);
  void note(Event::Kind kind, NodeId node = {}, Seq seq = {}, std::string detail = {});
  void refresh_roster_in_force();
  [[nodiscard]] bool is_quorum(const std::set<NodeId>& nodes) const;
  [[nodiscard]] bool is_in_force(NodeId node) const;
  [[nodiscard]] Duration heartbeat() const { return map_.settings().heartbeat; }
  /// A newcomer knows the settings only once it has the index; until then the coordinator's lease says how slow it is.
  [[nodiscard]] Duration coordinator_timeout() const {
    return map_.seq() == Seq{} ? std::max(heard_lease_, 3 * heartbeat()) : 3 * heartbeat();
  }

  // member_election.cc: looking around, inviting, accepting
  void look_around();
  void probe();
  void on(NodeId from, const wire::Probe& m);
  void on(NodeId from, const wire::ProbeReply& m);
  void on(NodeId from, const wire::Invitation& m);
  void on(NodeId from, const wire::Accept& m);
  void on(NodeId from, const wire::Refusal& m);
  void on(NodeId from, const wire::JoinRefusal& m);
  void on(NodeId from, const wire::Ready& m);
  void consider_inviting();
  [[nodiscard]] bool hears(NodeId coordinator) const;
  void hear_beat(NodeId from);
  void complain_if_unheard();
  void invite();
  void accept(NodeId from, const Epoch& epoch);
  void evaluate_accepts();
  void ask_for_missing();
  void form_group();
  void follow(const Epoch& epoch);
  [[nodiscard]] std::optional<Epoch> live_coordinator() const;

  // member_log.cc: taking entries, committing, index
  void on(NodeId from, const wire::Append& m);
  void on(NodeId from, const wire::Ack& m);
  void on(NodeId from, const wire::LogRequest& m);
  void on(NodeId from, const wire::LogCut& m);
  void on(NodeId from, const wire::Heartbeat& m);
  void on(NodeId from, const wire::HeartbeatReply& m);
  void on(NodeId from, const wire::Report& m);
  bool heeds(NodeId from, const Epoch& epoch);
  void take(Epoch before, const wire::LogEntry& entry);
  void place(const wire::LogEntry& entry);
  void drain_reorder_buffer();
  void append(wire::LogEntry entry);
  void clamp_durable(Seq upto);
  void apply_to(Seq commit);
  void send_entries(std::optional<NodeId> to, Seq first, Seq end, bool fetched);
  void truncate_from(Seq from);
  void advance_commit(Seq commit);
  void cut_log();
  void request_missing(Seq upto);
  void acknowledge();
  void want_index();
  [[nodiscard]] Seq durable_matched() const;

  // member_coordination.cc: what only a coordinator does
  void coordinate();
  void send_heartbeat();
  void meet(NodeId from, Coordinator::Peer& peer);
  void invite_one(NodeId node);
  void step_down(std::string why);
  void append_changes(std::vector<wire::Change> changes);
  bool append_change(wire::Change change);
  void on_acked(Coordinator::Peer& peer, Seq seq);
  void evaluate_commit();
  [[nodiscard]] bool is_lost(NodeId node) const;
  void watch_nodes();
  void raise_version();
  void watch_up(const RosterEntry& entry, Coordinator::Peer& peer);
  void watch_down(const RosterEntry& entry, Coordinator::Peer& peer);
  void condemn_unreachable();
  void handle_join(NodeId from, const wire::NodeInfo& node);
  [[nodiscard]] Status check_change(const wire::Change& change) const;
  [[nodiscard]] Status check_share(NodeId node, bool has_share, NodeId other) const;
  void on_report(NodeId from, const wire::Report& m);
  [[nodiscard]] bool roster_change_allowed() const;

  // Immutable
  const wire::NodeInfo self_;
  const Incarnation incarnation_;
  Prng prng_;

  // Durable, or on the way to the disk
  Epoch promised_;
  Log log_;

  // From the committed log
  ClusterMap map_;

  // The roster that counts: of the whole log, committed or not (design §4 Log)
  std::vector<NodeId> roster_in_force_;
  Seq roster_in_force_seq_;

  // Volatile
  static constexpr Seq kNotYet{~std::uint64_t{0}};
  Seq lived_from_ = kNotYet;  ///< where the log says that this node is up in its present life
  bool whole_;
  Instant now_;
  State state_ = State::kElection;
  Epoch epoch_;                          ///< accepted or led; meaningful from reorganization on
  Incarnation coordinator_incarnation_;  ///< of the coordinator that is followed
  Epoch highest_seen_;                   ///< for choosing a number above every one seen
  Seq matched_;                          ///< the log equals the coordinator's up to here
  Seq known_last_;                       ///< end of the coordinator's log as last heard
  ReorderBuffer reorder_;
  MemberLease lease_;
  CoordinatorLease former_lease_;  ///< of the group that this node led last: what it granted may still run
  std::unique_ptr<Coordinator> coordinator_;
  Assigner assigner_;  ///< outlives a group, for its plan takes long to make

  std::map<NodeId, Answer> answers_;
  std::uint64_t probe_round_ = 0;
  Instant probe_at_;
  std::optional<Instant> invite_at_;
  Instant yields_until_;                    ///< others, whose logs are newer, are to invite before
  std::map<NodeId, wire::Accept> accepts_;  ///< as inviter
  bool inviting_ = false;
  Instant invited_at_;
  Instant reinvite_at_;
  Instant reorganization_ends_;
  std::optional<std::pair<NodeId, Epoch>> waiting_invitation_;  ///< until the holdoff is over
  /// For a newcomer: it is invited by one whose heartbeats it has not heard.
  struct Unheard {
    NodeId from;
    Epoch epoch;
    Instant since;
    bool is_told = false;
  };
  std::optional<Unheard> unheard_;
  std::pair<NodeId, Instant> beat_;  ///< for a newcomer: the last heartbeat, whoever's
  Instant heard_coordinator_;
  Duration heard_lease_{};  ///< as the last heartbeat told; before the first, what a group needs
  std::uint64_t heard_round_ = 0;
  std::map<NodeId, Instant> heard_;
  std::map<NodeId, Incarnation> incarnations_;
  std::uint32_t heard_version_;  ///< for a newcomer, who does not know what is in force: of who answered it last
  Instant request_at_;           ///< not to ask again before this
  bool index_wanted_ = false;
  std::size_t present_ = 0;  ///< as the last heartbeat told; before the first, what a group needs
  Seq acknowledged_;         ///< to the present coordinator
  Instant index_retry_at_;

  // Gate
  std::uint64_t batch_number_ = 0;  ///< of the last batch handed out, or being built
  std::uint64_t durable_number_ = 0;
  std::uint64_t promise_batch_ = 0;          ///< the batch that holds the promise
  std::map<std::uint64_t, Seq> batch_last_;  ///< end of the log once that batch is durable
  Seq durable_last_;
  Seq sent_last_;  ///< as coordinator: entries up to here have been multicast
  std::vector<Outgoing> held_;
  Effects effects_;
};

}  // namespace brigade::cluster
