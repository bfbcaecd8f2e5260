/* Election and log of design section 4 as a model for spin; leases.pml adds the leases. What it holds and leaves out,
 * and how to run it: proto/README.md, "Model".
 *
 * A step of a node is atomic, as step() of the core is, and includes the disk writes that the message it sends waits
 * for. Timers are not modelled: what one may cause is possible at any time. Any node may crash at any time.
 *
 * The network is the set of all messages ever sent: none is taken out by its arrival, so each arrives late, out of
 * order, many times, or never. They stand with their epoch (Invitation, Append, commit of Heartbeat), or where their
 * only reader is (Accept, Ack), who may act on them from when they are sent, and need not.
 *
 * A name in capitals after #ifdef switches a rule off: then a property must break.
 */
#ifndef COUNTERS
#define COUNTERS 2 /* highest counter of an epoch */
#endif
#ifndef ENTRIES
#define ENTRIES 3 /* longest log; 0: leave the log out */
#endif
#ifndef LEASE
#define LEASE 0 /* steps of the clock; 0: leave the leases out */
#endif

#define N 3 /* nodes; COUNT and EACH_PEER are written out for it */
#ifdef HALF_IS_A_QUORUM
#define QUORUM (N / 2)
#else
#define QUORUM (N / 2 + 1)
#endif
#define PEER(i) ((_pid + i) % N)
#define EACH_PEER(step, x) step(PEER(1), x) step(PEER(2), x)
#define COUNT(holds, x) (holds(0, x) + holds(1, x) + holds(2, x))

/* An epoch is a number, so that numbers compare as (counter, coordinator) do; 0 is none. */
#define EPOCH(counter, id) ((counter) * N + (id))
#define COUNTER(e) ((e) / N)
#define COORDINATOR(e) ((e) % N)
#define EPOCHS EPOCH(COUNTERS + 1, 0)
#define PLACES (ENTRIES + 1) /* of a log: at seq 0 stands the epoch before the first entry, none */

#ifdef POSITION_WITHOUT_EPOCH
#define POSITION(n) (node[n].last)
#else
#define POSITION(n) (node[n].log[node[n].last] * PLACES + node[n].last)
#endif

mtype = { member, inviting, coordinating };

typedef Node {
  /* on disk */
  byte promised;
  byte log[PLACES];  /* epochs of the entries: epoch and seq name an entry */
  byte last;         /* seq of the last one */
  /* volatile; commit may survive a crash */
  mtype role = member;
  byte commit;
  byte matched;      /* as member: the log equals the coordinator's up to here */
  byte durable;      /* as coordinator: end of its log on disk. An entry is sent before it is there, and counts after */
  byte accepted[N];  /* as inviter: 1 + the position in the Accept that was sent; 0: none */
  byte acked[N];     /* as coordinator: highest Ack that was sent */
};
Node node[N];

/* What was sent to all in an epoch. */
typedef Sent {
  bit invited;
  bit formed;
  byte log[PLACES];  /* Append: each entry, with the epoch of the one before */
  byte last;
  byte commit;
};
Sent sent[EPOCHS];

/* Not part of the protocol: the entry that was committed at each seq, and the lowest epoch that committed it. */
byte committed[PLACES];
byte committed_in[PLACES];

hidden byte e, k, m, n; /* for use within a step */

#define self node[_pid]
#define epoch self.promised

/* What was committed is on the disks of a quorum. */
#define ON_DISK(n, seq) \
  (node[n].log[seq] == committed[seq] && (node[n].role != coordinating || seq <= node[n].durable))
inline check_durable() {
  k = 1;
  do
  :: k <= ENTRIES -> assert(committed[k] == 0 || COUNT(ON_DISK, k) >= N / 2 + 1); k++
  :: else -> break
  od
}

/* Commit never falls; a committed entry is the same for all, for ever, and later coordinators have it. */
inline commit_to(upto) {
  assert(upto > self.commit && upto <= self.last);
  for (k : self.commit + 1 .. upto) {
    assert(committed[k] == 0 || committed[k] == self.log[k]);
    committed_in[k] = (committed[k] == 0 || committed_in[k] > epoch -> epoch : committed_in[k]);
    committed[k] = self.log[k];
    for (n : 0 .. N - 1) {
      assert(node[n].role != coordinating || node[n].promised <= epoch || node[n].log[k] == committed[k])
    }
  }
  self.commit = upto;
  check_durable()
}

/* A coordinator's log holds all that was committed in earlier epochs. */
inline check_complete() {
  k = 1;
  do
  :: k <= ENTRIES ->
    assert(committed[k] == 0 || committed_in[k] > epoch || committed[k] == self.log[k]);
    k++
  :: else -> break
  od
}

#include "leases.pml"

/* What nobody can heed any more is forgotten, so that states which differ by it alone become one. */
inline forget(dead) {
  sent[dead].invited = 0;
  sent[dead].formed = 0;
  sent[dead].commit = 0;
  for (k : 1 .. sent[dead].last) { sent[dead].log[k] = 0 }
  sent[dead].last = 0;
  forget_heartbeats(dead)
}

inline forget_the_dead() {
#if !defined(PROMISE_NOT_DURABLE) && !defined(OBEY_OLD_COORDINATOR)
  for (e : EPOCH(1, 0) .. EPOCHS - 1) {
    m = 0;
    for (n : 0 .. N - 1) { m = m || (n != COORDINATOR(e) && node[n].promised <= e) || may_hear_answers(n, e) }
    if
    :: !m && sent[e].invited -> forget(e)
    :: else
    fi
  }
#endif
  skip
}

/* What ends with a group, and with the life of a process. */
inline leave_group() {
  self.role = member;
  self.durable = 0;
  self.matched = self.commit;
  for (n : 0 .. N - 1) {
    self.accepted[n] = 0;
    self.acked[n] = 0
  }
  drop_lease()
}

/* Takes `entry` at `seq`, where the one before is the same. A different one goes, with all above it. */
inline place(seq, entry) {
  if
  :: seq <= self.last && self.log[seq] == entry
  :: else ->
    assert(seq > self.commit);
    for (k : seq .. self.last) { self.log[k] = 0 }
    self.log[seq] = entry;
    self.last = seq;
    check_durable()
  fi
}

#define STEP(guard, effect) :: d_step { guard -> effect; skip }

/* --- steps of a node by itself --- */

#define INVITE(counter) STEP(may_invite && counter > COUNTER(epoch), invite(EPOCH(counter, _pid)))
inline invite(new_epoch) {
  assert(!sent[new_epoch].invited);
  epoch = new_epoch;
  leave_group();
  self.role = inviting;
  self.matched = 0;
  sent[new_epoch].invited = 1;
  forget_the_dead()
}

#ifdef INVITER_KEEPS_ITS_LOG
#define COVERS(n, unused) (n == _pid || self.accepted[n] != 0)
#else
#define COVERS(n, unused) (n == _pid || (self.accepted[n] != 0 && self.accepted[n] - 1 <= POSITION(_pid)))
#endif
#define FORM STEP(self.role == inviting && COUNT(COVERS, 0) >= QUORUM && has_room, form())
inline form() {
  assert(!sent[epoch].formed);
  check_complete();
  self.role = coordinating;
  for (n : 0 .. N - 1) { self.accepted[n] = 0 }
  self.durable = self.last;
  if
  :: sent[epoch].invited ->
    sent[epoch].formed = 1;
    sent[epoch].commit = self.commit;
    sent[epoch].last = self.last;
    for (k : 1 .. self.last) { sent[epoch].log[k] = self.log[k] }
  :: else /* forgotten: all others have gone on */
  fi;
  check_leases();
  append_own() /* GroupFormed */
}

#if ENTRIES > 0
#define has_room (self.last < ENTRIES)
#else
#define has_room true
#endif
#define APPEND_OWN STEP(self.role == coordinating && ENTRIES > 0 && has_room, append_own())
inline append_own() {
#if ENTRIES > 0
  self.last++;
  self.log[self.last] = epoch;
  if
  :: sent[epoch].formed ->
    sent[epoch].last = self.last;
    sent[epoch].log[self.last] = epoch
  :: else
  fi
#endif
  skip
}

#define WRITE_OWN STEP(self.role == coordinating && self.durable < self.last, self.durable = self.last)

#ifdef COUNT_BEFORE_WRITTEN
#define HOLDS(n, seq) ((n == _pid -> self.last : self.acked[n]) >= seq)
#else
#define HOLDS(n, seq) ((n == _pid -> self.durable : self.acked[n]) >= seq)
#endif
#ifdef COUNT_OLD_EPOCHS
#define is_own(seq) true
#else
#define is_own(seq) (self.log[seq] == epoch)
#endif
#define COMMIT(seq) \
  STEP(self.role == coordinating && self.commit < seq && seq <= self.last && is_own(seq) && \
       COUNT(HOLDS, seq) >= QUORUM, commit_own(seq))
inline commit_own(seq) {
  commit_to(seq);
  sent[epoch].commit = (sent[epoch].formed -> seq : 0)
}

/* Only if it has something to lose. */
#define CRASH(commit_kept) \
  STEP(self.role != member || self.matched > self.commit || (!commit_kept && self.commit > 0) || LEASE > 0, \
       crash(commit_kept))
inline crash(commit_kept) {
  if
  :: self.role == coordinating ->
    for (k : self.durable + 1 .. self.last) { self.log[k] = 0 }
    self.last = self.durable
  :: else
  fi;
  self.commit = (!commit_kept -> 0 : (self.commit <= self.last -> self.commit : self.last));
#ifdef PROMISE_NOT_DURABLE
  epoch = self.log[self.last];
#endif
  leave_group();
  hold_off_after_boot();
  forget_the_dead()
}

/* --- steps on a message from node `from` --- */

#define INVITATION(from, counter) \
  STEP(sent[EPOCH(counter, from)].invited && epoch < EPOCH(counter, from) && may_accept(from), \
       accept(from, EPOCH(counter, from)))
inline accept(from, new_epoch) {
  epoch = new_epoch;
  leave_group();
  if
  :: node[from].promised == epoch && node[from].role == inviting -> node[from].accepted[_pid] = 1 + POSITION(_pid)
  :: else
  fi;
  forget_the_dead()
}

#ifdef NO_CHECK_OF_ENTRY_BEFORE
#define fits(seq, other) (seq - 1 <= self.last)
#else
#define fits(seq, other) (seq - 1 <= self.last && self.log[seq - 1] == other.log[seq - 1])
#endif

/* An inviter takes what it lacks from an acceptor that has more, an entry at a time. */
#define FETCHED(from, seq) \
  STEP(self.role == inviting && self.accepted[from] > 1 + POSITION(_pid) && node[from].promised == epoch && \
       self.commit < seq && seq <= node[from].last && fits(seq, node[from]) && self.log[seq] != node[from].log[seq], \
       place(seq, node[from].log[seq]))

#define follows(from) (epoch != 0 && COORDINATOR(epoch) == from && sent[epoch].formed)

#define APPEND(from, seq) \
  STEP(follows(from) && self.matched < seq && seq <= sent[epoch].last && fits(seq, sent[epoch]), take(from, epoch, seq))
#define OLD_APPEND(from, seq) \
  STEP(EPOCH(1, from) < epoch && self.commit < seq && seq <= sent[EPOCH(1, from)].last && \
       fits(seq, sent[EPOCH(1, from)]), take(from, EPOCH(1, from), seq))
inline take(from, in_epoch, seq) {
  place(seq, sent[in_epoch].log[seq]);
  self.matched = seq;
  if
  :: node[from].promised == in_epoch && node[from].role == coordinating && node[from].acked[_pid] < seq ->
    node[from].acked[_pid] = seq
  :: else
  fi;
  has_heard_coordinator()
}

#ifdef COMMIT_BEYOND_MATCHED
#define known self.last
#else
#define known self.matched
#endif
#define LEARN_COMMIT(from, unused) \
  STEP(follows(from) && self.commit < sent[epoch].commit && self.commit < known, learn_commit())
inline learn_commit() {
  m = (sent[epoch].commit < known -> sent[epoch].commit : known);
  commit_to(m)
}

/* --- all that a node may do --- */

#define INVITATIONS(counter) EACH_PEER(INVITATION, counter)
#define FETCHES(seq) EACH_PEER(FETCHED, seq)
#define APPENDS(seq) EACH_PEER(APPEND, seq)
#define OLD_APPENDS(seq) EACH_PEER(OLD_APPEND, seq)

#define UP_TO_0(step)
#define UP_TO_1(step) step(1)
#define UP_TO_2(step) UP_TO_1(step) step(2)
#define UP_TO_3(step) UP_TO_2(step) step(3)
#define UP_TO_4(step) UP_TO_3(step) step(4)
#define UP_TO_5(step) UP_TO_4(step) step(5)
#define UP_TO_(bound, step) UP_TO_##bound(step)
#define UP_TO(bound, step) UP_TO_(bound, step)

active [N] proctype any_node() {
end:
  do
  UP_TO(COUNTERS, INVITE)
  FORM
  CRASH(false)
  UP_TO(COUNTERS, INVITATIONS)
#if ENTRIES > 0
  APPEND_OWN
  WRITE_OWN
  CRASH(true)
  UP_TO(ENTRIES, COMMIT)
  UP_TO(ENTRIES, FETCHES)
  UP_TO(ENTRIES, APPENDS)
  EACH_PEER(LEARN_COMMIT, 0)
#ifdef OBEY_OLD_COORDINATOR
  UP_TO(ENTRIES, OLD_APPENDS)
#endif
#endif
#if LEASE > 0
  SEND_HEARTBEAT
  UP_TO(ROUNDS, HEARTBEATS)
  UP_TO(LEASE, ANSWERS)
#endif
  od
}

#if LEASE > 0
active proctype clock() {
end:
  do
  STEP(true, tick())
  od
}
#endif
