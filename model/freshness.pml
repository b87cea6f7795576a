/*
 * The freshness protocol of Latchkey, for SPIN. README.md says what is modelled, what is left out, and why that is sound.
 *
 * How to read it. There is one tenant. Version v of its record holds one secret, which signs "tokens of version v"; every change is a
 * revocation, so that version v + 1 ends every token of version v. A verifier is a set of variables and of atomic steps on them; each step is
 * one synchronous piece of the code, named in the comment above it. A step that may happen may also never happen, so that a slow network,
 * a silent one, an unreachable database and a process that was stopped (SIGSTOP) are all the same thing here: time passes and the step has
 * not been made.
 *
 * Time is kept as ages. `age` is what elapsedMs(clock, instant) gives, in ticks, and stops counting at OLD, from where on nothing
 * depends on how old it is. So runs are not bounded in time, and no two clocks are ever compared: what a clock shows is not in the model,
 * because it is not in the protocol.
 *
 * Bounds, to be set by -D: VERIFIERS, VERSIONS, STALENESS (ticks), SLIPS (ticks that slow clocks may miss in a run), CACHE (the shared cache, L2).
 * -DMUTATE_X plants defect X. -DREACH=n turns a situation that must be possible into an error (see `reached`).
 */

#ifndef VERIFIERS
#define VERIFIERS 1
#endif
#ifndef VERSIONS
#define VERSIONS 3
#endif
#ifndef STALENESS
#define STALENESS 1
#endif
#ifndef SLIPS
#define SLIPS 0
#endif
#ifndef ALLOWED_SLIPS
#define ALLOWED_SLIPS SLIPS
#endif
#ifndef REACH
#define REACH 0
#endif

/* For how long changes stay in the list that a starting process reads, and how long a transaction may stay open after its time was taken. */
#define LIST_WINDOW 2
#define LONGEST_TRANSACTION 1

/* What a verifier may lag behind, by the true clock: clocks that run slow stretch the promise by just what they lose. */
#define PROMISE (STALENESS + ALLOWED_SLIPS)
/* Ages of a verifier stop here: older than may be believed, or no such instant at all. */
#define OLD (STALENESS + 1)
/* Ages of the database stop here: later than the promise, older than the list. */
#define LONG_AGO (PROMISE + LIST_WINDOW + 1)

/* The feed's messages: a version, or the verifier's own marker. */
#define MARKER 0

/* Where the listening connection of a verifier is. */
#define DOWN 0      /* there is none */
#define LISTENS 1   /* LISTEN stands in the database, and the verifier has not yet called lost() */
#define UP 2        /* the feed works */
#define CUT 3       /* it works no more, and the verifier has not noticed */

/* Where a check of the feed is, or a read. */
#define IDLE 0
#define SENT 1
#define DONE 2      /* the database has executed it, the answer is on its way */

/* One flight of the BatchReader: a read under way. */
typedef Flight {
  byte phase;
  byte version;     /* what the database answered */
  byte age;         /* since just before it began: Reading.readAt */
  bool overtaken;   /* Flight.lost, or Flight.newVersions has a newer version than was read */
}

typedef Verifier {
  /* L1, TenantCache: the one CachedTenant, 0 for none, and the age of its readAt. */
  byte entry;
  byte entryAge;
  /* Freshness.#provedAt. */
  byte provedAge;
  /* PostgresFeed, ListeningConnection. */
  byte connection;
  byte check;       /* #prove: a marker under way */
  byte checkAge;    /* since `asOf` */
  /* BatchReader #byKid, on behalf of a request with a token of version `wanted`; #byTenant, on behalf of signingKey(). */
  Flight byKid;
  byte wanted;
  Flight byTenant;
  /* A request that has its key and has not yet come to isCurrent(); 0 again when the CachedTenant of that key ends, for isCurrent() will say no. */
  byte held;
  /* VerifiedTokens: a verdict about the token of this version, which leans on the entry. */
  byte verdict;
  /* A change by this process that is committed, and not yet acknowledged to the caller. */
  byte changing;
#ifdef CACHE
  /* The newest version known from the feed and from the list; whether everything that L2 may still hold is covered by it. */
  byte floor;
  bool floorComplete;
  byte tooOld;      /* bit v: entries of version v were read before the list begins */
  byte list;        /* the read of the list of recent changes */
  byte listed;      /* its answer: newest version in it */
  byte listTooOld;
  byte listHeard;   /* newest version announced while it was under way */
#ifdef MUTATE_L2_FLOOR_COMPARED_BEFORE_THE_READ
  byte l2Passed;
#endif
#endif
  /* For the properties alone: newest version acknowledged to this process's callers; newest that its feed has delivered; newest committed when the check began; newest that it knew of. */
  byte acknowledged;
  byte delivered;
  byte checkBase;
  byte known;
}

Verifier at[VERIFIERS];

/* Notifications on their way from the database to each verifier, in the order of commits. */
chan feed[VERIFIERS] = [VERSIONS + 1] of { byte };

/* The database: the version that is committed, and for each version how long ago it was replaced and when its change took its time. */
byte committed = 1;
byte replacedAge[VERSIONS + 1];
#ifdef CACHE
byte changeAge[VERSIONS + 1];
#endif
byte slips;

/* The properties: each is false for ever. */
bool S1_accepted_too_late;
bool S2_accepted_after_own_change;
bool S3_knowledge_went_back;
bool S4_valid_token_refused;
bool S5_proof_without_delivery;

#define max(a, b) ((a) > (b) -> (a) : (b))
#define grow(age, cap) age = ((age) < (cap) -> (age) + 1 : (cap))

/* What must be possible, or the properties would hold of a verifier that does nothing. */
#define reached(n) if :: REACH == n -> assert(false) :: else fi
#define REACHED_ACCEPT_BY_READ 1
#define REACHED_ACCEPT_BY_PROOF 2
#define REACHED_ACCEPT_BY_VERDICT 3
#define REACHED_ACCEPT_OF_REPLACED 4
#define REACHED_REVOKED 5
#define REACHED_UNAVAILABLE_BY_FAILURE 6
#define REACHED_UNAVAILABLE_BY_OVERTAKING 7
#define REACHED_UNAVAILABLE_BY_PAUSE 8
#define REACHED_ENTRY_FROM_L2 9
#define REACHED_L2_IGNORED 10

#define isRecent(age) ((age) <= STALENESS)
/* Freshness.covers */
#define covers(readAge) (isRecent(at[i].provedAge) || isRecent(readAge))

/* TenantCache.#end: the entry leaves L1, and with it whatever leans on it. */
inline endEntry() {
  at[i].entry = 0;
  at[i].entryAge = OLD;
#ifndef MUTATE_VERDICT_NOT_BOUND_TO_ENTRY
  at[i].verdict = 0;
#endif
  at[i].held = 0
}

/* The answer of this flight will be thrown away (isOvertaken), so nothing else of it matters any more. */
inline overtake(flight) {
  flight.overtaken = true;
  flight.version = 0;
  flight.age = 0
}

/* TenantSecretSource.#changed: TenantCache.drop, BatchReader.changed; with L2 also the floor.
 * BatchReader compares when a flight lands; comparing now is the same: what the database has yet to execute will see this version. */
inline feedChanged(given) {
  if
  :: at[i].entry != 0 && at[i].entry < given -> endEntry()
  :: else
  fi;
#ifndef MUTATE_FLIGHT_NOT_OVERTAKEN
  if :: at[i].byKid.phase == DONE && at[i].byKid.version < given -> overtake(at[i].byKid) :: else fi;
  if :: at[i].byTenant.phase == DONE && at[i].byTenant.version < given -> overtake(at[i].byTenant) :: else fi;
#endif
#ifdef CACHE
  at[i].floor = max(at[i].floor, given);
  if :: at[i].list != IDLE -> at[i].listHeard = max(at[i].listHeard, given) :: else fi;
#endif
  at[i].known = max(at[i].known, given)
}

#ifdef CACHE
inline endList() {
  at[i].list = IDLE;
  at[i].listed = 0;
  at[i].listTooOld = 0;
  at[i].listHeard = 0
}
#endif

/* TenantSecretSource.#lost: nothing read before may be believed. */
inline feedLost() {
  at[i].provedAge = OLD;
#ifndef MUTATE_LOST_KEEPS_ENTRIES
  endEntry();
#endif
#ifndef MUTATE_LOST_KEEPS_FLIGHTS
  if :: at[i].byKid.phase != IDLE -> overtake(at[i].byKid) :: else fi;
  if :: at[i].byTenant.phase != IDLE -> overtake(at[i].byTenant) :: else fi;
#endif
#ifdef CACHE
#ifndef MUTATE_L2_LIST_OUTLIVES_LOST
  at[i].floorComplete = false;
  endList();
#endif
#endif
}

/* TenantCache.keep: the newer version wins; the same one renews the time of the read. */
inline keep(given, readAge) {
  if
#ifndef MUTATE_L1_NOT_COMPARED
  :: at[i].entry > given -> skip
#endif
  :: at[i].entry == given -> at[i].entryAge = (at[i].entryAge < (readAge) -> at[i].entryAge : (readAge))
  :: else ->
    if :: at[i].entry != 0 -> endEntry() :: else fi;
    if :: given < at[i].known -> S3_knowledge_went_back = true :: else fi;
    assert(!S3_knowledge_went_back);
    at[i].entry = given;
    at[i].entryAge = readAge;
    at[i].known = given
  fi
}

/* Every accept comes here, at the instant of its last look at freshness. */
inline accept(given) {
  if :: given < committed && replacedAge[given] > PROMISE -> S1_accepted_too_late = true :: else fi;
  assert(!S1_accepted_too_late);
  if :: given < at[i].acknowledged -> S2_accepted_after_own_change = true :: else fi;
  assert(!S2_accepted_after_own_change);
  if :: given < committed -> reached(REACHED_ACCEPT_OF_REPLACED) :: else fi
}

/* Every 401 comes here. Versions only grow: what is not valid now never will be. */
inline refuse(given) {
  if :: given == committed -> S4_valid_token_refused = true :: else fi;
  assert(!S4_valid_token_refused);
  reached(REACHED_REVOKED)
}

/* TokenAuthority.#accept begins with this key. A second request that arrives here meanwhile is like one that comes later. */
inline hold(given) {
  if :: at[i].held == 0 -> at[i].held = given :: else fi
}

inline endFlight(flight) {
  flight.phase = IDLE;
  flight.version = 0;
  flight.age = 0;
  flight.overtaken = false
}

/* Freshness.proved(asOf) */
inline feedProved() {
#ifdef MUTATE_PROOF_COUNTED_FROM_ITS_END
  at[i].checkAge = 0;
  at[i].checkBase = committed;
#endif
  if :: at[i].delivered < at[i].checkBase -> S5_proof_without_delivery = true :: else fi;
  assert(!S5_proof_without_delivery);
  at[i].provedAge = at[i].checkAge;
  endCheck()
}

inline endCheck() {
  at[i].check = IDLE;
  at[i].checkAge = 0;
  at[i].checkBase = 0
}

/* One transaction: the new version, its row in the change log and its notification, all or nothing (C5). */
inline commit() {
#ifdef CACHE
  /* The time in the change log was taken when the statement ran, up to LONGEST_TRANSACTION before the commit. */
  if
  :: changeAge[committed + 1] = 0
  :: changeAge[committed + 1] = LONGEST_TRANSACTION
  fi;
#endif
  replacedAge[committed] = 0;
  committed++;
  for (j : 0 .. VERIFIERS - 1) {
    if :: at[j].connection == LISTENS || at[j].connection == UP -> feed[j]!committed :: else fi
  }
  j = 0
}

/* Whether version v may be asked about: tokens of versions that do not exist yet cannot exist. */
inline anyVersion(v) {
  v = 1;
  do
  :: v < committed -> v++
  :: break
  od
}

inline drain() {
  do
  :: nempty(feed[i]) -> feed[i]?_
  :: empty(feed[i]) -> break
  od
}

#ifdef CACHE
/* An L2 entry `e` for a request with a token of version `v`: judged when it has arrived, with the floor as it is then. */
inline takeFromL2() {
  if
  :: true
#ifndef MUTATE_L2_NOT_COMPARED
      && e >= at[i].floor
#endif
#ifndef MUTATE_L2_AGE_IGNORED
      && !(at[i].tooOld & (1 << e))
#endif
      ->
      if
      :: e == v ->
        /* When another machine read it says nothing here: only the feed's proof can vouch for it. */
#ifdef MUTATE_L2_COUNTS_AS_A_READ
        keep(e, 0);
#else
        keep(e, OLD);
#endif
        reached(REACHED_ENTRY_FROM_L2)
      :: else ->
        /* It does not hold this kid: the database decides. */
#ifdef MUTATE_L2_REFUSES
        refuse(v)
#else
        skip
#endif
      fi
  :: else -> reached(REACHED_L2_IGNORED)
  fi
}
#endif

proctype VerifierProcess(byte i) {
  byte v, e, j;
  do

  /* --- requests ------------------------------------------------------------------------------------------------------------ */

  /* VerifiedTokens.find: a verdict counts while TenantKey.isCurrent(). */
#ifndef MUTATE_VERDICT_NOT_BOUND_TO_ENTRY
  :: atomic { at[i].verdict != 0 && covers(at[i].entryAge) ->
#else
  :: atomic { at[i].verdict != 0 && isRecent(at[i].provedAge) ->
#endif
      accept(at[i].verdict);
      reached(REACHED_ACCEPT_BY_VERDICT)
    }

  /* TenantSecretSource.#believed: the key is in L1. */
  :: atomic { at[i].entry != 0 && at[i].held == 0 && covers(at[i].entryAge) ->
      hold(at[i].entry)
    }

  /* TokenAuthority.#accept, its last lines: isCurrent() is asked anew, however long ago the key was found.
   * Where it says no, the code verifies anew, or gives 503 after some attempts: either way the next step is that of a new request. */
  :: atomic { at[i].held != 0 ->
      if
#ifdef MUTATE_FRESHNESS_NOT_CHECKED_AT_LAST
      :: true ->
#else
      :: covers(at[i].entryAge) ->
#endif
        accept(at[i].held);
        if
        :: isRecent(at[i].entryAge) && !isRecent(at[i].provedAge) -> reached(REACHED_ACCEPT_BY_READ)
        :: isRecent(at[i].provedAge) && !isRecent(at[i].entryAge) -> reached(REACHED_ACCEPT_BY_PROOF)
        :: else
        fi;
        at[i].verdict = at[i].held
      :: else -> reached(REACHED_UNAVAILABLE_BY_PAUSE)
      fi;
      at[i].held = 0
    }

  /* #readKey: the kid is not in L1, or not believed. BatchReader.#fly takes readAt and sends the query. */
  :: atomic { at[i].byKid.phase == IDLE ->
      anyVersion(v);
      if
      :: v == at[i].entry && covers(at[i].entryAge) -> skip
      :: else -> at[i].byKid.phase = SENT; at[i].wanted = v
      fi;
      v = 0
    }

  /* The database executes store.readByKid: the record that holds this kid. When there is none the answer will be 401, judged here at its earliest. */
  :: atomic { at[i].byKid.phase == SENT ->
      at[i].byKid.phase = DONE;
      if
      :: at[i].byKid.overtaken -> skip
      :: !at[i].byKid.overtaken && committed == at[i].wanted -> at[i].byKid.version = committed
      :: else -> refuse(at[i].wanted); endFlight(at[i].byKid); at[i].wanted = 0
      fi
    }

  /* BatchReader.#land, then the rest of #readKey. Where the code reads again, or gives 503 after some attempts, the next step is that of a new request. */
  :: atomic { at[i].byKid.phase == DONE ->
#ifdef MUTATE_READ_COUNTED_FROM_ITS_END
      at[i].byKid.age = 0;
#endif
      if
      :: at[i].byKid.overtaken -> reached(REACHED_UNAVAILABLE_BY_OVERTAKING)
      :: else ->
        keep(at[i].byKid.version, at[i].byKid.age);
        if
        :: at[i].entry != at[i].wanted -> refuse(at[i].wanted)
        :: at[i].entry == at[i].wanted && covers(at[i].entryAge) -> hold(at[i].wanted)
        :: else -> reached(REACHED_UNAVAILABLE_BY_PAUSE)
        fi
      fi;
      endFlight(at[i].byKid);
      at[i].wanted = 0
    }

  /* The read fails: store_unavailable. */
  :: atomic { at[i].byKid.phase != IDLE ->
      reached(REACHED_UNAVAILABLE_BY_FAILURE);
      endFlight(at[i].byKid);
      at[i].wanted = 0
    }

  /* #readSigningKey: the same by tenant, a second flight that may be overtaken by the first. */
  :: atomic { at[i].byTenant.phase == IDLE -> at[i].byTenant.phase = SENT }
  :: atomic { at[i].byTenant.phase == SENT ->
      at[i].byTenant.phase = DONE;
      if :: !at[i].byTenant.overtaken -> at[i].byTenant.version = committed :: else fi
    }
  :: atomic { at[i].byTenant.phase == DONE ->
      if
      :: at[i].byTenant.overtaken -> skip
      :: else -> keep(at[i].byTenant.version, at[i].byTenant.age)
      fi;
      endFlight(at[i].byTenant)
    }

  /* BoundedMap evicts the tenant. What L1 knew is forgotten, so that it cannot be compared with. */
  :: atomic { at[i].entry != 0 -> endEntry(); at[i].known = 0 }

  /* --- changes by this process --------------------------------------------------------------------------------------------- */

  /* store.change: committed, and the answer is on its way. */
  :: atomic { at[i].changing == 0 && committed < VERSIONS -> commit(); at[i].changing = committed }

  /* TenantSecretSource.#change resolves: the caller is told. */
  :: atomic { at[i].changing != 0 ->
#ifndef MUTATE_OWN_CHANGE_NOT_APPLIED
      feedChanged(at[i].changing);
#endif
      at[i].acknowledged = max(at[i].acknowledged, at[i].changing);
      at[i].changing = 0
    }

  /* --- the feed ------------------------------------------------------------------------------------------------------------ */

  /* PostgresFeed.#listen: LISTEN is committed; every later commit will be announced here. */
  :: atomic { at[i].connection == DOWN ->
      at[i].connection = LISTENS;
      at[i].delivered = committed
    }

  /* PostgresFeed.#run: LISTEN has been answered, lost() is called. At the first start it finds nothing to end. */
  :: atomic { at[i].connection == LISTENS ->
      at[i].connection = UP;
#ifndef MUTATE_LOST_BEFORE_LISTEN
      feedLost()
#endif
    }

  /* ListeningConnection.#hear */
  :: atomic { at[i].connection != DOWN && nempty(feed[i]) ->
      feed[i]?v;
      if
      :: v == MARKER -> feedProved()
      :: else ->
        at[i].delivered = v;
        feedChanged(v)
      fi;
      v = 0
    }

  /* PostgresFeed.#prove: the instant is taken, then the marker sent. */
  :: atomic { (at[i].connection == UP || at[i].connection == CUT) && at[i].check == IDLE ->
      at[i].check = SENT;
      at[i].checkBase = committed
    }

  /* The database commits the marker. */
  :: atomic { at[i].connection == UP && at[i].check == SENT ->
#ifdef MUTATE_MARKER_NOT_AWAITED
      feedProved()
#else
      at[i].check = DONE;
      feed[i]!MARKER
#endif
    }

  /* The connection fails: what was committed from now on goes nowhere, what is under way may still arrive. */
  :: atomic { at[i].connection == UP || at[i].connection == LISTENS -> at[i].connection = CUT }

  /* ListeningConnection.destroy: an error, an end, or an overdue marker. What was not read is gone. */
  :: atomic { at[i].connection != DOWN ->
      at[i].connection = DOWN;
      drain();
      endCheck();
#ifdef MUTATE_LOST_BEFORE_LISTEN
      feedLost()
#endif
    }

#ifdef CACHE
  /* --- the shared cache, L2 ------------------------------------------------------------------------------------------------ */

  /* L2 answers. It is untrusted: it may have been flushed, rolled back, or restored, so the answer is any record that ever was, or none. */
#ifndef MUTATE_L2_FLOOR_COMPARED_BEFORE_THE_READ
  :: atomic { isRecent(at[i].provedAge)
#ifndef MUTATE_L2_BEFORE_THE_LIST
      && at[i].floorComplete
#endif
      ->
      anyVersion(v);
      anyVersion(e);
      takeFromL2();
      v = 0;
      e = 0
    }
#else
  :: atomic { isRecent(at[i].provedAge) && at[i].floorComplete && at[i].l2Passed == 0 ->
      anyVersion(e);
      if
      :: e >= at[i].floor && !(at[i].tooOld & (1 << e)) -> at[i].l2Passed = e
      :: else
      fi;
      e = 0
    }
  :: atomic { at[i].l2Passed != 0 ->
      keep(at[i].l2Passed, OLD);
      at[i].l2Passed = 0
    }
#endif

  /* The list of recent changes is asked for, once the listener is up; and again at any time, so that it may be kept short. */
#ifdef MUTATE_L2_LIST_BEFORE_LISTEN
  :: atomic { at[i].list == IDLE -> at[i].list = SENT }
#else
  :: atomic { at[i].connection >= UP && at[i].list == IDLE -> at[i].list = SENT }
#endif

  /* The database executes it: the changes logged within LIST_WINDOW. What was read earlier than they reach back must not be believed. */
  :: atomic { at[i].list == SENT ->
      at[i].list = DONE;
      v = 1;
      do
      :: v < committed ->
        if :: changeAge[v + 1] <= LIST_WINDOW -> at[i].listed = v + 1 :: else fi;
#ifndef MUTATE_L2_WITHOUT_A_MARGIN
        if :: replacedAge[v] > LIST_WINDOW - LONGEST_TRANSACTION -> at[i].listTooOld = at[i].listTooOld | (1 << v) :: else fi;
#else
        if :: replacedAge[v] > LIST_WINDOW -> at[i].listTooOld = at[i].listTooOld | (1 << v) :: else fi;
#endif
        v++
      :: else -> break
      od;
      v = 0
    }

  /* The list arrives: floors from before it are forgotten, those announced since it was asked for are not. */
  :: atomic { at[i].list == DONE ->
      at[i].floor = max(at[i].listed, at[i].listHeard);
      at[i].tooOld = at[i].listTooOld;
      at[i].floorComplete = true;
      endList()
    }
#endif

  /* --- a crash ------------------------------------------------------------------------------------------------------------- */

  /* SIGKILL, and a new process in its place. What was acknowledged stays acknowledged. */
  :: atomic {
      endEntry();
      at[i].verdict = 0;
      at[i].held = 0;
      endFlight(at[i].byKid);
      endFlight(at[i].byTenant);
      at[i].wanted = 0;
      at[i].changing = 0;
      at[i].known = 0;
      at[i].provedAge = OLD;
      at[i].connection = DOWN;
      at[i].delivered = 0;
      drain();
      endCheck();
#ifdef CACHE
      at[i].floor = 0;
      at[i].floorComplete = false;
      at[i].tooOld = 0;
      endList();
#endif
    }
  od
}

/* A process elsewhere that changes the tenant, or a transaction of the application's own. */
proctype Writer() {
  byte j;
  do
  :: atomic { committed < VERSIONS -> commit() }
  od
}

inline ageFlight(flight) {
  if :: flight.phase != IDLE && !flight.overtaken -> grow(flight.age, OLD) :: else fi
}

/* Time passes. A clock that runs slow misses a tick now and then. */
proctype Time() {
  byte i, v;
  do
  :: atomic {
      for (v : 1 .. VERSIONS) {
        if :: v < committed -> grow(replacedAge[v], LONG_AGO) :: else fi;
#ifdef CACHE
        if :: v > 1 && v <= committed -> grow(changeAge[v], LONG_AGO) :: else fi;
#endif
      }
      v = 0;
      for (i : 0 .. VERIFIERS - 1) {
        if
        :: slips < SLIPS -> slips++
        :: true ->
          if :: at[i].entry != 0 -> grow(at[i].entryAge, OLD) :: else fi;
          grow(at[i].provedAge, OLD);
          if :: at[i].check != IDLE -> grow(at[i].checkAge, OLD) :: else fi;
          ageFlight(at[i].byKid);
          ageFlight(at[i].byTenant)
        fi
      }
      i = 0
    }
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. VERIFIERS - 1) {
      at[i].provedAge = OLD;
      at[i].entryAge = OLD;
      run VerifierProcess(i)
    }
    i = 0;
    run Writer();
    run Time()
  }
}
