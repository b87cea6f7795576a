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
  readonly plants: readonly (Plant | undefined)[]
  readonly faults: readonly PlannedFault[]
}

describe('the checker', () => {
  const trials: readonly (readonly [string, Trial])[] = [
    [
      'ignore changes, their order, or those before their start',
      {
        maxStalenessMs: 500,
        withRedis: true,
        plants: ['feed-ignored', 'acknowledged-early', 'versions-ignored', 'history-ignored'],
        faults: [['process killed', 'p4'], ['wake-ups cut', 'p0'], 'Redis set back to an old snapshot'],
      },
    ],
    [
      'miss changes of open transactions, or do not wait for silent verifiers',
      {
        // The bug waits 20 ms. The reads of p0 are held back for far longer, and it has data that is
        // fresh for as long: on a slow machine too, the writer does not wait for it.
        maxStalenessMs: 3000,
        withRedis: false,
        plants: ['silent-not-awaited', 'open-ignored'],
        faults: [
          ['PostgreSQL far away', 'p1'],
          ['answers of PostgreSQL lost', 'p0'],
        ],
      },
    ],
    [
      'count the time wrong, or miss what was pruned',
      {
        maxStalenessMs: 500,
        withRedis: true,
        plants: ['age-ignored', 'failed-read-counts', 'proof-from-end', 'gap-ignored'],
        faults: [
          ['reads half-open', 'p1'],
          ['network to PostgreSQL cut', 'p2'],
          ['reads delayed', 'p3'],
          ['process stopped, with tokens in hand', 'p4'],
          'log pruned by a clock that is ahead',
        ],
      },
    ],
    [
      'continue in an old history',
      {
        maxStalenessMs: 600,
        withRedis: false,
        plants: ['epoch-ignored', 'old-primary-read'],
        faults: [['failover to a replica that lagged', 'p2']],
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
        const isEnough = () => uncaught(soFar, plants).length === 0 || acknowledged(soFar).length >= 3000
        while (possible.length > 0 && !isEnough()) yield* possible
      },
    })
    expect(uncaught(history, plants)).toEqual([])
    expect(violations(history).filter((violation) => culpritsOf(violation, plants).length === 0)).toEqual([])
  })
})

function acknowledged({ changes }: History): readonly Change[] {
  return changes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
}

/** Returns the violations that a process has caused that accepts what it must not accept. */
function violations(history: History): readonly Violation[] {
  const caught: readonly string[] = ['accepted_too_late', 'accepted_after_everywhere']
  return check(history).filter(({ promise }) => caught.includes(promise))
}

/** Returns the bugs that may have caused the violation. */
function culpritsOf(
  { verification, change }: Violation,
  plants: readonly (Plant | undefined)[],
): readonly (Plant | undefined)[] {
  const plantOf = (process: string | undefined) => plants[Number(postOf(process ?? '').slice(1))]
  const [verifier, author] = [plantOf(verification?.process), plantOf(change?.process)]
  if (verifier !== undefined) return [verifier]
  return author === 'silent-not-awaited' && change?.everywhere === true ? [author] : []
}

/** Returns the bugs that caused no violation. */
function uncaught(history: History, plants: readonly (Plant | undefined)[]): readonly (Plant | undefined)[] {
  const culprits = violations(history).flatMap((violation) => culpritsOf(violation, plants))
  return plants.filter((plant) => plant !== undefined && !culprits.includes(plant))
}
