import { describe, expect, it } from 'vitest'
import { check, type Violation } from './chaos/checker.js'
import { type Change, changeKinds, type History, postOf } from './chaos/history.js'
import type { Plant } from './chaos/messages.js'
import { type PlannedFault, runChaos } from './chaos/run-chaos.js'

describe('processes on one PostgreSQL and one Redis, under every fault in turn,', () => {
  it('keep every promise', async () => {
    const history = await runChaos({
      processes: 4,
      withRedis: true,
      maxStalenessMs: 600,
      seed: 1,
      plan: function* (names, random, soFar) {
        // Every fault occurs once, and again on a busy machine until there are enough changes.
        do yield* random.shuffled(names)
        while (acknowledged(soFar).length < 100)
      },
    })
    expect(check(history)).toEqual([])
    expect(new Set(history.faults.map(({ kind }) => kind)).size).toBe(24)
    expect(history.failovers.length).toBeGreaterThanOrEqual(2)
    expect(new Set(acknowledged(history).map(({ kind }) => kind))).toEqual(new Set(changeKinds))
    const outcomes = history.verifications.map(({ outcome }) => outcome)
    expect(outcomes).toEqual(
      expect.arrayContaining(['accepted', 'token_revoked', 'session_ended', 'reissue_required', 'store_unavailable']),
    )
  })
})

/** Processes with a bug each, beside one without, and the faults that expose the bugs. */
interface Trial {
  readonly maxStalenessMs: number
  readonly withRedis: boolean
  /** The bugs of the processes p1, p2 and so on; p0 has none. */
  readonly plants: readonly Plant[]
  /** The process that makes the changes, so that the others are held back without holding it back. */
  readonly writers: readonly string[]
  readonly faults: readonly PlannedFault[]
}

describe('the checker', () => {
  const trials: readonly (readonly [string, Trial])[] = [
    [
      'miss changes, or apply them too late',
      {
        maxStalenessMs: 1000,
        withRedis: true,
        plants: ['feed-ignored', 'acknowledged-early', 'versions-ignored', 'history-ignored'],
        writers: ['p0'],
        // After the last fault p4 is replaced, and reads what Redis holds.
        faults: ['Redis set back to an old snapshot'],
      },
    ],
    [
      'do not wait for silent verifiers, or miss changes of open transactions',
      {
        // A writer with the bug waits 20 ms for p0, whose data is fresh for seconds without a read.
        maxStalenessMs: 3000,
        withRedis: false,
        plants: ['silent-not-awaited', 'open-ignored'],
        writers: ['p1'],
        faults: [
          ['network to PostgreSQL cut', 'p0'],
          ['PostgreSQL far away', 'p1'],
        ],
      },
    ],
    [
      'take the age of data wrong, or miss pruned changes',
      {
        maxStalenessMs: 500,
        withRedis: true,
        plants: ['age-ignored', 'failed-read-counts', 'proof-from-end', 'gap-ignored'],
        writers: ['p0'],
        faults: [
          ['reads delayed', 'p3'],
          ['network to PostgreSQL cut', 'p1'],
          ['network to PostgreSQL cut', 'p2'],
          ['process stopped, with tokens in hand', 'p4'],
          'log pruned by a clock that is ahead',
        ],
      },
    ],
    [
      'continue in another history, or read from an old primary',
      {
        maxStalenessMs: 1000,
        withRedis: false,
        plants: ['old-primary-read', 'epoch-ignored'],
        writers: ['p0'],
        faults: [['failover to a replica that lagged', 'p1']],
      },
    ],
  ]

  it.each(trials)('catches processes that %s', async (_, { faults, ...trial }) => {
    const plants = [undefined, ...trial.plants]
    const history = await runChaos({
      ...trial,
      processes: plants.length,
      plants,
      seed: 1,
      plan: function* (names, _random, soFar) {
        const possible = faults.filter((fault) => names.includes(typeof fault === 'string' ? fault : fault[0]))
        // Only a process that starts can show that it ignores earlier changes, of which many are
        // needed: most entries of Redis are replaced.
        const isEnough = () =>
          acknowledged(soFar).length >= 80 && uncaught(soFar, plants).every((plant) => plant === 'history-ignored')
        for (let times = 0; possible.length > 0 && !isEnough() && times < mostTimes; times += 1) yield* possible
      },
    })
    expect(uncaught(history, plants)).toEqual([])
    expect(violations(history).filter((violation) => culpritsOf(violation, plants).length === 0)).toEqual([])
  })
})

/** A bug that has not been caught when each fault has occurred so often is not caught. */
const mostTimes = 40

function acknowledged({ changes }: History): readonly Change[] {
  return changes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
}

/** Returns the violations that a process has caused that accepts what it must not accept. */
function violations(history: History): readonly Violation[] {
  const caught: readonly string[] = ['accepted_too_late', 'accepted_after_everywhere']
  return check(history).filter(({ promise }) => caught.includes(promise))
}

/** Returns the bugs that may have caused the violation. */
function culpritsOf({ verification, change }: Violation, plants: readonly (Plant | undefined)[]): readonly Plant[] {
  const plantOf = (process: string | undefined) => plants[Number(postOf(process ?? '').slice(1))]
  const [verifier, author] = [plantOf(verification?.process), plantOf(change?.process)]
  if (verifier !== undefined) return [verifier]
  return author === 'silent-not-awaited' && change?.everywhere === true ? [author] : []
}

/** Returns the bugs that caused no violation. */
function uncaught(history: History, plants: readonly (Plant | undefined)[]): readonly Plant[] {
  const culprits = violations(history).flatMap((violation) => culpritsOf(violation, plants))
  return plants.flatMap((plant) => (plant === undefined || culprits.includes(plant) ? [] : [plant]))
}
