import { describe, expect, it } from 'vitest'
import { check, lastAccepts } from './chaos/checker.js'
import { changeKinds } from './chaos/history.js'
import { runChaos } from './chaos/run-chaos.js'

const site = { processes: 4, withRedis: true, maxStalenessMs: 600, seed: 1 }

describe('processes on one PostgreSQL and one Redis, with everything broken once', () => {
  it('keep every promise', { timeout: 120_000 }, async () => {
    const history = await runChaos({ ...site, plan: (names, random) => random.shuffled(names) })
    expect(check(history)).toEqual([])
    const outcomes = new Set(history.verifications.map(({ outcome }) => outcome))
    expect([...outcomes]).toEqual(
      expect.arrayContaining(['accepted', 'token_revoked', 'session_ended', 'reissue_required']),
    )
    const acknowledged = new Set(
      history.changes.filter((one) => one.acknowledgedAt !== undefined).map(({ kind }) => kind),
    )
    expect(acknowledged).toEqual(new Set(changeKinds))
    expect(lastAccepts(history).length).toBeGreaterThan(100)
  })
})

describe('the checker', () => {
  it('catches processes that do not hear the feed and believe it all the same', { timeout: 60_000 }, async () => {
    const history = await runChaos({
      ...site,
      withRedis: false,
      plant: 'feed-ignored',
      plan: () => ['feed delayed'],
    })
    expect(check(history).map(({ promise }) => promise)).toContain('accepted_too_late')
  })

  it('catches processes that do not compare what Redis holds with what has changed', { timeout: 60_000 }, async () => {
    const history = await runChaos({ ...site, plant: 'versions-ignored', plan: () => ['Redis slow'] })
    expect(check(history).map(({ promise }) => promise)).toContain('accepted_too_late')
  })
})
