import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as lifecycle from '../../../src/secrets/lifecycle.js'
import type { SecretRecord, TenantRecord, TenantState } from '../../../src/secrets/ports.js'

const graceMs = 10_000
const retentionMs = 100_000

function secretOf(generation: number, createdAt: number): SecretRecord {
  return {
    kid: `kid-${generation}-${createdAt}-${Math.random()}`,
    generation,
    algorithm: 'HS256',
    masterKeyId: 'm',
    sealed: 's',
    createdAt,
    retiresAt: null,
    reissueRequired: false,
  }
}

function contextAt(nowMs: number): lifecycle.LifecycleContext {
  return { nowMs, graceMs, retentionMs, mint: (generation) => secretOf(generation, nowMs) }
}

function recordOf(state: TenantState, version: number): TenantRecord {
  const { grants } = state
  return { tenant: 't', version, ...state, grants: typeof grants === 'function' ? grants(version) : grants }
}

const transitions = {
  provision: lifecycle.provision,
  rotate: lifecycle.rotate,
  revoke: lifecycle.revoke,
  requireReissue: lifecycle.requireReissue,
  disable: lifecycle.disable,
  enable: lifecycle.enable,
  setGrants: (current: TenantRecord | undefined, { nowMs }: lifecycle.LifecycleContext) =>
    lifecycle.setGrants(current, nowMs % 3 === 0 ? null : () => ({ masterKeyId: 'm', sealed: `at ${nowMs}` })),
  endSession: (current: TenantRecord | undefined, context: lifecycle.LifecycleContext) =>
    lifecycle.endSession(current, `session-${context.nowMs}`, context),
} as const

const steps = fc.array(
  fc.record({
    transition: fc.constantFrom(...(Object.keys(transitions) as (keyof typeof transitions)[])),
    waitMs: fc.integer({ min: 0, max: 2 * graceMs }),
  }),
  { maxLength: 60 },
)

/**
 * Returns whether a token signed with this secret is accepted at that moment, by the record alone.
 */
function verifies(record: TenantRecord, kid: string, nowMs: number): boolean {
  if (record.disabledAt !== null) return false
  const secret = record.secrets.find((candidate) => candidate.kid === kid)
  return secret !== undefined && !secret.reissueRequired && (secret.retiresAt === null || nowMs < secret.retiresAt)
}

describe('the life of a tenant', () => {
  it('has one signing secret while enabled and none while disabled, after any sequence of changes', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let nowMs = 1_000_000
        let record = recordOf(lifecycle.provision(undefined, contextAt(nowMs)), 1)
        for (const { transition, waitMs } of sequence) {
          nowMs += waitMs
          record = apply(record, transition, nowMs)
          const signing = record.secrets.filter((secret) => secret.retiresAt === null)
          expect(signing).toHaveLength(record.disabledAt === null ? 1 : 0)
          const generations = record.secrets.map((secret) => secret.generation)
          expect(new Set(generations).size).toBe(generations.length)
          expect(record.endedSessions.length).toBeLessThanOrEqual(lifecycle.MAX_ENDED_SESSIONS)
        }
      }),
    )
  })

  it('changes the grants only by setGrants', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let nowMs = 1_000_000
        let record = recordOf(lifecycle.provision(undefined, contextAt(nowMs)), 1)
        expect(record.grants).toBeNull()
        for (const { transition, waitMs } of sequence) {
          nowMs += waitMs
          const { grants } = record
          record = apply(record, transition, nowMs)
          const set = nowMs % 3 === 0 ? null : { masterKeyId: 'm', sealed: `at ${nowMs}` }
          expect(record.grants).toEqual(transition === 'setGrants' ? set : grants)
        }
      }),
    )
  })

  it('never restores a secret that has stopped verifying', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let nowMs = 1_000_000
        let record = recordOf(lifecycle.provision(undefined, contextAt(nowMs)), 1)
        const seen = new Set<string>()
        const dead = new Set<string>()
        for (const { transition, waitMs } of sequence) {
          nowMs += waitMs
          record = apply(record, transition, nowMs)
          for (const secret of record.secrets) seen.add(secret.kid)
          for (const kid of seen) {
            if (verifies(record, kid, nowMs)) expect(dead.has(kid)).toBe(false)
            else dead.add(kid)
          }
        }
      }),
    )
  })
})

describe('rotation', () => {
  const first = recordOf(lifecycle.provision(undefined, contextAt(0)), 1)
  const [oldKid] = first.secrets.map((secret) => secret.kid)

  it('lets the old secret verify until its grace period ends, and not a millisecond longer', () => {
    const rotated = recordOf(lifecycle.rotate(first, contextAt(50)), 2)
    expect(verifies(rotated, String(oldKid), 50 + graceMs - 1)).toBe(true)
    expect(verifies(rotated, String(oldKid), 50 + graceMs)).toBe(false)
  })

  it('does not extend the grace period of a retired secret', () => {
    const once = recordOf(lifecycle.rotate(first, contextAt(0)), 2)
    const twice = recordOf(lifecycle.rotate(once, contextAt(graceMs - 1)), 3)
    expect(verifies(twice, String(oldKid), graceMs)).toBe(false)
  })

  it('is refused when it is faster than old secrets expire, so that a loop cannot grow a tenant without bound', () => {
    let record = first
    for (let count = 1; count < lifecycle.MAX_VERIFYING_SECRETS; count += 1) {
      record = recordOf(lifecycle.rotate(record, contextAt(count)), count + 1)
    }
    expect(() => lifecycle.rotate(record, contextAt(100))).toThrow(
      expect.objectContaining({ code: 'too_many_rotations' }),
    )
    expect(lifecycle.rotate(record, contextAt(2 * graceMs)).secrets.some((secret) => secret.retiresAt === null)).toBe(
      true,
    )
  })
})

describe('ending more sessions than are stored', () => {
  it('requires every token of the tenant to be reissued, so that no ended session stays valid', () => {
    let record = recordOf(lifecycle.provision(undefined, contextAt(0)), 1)
    const [kid] = record.secrets.map((secret) => secret.kid)
    for (let count = 0; count <= lifecycle.MAX_ENDED_SESSIONS; count += 1) {
      record = recordOf(lifecycle.endSession(record, `s${count}`, contextAt(count)), count + 2)
    }
    expect(verifies(record, String(kid), lifecycle.MAX_ENDED_SESSIONS)).toBe(false)
    expect(record.secrets.filter((secret) => secret.retiresAt === null)).toHaveLength(1)
  })
})

function apply(record: TenantRecord, transition: keyof typeof transitions, nowMs: number): TenantRecord {
  try {
    const next = transitions[transition](record, contextAt(nowMs))
    return next === record ? record : recordOf(next, record.version + 1)
  } catch (error) {
    expect(error).toMatchObject({ name: 'LatchkeyError' })
    return record
  }
}

describe('the time of the last end of all tokens', () => {
  const names = fc.constantFrom(...(Object.keys(transitions) as (keyof typeof transitions)[]))

  it('is that of the last change that ended them, and no change restores what ended before', () => {
    const ending = ['revoke', 'requireReissue', 'disable', 'enable']
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.integer({ min: -5000, max: 10_000 })), { maxLength: 40 }), (sequence) => {
        let nowMs = 1_000_000
        let record = recordOf(lifecycle.provision(undefined, contextAt(nowMs)), 1)
        expect(record.revokedAt).toBeNull()
        for (const [transition, waitMs] of sequence) {
          nowMs += waitMs
          const before = record
          record = apply(record, transition, nowMs)
          expect(record.revokedAt ?? 0).toBeGreaterThanOrEqual(before.revokedAt ?? 0)
          if (record !== before && ending.includes(transition)) expect(record.revokedAt).toBeGreaterThanOrEqual(nowMs)
          if (['provision', 'rotate', 'setGrants'].includes(transition)) {
            expect(record.revokedAt).toBe(before.revokedAt)
          }
        }
      }),
    )
  })
})
