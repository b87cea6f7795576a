import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/clock.js'
import type { KeySource } from '../../../src/keys/key-source.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { outcomeOf, type Setup, setUp } from '../../support/setup.js'

const ttlSec = 60

/** A machine whose clock differs from the others. */
function skewed(clock: Clock, differenceMs: number): Clock {
  return { now: () => clock.now() + differenceMs, monotonic: () => clock.monotonic() }
}

/**
 * Four machines over one store. Each has its own clock, at most half the tolerance from true time.
 */
function fourMachines(toleranceSec: number, differencesSec: readonly number[]) {
  const store = memoryStore()
  // Late in a second, because `exp` is rounded down to whole seconds.
  const clock = createFakeClock(Date.UTC(2026, 0, 1) + 950)
  const [issuer, ender, verifier, forgetter] = differencesSec.map((difference) =>
    setUp({
      store,
      clock: skewed(clock, difference * 1000),
      keys: { maxTokenTtl: ttlSec },
      latchkey: { clockTolerance: toleranceSec, accessTokenTtl: ttlSec },
    }),
  )
  if (issuer === undefined || ender === undefined || verifier === undefined || forgetter === undefined) {
    throw new Error('There are four.')
  }
  return { clock, issuer, ender, verifier, forgetter, all: [issuer, ender, verifier, forgetter] }
}

/** Issues a token of a session as a process does that has not received its end yet. */
async function issueUnaware({ keys }: Pick<Setup, 'keys'>, clock: Clock, sessionId: string): Promise<string> {
  const unaware: KeySource = {
    maxTokenTtl: ttlSec,
    signingKey: async (subject) => {
      const key = await keys.signingKey(subject)
      const { kid, algorithm, headerSegment, owner } = key
      return { kid, algorithm, headerSegment, owner, sign: (input) => key.sign(input), refusalOf: () => undefined }
    },
    verifyingKey: (headerSegment) => keys.verifyingKey(headerSegment),
    close: async () => {},
  }
  const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys: unaware, clock })
  return (await latchkey.issue({ subject: 'alice', sessionId })).token
}

describe('a session that has ended', () => {
  it.each([0, 5, 300])(
    'never becomes valid again within a clock tolerance of %i s, whatever ends and is pruned after it',
    async (toleranceSec) => {
      const apart = fc.integer({ min: -Math.floor(toleranceSec / 2), max: Math.floor(toleranceSec / 2) })
      await fc.assert(
        fc.asyncProperty(
          fc.tuple(apart, apart, apart, apart),
          fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.constantFrom('end', 'prune', 'both')), {
            maxLength: 12,
          }),
          async (differencesSec, waits) => {
            const { clock, issuer, ender, verifier, forgetter, all } = fourMachines(toleranceSec, differencesSec)
            try {
              const { token } = await issuer.latchkey.issue({ subject: 'alice', sessionId: 'phone' })
              await ender.keys.revokeSession('alice', 'phone')
              for (const [n, [seconds, what]] of waits.entries()) {
                clock.advance(seconds * 1000)
                if (what !== 'prune') await forgetter.keys.revokeSession('alice', `tablet-${n}`)
                if (what !== 'end') await forgetter.keys.prune()
                const outcome = await outcomeOf(() => verifier.latchkey.verify(token))
                expect(['session_ended', 'token_expired', 'token_not_yet_valid']).toContain(outcome)
              }
            } finally {
              await Promise.all(all.map(({ latchkey }) => latchkey.close()))
            }
          },
        ),
        { numRuns: 40 },
      )
    },
  )

  it('is stored as long as the largest tolerance accepts a token that was issued last', async () => {
    const { clock, issuer, verifier } = fourMachines(300, [0, 0, 0, 0])
    const { token } = await issuer.latchkey.issue({ subject: 'alice', sessionId: 'phone' })
    await issuer.keys.revokeSession('alice', 'phone', { everywhere: true })
    clock.advance((ttlSec + 299) * 1000)
    await issuer.keys.revokeSession('alice', 'tablet')
    await issuer.keys.prune()
    expect(await outcomeOf(() => verifier.latchkey.verify(token))).toBe('session_ended')
  })

  it('is stored again when it is ended again, so that tokens signed meanwhile are refused', async () => {
    const { clock, issuer, verifier } = fourMachines(5, [0, 0, 0, 0])
    await issuer.keys.provision('alice')
    await issuer.keys.revokeSession('alice', 'phone')
    clock.advance(1_050_000)
    const token = await issueUnaware(issuer, clock, 'phone')
    await issuer.keys.revokeSession('alice', 'phone')
    clock.advance(50_000)
    await issuer.keys.revokeSession('alice', 'tablet')
    clock.advance(5_000)
    await issuer.keys.revokeSession('alice', 'laptop')
    expect(await outcomeOf(() => verifier.latchkey.verify(token))).toBe('session_ended')
  })

  it('is stored again also when its time has passed and it was not pruned yet', async () => {
    const { clock, issuer, verifier } = fourMachines(5, [0, 0, 0, 0])
    await issuer.keys.provision('alice')
    await issuer.keys.revokeSession('alice', 'phone')
    clock.advance(2_000_000)
    const token = await issueUnaware(issuer, clock, 'phone')
    await issuer.keys.revokeSession('alice', 'phone')
    await issuer.keys.revokeSession('alice', 'tablet')
    expect(await outcomeOf(() => verifier.latchkey.verify(token))).toBe('session_ended')
  })
})

describe('a verifier', () => {
  it('throws for a tolerance that is larger than the time for which ended sessions are stored', () => {
    expect(() => setUp({ latchkey: { clockTolerance: 301 } })).toThrow(TypeError)
  })
})
