import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { VerificationRecord } from './support/recorded-verification.js'
import { type Verification, verify } from './support/spin.js'

const model = new URL('../model/freshness.pml', import.meta.url)
const record = new VerificationRecord(new URL('../model/verified.json', import.meta.url), {
  model,
  isWritten: process.env.npm_lifecycle_event === 'model',
})
afterAll(() => record.close())

// One search takes one core, and up to a gigabyte.
vi.setConfig({ maxConcurrency: 2, testTimeout: 600_000 })

const small = ['VERSIONS=2']
const threeVersions = ['VERSIONS=3']
const twoReads = ['VERSIONS=2', 'FLIGHTS=2']
const slowClocks = ['VERSIONS=2', 'SLIPS=1']

const refusals = ['VERSIONS=2', 'REFUSALS']
const refusalsTwoReads = ['VERSIONS=2', 'FLIGHTS=2', 'REFUSALS']

const shared = ['VERSIONS=2', 'CACHE', 'BRIEF']
const sharedThreeVersions = ['VERSIONS=3', 'CACHE', 'BRIEF', 'DIRECT']

const pruned = ['VERSIONS=2', 'PRUNING', 'BRIEF']
const sharedPruned = ['VERSIONS=2', 'PRUNING', 'CACHE', 'BRIEF', 'DIRECT']
const limited = ['VERSIONS=3', 'LIMIT=1', 'BRIEF', 'DIRECT']

const crash = ['VERSIONS=2', 'CRASH', 'BRIEF']
const promotion = ['VERSIONS=2', 'PROMOTION', 'BRIEF']
const promotionThreeVersions = ['VERSIONS=3', 'PROMOTION', 'BRIEF', 'DIRECT']
const sharedPromotion = ['VERSIONS=2', 'TRANSACTIONS=1', 'PROMOTION', 'CACHE', 'BRIEF', 'DIRECT']

const everywhere = ['VERSIONS=2', 'EVERYWHERE', 'BRIEF', 'DIRECT']
const oneWriter = ['VERSIONS=2', 'TRANSACTIONS=1', 'EVERYWHERE', 'BRIEF']
const oneWriterDirect = [...oneWriter, 'DIRECT']
const oneTick = [...oneWriterDirect, 'STALENESS=0']
const everywhereCrash = [...oneTick, 'CRASH']
const everywherePromotion = [...oneTick, 'PROMOTION']

const wholes = [
  ['with changes that wait for propagation', everywhere],
  ['with a change that waits for propagation while statements are under way', oneWriter],
  ['with a change that waits for propagation, and a crash of the server', everywhereCrash],
  ['with a change that waits for propagation, and the promotion of a lagging replica', everywherePromotion],
  ['with a crash of the server', ['VERSIONS=3', 'CRASH', 'BRIEF', 'DIRECT']],
  ['with the promotion of a lagging replica', promotion],
  ['with the promotion of a lagging replica, through a shared cache', sharedPromotion],
  ['with a log that any clock may prune', pruned],
  ['with a log that any clock may prune, through a shared cache', sharedPruned],
  ['with reads of the log that return one row', limited],
  ['through a shared cache', shared],
  ['through a shared cache, with two reads in progress', [...shared, 'FLIGHTS=2', 'DIRECT']],
  ['through a shared cache, with remembered refusals', [...shared, 'REFUSALS', 'DIRECT']],
  ['with remembered refusals and two reads in progress', refusalsTwoReads],
  ['with two reads in progress', twoReads],
  ['with three versions', threeVersions],
  ['with clocks that run slow', ['VERSIONS=2', 'STALENESS=2', 'SLIPS=1']],
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
  ['READ_OVERTAKEN_BY_LOSS', 'discards a read that was overtaken by a loss', crash],
  ['READ_OVERTAKEN_BY_A_READ', 'discards a read that was overtaken by another', twoReads],
  ['READ_OVERTAKEN_BY_A_REFUSAL', 'discards a read that was overtaken by a refusal', refusalsTwoReads],
  ['REFUSED_WITH_AN_ENTRY', 'refuses a token whose tenant it still has in memory', refusals],
  ['READ_OLDER_THAN_THE_ENTRY', 'gets an older result after a newer one', shared],
  ['READ_RENEWS_THE_ENTRY', 'renews an entry with a read of the same version', small],
  ['CHANGE_OF_AN_OPEN_TRANSACTION', 'finds a change that was open at its position', small],
  ['CHANGE_REPEATED_AFTER_A_FAILURE', 'finds a change again after a read of the log has failed', small],
  [
    'TRANSACTIONS_COMMITTED_OUT_OF_ORDER',
    'reads transactions that commit in another order than they began',
    threeVersions,
  ],
  ['LOST_BY_PRUNING', 'drops its data because the log was pruned beyond its position', pruned],
  ['CHANGE_BELOW_THE_MARK', 'finds a change below a mark that has not risen, without a loss', pruned],
  ['LOST_BY_THE_LIMIT', 'drops its data because a read returned too many rows', limited],
  ['LOST_BY_ANOTHER_EPOCH', 'drops its data because the log belongs to another epoch', crash],
  ['LOG_READ_THAT_PROVES_NOTHING', 'drops its data with a read that then proves nothing', crash],
  ['LOST_DURING_A_LOG_READ', 'drops its data by another statement during a read of the log', crash],
  ['TRANSACTION_ID_REUSED', 'has seen a transaction ID that is assigned again', crash],
  ['CHANGES_LOST_BY_A_PROMOTION', 'continues with a replica that lacks changes', promotion],
  ['ACCEPTED_AFTER_A_PROMOTION', 'accepts a token that is newer than a lost change', promotionThreeVersions],
  ['READ_AT_A_STALE_SERVER', 'reads at the old primary after it has read at the new one', promotion],
  ['LOG_READ_AT_A_STALE_SERVER', 'reads the log of the old primary after that of the new one', promotion],
  ['SHARED_ENTRY_USED', 'accepts an entry of the shared cache', shared],
  ['SHARED_ENTRY_FROM_BEFORE_THE_POINT', 'finds an entry from before the start of its list of changes', shared],
  ['SHARED_ENTRY_FROM_BEFORE_A_CHANGE', 'finds an entry that is older than a known change', shared],
  ['SHARED_ENTRY_OF_A_LOST_HISTORY', 'finds an entry of a lost history', sharedPromotion],
  ['CHANGE_DELIVERED_DURING_THE_LIST', 'receives a change while the list is in transit', shared],
  ['LIST_BEGINS_AT_THE_MARK', 'gets a list that begins at the pruning mark', sharedPruned],
  ['EVERYWHERE_BY_ACKNOWLEDGEMENT', 'acknowledges a change', oneTick],
  ['EVERYWHERE_BY_A_LARGER_NUMBER', 'acknowledges a change by a later request', oneTick],
  ['EVERYWHERE_BY_TIME', 'is waited for until its data is too old because it does not acknowledge', oneWriterDirect],
  ['EVERYWHERE_WITHOUT_A_LEASE', 'is not waited for while it has no lease', oneTick],
  ['READ_STARTED_WITHOUT_A_LEASE', 'reads while it has no lease', oneWriter],
] as const

const defects = [
  ['PROVED_BEFORE_THE_ROWS', 'the feed counts as proved before its rows are applied', small],
  ['PROVED_BY_A_FAILED_READ', 'a failed read of the log proves the feed', small],
  ['POSITION_MOVED_BY_A_FAILED_READ', 'a failed read of the log moves the position', small],
  ['POSITION_FROM_THE_ROWS', 'the position forgets the transactions that were open', small],
  ['XIP_IGNORED', 'a read returns only rows above the xmax of its position', small],
  ['SNAPSHOT_TAKEN_AFTER_THE_ROWS', 'the snapshot is read by a statement after that of the rows', small],
  ['WAKE_UP_IS_A_PROOF', 'a notification proves the feed', small],
  ['PROOF_COUNTED_FROM_ITS_END', 'a proof counts from its end, not from its start', small],
  ['PROOF_NEVER_AGES', 'a proof counts for ever', small],
  ['LOG_READ_FROM_A_REPLICA', 'the log is read from a lagging replica', small],
  ['LOGGED_AFTER_THE_COMMIT', 'a change is logged after its commit', small],
  ['READ_BEFORE_THE_FIRST_POSITION', 'tenants are cached before the first read of the log', small],
  ['LOST_KEEPS_ENTRIES', 'a loss drops nothing from memory', crash],
  ['LOST_KEEPS_FLIGHTS', 'a loss discards no read in progress', pruned],
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
  ['PRUNED_TO_NOT_COMPARED', 'a read does not compare the pruning mark with its position', pruned],
  ['PRUNED_WITHOUT_A_MARK', 'the log does not record how far it was pruned', pruned],
  ['PRUNED_WITHOUT_RAISING_THE_MARK', 'rows are deleted below a mark that does not rise', pruned],
  ['LIMIT_NOT_NOTICED', 'a read that returns as many rows as it may counts as complete', limited],
  ['CRASH_KEEPS_THE_EPOCH', 'a crash of the server begins no new epoch', crash],
  ['CHANGE_NOT_FLUSHED', 'a crash of the server may lose a change', crash],
  ['EPOCH_NOT_COMPARED', 'a read does not compare the epoch with that of its position', crash],
  ['HISTORY_KEEPS_MEMORY', 'a newer history drops nothing from memory', promotion],
  ['STALE_SERVER_NOT_REFUSED', 'reads from a server whose history has ended are used', promotion],
  ['LOG_READ_AT_A_STALE_SERVER', 'the log of a server whose history has ended is used', promotion],
  ['SHARED_ENTRY_USED_WITHOUT_THE_LIST', 'the shared cache is used before the list of changes has arrived', shared],
  ['SHARED_VERSION_NOT_COMPARED', 'entries of the shared cache are not compared with known changes', shared],
  ['SHARED_LOW_WATER_MARK_NOT_COMPARED', 'entries from before the start of the list are used', shared],
  ['SHARED_LOW_WATER_MARK_READ_AFTER_THE_ENTRY', 'the low-water mark of an entry is read after the entry', shared],
  [
    'SHARED_LOW_WATER_MARK_IGNORES_OPEN_TRANSACTIONS',
    'the low-water mark of an entry ignores open transactions',
    sharedThreeVersions,
  ],
  ['SHARED_ENTRY_COUNTS_AS_A_READ', 'an entry of the shared cache counts as a recent read', shared],
  ['SHARED_MISS_IS_REFUSED', 'an unusable entry is answered with 401', shared],
  ['SHARED_LIST_FORGETS_DELIVERED_CHANGES', 'changes that arrive while the list is in transit are dropped', shared],
  ['SHARED_LIST_OUTLIVES_LOST', 'a list that was read before a loss counts', sharedPruned],
  ['SHARED_POINT_KEPT_WHEN_LOST', 'the previous list still counts after a loss', sharedPruned],
  ['SHARED_LIST_BEGINS_BEFORE_THE_MARK', 'a list begins where the log may have been pruned', sharedPruned],
  ['SHARED_LOG_IS_PRUNED', 'the log lacks rows that the list should contain', shared],
  ['SHARED_HISTORY_NOT_COMPARED', 'entries of a lost history count as current', sharedPromotion],
  ['READ_WITHOUT_A_LEASE', 'data that is read without a lease is used', oneTick],
  ['PROOF_WITHOUT_A_LEASE', 'a read of the log without a lease is a proof', oneTick],
  ['LEASE_AT_THE_END_OF_A_READ', 'a read that began before the lease is used after it', oneWriter],
  ['RENEWAL_COUNTED_FROM_ITS_END', 'a renewal counts from its answer, not from its start', oneWriter],
  ['LEASE_ENDS_BEFORE_ITS_DATA', 'a lease ends while data is still used', oneWriterDirect],
  ['LIST_READ_BEFORE_THE_COMMIT', 'the leases are read before the change is committed', oneTick],
  ['SILENT_NOT_AWAITED', 'the writer does not wait for a silent verifier', oneTick],
  ['WAITED_TOO_SHORT', 'the writer waits too short for a silent verifier', oneWriterDirect],
  ['ACKNOWLEDGED_BEFORE_THE_ROWS', 'a request is acknowledged before the rows are applied', oneTick],
  ['ACKNOWLEDGED_WITHOUT_A_READ', 'a number is acknowledged that no read has seen', oneTick],
  ['EARLIER_NUMBER_COUNTS', 'an earlier number acknowledges a request', oneTick],
  ['NUMBERS_NOT_RAISED', 'a new epoch begins with numbers that were assigned before', everywhereCrash],
  ['LEASE_NOT_FLUSHED', 'a crash of the server may lose a lease', everywhereCrash],
  ['LEASE_OUTLIVES_ITS_HISTORY', 'a lease counts after its history has ended', everywherePromotion],
  ['PROOF_OUTLIVES_LOST', 'a read that began before a loss is a proof', everywherePromotion],
] as const

/** Searches the smallest size; the others take minutes together, and their results are recorded. */
const search = (size: readonly string[], added: string): Promise<Verification> => {
  const definitions = [...size, added]
  if (size === small) return verify(model, { definitions, optimised: false })
  return record.verify({ definitions, optimised: size.includes('EVERYWHERE') })
}

describe.concurrent('the freshness protocol', () => {
  it.each(wholes)('keeps every promise in every order of steps, %s', async (_, size) => {
    const { violated, isExhaustive } = await record.verify({ definitions: size, optimised: true })
    expect(violated).toBeUndefined()
    expect(isExhaustive).toBe(true)
  })
})

describe.concurrent('the verifier of the model', () => {
  it.each(situations)('%s: %s', async (situation, _, size) => {
    const { violated } = await search(size, `REACH=${situation}`)
    // SPIN prints the violated assertion: situation n is not situation n.
    expect(violated).toMatch(/^\((\d+)!=\1\)$/)
  })
})

describe.concurrent('the model catches', () => {
  it.each(defects)('%s: %s', async (defect, _, size) => {
    const { violated } = await search(size, `MUTATE_${defect}`)
    expect(violated).toMatch(/^S\d_/)
  })
})

describe('the record of the searches', () => {
  it('is that of the model as it is; otherwise run npm run model', () => {
    expect(record.isCurrent).toBe(true)
    expect(record.unused).toEqual([])
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
