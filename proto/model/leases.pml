/* Leases of design section 4, as a part of election_log.pml: heartbeats, their answers, grants, and the holdoff.
 *
 * Time is one clock for all, which takes a step at any moment. A heartbeat can arrive for ROUNDS of its steps, once at
 * each node; its answer, once sent, may count at any time from then on.
 */
#if LEASE == 0

#define may_invite true
#define may_accept(from) true
#define may_hear_answers(n, of_epoch) false
inline drop_lease() { skip }
inline check_leases() { skip }
inline forget_heartbeats(dead) { skip }
inline hold_off_after_boot() { skip }
inline has_heard_coordinator() { skip }

#else

#ifndef ROUNDS
#define ROUNDS LEASE
#endif

typedef NodeTime {
  byte holdoff;    /* accepts nobody else for so many steps */
  byte lease;      /* may serve for so many steps, in the epoch that it promised */
  bit follows;     /* as member: has heard the coordinator of that epoch, in this life */
  byte round = ROUNDS;    /* as member: age of the round that it answered last; ROUNDS: none, or too old to matter */
  byte answer;     /* as member: age of that answer */
};
NodeTime time[N];

/* A heartbeat. */
typedef Round {
  bit sent;
  byte answered;   /* bits of the nodes whose answer has arrived */
  byte confirmed;  /* bits of the nodes whose answer to the round before had arrived */
  byte grant;
};
typedef Rounds {
  Round age[ROUNDS]; /* at most one in a step of the clock */
};
Rounds rounds[EPOCHS];

#define own time[_pid]

/* Answers to a coordinator count, whatever the others have promised since. */
#define may_hear_answers(n, of_epoch) (node[n].promised == of_epoch && node[n].role == coordinating)

#ifdef NO_HOLDOFF
#define may_invite true
#define may_accept(from) true
#else
/* While its own lease runs no other group can exist: a coordinator may form its group anew. */
#define may_invite (own.holdoff == 0 || (self.role == coordinating && own.lease > 0))
/* Whom a node has answered is whom it follows: that one may replace its own group. */
#define may_accept(from) (own.holdoff == 0 || (own.follows && COORDINATOR(epoch) == from))
#endif

/* While a node may serve, nobody may under another coordinator, and there is no later coordinator. */
inline check_leases() {
  for (n : 0 .. N - 1) {
    for (k : 0 .. N - 1) {
      assert(time[n].lease == 0 || COORDINATOR(node[n].promised) == COORDINATOR(node[k].promised) ||
             (time[k].lease == 0 && (node[k].role != coordinating || node[k].promised < node[n].promised)))
    }
  }
}

inline drop_lease() {
  own.lease = 0;
  own.follows = 0;
  own.round = ROUNDS;
  own.answer = 0
}

inline hold_off_after_boot() {
#ifdef NO_HOLDOFF_AFTER_BOOT
  own.holdoff = 0
#else
  own.holdoff = LEASE
#endif
}

inline has_heard_coordinator() { own.follows = 1 }

inline clear_round(of_epoch, a) {
  rounds[of_epoch].age[a].sent = 0;
  rounds[of_epoch].age[a].answered = 0;
  rounds[of_epoch].age[a].confirmed = 0;
  rounds[of_epoch].age[a].grant = 0
}

inline forget_heartbeats(dead) {
  for (k : 0 .. ROUNDS - 1) { clear_round(dead, k) }
}

/* k = age of the round before the one of age `a`; ROUNDS: none, or too old to matter. */
inline find_round_before(a) {
  k = a + 1;
  do
  :: k < ROUNDS && !rounds[epoch].age[k].sent -> k++
  :: else -> break
  od
}

/* The first one, too, leaves when GroupFormed is on disk. */
#define SEND_HEARTBEAT \
  STEP(self.role == coordinating && sent[epoch].formed && (ENTRIES == 0 || self.log[self.durable] == epoch) && \
       !rounds[epoch].age[0].sent, send_heartbeat())
inline send_heartbeat() {
  find_round_before(0);
  rounds[epoch].age[0].sent = 1;
  rounds[epoch].age[0].confirmed = (k < ROUNDS -> rounds[epoch].age[k].answered : 0);
#ifdef GRANT_STRETCHED
  rounds[epoch].age[0].grant = LEASE;
#else
  rounds[epoch].age[0].grant = own.lease;
#endif
#ifndef NO_HOLDOFF_OF_COORDINATOR
  own.holdoff = LEASE
#endif
  skip
}

#define HEARTBEATS(steps) EACH_PEER(HEARTBEAT, (steps - 1))
#define HEARTBEAT(from, a) \
  STEP(follows(from) && rounds[epoch].age[a].sent && a < own.round && has_not_come(a), answer_heartbeat(from, a))
#ifdef REPEATED_AFTER_RESTART
#define has_not_come(a) true
#else
#define has_not_come(a) (((rounds[epoch].age[a].answered >> _pid) & 1) == 0)
#endif
inline answer_heartbeat(from, a) {
  find_round_before(a);
  if
  :: k < ROUNDS && k == own.round && ((rounds[epoch].age[a].confirmed >> _pid) & 1) &&
     rounds[epoch].age[a].grant > own.answer + own.lease ->
    own.lease = rounds[epoch].age[a].grant - own.answer;
    assert(node[from].promised != epoch || node[from].role != coordinating || own.lease <= time[from].lease)
  :: else
  fi;
  own.round = a;
  own.answer = 0;
  own.holdoff = LEASE;
  own.follows = 1;
  rounds[epoch].age[a].answered = rounds[epoch].age[a].answered | (1 << _pid);
  check_leases()
}

/* The coordinator's lease runs from when it sent a round that it and the answerers, a quorum, know. */
#ifdef LEASE_FROM_ANSWER
#define LEFT(a) LEASE
#else
#define LEFT(a) (LEASE - a)
#endif
#define ANSWERED_BY(n, a) (n == _pid || ((rounds[epoch].age[a].answered >> n) & 1))
#define ANSWERS(steps) ANSWERED((steps - 1))
#define ANSWERED(a) \
  STEP(self.role == coordinating && own.lease < LEFT(a) && COUNT(ANSWERED_BY, a) >= QUORUM, extend_lease(LEFT(a)))
inline extend_lease(left) {
  own.lease = left;
  check_leases()
}

inline tick() {
  for (n : 0 .. N - 1) {
    time[n].holdoff = (time[n].holdoff > 0 -> time[n].holdoff - 1 : 0);
    time[n].lease = (time[n].lease > 0 -> time[n].lease - 1 : 0);
    time[n].round = (time[n].round < ROUNDS -> time[n].round + 1 : ROUNDS);
    time[n].answer = (time[n].round < ROUNDS -> time[n].answer + 1 : 0)
  }
  for (e : EPOCH(1, 0) .. EPOCHS - 1) {
    k = ROUNDS - 1;
    do
    :: k > 0 ->
      rounds[e].age[k].sent = rounds[e].age[k - 1].sent;
      rounds[e].age[k].answered = rounds[e].age[k - 1].answered;
      rounds[e].age[k].confirmed = rounds[e].age[k - 1].confirmed;
      rounds[e].age[k].grant = rounds[e].age[k - 1].grant;
      k--
    :: else -> break
    od;
    clear_round(e, 0)
  }
}

#endif
