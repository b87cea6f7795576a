import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sessionIds } from '../../../src/claims/session-ids.js'
import type { Forgery } from '../../../src/latchkey-api.js'
import { outcomeOf, type Setup, setUp } from '../../support/setup.js'
import { forgeWithSecret } from '../../support/stolen-secret.js'

const key = randomBytes(32)

function setUpTripwire(): Setup & { readonly forgeries: Forgery[] } {
  const forgeries: Forgery[] = []
  const latchkey = { sessionIds: sessionIds(key), onForgery: (forgery: Forgery) => forgeries.push(forgery) }
  return { ...setUp({ latchkey }), forgeries }
}

/** Signs as an attacker with the tenant's secret would: a valid token with other claims. */
async function forge(setup: Setup, tenant: string, claims: Record<string, unknown>): Promise<string> {
  const { token } = await setup.latchkey.issue({ subject: tenant })
  return forgeWithSecret(setup, token, claims)
}

describe('a token signed with a stolen secret', () => {
  it('is refused and reported, without a read, when its session was never created', async () => {
    const setup = setUpTripwire()
    const bob = await setup.latchkey.issue({ subject: 'bob' })
    const { sessionId } = await setup.latchkey.issue({ subject: 'alice' })
    const wrongTag = `${sessionId.slice(0, -1)}${sessionId.endsWith('0') ? '1' : '0'}`
    const made = [randomUUID(), bob.sessionId, undefined, 'a', sessionId.toUpperCase(), wrongTag, `${sessionId} `]
    const { kid } = await setup.latchkey.verify(await forge(setup, 'alice', {}))
    for (const sid of made) {
      const forged = await forge(setup, 'alice', { sid })
      expect([sid, outcomeNow(() => setup.latchkey.verify(forged))]).toEqual([sid, 'session_forged'])
    }
    await Promise.resolve()
    expect(setup.forgeries).toEqual(made.map(() => ({ subject: 'alice', kid })))
  })

  it('is not reported when its secret, time, audience or subject is wrong', async () => {
    const setup = setUpTripwire()
    const sid = randomUUID()
    const codes = []
    for (const claims of [
      { exp: 1, sid },
      { aud: 'other', sid },
      { iss: 'https://other.test', sid },
      { sub: 'bob', sid },
    ]) {
      const forged = await forge(setup, 'alice', claims)
      codes.push(await outcomeOf(() => setup.latchkey.verify(forged)))
    }
    expect(codes).toEqual(['token_expired', 'audience_mismatch', 'issuer_mismatch', 'subject_mismatch'])
    const [header, payload, signature = ''] = (await forge(setup, 'alice', { sid })).split('.')
    const unsigned = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await outcomeOf(() => setup.latchkey.verify(unsigned))).toBe('signature_invalid')
    await Promise.resolve()
    expect(setup.forgeries).toEqual([])
  })

  it('is reported also when its secret has retired, because that one leaked too', async () => {
    const setup = setUpTripwire()
    const forged = await forge(setup, 'alice', { sid: randomUUID() })
    await setup.keys.requireReissue('alice')
    expect(await outcomeOf(() => setup.latchkey.verify(forged))).toBe('session_forged')
  })
})

describe('a minted session ID', () => {
  it('is recognised for its subject after the secret and the session have ended', async () => {
    const setup = setUpTripwire()
    const { token, sessionId } = await setup.latchkey.issue({ subject: 'alice' })
    await setup.keys.rotate('alice')
    expect(await setup.latchkey.verify(token)).toMatchObject({ sessionId })
    const again = await setup.latchkey.issue({ subject: 'alice', sessionId })
    expect(await setup.latchkey.verify(again.token)).toMatchObject({ sessionId })
    await setup.keys.revokeSession('alice', sessionId)
    expect(await outcomeOf(() => setup.latchkey.verify(token))).toBe('session_ended')
    await setup.keys.revoke('alice')
    expect(await outcomeOf(() => setup.latchkey.verify(token))).toBe('token_revoked')
    expect(setup.forgeries).toEqual([])
  })

  it('is required by issue', async () => {
    const { latchkey } = setUpTripwire()
    const bob = await latchkey.issue({ subject: 'bob' })
    for (const sessionId of [randomUUID(), bob.sessionId]) {
      await expect(async () => latchkey.issue({ subject: 'alice', sessionId })).rejects.toThrow(TypeError)
    }
  })

  it('is a UUID of version 8 that every process with the key can read and no other, for no other subject', () => {
    const ids = sessionIds(key)
    const levels = fc.constantFrom('aal1' as const, 'aal2' as const)
    const times = fc.maxSafeNat().map((ms) => ms % 2 ** 48)
    fc.assert(
      fc.property(fc.string(), fc.string(), times, levels, (subject, other, nowMs, level) => {
        const id = ids.mint(subject, nowMs, level)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(sessionIds(key).read(id, subject)).toEqual({ mintedAtMs: nowMs, level })
        expect(ids.read(id, `${subject}${other}`) === undefined).toBe(other !== '')
        expect(sessionIds(randomBytes(32)).read(id, subject)).toBeUndefined()
      }),
    )
  })

  it.each(['aal1', 'aal2'] as const)('of the level %s is refused after a change of any bit', (level) => {
    const ids = sessionIds(key)
    const id = ids.mint('alice', 1_700_000_000_000, level)
    for (let at = 0; at < id.length; at += 1) {
      if (id[at] === '-') continue
      for (const bit of [1, 2, 4, 8]) {
        const digit = (Number.parseInt(id.charAt(at), 16) ^ bit).toString(16)
        const changed = `${id.slice(0, at)}${digit}${id.slice(at + 1)}`
        expect([at, bit, ids.read(changed, 'alice')]).toEqual([at, bit, undefined])
      }
    }
  })

  it('is read as the weaker level if an older version minted it', () => {
    // Layout of docs/decisions/0009: ten bytes, and six of the MAC over them and the subject.
    const head = Buffer.from('018bcfe5680080008000', 'hex')
    const tag = createHmac('sha256', key).update(head).update('alice').digest().subarray(0, 6)
    const id = Buffer.concat([head, tag])
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    expect(sessionIds(key).read(id, 'alice')).toEqual({ mintedAtMs: 1_700_000_000_000, level: 'aal1' })
  })

  it('does not become one of the stronger level by the tag of another ID', () => {
    const ids = sessionIds(key)
    const strong = ids.mint('alice', 1_700_000_000_000, 'aal2')
    const weak = ids.mint('alice', 1_700_000_000_000, 'aal1')
    expect(ids.read(`${weak.slice(0, 24)}${strong.slice(24)}`, 'alice')).toBeUndefined()
  })

  it('needs a key of at least 32 bytes', () => {
    expect(() => sessionIds(new Uint8Array(31))).toThrow(TypeError)
  })
})

function outcomeNow(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}
