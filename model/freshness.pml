/*
 * The freshness protocol of Latchkey, for SPIN. README.md says what is modelled, what is left out,
 * and why that is sound.
 *
 * There is one tenant. Version v of its record has one secret, which signs "tokens of version v".
 * Every change is a revocation, so that version v + 1 ends every token of version v. One verifier
 * is modelled in full. To it, other processes are only the authors of transactions, and of entries
 * of the shared cache. Each step is one synchronous piece of the code, which the comment above it
 * names.
 *
 * A step that may happen may also never happen. So a slow or silent network, an unreachable
 * database and a stopped process (SIGSTOP) are the same here: time passes, and the step is not
 * made.
 *
 * Time is kept as ages: the value of elapsedMs(clock, instant), in ticks. An age stops growing once
 * nothing depends on it any more, so that the length of a run is not bounded. No step compares two
 * clocks or reads the value of a clock, because the protocol does neither.
 *
 * Wake-ups may be lost, late, duplicated or suppressed. All that they do is to start a read of the
 * log, which may start at any time here. So they are not modelled.
 *
 * Sizes, set by -D: VERSIONS, TRANSACTIONS (transaction IDs), FLIGHTS (concurrent reads), STALENESS
 * (ticks), SLIPS (ticks that slow clocks miss in a run), CACHE for the shared cache, PRUNING for a
 * log that is pruned by any clock, LIMIT (rows that one read of the log returns), CRASH for a crash
 * of the server, PROMOTION for the promotion of a lagging replica, EVERYWHERE for changes that wait
 * for propagation, REFUSALS to record which tokens were refused, BRIEF for requests that take no
 * time and leave no verdict, and DIRECT for statements that are executed when they are sent.
 * -DMUTATE_X plants defect X. -DREACH=X makes situation X an error, to show that it is possible.
 */

#ifndef VERSIONS
#define VERSIONS 3
#endif
#ifndef TRANSACTIONS
#define TRANSACTIONS VERSIONS
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
#if defined(CRASH) || defined(PROMOTION)
#define EPOCHS
#endif
/* The cap of the verifier's ages: too old to use, or no such instant at all. */
#define OLD (STALENESS + 1)
/* LogFeed.#hasLost: the age of a read of the log during which data was dropped. */
#define VOID (OLD + 1)

/* --- the database ----------------------------------------------------------------------------- */

/* The committed version, and for each version the true time since it was replaced. */
byte committed = 1;
byte replacedAge[VERSIONS + 1];
byte slips;

/* Transactions have IDs from 1 in the order of their begin, and end in any order. The version that
 * each one has committed with its row in the change log; NOTHING for one that has no such row,
 * because it was rolled back or is not about the tenant; 0 while it is open. */
#define NOTHING 255
byte begun;
byte became[TRANSACTIONS + 1];
#define isOpen(id) (became[id] == 0)
#define hasRow(id) (became[id] != 0 && became[id] != NOTHING)

#ifdef EPOCHS
/* Once in a run history 2 continues from version `base`, and the later versions up to `lostTo` are
 * lost. Every transaction ID above that of the last surviving change may be assigned again.
 *
 * CRASH: the server crashes. It loses no committed change, but transactions that were open or
 * without a change. PROMOTION: a lagging replica is promoted. The old primary is not fenced: it
 * keeps running, but nothing is committed there any more. */
byte history = 1;
byte base, lostTo;
#define newestUsed max(committed, lostTo)
#ifdef CACHE
/* The low-water mark of the last entry of each version in the lost history. */
byte lostLowWaterMark[VERSIONS + 1];
#endif
#else
#define newestUsed committed
#endif
#ifdef MUTATE_LOGGED_AFTER_THE_COMMIT
byte unlogged;
#endif

#if defined(PRUNING) || (defined(EPOCHS) && defined(CACHE))
/* The pruning mark. */
byte prunedTo = 1;
#define firstPoint prunedTo
#else
#define firstPoint 1
#endif
#ifdef PRUNING
/* The pruned rows of the log by their transaction. */
bool gone[TRANSACTIONS + 1];
#endif

#ifdef EVERYWHERE
/* How long after a renewal began reads may begin (READING), and how long the lease lasts (LEASED),
 * by the database's clock. */
#ifndef READING
#define READING 0
#endif
#ifdef DIRECT
#define NO_LEASE (READING + OLD)
#else
#define NO_LEASE (READING + 1)
#endif
#ifdef MUTATE_LEASE_ENDS_BEFORE_ITS_DATA
#define LEASED READING
#else
#define LEASED (READING + PROMISE)
#endif
/* The age of the lease; older than LEASED when there is none. */
byte leaseAge = LEASED + 1;

/* The last number of the sequence, and two requests by their numbers, 0 for none: one of the call
 * below, which is committed later than it has got its number, and one of another caller, or any
 * other row. */
byte numbers;
byte request, otherRequest;
bool isLogged;
/* The largest number that the verifier has acknowledged in the row of its lease. */
byte acknowledged;

/* A call that waits for propagation: its step, its version, its age in true time, and whether it
 * waits for the verifier. */
#define CALLED 1
#define LOGGED 2    /* the request is committed */
#define LISTED 3    /* the leases were read */
byte calling;
byte callFor;
byte callAge;
bool awaited;
/* The newest version that was reported as propagated. */
byte propagated;
#ifdef PROMOTION
/* The replica does not have the lease, and the verifier has not reached it yet: no promise. */
bool excused;
#endif
#endif

/* --- the verifier ----------------------------------------------------------------------------- */

#ifdef EPOCHS
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
#ifdef EPOCHS
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

/* LogFeed: the position, which is a snapshot of the log. xmax: every transaction with this ID or a
 * larger one was open or had not begun; 0 for no position. xip: a set of bits, for the other
 * transactions that were open. */
typedef Snapshot {
  byte xmax;
  byte xip;
#ifdef EPOCHS
  byte history;
#endif
#ifdef PRUNING
  byte prunedTo;
#endif
}
Snapshot position;
#define sees(snapshot, id) ((id) < snapshot.xmax && !((snapshot.xip >> (id)) & 1))
#define isOpenIn(snapshot, id) ((snapshot.xip >> (id)) & 1)
#define xminOf(snapshot) (isOpenIn(snapshot, 1) -> 1 : (isOpenIn(snapshot, 2) -> 2 : (isOpenIn(snapshot, 3) -> 3 : snapshot.xmax)))

/* A read of the log in progress, and the age of its instant. Of its answer: the snapshot, the
 * newest version in its rows, and for the properties the version that was committed. */
byte reading;
byte readingAge;
Snapshot answer;
byte found;
byte seen;
#ifdef LIMIT
/* The number of rows above the position's xmax in the answer. */
byte answerRows;
#endif
#ifdef EVERYWHERE
/* The largest number in the log that the snapshot sees. */
byte answerNumber;
/* An acknowledgement that was sent. */
byte acknowledging;
#endif

#ifdef EVERYWHERE
/* VerifierLease: a renewal in progress, and its age; the age of #renewedAt. */
byte renewal;
byte renewalAge;
byte sinceRenewal = NO_LEASE;
#ifdef EPOCHS
byte renewalHistory;
#endif
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
#ifdef EPOCHS
byte listHistory;
#endif
#endif

/* --- the properties --------------------------------------------------------------------------- */

/* For the properties alone: the newest version that was delivered to this verifier, by its own
 * change or by the feed, before or after the end of its process. A position that was taken without
 * rows counts as the delivery of all changes that it sees. */
byte delivered = 1;
#ifdef CACHE
/* An evicted version may come back from the shared cache until the change is delivered. */
#define newestKept entry
#else
/* The newest version that memory has held since the last crash. */
byte newestKept;
#endif
/* The version that was committed when the read of the log began and must be delivered before it
 * proves anything; 0 once delivered. */
byte undelivered;

/* No token is accepted that ended longer ago than the bound. */
hidden byte S1_bounded_staleness;
/* No token is accepted whose end was delivered to this process, or acknowledged by it. */
hidden byte S2_delivered_is_ended;
/* Memory never takes an older version than one it has held or one that was delivered. */
hidden byte S3_no_resurrection;
/* No valid token is refused with 401. */
hidden byte S4_no_false_refusal;
/* When the feed proves itself, everything committed before its read began has been delivered. */
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
#define READ_OVERTAKEN_BY_A_READ 13
#define READ_OVERTAKEN_BY_A_REFUSAL 14
#define REFUSED_WITH_AN_ENTRY 15
#define READ_OLDER_THAN_THE_ENTRY 16
#define READ_RENEWS_THE_ENTRY 17
#define CHANGE_OF_AN_OPEN_TRANSACTION 18
#define CHANGE_REPEATED_AFTER_A_FAILURE 19
#define LOST_BY_PRUNING 20
#define LOST_BY_ANOTHER_EPOCH 21
#define TRANSACTIONS_COMMITTED_OUT_OF_ORDER 22
#define TRANSACTION_ID_REUSED 23
#define SHARED_ENTRY_USED 24
#define SHARED_ENTRY_FROM_BEFORE_THE_POINT 25
#define SHARED_ENTRY_FROM_BEFORE_A_CHANGE 26
#define CHANGE_DELIVERED_DURING_THE_LIST 27
#define LIST_BEGINS_AT_THE_MARK 28
#define SHARED_ENTRY_OF_A_LOST_HISTORY 29
#define CHANGES_LOST_BY_A_PROMOTION 30
#define ACCEPTED_AFTER_A_PROMOTION 31
#define READ_AT_A_STALE_SERVER 32
#define LOG_READ_AT_A_STALE_SERVER 33
#define EVERYWHERE_BY_ACKNOWLEDGEMENT 34
#define EVERYWHERE_BY_A_LARGER_NUMBER 35
#define EVERYWHERE_BY_TIME 36
#define EVERYWHERE_WITHOUT_A_LEASE 37
#define READ_STARTED_WITHOUT_A_LEASE 38
#define LOST_BY_THE_LIMIT 39
#define CHANGE_BELOW_THE_MARK 40
#define LOG_READ_THAT_PROVES_NOTHING 41
#define LOST_DURING_A_LOG_READ 42

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
#if defined(EVERYWHERE) && !defined(MUTATE_READ_WITHOUT_A_LEASE) && !defined(MUTATE_LEASE_AT_THE_END_OF_A_READ)
#ifdef DIRECT
/* Or one that began earlier and is executed now. */
#define ageAtStart (sinceRenewal <= READING -> 0 : sinceRenewal - READING)
#else
#define ageAtStart (sinceRenewal <= READING -> 0 : OLD)
#endif
#else
#define ageAtStart 0
#endif

/* For loops inside one step. */
hidden byte f, at, lowWaterMark;

inline endFlight(n) {
  flights[n].phase = IDLE;
  flights[n].version = 0;
#ifdef EPOCHS
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
#ifndef MUTATE_SHARED_LIST_FORGETS_DELIVERED_CHANGES
  if
  :: listUnderWay && listed < given -> listed = given; reached(CHANGE_DELIVERED_DURING_THE_LIST)
  :: else
  fi;
#endif
#endif
  deliver(given)
}

inline deliver(given) {
  delivered = max(delivered, given);
  if :: undelivered <= delivered -> undelivered = 0 :: else fi
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
#if defined(EPOCHS) && defined(EVERYWHERE) && !defined(MUTATE_LEASE_OUTLIVES_ITS_HISTORY)
  /* VerifierLease.expire */
  sinceRenewal = NO_LEASE;
#endif
#ifndef MUTATE_PROOF_OUTLIVES_LOST
  /* LogFeed.#lose: a read of the log that began earlier proves nothing, because the lease of its
   * instant has ended. */
  if :: reading != IDLE -> readingAge = VOID; undelivered = 0 :: else fi;
#endif
  provedAge = OLD
}

#ifdef EPOCHS
/* For the properties: versions that a promotion has lost do not count any more. */
inline forgetLost() {
#ifdef PROMOTION
  if :: delivered > base && delivered <= lostTo -> delivered = base :: else fi;
#ifndef CACHE
  newestKept = 0;
#endif
#endif
#if defined(PROMOTION) && defined(EVERYWHERE)
  excused = false;
#endif
  undelivered = 0
}

/* History.check, at the answer of any statement: a newer history than before.
 * DatabaseStore.#historyChanged: lost(). */
inline adopt() {
  if
  :: known < history ->
    known = history;
    forgetLost();
#ifdef MUTATE_HISTORY_KEEPS_MEMORY
    skip
#else
    lost()
#endif
  :: else
  fi
}
#else
#define adopt() skip
#endif

#ifdef CACHE
inline endList() {
#ifdef EPOCHS
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
#ifdef MUTATE_SHARED_LOW_WATER_MARK_IGNORES_OPEN_TRANSACTIONS
  lowWaterMark = 1;
#endif
  for (at : 1 .. begun) {
    if
#if defined(MUTATE_SHARED_LOW_WATER_MARK_READ_AFTER_THE_ENTRY)
    :: true
#elif defined(MUTATE_SHARED_LOW_WATER_MARK_IGNORES_OPEN_TRANSACTIONS)
    :: hasRow(at) && became[at] <= given -> lowWaterMark = at + 1
#else
    :: became[at] != NOTHING && (isOpen(at) || became[at] > given) && at < lowWaterMark -> lowWaterMark = at
#endif
    :: else
    fi
  }
}

/* SharedTenants.#readCache: decides whether to use an entry. `ofLost`: the entry was sealed in the
 * lost history and does not open in the new one. */
inline sharedAnswer(n, given, ofLost) {
#ifdef EPOCHS
  if :: ofLost -> lowWaterMark = lostLowWaterMark[given] :: else -> lowWaterMarkOf(given) fi;
#else
  lowWaterMarkOf(given);
#endif
  if
#if defined(EPOCHS) && !defined(MUTATE_SHARED_HISTORY_NOT_COMPARED)
  :: ofLost != (known < history) -> if :: ofLost -> reached(SHARED_ENTRY_OF_A_LOST_HISTORY) :: else fi
#define isOfAnother(ofLost) (ofLost != (known < history))
#else
#define isOfAnother(ofLost) false
#endif
#ifndef MUTATE_SHARED_LOW_WATER_MARK_NOT_COMPARED
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
#ifdef EPOCHS
    flights[n].history = known;
#endif
#ifdef MUTATE_SHARED_ENTRY_COUNTS_AS_A_READ
    flights[n].age = 0;
#else
    flights[n].age = OLD;
#endif
    reached(SHARED_ENTRY_USED)
  fi
}
#endif

/* Every accept, at the instant of its last check of freshness. */
inline accept(given) {
  holds(S1_bounded_staleness, given == committed || replacedAge[given] <= PROMISE);
  holds(S2_delivered_is_ended, given >= delivered);
#ifdef EVERYWHERE
#ifdef PROMOTION
  holds(S6_propagated_is_ended, given >= propagated || excused);
#else
  holds(S6_propagated_is_ended, given >= propagated);
#endif
#endif
#ifdef REFUSALS
  holds(S7_refused_stays_refused, !refused[given]);
#endif
  if :: entryAge <= STALENESS && provedAge > STALENESS -> reached(ACCEPTED_BY_READ) :: else fi;
  if :: provedAge <= STALENESS && entryAge > STALENESS -> reached(ACCEPTED_BY_PROOF) :: else fi;
  if :: given < committed -> reached(ACCEPTED_WITHIN_THE_PROMISE) :: else fi;
#ifdef PROMOTION
  if :: given > lostTo && lostTo > base -> reached(ACCEPTED_AFTER_A_PROMOTION) :: else fi;
#endif
  if :: given > 1 && delivered > 1 -> reached(ACCEPTED_AFTER_A_CHANGE) :: else fi
}

/* Every 401. Versions only grow: a token that is invalid now will never be valid. */
inline refuse(given) {
#ifdef EPOCHS
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

inline endReading() {
  reading = IDLE;
  readingAge = 0;
  answer.xmax = 0;
  answer.xip = 0;
#ifdef EPOCHS
  answer.history = 0;
#endif
#ifdef PRUNING
  answer.prunedTo = 0;
#endif
#ifdef LIMIT
  answerRows = 0;
#endif
#ifdef EVERYWHERE
  answerNumber = 0;
#endif
  found = 0;
  seen = 0;
  undelivered = 0
}

inline move() {
  position.xmax = answer.xmax;
#ifdef EPOCHS
  position.history = answer.history;
#endif
  position.xip = answer.xip
#ifdef PRUNING
  ;
  /* A mark that is not above xmin may count as none: one that changes only rises. */
  position.prunedTo = (answer.prunedTo > xminOf(answer) -> answer.prunedTo : 0)
#endif
}

/* Freshness.proved(asOf) */
inline proved(age) {
  holds(S5_proof_means_delivery, undelivered == 0);
#ifdef MUTATE_PROOF_COUNTED_FROM_ITS_END
  provedAge = 0
#else
  provedAge = age
#endif
}

/* The snapshot of a statement. */
#ifdef MUTATE_LOG_READ_FROM_A_REPLICA
#define hasEnded(id) (became[id] != 0 && (committed == 1 || became[id] != committed))
#else
#define hasEnded(id) (became[id] != 0)
#endif
inline takeSnapshot() {
  answer.xmax = 1;
  answer.xip = 0;
  for (at : 1 .. begun) {
    if :: hasEnded(at) -> answer.xmax = at + 1 :: else fi
  }
  for (at : 1 .. begun) {
    if :: at < answer.xmax && !hasEnded(at) -> answer.xip = answer.xip | (1 << at) :: else fi
  }
#ifdef EPOCHS
  answer.history = history;
#endif
#ifdef PRUNING
  answer.prunedTo = prunedTo;
#endif
#if !defined(PRUNING) && !defined(LIMIT) && !defined(EPOCHS)
  if :: position.xmax != 0 -> skip :: else -> seen = committed fi
#else
  seen = committed
#endif
}

/* The rows of the log that the position does not see. */
#ifdef PRUNING
#define isInLog(id) (hasRow(id) && hasEnded(id) && !gone[id])
#else
#define isInLog(id) (hasRow(id) && hasEnded(id))
#endif
#ifdef MUTATE_XIP_IGNORED
#define isNew(id) ((id) >= position.xmax)
#else
#define isNew(id) (!sees(position, id))
#endif
#ifdef LIMIT
#define isWithinLimit(id) ((id) < position.xmax || answerRows < LIMIT)
#else
#define isWithinLimit(id) true
#endif
inline readRows() {
  for (at : 1 .. begun) {
    if
    :: position.xmax != 0 && isInLog(at) && isNew(at) && isWithinLimit(at) ->
      found = max(found, became[at]);
#ifdef LIMIT
      if :: at >= position.xmax -> answerRows++ :: else fi
#endif
    :: else
    fi
  }
}

/* Whether changes may have been missed. */
#if defined(PRUNING) && !defined(MUTATE_PRUNED_TO_NOT_COMPARED)
#define isPruned (answer.prunedTo != position.prunedTo && answer.prunedTo > xminOf(position))
#else
#define isPruned false
#endif
#if defined(LIMIT) && !defined(MUTATE_LIMIT_NOT_NOTICED)
#define isCutOff (answerRows >= LIMIT)
#else
#define isCutOff false
#endif
#if defined(EPOCHS) && !defined(MUTATE_EPOCH_NOT_COMPARED)
#define isOfAnotherEpoch (answer.history != position.history)
#else
#define isOfAnotherEpoch false
#endif
#define isLost (isPruned || isCutOff || isOfAnotherEpoch || answer.xmax < position.xmax)

inline applyRows() {
  if
  :: position.xmax == 0 -> deliver(seen)
  :: position.xmax != 0 && isLost ->
    if :: isPruned -> reached(LOST_BY_PRUNING) :: else fi;
    if :: isCutOff -> reached(LOST_BY_THE_LIMIT) :: else fi;
    if :: isOfAnotherEpoch -> reached(LOST_BY_ANOTHER_EPOCH) :: else fi;
    lost();
    deliver(seen)
  :: else ->
#ifdef PRUNING
    if :: found != 0 && answer.prunedTo > xminOf(position) -> reached(CHANGE_BELOW_THE_MARK) :: else fi;
#endif
    if :: found != 0 -> changed(found) :: else fi
  fi
}

#ifdef EVERYWHERE
/* How long the writer waits for an acknowledgement: longer than any data is used. */
#ifdef MUTATE_WAITED_TOO_SHORT
#define PATIENCE (PROMISE - 1)
#else
#define PATIENCE PROMISE
#endif

/* The numbers have no meaning after the last call, nor has the lease in the database after the
 * list. */
#define isNumbered (propagated < VERSIONS)
#ifdef PROMOTION
#define isListedOnceMore true
#else
#define isListedOnceMore (propagated < VERSIONS && !(calling == LISTED && callFor == VERSIONS))
#endif
inline forgetLease() {
  if :: !isListedOnceMore -> leaseAge = 0 :: else fi
}
inline forgetNumbers() {
  if
  :: !isNumbered ->
    numbers = 0;
    otherRequest = 0;
    acknowledged = 0;
    acknowledging = 0;
    answerNumber = 0
  :: else
  fi
}

inline endCall() {
  calling = IDLE;
  callFor = 0;
  callAge = 0;
  request = 0;
  isLogged = false;
  awaited = false
}

#ifdef MUTATE_EARLIER_NUMBER_COUNTS
#define hasAcknowledged (acknowledged != 0)
#else
#define hasAcknowledged (acknowledged >= request)
#endif

/* The call resolves as soon as it may: the polls that follow could only make that later. */
inline resolve() {
  if
  :: calling == LISTED && callFor != 0 && (!awaited || hasAcknowledged || callAge > PATIENCE) ->
    if :: awaited && acknowledged == request && callAge == 0 -> reached(EVERYWHERE_BY_ACKNOWLEDGEMENT) :: else fi;
    if :: awaited && acknowledged > request && callAge == 0 -> reached(EVERYWHERE_BY_A_LARGER_NUMBER) :: else fi;
    if :: awaited && acknowledged < request -> reached(EVERYWHERE_BY_TIME) :: else fi;
    propagated = callFor;
    endCall();
    forgetNumbers();
    forgetLease()
  :: else
  fi
}

#endif

/* One transaction (C5): the new version, and its row in the change log. */
inline commit() {
  replacedAge[committed] = 0;
  /* renewEpoch: numbers go on above those of the lost history. */
  committed = newestUsed + 1
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
      endReading();
      position.xmax = 0;
      position.xip = 0;
#ifdef EPOCHS
      position.history = 0;
      /* The statements of the new process go to the primary. */
      if :: known < history -> known = history; forgetLost() :: else fi;
#endif
#ifdef EVERYWHERE
      /* The new process has a lease of its own. The writer waits in vain for that of the old one.
       */
      leaseAge = LEASED + 1;
      forgetLease();
      acknowledged = 0;
      acknowledging = 0;
      renewal = IDLE;
#ifdef EPOCHS
      renewalHistory = 0;
#endif
      renewalAge = 0;
      sinceRenewal = NO_LEASE;
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

/* Nothing is cached before the first read of the log has returned. */
#ifdef MUTATE_READ_BEFORE_THE_FIRST_POSITION
#define isFollowing true
#else
#define isFollowing (position.xmax != 0)
#endif

/* Successive flights of a BatchReader: byKid for requests, byTenant for signingKey(). */
proctype Reads(byte n) {
  byte old;
  do

#ifdef DIRECT
#define isSent (flights[n].phase == IDLE && isFollowing)
#define beginRead(n) flights[n].age = ageAtStart
#else
#define isSent (flights[n].phase == SENT)
#define beginRead(n) skip
  /* BatchReader.#readBatch takes readAt and sends the query. */
  :: d_step { flights[n].phase == IDLE && isFollowing ->
      flights[n].phase = SENT;
      flights[n].age = ageAtStart;
#ifdef EVERYWHERE
      if :: sinceRenewal > READING -> reached(READ_STARTED_WITHOUT_A_LEASE) :: else fi
#endif
    }
#endif

  /* The database executes the query. For a token of an earlier version it finds no such kid: 401.
   */
  :: d_step { isSent ->
      beginRead(n);
      flights[n].phase = DONE;
#ifdef MUTATE_READ_FROM_A_REPLICA
      flights[n].version = (committed > 1 -> committed - 1 : committed)
#else
      flights[n].version = committed
#endif
#ifdef EPOCHS
      ;
      flights[n].history = history
#endif
#ifndef REFUSALS
      ;
#ifdef EPOCHS
      if
      :: committed == base && lostTo > base -> refuse(base + 1)
      :: else -> if :: committed > 1 -> refuse(committed - 1) :: else fi
      fi
#else
      if :: committed > 1 -> refuse(committed - 1) :: else fi
#endif
#endif
    }

#ifdef PROMOTION
  /* A connection of the pool still leads to the old primary, while another one has led to the new
   * one. */
  :: d_step { isSent && known == 2 ->
      beginRead(n);
      flights[n].phase = DONE;
      flights[n].version = lostTo;
      flights[n].history = 1
    }
#endif

#ifdef EPOCHS
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
  :: atomic { isSent && committed > 1 ->
      select(old : 1 .. committed - 1);
      d_step {
        if :: isWanted(old) -> skip :: else -> beginRead(n); flights[n].phase = DONE; flights[n].wanted = old fi;
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
#ifdef MUTATE_SHARED_ENTRY_USED_WITHOUT_THE_LIST
  :: atomic { isSent ->
#else
  :: atomic { isSent && since != 0 ->
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
#ifdef EPOCHS
        /* An entry of the new history is of a version that it has had. */
        if
        :: history == 2 && old != base && old <= lostTo -> skip
        :: else -> sharedAnswer(n, old, false)
        fi;
#else
        sharedAnswer(n, old, false);
#endif
#endif
        old = 0
      }
    }
#ifdef EPOCHS
  /* The same with an entry of the lost history. */
  :: atomic { isSent && since != 0 && history == 2 ->
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
#ifdef MUTATE_LEASE_AT_THE_END_OF_A_READ
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

inline beginLogRead() {
#ifdef MUTATE_PROOF_WITHOUT_A_LEASE
  readingAge = 0;
#else
  readingAge = ageAtStart;
#endif
  if :: position.xmax != 0 && committed > delivered -> undelivered = committed :: else fi
}

/* LogFeed: one read after the other, after each interval and each wake-up. */
proctype Feed() {
  do

#ifdef DIRECT
#define isLogReadSent (reading == IDLE)
#define beginLogReadNow() beginLogRead()
#else
#define isLogReadSent (reading == SENT)
#define beginLogReadNow() skip
  /* LogFeed reads the clocks, then sends the statement. */
  :: d_step { reading == IDLE -> beginLogRead(); reading = SENT }
#endif

  /* readLog: the database executes the one statement. */
  :: d_step { isLogReadSent ->
      beginLogReadNow();
      reading = DONE;
      takeSnapshot();
      readRows();
#ifdef EVERYWHERE
      if :: isLogged -> answerNumber = request :: else fi;
      answerNumber = max(answerNumber, otherRequest);
#endif
      if
      :: found != 0 && answer.xmax == position.xmax -> reached(CHANGE_OF_AN_OPEN_TRANSACTION)
      :: else
      fi
    }

#ifdef PROMOTION
  /* A connection of the pool still leads to the old primary, while another one has led to the new
   * one. */
  :: d_step { isLogReadSent && known == 2 && position.xmax != 0 ->
      beginLogReadNow();
      reading = DONE;
      answer.xmax = position.xmax;
      answer.xip = position.xip;
      answer.history = 1;
      seen = lostTo
    }
#endif

  /* The answer arrives. */
  :: d_step { reading == DONE ->
      if :: readingAge == VOID -> reached(LOST_DURING_A_LOG_READ) :: else fi;
      if
#if defined(EPOCHS) && !defined(MUTATE_LOG_READ_AT_A_STALE_SERVER)
      /* History.check */
      :: answer.history < known -> reached(LOG_READ_AT_A_STALE_SERVER)
#endif
      :: else ->
#ifdef EPOCHS
        if :: answer.history > known -> adopt() :: else fi;
#endif
#ifdef MUTATE_SNAPSHOT_TAKEN_AFTER_THE_ROWS
        takeSnapshot();
#endif
#ifdef MUTATE_PROVED_BEFORE_THE_ROWS
        proved(readingAge);
#endif
        applyRows();
#ifdef MUTATE_POSITION_FROM_THE_ROWS
        answer.xip = 0;
#endif
        move();
        if
        :: readingAge == VOID -> reached(LOG_READ_THAT_PROVES_NOTHING)
        :: else ->
#ifdef EVERYWHERE
          /* LogFeed acknowledges, if the read has returned a request. */
          if :: answerNumber > acknowledged -> acknowledging = answerNumber :: else fi;
#endif
          proved(readingAge)
        fi
      fi;
      endReading()
    }

  /* The read fails, or its time is over. */
  :: d_step { reading != IDLE ->
#ifdef MUTATE_POSITION_MOVED_BY_A_FAILED_READ
      if :: reading == DONE -> move() :: else fi;
#endif
#ifdef MUTATE_PROVED_BY_A_FAILED_READ
      proved(readingAge);
#endif
      if :: found != 0 -> reached(CHANGE_REPEATED_AFTER_A_FAILURE) :: else fi;
      endReading()
    }

#ifdef MUTATE_WAKE_UP_IS_A_PROOF
  /* A wake-up arrives. */
  :: d_step { position.xmax != 0 -> proved(0) }
#endif

#ifdef EVERYWHERE
#ifdef MUTATE_ACKNOWLEDGED_BEFORE_THE_ROWS
  :: d_step { reading == DONE && answerNumber > acknowledged -> acknowledging = answerNumber }
#endif

  /* The database executes the acknowledgement. One that is lost, or overtaken by the next one, only
   * makes the caller wait longer. */
  :: d_step { acknowledging != 0 ->
#ifdef MUTATE_ACKNOWLEDGED_WITHOUT_A_READ
      acknowledged = max(request, otherRequest);
#else
      acknowledged = acknowledging;
#endif
      acknowledging = 0;
      resolve()
    }
#endif
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
  :: atomic { !listUnderWay && isFollowing ->
#ifdef MUTATE_SHARED_LIST_BEGINS_BEFORE_THE_MARK
      select(point : 1 .. begun + 1);
#else
      select(point : firstPoint .. begun + 1);
#endif
      d_step {
        listUnderWay = true;
        listSince = point;
#ifdef EPOCHS
        listHistory = history;
#endif
#ifdef PRUNING
        if :: prunedTo > 1 && point == prunedTo -> reached(LIST_BEGINS_AT_THE_MARK) :: else fi;
        for (at : point .. begun) {
          if :: isInLog(at) -> listed = max(listed, became[at]) :: else fi
        }
#elif !defined(MUTATE_SHARED_LOG_IS_PRUNED)
        for (at : point .. begun) {
          if :: isInLog(at) -> listed = max(listed, became[at]) :: else fi
        }
#endif
        point = 0
      }
    }

  /* The list has arrived. */
  :: d_step { listUnderWay ->
#ifdef EPOCHS
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

inline endRenewal() {
#ifdef EPOCHS
  renewalHistory = 0;
#endif
  renewal = IDLE;
  renewalAge = 0
}

proctype Lease() {
  do

#ifdef DIRECT
  /* VerifierLease.#renew */
  :: d_step { true ->
      adopt();
      leaseAge = 0;
      forgetLease();
      sinceRenewal = 0
    }
#else
  /* VerifierLease.#renew reads the clocks and sends the statement. */
  :: d_step { renewal == IDLE -> renewal = SENT }

  /* The database executes the statement. */
  :: d_step { renewal == SENT ->
      leaseAge = 0;
      forgetLease();
#ifdef EPOCHS
      renewalHistory = history;
#endif
      renewal = DONE
    }

  /* The answer arrives. */
  :: d_step { renewal == DONE ->
#ifdef EPOCHS
      if :: renewalHistory > known -> adopt() :: else fi;
#endif
#ifdef MUTATE_RENEWAL_COUNTED_FROM_ITS_END
      sinceRenewal = 0;
#elif defined(EPOCHS)
      if :: renewalHistory >= known -> sinceRenewal = renewalAge :: else fi;
#else
      sinceRenewal = renewalAge;
#endif
      endRenewal()
    }

  /* The statement or its answer is lost. */
  :: d_step { renewal != IDLE -> endRenewal() }
#endif
  od
}

/* --- a writer that waits for propagation ------------------------------------------------------ */

/* waitForAcknowledgements, after the commit. */
proctype Propagation() {
  do

#ifdef MUTATE_LIST_READ_BEFORE_THE_COMMIT
  :: d_step { calling == IDLE && request == 0 -> calling = LISTED; awaited = (leaseAge <= LEASED) }
  :: d_step { calling == LISTED && request == 0 && committed > propagated ->
      callFor = committed;
      numbers++;
      request = numbers;
      isLogged = true
    }
#else
  /* The transaction of the request begins, and gets a number. */
  :: d_step { calling == IDLE && committed > propagated ->
      calling = CALLED;
      callFor = committed;
      numbers++;
      request = numbers
    }

  /* It is committed. */
  :: d_step { calling == CALLED -> calling = LOGGED; isLogged = true }

  /* TenantStore.verifiers */
  :: d_step { calling == LOGGED ->
      calling = LISTED;
#ifdef MUTATE_SILENT_NOT_AWAITED
      awaited = false;
#else
      awaited = (leaseAge <= LEASED);
      if :: awaited -> skip :: else -> reached(EVERYWHERE_WITHOUT_A_LEASE) fi;
#endif
      forgetLease();
      resolve()
    }
#endif

  /* Its time is over. */
  :: d_step { calling == LISTED && callFor != 0 && callAge > PATIENCE -> resolve() }
  od
}

/* The request of another caller, or another row. One with a smaller number than that of the call
 * has no effect. */
#if defined(MUTATE_EARLIER_NUMBER_COUNTS) || defined(MUTATE_NUMBERS_NOT_RAISED)
#define mayCount (otherRequest == 0)
#else
#define mayCount (otherRequest == 0 && calling == CALLED)
#endif
proctype OtherRequest() {
  do
  :: d_step { mayCount -> numbers++; otherRequest = numbers }
  od
}
#endif

/* --- other transactions ----------------------------------------------------------------------- */

/* A transaction of Latchkey or of the application. It may be open for any time. */
proctype Transaction(byte number) {
  do
  :: d_step { begun + 1 == number -> begun = number }

  /* It commits a change of the tenant. */
#ifdef MUTATE_LOGGED_AFTER_THE_COMMIT
  :: d_step { number <= begun && isOpen(number) && unlogged == 0 && newestUsed < VERSIONS -> commit(); unlogged = number }
  :: d_step { unlogged == number -> became[number] = committed; unlogged = 0 }
#else
  :: d_step { number <= begun && isOpen(number) && newestUsed < VERSIONS ->
      commit();
      became[number] = committed;
      if :: number > 1 && isOpen(number - 1) -> reached(TRANSACTIONS_COMMITTED_OUT_OF_ORDER) :: else fi;
#ifdef EPOCHS
      if :: number < position.xmax && position.history < history -> reached(TRANSACTION_ID_REUSED) :: else fi
#endif
    }
#endif

  /* It changes other tenants, or is rolled back. */
#if TRANSACTIONS > 1 || (defined(EPOCHS) && !defined(EVERYWHERE))
  :: d_step { number <= begun && isOpen(number) -> became[number] = NOTHING }
#endif
  od
}

#ifdef PRUNING
/* pruneChanges: deletes committed rows of the log before some point that raises the mark. No clock
 * is trusted, so it may be any such point. The code takes none above an open transaction, but
 * renewEpoch may set the mark above one. */
#ifdef MUTATE_PRUNED_WITHOUT_RAISING_THE_MARK
#define lowestPoint max(prunedTo, 2)
#else
#define lowestPoint (prunedTo + 1)
#endif
proctype Pruning() {
  byte point;
  do
  :: atomic { begun + 1 >= lowestPoint ->
      select(point : lowestPoint .. begun + 1);
      d_step {
        for (at : 1 .. point - 1) {
          if :: hasRow(at) -> gone[at] = true :: else fi
        }
#ifndef MUTATE_PRUNED_WITHOUT_A_MARK
        prunedTo = point;
#endif
        point = 0
      }
    }
  od
}
#endif

#ifdef EPOCHS
/* The database continues from an earlier state. Open transactions are lost.
 * History.#renew: a new epoch begins before anything is read. */
#if defined(PROMOTION) || defined(MUTATE_CHANGE_NOT_FLUSHED)
#define losesChanges
#endif
proctype AnotherHistory() {
  byte version;
#if defined(PROMOTION) && defined(EVERYWHERE)
  bool hasLease;
#endif
  atomic {
#ifdef losesChanges
    select(version : 1 .. committed);
#else
    version = committed;
#endif
#if defined(PROMOTION) && defined(EVERYWHERE)
    if :: hasLease = true :: hasLease = (leaseAge > LEASED) fi;
#endif
    d_step {
      if :: version < committed -> reached(CHANGES_LOST_BY_A_PROMOTION) :: else fi;
#ifdef CACHE
      for (f : 1 .. committed) { lowWaterMarkOf(f); lostLowWaterMark[f] = lowWaterMark }
#endif
      lowWaterMark = begun;
      begun = 0;
      for (at : 1 .. lowWaterMark) {
        if :: hasRow(at) && became[at] <= version -> begun = at :: else fi
      }
      for (at : 1 .. lowWaterMark) {
#ifdef MUTATE_CRASH_KEEPS_THE_EPOCH
        if
        :: at > begun -> became[at] = 0
        :: at <= begun && isOpen(at) -> became[at] = NOTHING
        :: else
        fi
#else
        /* renewEpoch empties the log. */
        became[at] = (at > begun -> 0 : NOTHING)
#endif
      }
#ifdef PRUNING
      for (at : 1 .. lowWaterMark) { gone[at] = false }
#endif
#if defined(PRUNING) || defined(CACHE)
      prunedTo = begun + 1;
#endif
      base = version;
      lostTo = committed;
      for (f : version + 1 .. committed) { replacedAge[f] = 0 }
      committed = version;
#ifndef MUTATE_CRASH_KEEPS_THE_EPOCH
      history = 2;
#endif
#ifdef EVERYWHERE
      /* A call for a lost change has no meaning, and a request that was not committed fails. */
      if :: callFor > version || calling == CALLED -> endCall() :: else fi;
      if :: propagated > version -> propagated = version :: else fi;
      isLogged = false;
      otherRequest = 0;
#ifdef MUTATE_NUMBERS_NOT_RAISED
      numbers = 0;
#endif
#if defined(PROMOTION)
      if :: hasLease -> hasLease = false :: else -> leaseAge = LEASED + 1; excused = true fi;
#elif defined(MUTATE_LEASE_NOT_FLUSHED)
      leaseAge = LEASED + 1;
#endif
#endif
      version = 0
    }
  }
}
#endif

/* Time passes. */
inline tick(ofVerifier) {
  for (at : 1 .. VERSIONS) {
#ifdef EPOCHS
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
    if :: reading != IDLE && readingAge != VOID -> grow(readingAge, OLD) :: else fi;
#ifdef EVERYWHERE
    if :: renewal != IDLE -> grow(renewalAge, NO_LEASE) :: else fi;
    grow(sinceRenewal, NO_LEASE)
#endif
  :: else
  fi;
#ifdef EVERYWHERE
  if :: isListedOnceMore -> grow(leaseAge, LEASED + 1) :: else fi;
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
    run OtherRequest();
#endif
#ifdef CACHE
    run RecentChanges();
#endif
    for (f : 1 .. TRANSACTIONS) { run Transaction(f) }
#ifdef PRUNING
    run Pruning();
#endif
#ifdef EPOCHS
    run AnotherHistory();
#endif
    run Time()
  }
}
