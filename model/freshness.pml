/*
 * The freshness protocol of Latchkey, for SPIN. README.md says what is modelled, what is left out,
 * and why that is sound.
 *
 * There is one tenant. Version v of its record has one secret, which signs "tokens of version v".
 * Every change is a revocation, so that version v + 1 ends every token of version v. One verifier
 * is modelled in full. To it, other processes are only the authors of changes and of entries of the
 * shared cache. Each step is one synchronous piece of the code, which the comment above it names.
 *
 * A step that may happen may also never happen. So a slow or silent network, an unreachable
 * database and a stopped process (SIGSTOP) are the same here: time passes, and the step is not
 * made.
 *
 * Time is kept as ages: the value of elapsedMs(clock, instant), in ticks. An age stops growing once
 * nothing depends on it any more, so that the length of a run is not bounded. No step compares two
 * clocks or reads the value of a clock, because the protocol does neither.
 *
 * Sizes, set by -D: VERSIONS, FLIGHTS (concurrent reads), STALENESS (ticks), SLIPS (ticks that slow
 * clocks miss in a run), CACHE for the shared cache, PRUNING for a log that is pruned by any clock,
 * HISTORY for the promotion of a lagging replica, EVERYWHERE for changes that wait for propagation,
 * REFUSALS to record which tokens were refused, and BRIEF for requests that take no time and leave
 * no verdict. -DMUTATE_X plants defect X. -DREACH=X makes situation X an error, to show that it is
 * possible.
 */

#ifndef VERSIONS
#define VERSIONS 3
#endif
#ifndef FLIGHTS
#define FLIGHTS 1
#endif
#ifndef STALENESS
#define STALENESS 1
#endif
#ifndef SLIPS
#define SLIPS 0
#endif

/* The bound on staleness in true time. Slow clocks extend it by exactly the ticks that they miss.
 */
#ifdef MUTATE_ONE_CLOCK
#define PROMISE STALENESS
#else
#define PROMISE (STALENESS + SLIPS)
#endif
/* The cap of the verifier's ages: too old to use, or no such instant at all. */
#define OLD (STALENESS + 1)

/* --- the database ----------------------------------------------------------------------------- */

/* The committed version, and for each version the true time since it was replaced. */
byte committed = 1;
byte replacedAge[VERSIONS + 1];
byte slips;

/* Notifications in transit to the verifier, in commit order: versions, and its own marker. */
#define MARKER 0
#ifdef EVERYWHERE
/* The question whether all changes up to version v were delivered. */
#define QUESTION(v) (VERSIONS + (v))
chan feed = [2 * VERSIONS + 1] of { byte };
#else
chan feed = [VERSIONS + 1] of { byte };
#endif
#if defined(MUTATE_ANNOUNCED_AFTER_COMMIT) || defined(MUTATE_ANNOUNCED_BEFORE_COMMIT)
byte announced = 1;
#endif

#ifdef CACHE
/* Transactions are numbered from 1 when they begin, and commit in any order. became: the version of
 * each one, 0 while it is open. */
byte begun;
byte became[VERSIONS];
#endif

#ifdef HISTORY
/* A lagging replica is promoted at some time: history 2 continues from version `base`, and the
 * later versions up to `lostTo` are lost. The old primary is not fenced: it keeps running, but
 * nothing is committed there any more. */
byte history = 1;
byte base, lostTo;
/* The history of the server on which the feed listens. */
byte feedHistory = 1;
#ifdef CACHE
/* The low-water mark of the last entry of each version in the lost history. */
byte lostLowWaterMark[VERSIONS + 1];
#endif
#endif

#ifdef PRUNING
/* The pruning mark, and the pruned rows of the log by their transaction. */
byte prunedTo = 1;
bool gone[VERSIONS];
#endif

#ifdef EVERYWHERE
/* How long after a renewal began reads may begin (READING), and how long the lease lasts (LEASED),
 * by the database's clock. */
#ifndef READING
#define READING 0
#endif
#ifdef MUTATE_LINE_ENDS_WITH_LEARNING
#define LEASED READING
#else
#define LEASED (READING + PROMISE)
#endif
/* The age of the lease; older than LEASED when there is none. */
byte leaseAge = LEASED + 1;

/* A change that waits for propagation: its step, its version, its age in true time, and whether it
 * waits for the verifier. */
#define BEGUN 1
#define KNOWN 2     /* the leases were read */
byte calling;
byte callFor;
byte callAge;
bool awaited;
/* The newest version that the verifier has acknowledged, and the newest one that was reported as
 * propagated. */
byte answered;
byte propagated;
#endif

/* --- the verifier ----------------------------------------------------------------------------- */

#ifdef HISTORY
/* History.#current */
byte known = 1;
#endif
/* L1, TenantCache: the one CachedTenant, 0 for none, and the age of its readAt. */
byte entry;
byte entryAge = OLD;
/* Freshness.#provedAt */
byte provedAge = OLD;
/* The request that has its key but has not reached isCurrent() yet: the version of the key, 0 for
 * none. */
byte held;
/* VerifiedTokens: a verdict about the token of this version, which is bound to the entry. */
byte verdict;

/* Phases of a round trip to the database. */
#define IDLE 0
#define SENT 1
#define DONE 2      /* executed, and the answer is in transit */

/* BatchReader: the result of a read in progress, and the age of its readAt. */
typedef Flight {
  byte phase;
  byte version;
  byte age;
#ifdef HISTORY
  /* The history of the server that executed the read. */
  byte history;
#endif
#ifdef REFUSALS
  /* The version whose kid the read asks for; 0 when it does not matter. Without `version` the read
   * has found no owner of the kid. */
  byte wanted;
#endif
}
Flight flights[FLIGHTS];

/* PostgresFeed, ListeningConnection. When a connection fails, notifications in transit may arrive
 * or not. */
#define DOWN 0
#define LISTENS 1   /* LISTEN is committed, and lost() was not called yet */
#define UP 2
byte connection = DOWN;
/* #prove: a marker in transit, and the age of `asOf`. */
byte check;
byte checkAge;

#ifdef EVERYWHERE
/* VerifierLease: a renewal in progress, and its age; the age of #registeredAt. */
byte renewal;
byte renewalAge;
byte sinceRenewal = READING + 1;
#endif

#ifdef CACHE
/* SharedTenants: #since, 0 for undefined; #newest of the tenant; a list of changes that was read
 * and has not arrived, its low-water mark, and its newest version together with the changes that
 * were delivered meanwhile. */
byte since;
byte newest;
bool listUnderWay;
byte listSince;
byte listed;
#ifdef HISTORY
byte listHistory;
#endif
#endif

/* --- the properties --------------------------------------------------------------------------- */

/* For the properties alone: the newest version that was delivered to this verifier, by its own
 * change or by the feed, before or after a crash. */
byte delivered = 1;
#ifdef CACHE
/* An evicted version may come back from the shared cache until the change is delivered. */
#define newestKept entry
#else
/* The newest version that memory has held since the last crash. */
byte newestKept;
#endif
/* The version that was committed when the check began and must be delivered before it proves
 * anything; 0 once delivered. */
byte undelivered;

/* No token is accepted that ended longer ago than the bound. */
hidden byte S1_bounded_staleness;
/* No token is accepted whose end was delivered to this process, or acknowledged by it. */
hidden byte S2_delivered_is_ended;
/* Memory never takes an older version than one it has held or one that was delivered. */
hidden byte S3_no_resurrection;
/* No valid token is refused with 401. */
hidden byte S4_no_false_refusal;
/* When the feed proves itself, everything committed before the check began has been delivered. */
hidden byte S5_proof_means_delivery;
#ifdef EVERYWHERE
/* No token is accepted whose end was reported as propagated. */
hidden byte S6_propagated_is_ended;
#endif
#ifdef REFUSALS
/* For the property, and TenantSecretSource.#endedKids: the versions whose token this verifier has
 * refused since the last crash. */
bool refused[VERSIONS + 1];
/* No token is accepted that was refused before. */
hidden byte S7_refused_stays_refused;
#endif

inline holds(property, condition) {
  property = (condition);
  assert(property)
}

/* Situations that must be possible, because the properties would hold for a verifier that does
 * nothing. */
#define ACCEPTED_BY_READ 1
#define ACCEPTED_BY_PROOF 2
#define ACCEPTED_BY_VERDICT 3
#define ACCEPTED_WITHIN_THE_PROMISE 4
#define ACCEPTED_AFTER_A_CHANGE 5
#define REVOKED 6
#define REVOKED_BY_A_NEWER_ENTRY 7
#define UNAVAILABLE_BY_FAILURE 8
#define UNAVAILABLE_BY_PAUSE 9
#define UNAVAILABLE_BY_A_SLOW_READ 10
#define READ_OVERTAKEN_BY_A_CHANGE 11
#define READ_OVERTAKEN_BY_LOSS 12
#define READ_OLDER_THAN_THE_ENTRY 13
#define READ_RENEWS_THE_ENTRY 14
#define SHARED_ENTRY_BELIEVED 15
#define SHARED_ENTRY_FROM_BEFORE_THE_POINT 16
#define SHARED_ENTRY_FROM_BEFORE_A_CHANGE 17
#define CHANGE_TOLD_DURING_THE_LIST 18
#define TRANSACTIONS_COMMITTED_OUT_OF_ORDER 19
#define EVERYWHERE_BY_ANSWER 20
#define EVERYWHERE_BY_TIME 21
#define EVERYWHERE_WITH_NOBODY_LISTED 22
#define LEARNT_WITHOUT_REGISTRATION 23
#define ASKED_BEFORE_IT_MAY_ANSWER 24
#define READ_OVERTAKEN_BY_A_READ 25
#define READ_OVERTAKEN_BY_A_REFUSAL 26
#define REFUSED_WITH_AN_ENTRY 27
#define CHANGES_LOST_BY_A_PROMOTION 28
#define ACCEPTED_AFTER_A_PROMOTION 29
#define SHARED_ENTRY_OF_A_LOST_HISTORY 30
#define MARKER_SENT_ELSEWHERE 31
#define READ_AT_A_STALE_SERVER 32
#define LIST_BEGINS_AT_THE_MARK 33

#ifdef REACH
#define reached(situation) assert(situation != REACH)
#else
#define reached(situation) skip
#endif

/* --- parts of the steps ----------------------------------------------------------------------- */

#define max(a, b) ((a) > (b) -> (a) : (b))
#define grow(age, cap) age = ((age) < (cap) -> (age) + 1 : (cap))

/* Freshness.covers */
#ifdef MUTATE_STALENESS_NOT_CHECKED
#define covers(readAge) true
#else
#define covers(readAge) (provedAge <= STALENESS || (readAge) <= STALENESS)
#endif

/* VerifierLease.instant: the age of a check or a read that begins now. */
#if defined(EVERYWHERE) && !defined(MUTATE_LEARNT_UNREGISTERED) && !defined(MUTATE_REGISTERED_MEANWHILE)
#define ageAtStart (sinceRenewal <= READING -> 0 : OLD)
#else
#define ageAtStart 0
#endif

/* For loops inside one step. */
hidden byte f, at, lowWaterMark;

inline endFlight(n) {
  flights[n].phase = IDLE;
  flights[n].version = 0;
#ifdef HISTORY
  flights[n].history = 0;
#endif
#ifdef REFUSALS
  flights[n].wanted = 0;
#endif
  flights[n].age = 0
}

/* TenantCache.#end: the entry leaves L1, with everything that is bound to it. */
inline endEntry() {
  entry = 0;
  entryAge = OLD;
#ifndef MUTATE_KEY_NOT_BOUND_TO_ENTRY
  held = 0;
#endif
#ifndef MUTATE_VERDICT_NOT_BOUND_TO_ENTRY
  verdict = 0
#endif
}

/* TenantCache.keep: the newer version wins; the same one renews the time of the read. */
inline keep(given, readAge) {
  if
#ifndef MUTATE_L1_NOT_COMPARED
  :: entry > given -> reached(READ_OLDER_THAN_THE_ENTRY)
#endif
  :: entry == given ->
    if :: readAge < entryAge -> entryAge = readAge; reached(READ_RENEWS_THE_ENTRY) :: else fi
  :: else ->
    holds(S3_no_resurrection, given >= delivered && given >= newestKept);
#ifndef CACHE
    newestKept = given;
#endif
    if :: entry != 0 -> endEntry() :: else fi;
    entry = given;
    entryAge = readAge
  fi
}

/* TenantResolver.changed: TenantCache.drop, BatchReader.changed, SharedTenants.changed. BatchReader
 * compares when a flight lands; ending the flight now is equivalent, and a read that is not
 * executed yet will see this version. */
inline changed(given) {
#ifndef MUTATE_CHANGE_KEEPS_ENTRY
  if :: entry != 0 && entry < given -> endEntry() :: else fi;
#endif
#ifndef MUTATE_FLIGHT_NOT_OVERTAKEN
  for (f : 0 .. FLIGHTS - 1) {
    if
    :: flights[f].phase == DONE && flights[f].version != 0 && flights[f].version < given -> endFlight(f); reached(READ_OVERTAKEN_BY_A_CHANGE)
    :: else
    fi
  }
#endif
#ifdef CACHE
  if :: since != 0 -> newest = max(newest, given) :: else fi;
#ifndef MUTATE_SHARED_LIST_FORGETS_WHAT_WAS_TOLD
  if
  :: listUnderWay && listed < given -> listed = given; reached(CHANGE_TOLD_DURING_THE_LIST)
  :: else
  fi;
#endif
#endif
  delivered = max(delivered, given)
}

/* TenantResolver.lost: no data that was read before may be used. */
inline lost() {
#ifndef MUTATE_LOST_KEEPS_ENTRIES
  endEntry();
#endif
#ifndef MUTATE_LOST_KEEPS_FLIGHTS
  for (f : 0 .. FLIGHTS - 1) {
    if :: flights[f].phase != IDLE -> endFlight(f); reached(READ_OVERTAKEN_BY_LOSS) :: else fi
  }
#endif
#ifdef CACHE
#ifndef MUTATE_SHARED_POINT_KEPT_WHEN_LOST
  since = 0;
  newest = 0;
#endif
#ifndef MUTATE_SHARED_LIST_OUTLIVES_LOST
  endList();
#endif
#endif
  provedAge = OLD
}

#ifdef HISTORY
/* For the properties: versions of the lost history do not count any more. */
inline forgetLost() {
  if :: delivered > base && delivered <= lostTo -> delivered = base :: else fi;
#ifndef CACHE
  newestKept = 0
#endif
}

/* History.check, at the answer of any statement: a newer history than before.
 * DatabaseStore.#historyChanged: lost(), and the feed reconnects. */
inline adopt() {
  if
  :: known < history ->
    known = history;
    forgetLost();
#ifndef MUTATE_HISTORY_KEEPS_MEMORY
    lost();
#endif
    connection = DOWN;
    drain();
    endCheck()
  :: else
  fi
}
#else
#define adopt() skip
#endif

#ifdef CACHE
inline endList() {
#ifdef HISTORY
  listHistory = 0;
#endif
  listUnderWay = false;
  listSince = 0;
  listed = 0
}

/* TenantStore.lowWaterMark, as the last reader of this version read it: the oldest transaction that
 * was open then. Entries of earlier readers hold an older one, and so are accepted less often. */
inline lowWaterMarkOf(given) {
  lowWaterMark = begun + 1;
#ifdef MUTATE_SHARED_HORIZON_IGNORES_OPEN_TRANSACTIONS
  lowWaterMark = 1;
#endif
  for (at : 1 .. begun) {
    if
#if defined(MUTATE_SHARED_HORIZON_TAKEN_AFTER_THE_READ)
    :: true
#elif defined(MUTATE_SHARED_HORIZON_IGNORES_OPEN_TRANSACTIONS)
    :: became[at] != 0 && became[at] <= given -> lowWaterMark = at + 1
#else
    :: (became[at] == 0 || became[at] > given) && at < lowWaterMark -> lowWaterMark = at
#endif
    :: else
    fi
  }
}

/* SharedTenants.#readCache: decides whether to use an entry. `ofLost`: the entry was sealed in the
 * lost history and does not open in the new one. */
inline sharedAnswer(n, given, ofLost) {
#ifdef HISTORY
  if :: ofLost -> lowWaterMark = lostLowWaterMark[given] :: else -> lowWaterMarkOf(given) fi;
#else
  lowWaterMarkOf(given);
#endif
  if
#if defined(HISTORY) && !defined(MUTATE_SHARED_HISTORY_NOT_COMPARED)
  :: ofLost != (known < history) -> if :: ofLost -> reached(SHARED_ENTRY_OF_A_LOST_HISTORY) :: else fi
#define isOfAnother(ofLost) (ofLost != (known < history))
#else
#define isOfAnother(ofLost) false
#endif
#ifndef MUTATE_SHARED_HORIZON_NOT_COMPARED
  :: !isOfAnother(ofLost) && lowWaterMark < since ->
#ifdef MUTATE_SHARED_MISS_IS_REFUSED
    refuse(given);
#endif
    reached(SHARED_ENTRY_FROM_BEFORE_THE_POINT)
#endif
#ifndef MUTATE_SHARED_VERSION_NOT_COMPARED
  :: !isOfAnother(ofLost) && lowWaterMark >= since && given < newest -> reached(SHARED_ENTRY_FROM_BEFORE_A_CHANGE)
#endif
  :: else ->
    flights[n].phase = DONE;
    flights[n].version = given;
#ifdef HISTORY
    flights[n].history = known;
#endif
#ifdef MUTATE_SHARED_ENTRY_COUNTS_AS_A_READ
    flights[n].age = 0;
#else
    flights[n].age = OLD;
#endif
    reached(SHARED_ENTRY_BELIEVED)
  fi
}
#endif

/* Every accept, at the instant of its last check of freshness. */
inline accept(given) {
  holds(S1_bounded_staleness, given == committed || replacedAge[given] <= PROMISE);
  holds(S2_delivered_is_ended, given >= delivered);
#ifdef EVERYWHERE
  holds(S6_propagated_is_ended, given >= propagated);
#endif
#ifdef REFUSALS
  holds(S7_refused_stays_refused, !refused[given]);
#endif
  if :: entryAge <= STALENESS && provedAge > STALENESS -> reached(ACCEPTED_BY_READ) :: else fi;
  if :: provedAge <= STALENESS && entryAge > STALENESS -> reached(ACCEPTED_BY_PROOF) :: else fi;
  if :: given < committed -> reached(ACCEPTED_WITHIN_THE_PROMISE) :: else fi;
#ifdef HISTORY
  if :: given > lostTo && lostTo > base -> reached(ACCEPTED_AFTER_A_PROMOTION) :: else fi;
#endif
  if :: given > 1 && delivered > 1 -> reached(ACCEPTED_AFTER_A_CHANGE) :: else fi
}

/* Every 401. Versions only grow: a token that is invalid now will never be valid. */
inline refuse(given) {
#ifdef HISTORY
  /* Tokens that ended in the lost history are refused until the verifier sees the new one. */
  holds(S4_no_false_refusal, given != committed || known < history);
#else
  holds(S4_no_false_refusal, given != committed);
#endif
#ifdef REFUSALS
  refused[given] = true;
#endif
  reached(REVOKED)
}

/* Every 503, and every retry: the next step is that of a new request. */
inline giveUp(given, situation) {
#ifdef MUTATE_UNAVAILABLE_IS_REFUSED
  refuse(given);
#endif
  reached(situation)
}

/* A request has its key. */
inline hold(given) {
#ifdef BRIEF
  skip
#else
  held = given
#endif
}

inline endCheck() {
  check = IDLE;
  checkAge = 0;
  undelivered = 0
}

/* Freshness.proved(asOf) */
inline proved() {
  holds(S5_proof_means_delivery, undelivered == 0);
#ifdef MUTATE_PROOF_COUNTED_FROM_ITS_END
  provedAge = 0;
#else
  provedAge = checkAge;
#endif
  endCheck()
}

inline drain() {
  do
  :: nempty(feed) -> feed?_
  :: empty(feed) -> break
  od
}

/* No notification of the new primary reaches a listener at the old one. */
#ifdef HISTORY
#define listensHere (connection != DOWN && feedHistory == history)
#else
#define listensHere (connection != DOWN)
#endif

inline announce(given) {
  if :: listensHere -> feed!given :: else fi
}

#ifdef EVERYWHERE
/* How long the writer waits for an answer: longer than any data is used. */
#ifdef MUTATE_WAITED_TOO_SHORT
#define PATIENCE (PROMISE - 1)
#else
#define PATIENCE PROMISE
#endif

/* PostgresFeed.ask */
inline ask(given) {
#ifdef MUTATE_QUESTION_OVERTAKES_CHANGES
  if :: connection == UP -> answered = given :: else fi
#else
  announce(QUESTION(given))
#endif
}
#endif

/* One transaction (C5): the new version, its row in the change log, and its notification. */
inline commit() {
  replacedAge[committed] = 0;
#ifdef HISTORY
  /* renewEpoch: numbers go on above those of the lost history. */
  committed = max(committed, lostTo) + 1;
#else
  committed++;
#endif
#if !defined(MUTATE_ANNOUNCED_AFTER_COMMIT) && !defined(MUTATE_ANNOUNCED_BEFORE_COMMIT)
  announce(committed)
#endif
}

/* --- the verifier: requests ------------------------------------------------------------------- */

proctype Requests() {
  do

#ifdef BRIEF
  /* A whole request in one step. */
  :: d_step { entry != 0 && covers(entryAge) -> accept(entry) }
#else
  /* VerifiedTokens.find: a verdict counts while TenantKey.isCurrent(). */
#if defined(MUTATE_VERDICT_NEVER_AGES)
  :: d_step { verdict != 0 ->
#elif defined(MUTATE_VERDICT_NOT_BOUND_TO_ENTRY)
  :: d_step { verdict != 0 && provedAge <= STALENESS ->
#else
  :: d_step { verdict != 0 && covers(entryAge) ->
#endif
      accept(verdict);
      reached(ACCEPTED_BY_VERDICT)
    }

  /* TenantResolver.findByHeader: the key is in L1. */
  :: d_step { held == 0 && entry != 0 && covers(entryAge) -> hold(entry) }

  /* TokenAuthority.#accept, its last lines: isCurrent() is checked again, however long ago the key
   * was found. */
  :: d_step { held != 0 ->
      if
#ifdef MUTATE_STALENESS_NOT_CHECKED_AT_LAST
      :: true ->
#else
      :: covers(entryAge) ->
#endif
        accept(held);
        verdict = held
#ifndef MUTATE_STALENESS_NOT_CHECKED_AT_LAST
      :: else -> giveUp(held, UNAVAILABLE_BY_PAUSE)
#endif
      fi;
      held = 0
    }
#endif

  /* BoundedMap evicts the tenant. */
  :: d_step { entry != 0 -> endEntry() }

  /* TenantSecretSource.#change: a change of this process is acknowledged. Any change may be its
   * own. */
  :: d_step { delivered < committed ->
#ifdef MUTATE_OWN_CHANGE_NOT_APPLIED
      delivered++
#else
      adopt();
      if :: delivered < committed -> changed(delivered + 1) :: else fi
#endif
    }

  /* SIGKILL, and a new process instead. */
  :: d_step {
      endEntry();
      held = 0;
      verdict = 0;
      for (f : 0 .. FLIGHTS - 1) { endFlight(f) }
#ifndef CACHE
      newestKept = 0;
#endif
#ifdef REFUSALS
      for (f : 1 .. VERSIONS) { refused[f] = false }
#endif
      provedAge = OLD;
      connection = DOWN;
      drain();
      endCheck();
#ifdef HISTORY
      /* The statements of the new process go to the primary. */
      if :: known < history -> known = history; forgetLost() :: else fi;
#endif
#ifdef EVERYWHERE
      /* The new process has a lease of its own. The writer waits in vain for that of the old one.
       */
      leaseAge = LEASED + 1;
      renewal = IDLE;
      renewalAge = 0;
      sinceRenewal = READING + 1;
#endif
#ifdef CACHE
      since = 0;
      newest = 0;
      endList()
#endif
    }
  od
}

/* --- the verifier: reads ---------------------------------------------------------------------- */

#ifdef REFUSALS
/* BatchReader.read: a request for a kid that is being read waits for that read. */
#if FLIGHTS == 1
#define isWanted(old) false
#else
#define isWanted(old) (flights[0].wanted == (old) || flights[1].wanted == (old))
#endif
#endif

/* Successive flights of a BatchReader: byKid for requests, byTenant for signingKey(). */
proctype Reads(byte n) {
  byte old;
  do

  /* BatchReader.#readBatch takes readAt and sends the query. */
  :: d_step { flights[n].phase == IDLE ->
      flights[n].phase = SENT;
      flights[n].age = ageAtStart;
#ifdef EVERYWHERE
      if :: sinceRenewal > READING -> reached(LEARNT_WITHOUT_REGISTRATION) :: else fi
#endif
    }

  /* The database executes the query. For a token of an earlier version it finds no such kid: 401.
   */
  :: d_step { flights[n].phase == SENT ->
      flights[n].phase = DONE;
#ifdef MUTATE_READ_FROM_A_REPLICA
      flights[n].version = (committed > 1 -> committed - 1 : committed)
#else
      flights[n].version = committed
#endif
#ifdef HISTORY
      ;
      flights[n].history = history
#endif
#ifndef REFUSALS
      ;
#ifdef HISTORY
      if
      :: committed == base && lostTo > base -> refuse(base + 1)
      :: else -> if :: committed > 1 -> refuse(committed - 1) :: else fi
      fi
#else
      if :: committed > 1 -> refuse(committed - 1) :: else fi
#endif
#endif
    }

#ifdef HISTORY
  /* A connection of the pool still leads to the old primary, while another one has led to the new
   * one. */
  :: d_step { flights[n].phase == SENT && known == 2 ->
      flights[n].phase = DONE;
      flights[n].version = lostTo;
      flights[n].history = 1
    }

  /* History.check: the read is from a history that has ended, or the first one from a newer
   * history. */
  :: d_step { flights[n].phase == DONE && flights[n].history != known ->
      if
      :: flights[n].history < known -> endFlight(n); reached(READ_AT_A_STALE_SERVER)
      :: else -> adopt(); endFlight(n)
      fi
    }
#ifdef MUTATE_STALE_SERVER_NOT_REFUSED
#define isOfThisHistory true
#else
#define isOfThisHistory (flights[n].history == known)
#endif
#else
#define isOfThisHistory true
#endif

#ifdef REFUSALS
  :: atomic { flights[n].phase == SENT && committed > 1 ->
      select(old : 1 .. committed - 1);
      d_step {
        if :: isWanted(old) -> skip :: else -> flights[n].phase = DONE; flights[n].wanted = old fi;
        old = 0
      }
    }

  /* BatchReader.#land, TenantResolver.#endKid, then TenantSecretSource.#readKey: 401. */
  :: d_step { flights[n].phase == DONE && flights[n].version == 0 ->
      refuse(flights[n].wanted);
#ifndef MUTATE_REFUSAL_KEEPS_FLIGHTS
      for (f : 0 .. FLIGHTS - 1) {
        if
        :: flights[f].phase == DONE && flights[f].version == flights[n].wanted -> endFlight(f); reached(READ_OVERTAKEN_BY_A_REFUSAL)
        :: else
        fi
      }
#endif
#ifndef MUTATE_REFUSAL_KEEPS_ENTRY
      if :: entry == flights[n].wanted -> endEntry(); reached(REFUSED_WITH_AN_ENTRY) :: else fi;
#endif
      endFlight(n)
    }
#endif

#ifdef CACHE
  /* SharedTenants.#readCache: L2 answers with an entry for the token of some version. Any entry
   * that ever existed may come, because L2 may have been rolled back. It proves nothing about the
   * present, so its age is OLD. */
#ifdef MUTATE_SHARED_BELIEVED_WITHOUT_THE_LIST
  :: atomic { flights[n].phase == SENT ->
#else
  :: atomic { flights[n].phase == SENT && since != 0 ->
#endif
      select(old : 1 .. committed);
      d_step {
#ifdef REFUSALS
        /* A refused kid is not read again. */
        if
        :: refused[old] || isWanted(old) -> skip
        :: else ->
          sharedAnswer(n, old, false);
          if :: flights[n].phase == DONE -> flights[n].wanted = old :: else fi
        fi;
#else
#ifdef HISTORY
        if
        :: old > base && old <= lostTo -> skip
        :: else -> sharedAnswer(n, old, known < history && lostTo != 0)
        fi;
#else
        sharedAnswer(n, old, false);
#endif
#endif
        old = 0
      }
    }
#ifdef HISTORY
  /* The same with an entry of the lost history. */
  :: atomic { flights[n].phase == SENT && since != 0 && history == 2 ->
      select(old : 1 .. lostTo);
      d_step { sharedAnswer(n, old, true); old = 0 }
    }
#endif
#endif

  /* BatchReader.#land, TenantResolver.#keep, then #readWith and TenantSecretSource.#readKey: the
   * token is of the version that was read. */
  :: d_step { flights[n].phase == DONE && flights[n].version != 0 && isOfThisHistory ->
#ifdef MUTATE_READ_COUNTED_FROM_ITS_END
      flights[n].age = 0;
#endif
#ifdef MUTATE_REGISTERED_MEANWHILE
      if :: sinceRenewal > READING -> flights[n].age = OLD :: else fi;
#endif
#ifndef MUTATE_READ_KEEPS_FLIGHTS
      for (f : 0 .. FLIGHTS - 1) {
        if
        :: flights[f].phase == DONE && flights[f].version != 0 && flights[f].version < flights[n].version -> endFlight(f); reached(READ_OVERTAKEN_BY_A_READ)
        :: else
        fi
      }
#endif
      keep(flights[n].version, flights[n].age);
      if
      :: covers(entryAge) && entry == flights[n].version ->
        hold(entry)
      :: covers(entryAge) && entry != flights[n].version ->
        refuse(flights[n].version);
        reached(REVOKED_BY_A_NEWER_ENTRY)
      :: else -> giveUp(flights[n].version, UNAVAILABLE_BY_A_SLOW_READ)
      fi;
      endFlight(n)
    }

  /* The read fails: store_unavailable. */
  :: d_step { flights[n].phase != IDLE -> giveUp(committed, UNAVAILABLE_BY_FAILURE); endFlight(n) }
  od
}

/* --- the verifier: the feed ------------------------------------------------------------------- */

proctype Feed() {
  byte message;
  do

  /* PostgresFeed.#reconnect, ListeningConnection.open: LISTEN is committed, and every later change
   * will be announced on this connection. */
#ifdef HISTORY
  /* Feed and statements may reach different servers: also the old primary, until its epoch reveals
   * it. */
  :: d_step { connection == DOWN && known == 1 -> drain(); endCheck(); connection = LISTENS; feedHistory = 1 }
  :: d_step { connection == DOWN -> drain(); endCheck(); connection = LISTENS; feedHistory = history }
#else
  :: d_step { connection == DOWN -> drain(); endCheck(); connection = LISTENS }
#endif

  /* PostgresFeed.#run: LISTEN has been answered. At the first start there is nothing yet for lost()
   * to drop. */
  :: d_step { connection == LISTENS ->
      connection = UP;
#ifndef MUTATE_LOST_BEFORE_LISTEN
      lost()
#endif
    }

  /* ListeningConnection.#receive */
  :: d_step { nempty(feed) ->
      feed?message;
      if
#ifdef HISTORY
      :: message == MARKER && known < feedHistory -> adopt()
      :: message == MARKER && known >= feedHistory -> proved()
#else
      :: message == MARKER -> proved()
#endif
#ifdef EVERYWHERE
      :: message > VERSIONS ->
        if
#ifndef MUTATE_ANSWERED_BEFORE_LOST
        :: connection != UP -> reached(ASKED_BEFORE_IT_MAY_ANSWER)
#endif
        :: else -> answered = message - VERSIONS
        fi
#endif
      :: else ->
        if :: undelivered <= message -> undelivered = 0 :: else fi;
        changed(message)
      fi;
      message = 0
    }

  /* PostgresFeed.#prove: reads the clocks, then sends the marker. Notifications in transit now must
   * be delivered first. */
  :: d_step { connection == UP && check == IDLE ->
      check = SENT;
      checkAge = ageAtStart;
#ifdef EVERYWHERE
      if :: feed??[eval(committed)] -> undelivered = committed :: else fi
#elif defined(HISTORY)
      if
      :: nempty(feed) -> undelivered = committed
      :: empty(feed) -> if :: feedHistory < history -> undelivered = committed :: else fi
      fi
#else
      if :: nempty(feed) -> undelivered = committed :: empty(feed) fi
#endif
    }

  /* The database commits the marker. */
  :: d_step { connection == UP && check == SENT ->
#ifdef MUTATE_MARKER_NOT_AWAITED
      proved()
#else
      check = DONE;
#if defined(HISTORY) && !defined(MUTATE_MARKER_SENT_BY_THE_FEED)
      /* PostgresFeed.#options.notify: the marker is committed on the server that statements reach.
       */
      if :: feedHistory == history -> feed!MARKER :: else -> reached(MARKER_SENT_ELSEWHERE) fi
#else
      feed!MARKER
#endif
#endif
    }

  /* The connection fails, or is destroyed because a marker is overdue. */
  :: d_step { connection != DOWN ->
      connection = DOWN;
      if :: check == SENT -> endCheck() :: else fi;
#ifdef MUTATE_LOST_BEFORE_LISTEN
      lost()
#endif
    }
  od
}

#ifdef CACHE
/* --- the verifier: the list of recent changes ------------------------------------------------- */

proctype RecentChanges() {
  byte point;
  do

  /* SharedTenants.catchUp, after lost() and periodically. The database executes changesSince: all
   * changes after some low-water mark. Any mark is possible. The code collects delivered changes
   * from the request on, which is earlier: the additional ones are in the list, or before the mark.
   */
  :: atomic { !listUnderWay ->
#if defined(PRUNING) && !defined(MUTATE_PRUNED_WITHOUT_A_MARK)
      select(point : prunedTo .. begun + 1);
#else
      select(point : 1 .. begun + 1);
#endif
      d_step {
        listUnderWay = true;
        listSince = point;
#ifdef HISTORY
        listHistory = history;
#endif
#ifdef PRUNING
        if :: prunedTo > 1 && point == prunedTo -> reached(LIST_BEGINS_AT_THE_MARK) :: else fi;
        for (at : point .. begun) {
          if :: !gone[at] -> listed = max(listed, became[at]) :: else fi
        }
#elif !defined(MUTATE_SHARED_LOG_IS_PRUNED)
        for (at : point .. begun) { listed = max(listed, became[at]) }
#endif
        point = 0
      }
    }

#ifdef PRUNING
  /* pruneRows: deletes committed rows of the log before some point. No clock is trusted, so it may
   * be any point. Once is enough: another pruning moves the mark and the end of the deleted rows
   * alike. */
  :: atomic { begun != 0 && prunedTo == 1 ->
      select(point : 2 .. begun + 1);
      d_step {
        for (at : 1 .. point - 1) {
          if :: became[at] != 0 -> gone[at] = true :: else fi
        }
        prunedTo = point;
        point = 0
      }
    }
#endif

  /* The list has arrived. */
  :: d_step { listUnderWay ->
#ifdef HISTORY
      if :: known < listHistory -> adopt() :: else fi;
      if :: listUnderWay -> since = listSince; newest = listed :: else fi;
#else
      since = listSince;
      newest = listed;
#endif
      endList()
    }
  od
}
#endif

#ifdef EVERYWHERE
/* --- the verifier: its lease ------------------------------------------------------------------ */

proctype Lease() {
  do

  /* VerifierLease.#renew reads the clocks and sends the statement. */
  :: d_step { renewal == IDLE -> renewal = SENT }

  /* The database executes the statement. */
  :: d_step { renewal == SENT -> leaseAge = 0; renewal = DONE }

  /* The answer arrives. */
  :: d_step { renewal == DONE ->
#ifdef MUTATE_REGISTERED_FROM_ITS_END
      sinceRenewal = 0;
#else
      sinceRenewal = renewalAge;
#endif
      renewal = IDLE;
      renewalAge = 0
    }

  /* The statement or its answer is lost. */
  :: d_step { renewal != IDLE -> renewal = IDLE; renewalAge = 0 }
  od
}

/* --- a writer that waits for propagation ------------------------------------------------------ */

/* waitForAcknowledgements, after the commit. */
proctype Propagation() {
  do

#ifdef MUTATE_LIST_READ_BEFORE_THE_COMMIT
  :: d_step { calling == IDLE -> calling = KNOWN; callFor = 0; awaited = (leaseAge <= LEASED) }
  :: d_step { calling == KNOWN && callFor == 0 && committed > propagated -> callFor = committed; callAge = 0; ask(committed) }
#else
  /* The question goes to every listener. */
  :: d_step { calling == IDLE && committed > propagated -> calling = BEGUN; callFor = committed; callAge = 0; ask(committed) }

  /* TenantStore.verifiers */
  :: d_step { calling == BEGUN ->
      calling = KNOWN;
#ifdef MUTATE_SILENT_NOT_AWAITED
      awaited = false
#else
      awaited = (leaseAge <= LEASED);
      if :: awaited -> skip :: else -> reached(EVERYWHERE_WITH_NOBODY_LISTED) fi
#endif
    }
#endif

  /* The call resolves. */
  :: d_step { calling == KNOWN && callFor != 0 && (!awaited || answered == callFor || callAge > PATIENCE) ->
      if :: awaited && answered == callFor && callAge == 0 -> reached(EVERYWHERE_BY_ANSWER) :: else fi;
      if :: awaited && answered != callFor -> reached(EVERYWHERE_BY_TIME) :: else fi;
      propagated = callFor;
      calling = IDLE;
      callFor = 0;
      callAge = 0;
      awaited = false
    }
  od
}
#endif

/* --- other transactions ----------------------------------------------------------------------- */

#ifdef CACHE
/* A transaction that is open at the promotion is lost. */
#ifdef HISTORY
#define isOfItsHistory (history == 1)
#else
#define isOfItsHistory true
#endif

#ifdef HISTORY
/* A transaction at the new primary. */
proctype LaterTransaction() {
  byte number;
  d_step { history == 2 && lostTo < VERSIONS -> begun++; number = begun };
  d_step { commit(); became[number] = committed }
}
#endif

/* A transaction of Latchkey or of the application that changes the tenant. It may have been open
 * for any time before. */
proctype Transaction(byte number) {
  if
  :: d_step { isOfItsHistory && begun + 1 == number -> begun = number };
     if
     :: d_step { isOfItsHistory ->
          commit();
          became[number] = committed;
          if :: number > 1 && became[number - 1] == 0 -> reached(TRANSACTIONS_COMMITTED_OUT_OF_ORDER) :: else fi
        }
#ifdef HISTORY
     :: history == 2
#endif
     fi
#ifdef HISTORY
  :: history == 2
#endif
  fi
}
#else
proctype Transactions() {
  do
#ifdef MUTATE_ANNOUNCED_BEFORE_COMMIT
  :: d_step { announced == committed && committed < VERSIONS -> announced++; announce(announced) }
  :: d_step { announced > committed -> commit() }
#else
#ifdef HISTORY
  :: d_step { max(committed, lostTo) < VERSIONS -> commit() }
#else
  :: d_step { committed < VERSIONS -> commit() }
#endif
#endif
#ifdef MUTATE_ANNOUNCED_AFTER_COMMIT
  :: d_step { announced < committed -> announced = committed; announce(announced) }
#endif
  od
}
#endif

#ifdef HISTORY
/* The replica has all versions up to some one, and is promoted. Later versions and open
 * transactions are lost. */
proctype Promotion() {
  byte version;
  atomic {
    select(version : 1 .. committed);
    d_step {
      if :: version < committed -> reached(CHANGES_LOST_BY_A_PROMOTION) :: else fi;
#ifdef CACHE
      for (f : 1 .. committed) { lowWaterMarkOf(f); lostLowWaterMark[f] = lowWaterMark };
      /* Transaction numbers start again, and the log of the new history begins after them. */
      begun = 0;
      for (f : 1 .. VERSIONS - 1) {
        if :: became[f] > version -> became[f] = 0 :: else fi;
        if :: became[f] != 0 -> begun = f :: else fi
      };
#endif
      base = version;
      lostTo = committed;
      for (f : version + 1 .. committed) { replacedAge[f] = 0 };
      committed = version;
      history = 2;
      version = 0
    }
  }
}
#endif

/* Time passes. */
inline tick(ofVerifier) {
  for (at : 1 .. VERSIONS) {
#ifdef HISTORY
    if :: at != committed && at <= max(committed, lostTo) -> grow(replacedAge[at], PROMISE + 1) :: else fi
#else
    if :: at < committed -> grow(replacedAge[at], PROMISE + 1) :: else fi
#endif
  }
  if
  :: ofVerifier ->
    for (f : 0 .. FLIGHTS - 1) {
      if :: flights[f].phase != IDLE -> grow(flights[f].age, OLD) :: else fi
    }
#ifndef MUTATE_PROOF_NEVER_AGES
    grow(provedAge, OLD);
#endif
#ifndef MUTATE_READ_NEVER_AGES
    if :: entry != 0 -> grow(entryAge, OLD) :: else fi;
#endif
    if :: check != IDLE -> grow(checkAge, OLD) :: else fi;
#ifdef EVERYWHERE
    if :: renewal != IDLE -> grow(renewalAge, READING + 1) :: else fi;
    grow(sinceRenewal, READING + 1)
#endif
  :: else
  fi;
#ifdef EVERYWHERE
  grow(leaseAge, LEASED + 1);
  if :: callFor != 0 -> grow(callAge, PROMISE + 1) :: else fi
#endif
}

proctype Time() {
  do
  :: d_step { true -> tick(true) }
  /* Both clocks of the verifier miss a tick. */
  :: d_step { slips < SLIPS -> slips++; tick(false) }
  od
}

init {
  atomic {
    run Requests();
    for (f : 0 .. FLIGHTS - 1) { run Reads(f) }
    run Feed();
#ifdef EVERYWHERE
    run Lease();
    run Propagation();
#endif
#ifdef CACHE
    run RecentChanges();
    for (f : 1 .. VERSIONS - 1) { run Transaction(f) }
#else
    run Transactions();
#endif
#ifdef HISTORY
    run Promotion();
#ifdef CACHE
    run LaterTransaction();
#endif
#endif
    run Time()
  }
}
