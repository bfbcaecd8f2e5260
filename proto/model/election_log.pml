/* Election, log and leases of design section 4 as a model for spin. How to run it and what it leaves out:
 * proto/README.md, "Model". Each step of a node is atomic, as step() of the core is: what it must have on disk before
 * a message leaves is on disk within the step.
 *
 * The network is the set of all messages ever sent: none is taken out by its arrival, so each arrives late, out of
 * order, many times, or never. What would change nothing any more is forgotten (forget_dead). A message is kept as the
 * fields of its epoch (Invitation, Append, Heartbeat) or where its only reader is (Accept, Ack, HeartbeatReply): a
 * reader that was sent something may act on it from then on, and need not.
 *
 * The rules that -D switches off are named in capitals; scripts/model runs each.
 */
#ifndef N
#define N 3 /* nodes */
#endif
#ifndef COUNTERS
#define COUNTERS 2 /* highest counter of an epoch */
#endif
#ifndef ENTRIES
#define ENTRIES 3 /* longest log */
#endif
#ifndef CRASHES
#define CRASHES 1 /* in all */
#endif
#ifndef LEASE
#define LEASE 0 /* steps of the clock; 0: no leases */
#endif

#define QUORUM (N / 2 + 1)
/* An epoch is a number, so that numbers compare as (counter, coordinator) do; 0 is none. */
#define EPOCHS ((COUNTERS + 1) * N)
#define EPOCH(counter, id) ((counter) * N + (id))
#define COUNTER(e) ((e) / N)
#define OWNER(e) ((e) % N)
#define PLACES (ENTRIES + 1) /* of a log: seq 0 stands for "before the first" */

#ifdef POSITION_WITHOUT_EPOCH
#define POSITION(n) (node[n].last)
#else
#define POSITION(n) (node[n].log[node[n].last] * PLACES + node[n].last)
#endif

#if N == 3
#define COUNT(holds) (holds(0) + holds(1) + holds(2))
#define EACH_PEER(step) :: step((_pid + 1) % N) :: step((_pid + 2) % N)
#endif

mtype = { member, inviting, coordinating };

typedef Node {
  /* on disk */
  byte promised;
  byte log[PLACES]; /* epochs of the entries: an entry is known by its epoch and seq */
  byte last;        /* seq of the last entry */
  /* volatile */
  mtype role;
  byte commit;
  byte matched;     /* as member: the log equals the coordinator's up to here */
  byte disk;        /* as coordinator: what is on disk. The others write before they answer */
  byte accepted[N]; /* as inviter: 1 + the position that came with the Accept */
  byte acked[N];    /* as coordinator */
#if LEASE > 0
  byte holdoff;     /* steps of the clock for which nobody else is accepted */
  bit follows;      /* as member: has heard the coordinator of the epoch that it promised */
  byte lease;       /* steps for which this node may serve, in the epoch that it promised */
  byte round;       /* age of the round answered last; LEASE: none, or too old to matter */
  byte answer;      /* age of that answer */
#endif
};
Node node[N];

#if LEASE > 0
typedef Round {
  bit sent;
  byte answered;  /* set of nodes: whose answer has arrived */
  byte confirmed; /* set of nodes: whose answer to the round before had arrived */
  byte grant;
};
#endif

/* What was sent in an epoch. */
typedef Sent {
  bit invited;
  bit formed;       /* Ready */
  byte log[PLACES]; /* Append: each entry with the epoch of the one before */
  byte last;
  byte commit;      /* in each Append and Heartbeat */
#if LEASE > 0
  Round round[LEASE]; /* Heartbeat, by age: at most one in a step of the clock; what is older has no effect */
#endif
};
Sent sent[EPOCHS];

byte crashes;

/* Not part of the protocol: what was committed at each seq, by anybody; and in which epoch (the lowest). */
byte committed[PLACES];
byte committed_in[PLACES];

hidden byte e, f, k, n, live;

#define self node[_pid]
#define epoch self.promised

/* --- properties --- */

/* Commit never falls, and a committed entry is the same for all, for ever. */
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
  self.commit = upto
}

/* A coordinator's log holds all that was committed in earlier epochs. */
inline check_complete() {
  for (k : 1 .. ENTRIES) {
    assert(committed[k] == 0 || committed_in[k] > epoch || committed[k] == self.log[k])
  }
}

/* Whoever may serve does so under the same coordinator. */
inline check_leases() {
#if LEASE > 0
  for (n : 0 .. N - 1) {
    for (k : 0 .. n) {
      assert(node[n].lease == 0 || node[k].lease == 0 || OWNER(node[n].promised) == OWNER(node[k].promised))
    }
  }
#endif
}

/* --- parts of steps --- */

/* Forgets what nobody can heed any more. */
inline forget_dead() {
#ifndef REMEMBER_ALL
  for (e : N .. EPOCHS - 1) {
    live = 0;
    for (n : 0 .. N - 1) {
      live = live || (n != OWNER(e) && node[n].promised <= e)
    }
    if
    :: !live && sent[e].invited ->
      sent[e].invited = 0;
      sent[e].formed = 0;
      sent[e].commit = 0;
      for (k : 1 .. sent[e].last) { sent[e].log[k] = 0 }
      sent[e].last = 0;
#if LEASE > 0
      for (k : 0 .. LEASE - 1) {
        sent[e].round[k].sent = 0;
        sent[e].round[k].answered = 0;
        sent[e].round[k].confirmed = 0;
        sent[e].round[k].grant = 0
      }
#endif
    :: else
    fi
  }
#endif
}

/* Becomes a member of no group, knowing what is on disk. */
inline leave_role() {
  self.role = member;
  self.disk = 0;
  self.matched = self.commit;
  for (n : 0 .. N - 1) {
    self.accepted[n] = 0;
    self.acked[n] = 0
  }
#if LEASE > 0
  self.follows = 0;
  self.lease = 0;
  self.round = LEASE;
  self.answer = 0;
#endif
}

/* Takes `entry` at `seq`, where the one before is the same. Another one that is there goes, with all above it. */
inline place(seq, entry) {
  if
  :: self.last >= seq && self.log[seq] == entry
  :: else ->
    for (k : seq .. self.last) {
      assert(k > self.commit);
      assert(committed[k] == 0 || committed[k] != self.log[k]);
      self.log[k] = 0
    }
    self.log[seq] = entry;
    self.last = seq
  fi
}

inline append_own() {
  self.last++;
  self.log[self.last] = epoch;
  if
  :: sent[epoch].formed ->
    sent[epoch].last = self.last;
    sent[epoch].log[self.last] = epoch
  :: else
  fi
}

/* --- steps of a node by itself --- */

#define INVITE(counter) d_step { may_invite && counter > COUNTER(epoch) -> invite(EPOCH(counter, _pid)); skip }

#if LEASE > 0 && !defined(NO_HOLDOFF)
/* Its own lease still runs: no other group can exist, and it may form this one anew. */
#define may_invite (self.holdoff == 0 || (self.role == coordinating && self.lease > 0))
#else
#define may_invite true
#endif

inline invite(new_epoch) {
  assert(!sent[new_epoch].invited);
  self.promised = new_epoch;
  leave_role();
  self.role = inviting;
  self.matched = 0;
  sent[new_epoch].invited = 1;
  forget_dead()
}

#ifdef INVITER_KEEPS_ITS_LOG
#define COVERS(n) (n == _pid || self.accepted[n] != 0)
#else
#define COVERS(n) (n == _pid || (self.accepted[n] != 0 && self.accepted[n] - 1 <= POSITION(_pid)))
#endif
#define may_form (self.role == inviting && self.last < ENTRIES && COUNT(COVERS) >= QUORUM)

inline form() {
  assert(!sent[epoch].formed);
  check_complete();
  self.role = coordinating;
  self.disk = self.last;
  for (n : 0 .. N - 1) { self.accepted[n] = 0 }
  if
  :: sent[epoch].invited ->
    sent[epoch].formed = 1;
    sent[epoch].commit = self.commit;
    sent[epoch].last = self.last;
    for (k : 1 .. self.last) { sent[epoch].log[k] = self.log[k] }
  :: else /* dead already */
  fi;
  append_own() /* GroupFormed */
#if LEASE > 0
  ;
  for (n : 0 .. N - 1) {
    assert(node[n].lease == 0 || OWNER(node[n].promised) == _pid)
  }
#endif
}

#define HELD_TO(n) ((n == _pid -> self.disk : self.acked[n]) >= upto)
#ifdef COUNT_OLD_EPOCHS
#define OWN_ENTRY(seq) true
#else
#define OWN_ENTRY(seq) (self.log[seq] == epoch)
#endif
#define HOLDS(n, seq) ((n == _pid -> self.disk : self.acked[n]) >= seq)
#define HOLDS_1(n) HOLDS(n, 1)
#define HOLDS_2(n) HOLDS(n, 2)
#define HOLDS_3(n) HOLDS(n, 3)
#define HOLDS_4(n) HOLDS(n, 4)
#define COMMIT(seq, holds) \
  d_step { \
    self.role == coordinating && seq > self.commit && seq <= self.last && OWN_ENTRY(seq) && COUNT(holds) >= QUORUM -> \
    commit_to(seq); \
    sent[epoch].commit = (sent[epoch].formed -> seq : 0); skip \
  }

/* What was not on disk is lost, and so is the commit position, which need not be there. */
inline crash() {
  crashes++;
  if
  :: self.role == coordinating ->
    for (k : self.disk + 1 .. self.last) { self.log[k] = 0 }
    self.last = self.disk
  :: else
  fi;
  self.commit = 0;
  leave_role();
#ifdef PROMISE_NOT_DURABLE
  self.promised = self.log[self.last];
#endif
#if LEASE > 0
#ifdef NO_HOLDOFF_AFTER_BOOT
  self.holdoff = 0;
#else
  self.holdoff = LEASE;
#endif
#endif
}

/* --- steps on a message from node `from` --- */

#if LEASE == 0 || defined(NO_HOLDOFF)
#define may_accept(from) true
#else
/* What a node owes, it owes to the coordinator that it promised: that one may replace its own group. */
#define may_accept(from) (self.holdoff == 0 || (self.follows && OWNER(epoch) == from))
#endif

#define INVITATION(from, counter) \
  d_step { \
    sent[EPOCH(counter, from)].invited && epoch < EPOCH(counter, from) && may_accept(from) -> \
    accept(from, EPOCH(counter, from)); skip \
  }

inline accept(from, new_epoch) {
  self.promised = new_epoch;
  leave_role();
  if
  :: node[from].promised == new_epoch && node[from].role == inviting -> node[from].accepted[_pid] = 1 + POSITION(_pid)
  :: else
  fi;
  forget_dead()
}

#ifdef NO_CHECK_OF_ENTRY_BEFORE
#define FITS(seq, other) (seq - 1 <= self.last)
#else
#define FITS(seq, other) (seq - 1 <= self.last && self.log[seq - 1] == other.log[seq - 1])
#endif

/* The inviter takes what it lacks from an acceptor with a higher position, an entry at a time. */
#define FETCHED(from, seq) \
  d_step { \
    self.role == inviting && self.accepted[from] != 0 && self.accepted[from] - 1 > POSITION(_pid) && \
      node[from].promised == epoch && seq > self.commit && seq <= node[from].last && FITS(seq, node[from]) && \
      self.log[seq] != node[from].log[seq] -> \
    place(seq, node[from].log[seq]); skip \
  }

#define obeys(from) (epoch != 0 && OWNER(epoch) == from && sent[epoch].formed)

#define APPEND(from, seq) \
  d_step { \
    obeys(from) && seq > self.matched && seq <= sent[epoch].last && FITS(seq, sent[epoch]) -> \
    place(seq, sent[epoch].log[seq]); \
    take(from, epoch, seq); skip \
  }

inline take(from, in_epoch, seq) {
  self.matched = seq;
  if
  :: node[from].promised == in_epoch && node[from].role == coordinating && node[from].acked[_pid] < seq ->
    node[from].acked[_pid] = seq
  :: else
  fi
#if LEASE > 0
  ;
  self.follows = 1
#endif
}

#ifdef OBEY_OLD_COORDINATOR
#define OLD_APPEND(from, counter, seq) \
  d_step { \
    EPOCH(counter, from) < epoch && seq > self.commit && seq <= sent[EPOCH(counter, from)].last && \
      FITS(seq, sent[EPOCH(counter, from)]) -> \
    place(seq, sent[EPOCH(counter, from)].log[seq]); \
    take(from, EPOCH(counter, from), seq); skip \
  }
#endif

#ifdef COMMIT_BEYOND_MATCHED
#define known (sent[epoch].commit < self.last -> sent[epoch].commit : self.last)
#else
#define known (sent[epoch].commit < self.matched -> sent[epoch].commit : self.matched)
#endif

#define LEARN_COMMIT(from) d_step { obeys(from) && known > self.commit -> f = known; commit_to(f); skip }

#if LEASE > 0
#define SEND_HEARTBEAT \
  d_step { \
    self.role == coordinating && self.log[self.disk] == epoch && sent[epoch].formed && !sent[epoch].round[0].sent -> \
    send_heartbeat(); skip \
  }

inline send_heartbeat() {
  previous_round(epoch, 0);
  sent[epoch].round[0].sent = 1;
  sent[epoch].round[0].confirmed = (k < LEASE -> sent[epoch].round[k].answered : 0);
#ifdef GRANT_STRETCHED
  sent[epoch].round[0].grant = LEASE;
#else
  sent[epoch].round[0].grant = self.lease;
#endif
  self.holdoff = LEASE
}

/* k = the age of the round before the one of age `a`; LEASE: too old to matter. */
inline previous_round(in_epoch, a) {
  k = a + 1;
  do
  :: k < LEASE && !sent[in_epoch].round[k].sent -> k++
  :: else -> break
  od
}

#define HEARTBEAT(from, a) \
  d_step { \
    obeys(from) && sent[epoch].round[a].sent && a < self.round -> \
    answer_heartbeat(from, a); skip \
  }

inline answer_heartbeat(from, a) {
  previous_round(epoch, a);
  if
  :: k < LEASE && k == self.round && (sent[epoch].round[a].confirmed & (1 << _pid)) &&
     sent[epoch].round[a].grant > self.answer + self.lease ->
    self.lease = sent[epoch].round[a].grant - self.answer
  :: else
  fi;
  self.round = a;
  self.answer = 0;
  self.holdoff = LEASE;
  self.follows = 1;
  if
  :: node[from].promised == epoch && node[from].role == coordinating ->
    sent[epoch].round[a].answered = sent[epoch].round[a].answered | (1 << _pid);
    confirm_round(from, a)
  :: else
  fi;
  check_leases()
}

/* The coordinator and whoever else has answered are a quorum: its lease runs from when it sent the round. */
inline confirm_round(from, a) {
  f = 1;
  for (n : 0 .. N - 1) { f = f + ((sent[epoch].round[a].answered >> n) & 1) }
#ifdef LEASE_FROM_ANSWER
  k = LEASE;
#else
  k = LEASE - a;
#endif
  if
  :: f >= QUORUM && node[from].lease < k -> node[from].lease = k
  :: else
  fi
}

inline tick() {
  for (n : 0 .. N - 1) {
    node[n].holdoff = (node[n].holdoff > 0 -> node[n].holdoff - 1 : 0);
    node[n].lease = (node[n].lease > 0 -> node[n].lease - 1 : 0);
    if
    :: node[n].round < LEASE -> node[n].round++; node[n].answer++
    :: else
    fi;
    if
    :: node[n].round == LEASE -> node[n].answer = 0
    :: else
    fi
  }
  for (e : N .. EPOCHS - 1) {
    k = LEASE - 1;
    do
    :: k > 0 ->
      sent[e].round[k].sent = sent[e].round[k - 1].sent;
      sent[e].round[k].answered = sent[e].round[k - 1].answered;
      sent[e].round[k].confirmed = sent[e].round[k - 1].confirmed;
      sent[e].round[k].grant = sent[e].round[k - 1].grant;
      k--
    :: else -> break
    od;
    sent[e].round[0].sent = 0;
    sent[e].round[0].answered = 0;
    sent[e].round[0].confirmed = 0;
    sent[e].round[0].grant = 0
  }
}

active proctype clock() {
end:
  do
  :: d_step { true -> tick(); skip }
  od
}
#endif

/* --- enumerations --- */

#if ENTRIES == 1
#define EACH_SEQ(step, from) :: step(from, 1)
#elif ENTRIES == 2
#define EACH_SEQ(step, from) :: step(from, 1) :: step(from, 2)
#elif ENTRIES == 3
#define EACH_SEQ(step, from) :: step(from, 1) :: step(from, 2) :: step(from, 3)
#elif ENTRIES == 4
#define EACH_SEQ(step, from) :: step(from, 1) :: step(from, 2) :: step(from, 3) :: step(from, 4)
#endif
#define PEER_1 ((_pid + 1) % N)
#define PEER_2 ((_pid + 2) % N)

active [N] proctype node_() {
end:
  do
  :: INVITE(1)
#if COUNTERS >= 2
  :: INVITE(2)
#endif
#if COUNTERS >= 3
  :: INVITE(3)
#endif
  :: d_step { may_form -> form(); skip }
  :: d_step { self.role == coordinating && self.last < ENTRIES -> append_own(); skip }
  :: d_step { self.role == coordinating && self.disk < self.last -> self.disk = self.last }
  :: COMMIT(1, HOLDS_1)
#if ENTRIES >= 2
  :: COMMIT(2, HOLDS_2)
#endif
#if ENTRIES >= 3
  :: COMMIT(3, HOLDS_3)
#endif
  :: d_step { crashes < CRASHES -> crash(); skip }
  :: INVITATION(PEER_1, 1)
  :: INVITATION(PEER_2, 1)
#if COUNTERS >= 2
  :: INVITATION(PEER_1, 2)
  :: INVITATION(PEER_2, 2)
#endif
#if COUNTERS >= 3
  :: INVITATION(PEER_1, 3)
  :: INVITATION(PEER_2, 3)
#endif
  EACH_SEQ(FETCHED, PEER_1)
  EACH_SEQ(FETCHED, PEER_2)
  EACH_SEQ(APPEND, PEER_1)
  EACH_SEQ(APPEND, PEER_2)
  :: LEARN_COMMIT(PEER_1)
  :: LEARN_COMMIT(PEER_2)
#if LEASE > 0
  :: SEND_HEARTBEAT
  :: HEARTBEAT(PEER_1, 0)
  :: HEARTBEAT(PEER_2, 0)
#if LEASE > 1
  :: HEARTBEAT(PEER_1, 1)
  :: HEARTBEAT(PEER_2, 1)
#endif
#if LEASE > 2
  :: HEARTBEAT(PEER_1, 2)
  :: HEARTBEAT(PEER_2, 2)
#endif
#endif
#ifdef OBEY_OLD_COORDINATOR
  :: OLD_APPEND(PEER_1, 1, 1)
  :: OLD_APPEND(PEER_2, 1, 1)
#endif
  od
}
