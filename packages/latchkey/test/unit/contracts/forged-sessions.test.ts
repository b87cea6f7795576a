import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sessionIds } from '../../../src/claims/session-ids.js'
import type { Forgery } from '../../../src/latchkey-api.js'
import { Keyring } from '../../../src/sealing/keyring.js'
import { masterKeys, outcomeOf, type Setup, setUp } from '../../support/setup.js'

const key = randomBytes(32)

function setUpTripwire(): Setup & { readonly forgeries: Forgery[] } {
  const forgeries: Forgery[] = []
  const latchkey = { sessionIds: sessionIds(key), onForgery: (forgery: Forgery) => forgeries.push(forgery) }
  return { ...setUp({ latchkey }), forgeries }
}

/** Signs as an attacker with the tenant's secret would: a valid token with other claims. */
async function forge({ store, latchkey }: Setup, tenant: string, claims: Record<string, unknown>): Promise<string> {
  const { token } = await latchkey.issue({ subject: tenant })
  const secret = (await store.readTenants([tenant])).get(tenant)?.secrets.find(({ retiresAt }) => retiresAt === null)
  if (secret === undefined) throw new Error('The tenant has no secret to steal.')
  const binding = ['tenant-secret', tenant, secret.kid, secret.generation, secret.algorithm] as const
  const [header, payload = ''] = token.split('.')
  const genuine: object = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const input = `${header}.${Buffer.from(JSON.stringify({ ...genuine, ...claims })).toString('base64url')}`
  const bytes = Keyring.parse(masterKeys).open(secret, binding)
  return `${input}.${createHmac('sha256', bytes).update(input).digest('base64url')}`
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

  it('is a UUID of version 8, recognised by every process with the key and by no other, for no other subject', () => {
    const ids = sessionIds(key)
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(2 ** 47), (subject, other, nowMs) => {
        const id = ids.mint(subject, nowMs)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(sessionIds(key).recognises(id, subject)).toBe(true)
        expect(ids.recognises(id, `${subject}${other}`)).toBe(other === '')
        expect(sessionIds(randomBytes(32)).recognises(id, subject)).toBe(false)
      }),
    )
  })

  it('is refused after a change of any bit', () => {
    const ids = sessionIds(key)
    const id = ids.mint('alice', 1_700_000_000_000)
    for (let at = 0; at < id.length; at += 1) {
      if (id[at] === '-') continue
      const changed = `${id.slice(0, at)}${(Number.parseInt(id.charAt(at), 16) ^ 1).toString(16)}${id.slice(at + 1)}`
      expect([at, ids.recognises(changed, 'alice')]).toEqual([at, false])
    }
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
