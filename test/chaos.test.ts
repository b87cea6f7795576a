import { describe, expect, it } from 'vitest'
import { check } from './chaos/checker.js'
import { type Change, changeKinds, type History } from './chaos/history.js'
import type { Plant } from './chaos/messages.js'
import { runChaos } from './chaos/run-chaos.js'

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
    expect(new Set(history.faults.map(({ kind }) => kind)).size).toBe(16)
    expect(new Set(acknowledged(history).map(({ kind }) => kind))).toEqual(new Set(changeKinds))
    const outcomes = history.verifications.map(({ outcome }) => outcome)
    expect(outcomes).toEqual(
      expect.arrayContaining(['accepted', 'token_revoked', 'session_ended', 'reissue_required', 'store_unavailable']),
    )
  })
})

describe('the checker', () => {
  // Each bug, and faults that expose it.
  const bugs: readonly (readonly [string, Plant, readonly string[]])[] = [
    ['ignore changes, and treat their feed as fresh', 'feed-ignored', ['feed cut']],
    ['do not check the age of their data', 'age-ignored', ['feed black-holed']],
    ['do not compare entries in Redis with changes', 'versions-ignored', ['feed cut']],
    ['do not wait for silent verifiers', 'silent-not-awaited', ['feed black-holed']],
    ['do not read earlier changes when they start', 'history-ignored', ['Redis set back to an old snapshot']],
  ]

  it.each(bugs)('catches processes that %s', async (_, plant, faults) => {
    const history = await runChaos({
      processes: 2,
      withRedis: true,
      maxStalenessMs: 300,
      seed: 1,
      plant,
      plan: function* (names, _random, soFar) {
        const possible = faults.filter((fault) => names.includes(fault))
        while (possible.length > 0 && !isCaught(soFar) && acknowledged(soFar).length < 500) yield* possible
      },
    })
    expect(isCaught(history)).toBe(true)
  })
})

function acknowledged({ changes }: History): readonly Change[] {
  return changes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
}

function isCaught(history: History): boolean {
  const caught: readonly string[] = ['accepted_too_late', 'accepted_after_everywhere']
  return check(history).some(({ promise }) => caught.includes(promise))
}
