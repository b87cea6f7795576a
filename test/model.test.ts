import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { type Verification, verify } from './support/spin.js'

const model = new URL('../model/freshness.pml', import.meta.url)

// One search takes one core, and up to a gigabyte.
vi.setConfig({ maxConcurrency: 2, testTimeout: 600_000 })

const small = ['VERSIONS=2']
const twoReads = ['VERSIONS=2', 'FLIGHTS=2']
const slowClocks = ['VERSIONS=2', 'SLIPS=1']
const shared = ['VERSIONS=2', 'CACHE', 'BRIEF']
const sharedThreeVersions = ['VERSIONS=3', 'CACHE', 'BRIEF']

const refusals = ['VERSIONS=2', 'REFUSALS']
const refusalsTwoReads = ['VERSIONS=2', 'FLIGHTS=2', 'REFUSALS']

const everywhere = ['VERSIONS=2', 'EVERYWHERE', 'BRIEF']

const promotion = ['VERSIONS=3', 'HISTORY', 'BRIEF']
const sharedPromotion = ['VERSIONS=2', 'HISTORY', 'CACHE', 'BRIEF']
const pruned = ['VERSIONS=2', 'PRUNING', 'CACHE', 'BRIEF']
const prunedThreeVersions = ['VERSIONS=3', 'PRUNING', 'CACHE', 'BRIEF']

const wholes = [
  ['with the promotion of a lagging replica', promotion],
  ['through a shared cache, with a log that any clock may prune', pruned],
  ['with changes that wait for propagation', everywhere],
  ['through a shared cache, with three versions', sharedThreeVersions],
  ['through a shared cache, with two reads in progress', ['VERSIONS=2', 'FLIGHTS=2', 'CACHE', 'BRIEF']],
  ['with remembered refusals and two reads in progress', refusalsTwoReads],
  ['with remembered refusals, through a shared cache', ['VERSIONS=2', 'CACHE', 'BRIEF', 'REFUSALS']],
  ['with three versions and two reads in progress', ['VERSIONS=3', 'FLIGHTS=2']],
  ['with three versions and clocks that run slow', ['VERSIONS=3', 'STALENESS=2', 'SLIPS=1']],
  ['with four versions', ['VERSIONS=4']],
] as const

const situations = [
  ['ACCEPTED_BY_READ', 'accepts on a recent read alone', small],
  ['ACCEPTED_BY_PROOF', "accepts on the feed's proof alone", small],
  ['ACCEPTED_BY_VERDICT', 'accepts on a remembered verdict', small],
  ['ACCEPTED_WITHIN_THE_PROMISE', 'accepts for a bounded time a token that another process has ended', small],
  ['ACCEPTED_AFTER_A_CHANGE', 'accepts a token that is newer than a delivered change', small],
  ['REVOKED', 'refuses a revoked token', small],
  ['REVOKED_BY_A_NEWER_ENTRY', 'refuses on an entry newer than its last read', shared],
  ['UNAVAILABLE_BY_FAILURE', 'cannot answer because a read failed', small],
  ['UNAVAILABLE_BY_PAUSE', 'cannot answer because it was paused during a verification', small],
  ['UNAVAILABLE_BY_A_SLOW_READ', 'cannot answer because a read took too long', small],
  ['READ_OVERTAKEN_BY_A_CHANGE', 'discards a read that was overtaken by a change', small],
  ['READ_OVERTAKEN_BY_LOSS', 'discards a read that was overtaken by the loss of the feed', small],
  ['READ_OVERTAKEN_BY_A_READ', 'discards a read that was overtaken by another', twoReads],
  ['READ_OVERTAKEN_BY_A_REFUSAL', 'discards a read that was overtaken by a refusal', refusalsTwoReads],
  ['REFUSED_WITH_AN_ENTRY', 'refuses a token whose tenant it still has in memory', refusals],
  ['READ_OLDER_THAN_THE_ENTRY', 'gets an older result after a newer one', shared],
  ['READ_RENEWS_THE_ENTRY', 'renews an entry with a read of the same version', small],
  ['SHARED_ENTRY_BELIEVED', 'accepts an entry of the shared cache', shared],
  ['SHARED_ENTRY_FROM_BEFORE_THE_POINT', 'finds an entry from before the start of its list of changes', shared],
  ['SHARED_ENTRY_FROM_BEFORE_A_CHANGE', 'finds an entry that is older than a known change', shared],
  ['CHANGE_TOLD_DURING_THE_LIST', 'receives a change while the list is in transit', shared],
  [
    'TRANSACTIONS_COMMITTED_OUT_OF_ORDER',
    'sees transactions commit in another order than their starts',
    sharedThreeVersions,
  ],
  ['CHANGES_LOST_BY_A_PROMOTION', 'continues with a replica that lacks changes', promotion],
  ['ACCEPTED_AFTER_A_PROMOTION', 'accepts a token that is newer than a promotion that lost changes', promotion],
  ['MARKER_SENT_ELSEWHERE', 'waits for a marker at the old primary', promotion],
  ['READ_AT_A_STALE_SERVER', 'reads at the old primary after it has read at the new one', promotion],
  ['SHARED_ENTRY_OF_A_LOST_HISTORY', 'finds an entry of a lost history', sharedPromotion],
  ['LIST_BEGINS_AT_THE_MARK', 'gets a list that begins at the pruning mark', pruned],
  ['EVERYWHERE_BY_ANSWER', 'acknowledges a change', everywhere],
  ['EVERYWHERE_BY_TIME', 'is waited for until its timeout because it does not answer', everywhere],
  ['EVERYWHERE_WITH_NOBODY_LISTED', 'is not waited for while it has no lease', everywhere],
  ['LEARNT_WITHOUT_REGISTRATION', 'reads while it has no lease', everywhere],
  ['ASKED_BEFORE_IT_MAY_ANSWER', 'receives a question before it may answer', everywhere],
] as const

const defects = [
  ['MARKER_NOT_AWAITED', 'the feed counts as proved when its marker is sent, not when it is received', small],
  ['PROOF_COUNTED_FROM_ITS_END', 'a proof counts from its end, not from its start', small],
  ['PROOF_NEVER_AGES', 'a proof counts for ever', small],
  ['LOST_BEFORE_LISTEN', 'memory is dropped before the new connection listens', small],
  ['LOST_KEEPS_ENTRIES', 'a new connection drops nothing from memory', small],
  ['LOST_KEEPS_FLIGHTS', 'a new connection discards no read in progress', small],
  ['ANNOUNCED_AFTER_COMMIT', 'changes are announced after their commit', small],
  ['ANNOUNCED_BEFORE_COMMIT', 'changes are announced before their commit', small],
  ['CHANGE_KEEPS_ENTRY', 'a delivered change does not remove the entry from memory', small],
  ['FLIGHT_NOT_OVERTAKEN', 'a change does not discard a read in progress', small],
  ['READ_KEEPS_FLIGHTS', 'a newer read does not discard an older one in progress', twoReads],
  ['REFUSAL_KEEPS_FLIGHTS', 'a kid without an owner does not discard a read in progress', refusalsTwoReads],
  ['REFUSAL_KEEPS_ENTRY', 'a kid without an owner does not remove its tenant from memory', refusals],
  ['OWN_CHANGE_NOT_APPLIED', 'a change is acknowledged before this process applies it', small],
  ['L1_NOT_COMPARED', 'memory takes the last result, whatever its version', shared],
  ['READ_COUNTED_FROM_ITS_END', 'a read counts from its end, not from its start', small],
  ['READ_NEVER_AGES', 'a read counts for ever', small],
  ['READ_FROM_A_REPLICA', 'reads go to a lagging replica', small],
  ['STALENESS_NOT_CHECKED', 'the age of data is not checked', small],
  ['STALENESS_NOT_CHECKED_AT_LAST', 'the age of data is not checked again after the signature', small],
  ['KEY_NOT_BOUND_TO_ENTRY', 'after the signature it is not checked that the key is still in memory', small],
  ['VERDICT_NOT_BOUND_TO_ENTRY', 'verdicts outlive the tenant that they rest on', small],
  ['VERDICT_NEVER_AGES', 'verdicts count without fresh data', small],
  ['UNAVAILABLE_IS_REFUSED', 'a token that cannot be checked is answered with 401', small],
  ['ONE_CLOCK', 'ages use one clock, which stops in a suspended machine', slowClocks],
  ['SHARED_BELIEVED_WITHOUT_THE_LIST', 'the shared cache is used before the list of changes has arrived', shared],
  ['SHARED_VERSION_NOT_COMPARED', 'entries of the shared cache are not compared with known changes', shared],
  ['SHARED_HORIZON_NOT_COMPARED', 'entries from before the start of the list are used', shared],
  ['SHARED_HORIZON_TAKEN_AFTER_THE_READ', 'the low-water mark of an entry is read after the entry', shared],
  [
    'SHARED_HORIZON_IGNORES_OPEN_TRANSACTIONS',
    'the low-water mark of an entry ignores open transactions',
    sharedThreeVersions,
  ],
  ['SHARED_ENTRY_COUNTS_AS_A_READ', 'an entry of the shared cache counts as a recent read', shared],
  ['SHARED_MISS_IS_REFUSED', 'an unusable entry is answered with 401', shared],
  ['SHARED_LIST_FORGETS_WHAT_WAS_TOLD', 'changes that are delivered while the list is in transit are dropped', shared],
  ['SHARED_LIST_OUTLIVES_LOST', 'a list that was read before the feed was lost counts', shared],
  ['SHARED_POINT_KEPT_WHEN_LOST', 'the previous list still counts after the feed was lost', shared],
  ['SHARED_LOG_IS_PRUNED', 'the log lacks rows that the list should contain', shared],
  ['PRUNED_WITHOUT_A_MARK', 'the log does not record how far it was pruned', prunedThreeVersions],
  ['SHARED_HISTORY_NOT_COMPARED', 'entries of a lost history count as current', sharedPromotion],
  ['HISTORY_KEEPS_MEMORY', 'a newer history drops nothing from memory', promotion],
  ['MARKER_SENT_BY_THE_FEED', 'the listening connection sends the marker itself', promotion],
  ['STALE_SERVER_NOT_REFUSED', 'reads from a server whose history has ended are used', promotion],
  ['LEARNT_UNREGISTERED', 'data that is read without a lease is used', everywhere],
  ['REGISTERED_MEANWHILE', 'a read that began before the lease is used after it', everywhere],
  ['REGISTERED_FROM_ITS_END', 'a renewal counts from its answer, not from its start', everywhere],
  ['LINE_ENDS_WITH_LEARNING', 'a lease ends while data is still used', everywhere],
  ['LIST_READ_BEFORE_THE_COMMIT', 'the leases are read before the change is committed', everywhere],
  ['SILENT_NOT_AWAITED', 'the writer does not wait for a silent verifier', everywhere],
  ['WAITED_TOO_SHORT', 'the writer waits too short for a silent verifier', everywhere],
  ['ANSWERED_BEFORE_LOST', 'a new connection answers before memory is dropped', everywhere],
  ['QUESTION_OVERTAKES_CHANGES', 'a question can arrive before earlier changes', everywhere],
] as const

/** The largest of the small sizes is worth the compiler's time. */
const quickly = (definitions: readonly string[]): Promise<Verification> =>
  verify(model, { definitions, optimised: definitions.includes('EVERYWHERE') })

describe.concurrent('the freshness protocol', () => {
  it.each(wholes)('keeps every promise in every order of steps, %s', async (_, size) => {
    const { violated, isExhaustive } = await verify(model, { definitions: size, optimised: true })
    expect(violated).toBeUndefined()
    expect(isExhaustive).toBe(true)
  })
})

describe.concurrent('the verifier of the model', () => {
  it.each(situations)('%s: %s', async (situation, _, size) => {
    const { violated } = await quickly([...size, `REACH=${situation}`])
    // SPIN prints the violated assertion: situation n is not situation n.
    expect(violated).toMatch(/^\((\d+)!=\1\)$/)
  })
})

describe.concurrent('the model catches', () => {
  it.each(defects)('%s: %s', async (defect, _, size) => {
    const { violated } = await quickly([...size, `MUTATE_${defect}`])
    expect(violated).toMatch(/^S\d_/)
  })
})

describe('the tables of situations and defects', () => {
  const text = readFileSync(model, 'utf8')

  it('list every situation and every defect of the model', () => {
    const reached = [...text.matchAll(/\b(?:reached\(|giveUp\(.*, )([A-Z_]+)\)/g)].map(([, name]) => name)
    expect(new Set(situations.map(([name]) => name))).toEqual(new Set(reached))
    const mutated = [...text.matchAll(/\bMUTATE_([A-Z0-9_]{2,})/g)].map(([, name]) => name)
    expect(new Set(defects.map(([name]) => name))).toEqual(new Set(mutated))
  })
})
