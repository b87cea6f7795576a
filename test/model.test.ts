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
  ['with a replica that lagged and is promoted', promotion],
  ['through a shared cache, with a log that is pruned by any clock', pruned],
  ['with changes that are to hold everywhere', everywhere],
  ['through a shared cache, with three versions', sharedThreeVersions],
  ['through a shared cache, with two reads under way', ['VERSIONS=2', 'FLIGHTS=2', 'CACHE', 'BRIEF']],
  ['with refusals that are kept in mind, and two reads under way', refusalsTwoReads],
  ['with refusals that are kept in mind, through a shared cache', ['VERSIONS=2', 'CACHE', 'BRIEF', 'REFUSALS']],
  ['with three versions and two reads under way', ['VERSIONS=3', 'FLIGHTS=2']],
  ['with three versions and clocks that run slow', ['VERSIONS=3', 'STALENESS=2', 'SLIPS=1']],
  ['with four versions', ['VERSIONS=4']],
] as const

const situations = [
  ['ACCEPTED_BY_READ', 'accepts on a recent read alone', small],
  ['ACCEPTED_BY_PROOF', "accepts on the feed's proof alone", small],
  ['ACCEPTED_BY_VERDICT', 'accepts on a remembered verdict', small],
  ['ACCEPTED_WITHIN_THE_PROMISE', 'accepts for a moment what another process has ended', small],
  ['ACCEPTED_AFTER_A_CHANGE', 'accepts what came after a change that it was told of', small],
  ['REVOKED', 'refuses a revoked token', small],
  ['REVOKED_BY_A_NEWER_ENTRY', 'refuses on a newer entry than it has just read', shared],
  ['UNAVAILABLE_BY_FAILURE', 'cannot answer because a read failed', small],
  ['UNAVAILABLE_BY_PAUSE', 'cannot answer because it was stopped with a token in hand', small],
  ['UNAVAILABLE_BY_A_SLOW_READ', 'cannot answer because a read took too long', small],
  ['READ_OVERTAKEN_BY_A_CHANGE', 'discards a read that was overtaken by a change', small],
  ['READ_OVERTAKEN_BY_LOSS', 'discards a read that was overtaken by the loss of the feed', small],
  ['READ_OVERTAKEN_BY_A_READ', 'discards a read that was overtaken by another', twoReads],
  ['READ_OVERTAKEN_BY_A_REFUSAL', 'discards a read that was overtaken by a refusal', refusalsTwoReads],
  ['REFUSED_WITH_AN_ENTRY', 'refuses a token whose tenant it still has in memory', refusals],
  ['READ_OLDER_THAN_THE_ENTRY', 'gets an older answer after a newer one', shared],
  ['READ_RENEWS_THE_ENTRY', 'reads the same again', small],
  ['SHARED_ENTRY_BELIEVED', 'believes the shared cache', shared],
  ['SHARED_ENTRY_FROM_BEFORE_THE_POINT', 'finds an entry from before its list of changes begins', shared],
  ['SHARED_ENTRY_FROM_BEFORE_A_CHANGE', 'finds an entry that is older than a change it knows', shared],
  ['CHANGE_TOLD_DURING_THE_LIST', 'is told of a change while the list is on its way', shared],
  [
    'TRANSACTIONS_COMMITTED_OUT_OF_ORDER',
    'sees transactions commit in another order than they began',
    sharedThreeVersions,
  ],
  ['CHANGES_LOST_BY_A_PROMOTION', 'goes on with a replica that has not had every change', promotion],
  ['ACCEPTED_AFTER_A_PROMOTION', 'accepts what came after a promotion that lost changes', promotion],
  ['MARKER_SENT_ELSEWHERE', 'waits for a marker at the old primary', promotion],
  ['READ_AT_A_STALE_SERVER', 'reads at the old primary after it has read at the new one', promotion],
  ['SHARED_ENTRY_OF_A_LOST_HISTORY', 'finds an entry of a history that was lost', sharedPromotion],
  ['LIST_BEGINS_AT_THE_MARK', 'gets a list that begins where the log was pruned', pruned],
  ['EVERYWHERE_BY_ANSWER', 'answers that it has heard of a change', everywhere],
  ['EVERYWHERE_BY_TIME', 'is waited for although it does not answer', everywhere],
  ['EVERYWHERE_WITH_NOBODY_LISTED', 'is not waited for while it is not listed', everywhere],
  ['LEARNT_WITHOUT_REGISTRATION', 'reads while it is not registered', everywhere],
  ['ASKED_BEFORE_IT_MAY_ANSWER', 'hears a question before it may answer', everywhere],
] as const

const defects = [
  ['MARKER_NOT_AWAITED', 'the feed proves itself when its marker is sent, not when it is heard', small],
  ['PROOF_COUNTED_FROM_ITS_END', 'a proof counts from when it ends', small],
  ['PROOF_NEVER_AGES', 'a proof holds for ever', small],
  ['LOST_BEFORE_LISTEN', 'memory is dropped before the new connection listens', small],
  ['LOST_KEEPS_ENTRIES', 'a new connection drops nothing from memory', small],
  ['LOST_KEEPS_FLIGHTS', 'a new connection discards no read under way', small],
  ['ANNOUNCED_AFTER_COMMIT', 'changes are announced after their commit', small],
  ['ANNOUNCED_BEFORE_COMMIT', 'changes are announced before their commit', small],
  ['CHANGE_KEEPS_ENTRY', 'a change that is told stays in memory', small],
  ['FLIGHT_NOT_OVERTAKEN', 'a read under way is not overtaken by a change', small],
  ['READ_KEEPS_FLIGHTS', 'a read under way is not overtaken by what another has found', twoReads],
  ['REFUSAL_KEEPS_FLIGHTS', 'a read under way is not overtaken by a kid that nobody has', refusalsTwoReads],
  ['REFUSAL_KEEPS_ENTRY', 'a tenant stays in memory whose kid nobody has', refusals],
  ['OWN_CHANGE_NOT_APPLIED', 'a change is acknowledged before it holds here', small],
  ['L1_NOT_COMPARED', 'memory takes whatever comes last', shared],
  ['READ_COUNTED_FROM_ITS_END', 'a read counts from when it ends', small],
  ['READ_NEVER_AGES', 'a read holds for ever', small],
  ['READ_FROM_A_REPLICA', 'reads go to a replica that lags', small],
  ['STALENESS_NOT_CHECKED', 'nobody asks how old knowledge is', small],
  ['STALENESS_NOT_CHECKED_AT_LAST', 'nobody asks so after the signature', small],
  ['KEY_NOT_BOUND_TO_ENTRY', 'nobody asks after the signature whether the key is still in memory', small],
  ['VERDICT_NOT_BOUND_TO_ENTRY', 'verdicts outlive the tenant that they lean on', small],
  ['VERDICT_NEVER_AGES', 'verdicts count without recent knowledge', small],
  ['UNAVAILABLE_IS_REFUSED', 'what cannot be found out is answered with 401', small],
  ['ONE_CLOCK', 'time goes by a clock that stops in a suspended machine', slowClocks],
  ['SHARED_BELIEVED_WITHOUT_THE_LIST', 'the shared cache is believed before the list of changes is there', shared],
  ['SHARED_VERSION_NOT_COMPARED', 'entries of the shared cache are not compared with known changes', shared],
  ['SHARED_HORIZON_NOT_COMPARED', 'entries from before the list begins are believed', shared],
  ['SHARED_HORIZON_TAKEN_AFTER_THE_READ', 'an entry says how far history had come after it was read', shared],
  [
    'SHARED_HORIZON_IGNORES_OPEN_TRANSACTIONS',
    'an entry counts changes as seen that were still open',
    sharedThreeVersions,
  ],
  ['SHARED_ENTRY_COUNTS_AS_A_READ', 'an entry of the shared cache counts as a recent read', shared],
  ['SHARED_MISS_IS_REFUSED', 'an entry that is not believed is answered with 401', shared],
  ['SHARED_LIST_FORGETS_WHAT_WAS_TOLD', 'what is told while the list is on its way is forgotten', shared],
  ['SHARED_LIST_OUTLIVES_LOST', 'a list counts that was read before the feed was lost', shared],
  ['SHARED_POINT_KEPT_WHEN_LOST', 'the list before counts on after the feed was lost', shared],
  ['SHARED_LOG_IS_PRUNED', 'the log no longer holds what the list should', shared],
  ['PRUNED_WITHOUT_A_MARK', 'the log does not say how far it was pruned', prunedThreeVersions],
  ['SHARED_HISTORY_NOT_COMPARED', 'entries of a history that was lost are taken for current', sharedPromotion],
  ['HISTORY_KEEPS_MEMORY', 'a newer history drops nothing from memory', promotion],
  ['MARKER_SENT_BY_THE_FEED', 'a marker is sent by the connection that is to hear it', promotion],
  ['STALE_SERVER_NOT_REFUSED', 'reads at a server count whose history has ended', promotion],
  ['LEARNT_UNREGISTERED', 'what is learnt without a line on the list is believed', everywhere],
  ['REGISTERED_MEANWHILE', 'what began before the registration is believed after it', everywhere],
  ['REGISTERED_FROM_ITS_END', 'a registration counts from when it is answered', everywhere],
  ['LINE_ENDS_WITH_LEARNING', 'a line ends while something is believed', everywhere],
  ['LIST_READ_BEFORE_THE_COMMIT', 'the list is read before the change is committed', everywhere],
  ['SILENT_NOT_AWAITED', 'who does not answer is not waited for', everywhere],
  ['WAITED_TOO_SHORT', 'who does not answer is waited for too short a time', everywhere],
  ['ANSWERED_BEFORE_LOST', 'a new connection answers before memory is dropped', everywhere],
  ['QUESTION_OVERTAKES_CHANGES', 'a question comes on another way than changes', everywhere],
] as const

/** The largest of the small sizes is worth the compiler's time. */
const quickly = (definitions: readonly string[]): Promise<Verification> =>
  verify(model, { definitions, optimised: definitions.includes('EVERYWHERE') })

describe.concurrent('the freshness protocol', () => {
  it.each(wholes)('keeps every promise in every order of events, %s', async (_, size) => {
    const { violated, isExhaustive } = await verify(model, { definitions: size, optimised: true })
    expect(violated).toBeUndefined()
    expect(isExhaustive).toBe(true)
  })
})

describe.concurrent('the verifier of the model', () => {
  it.each(situations)('%s: %s', async (situation, _, size) => {
    const { violated } = await quickly([...size, `REACH=${situation}`])
    // SPIN prints what was asserted: that situation n is not situation n.
    expect(violated).toMatch(/^\((\d+)!=\1\)$/)
  })
})

describe.concurrent('the model catches', () => {
  it.each(defects)('%s: %s', async (defect, _, size) => {
    const { violated } = await quickly([...size, `MUTATE_${defect}`])
    expect(violated).toMatch(/^S\d_/)
  })
})

describe('the tables above', () => {
  const text = readFileSync(model, 'utf8')

  it('leave no situation and no defect of the model out', () => {
    const reached = [...text.matchAll(/\b(?:reached\(|giveUp\(.*, )([A-Z_]+)\)/g)].map(([, name]) => name)
    expect(new Set(situations.map(([name]) => name))).toEqual(new Set(reached))
    const mutated = [...text.matchAll(/\bMUTATE_([A-Z0-9_]{2,})/g)].map(([, name]) => name)
    expect(new Set(defects.map(([name]) => name))).toEqual(new Set(mutated))
  })
})
