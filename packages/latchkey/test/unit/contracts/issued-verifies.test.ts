import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DEPTH } from '../../../src/claims/plain-json.js'
import { sessionIds } from '../../../src/claims/session-ids.js'
import { type KeySource, keyPair, sharedSecret } from '../../../src/index.js'
import { createLatchkey } from '../../../src/latchkey.js'
import type { IssueRequest, LatchkeyOptions } from '../../../src/latchkey-api.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { tenantSecrets } from '../../../src/tenant-secrets/tenant-secrets.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { generatePair } from '../../support/generate-pair.js'
import { masterKeys, outcomeOf, setUp } from '../../support/setup.js'

const { privateKey } = generatePair('ec', { namedCurve: 'P-256' })

/** Every key source that can sign. */
const sources: readonly [name: string, create: () => KeySource][] = [
  ['sharedSecret', () => sharedSecret({ secrets: [Buffer.alloc(32, 7)] })],
  ['keyPair with keys', () => keyPair({ keys: [{ kid: 'k', alg: 'ES256', privateKey }] })],
  ['keyPair with a store', () => keyPair({ store: memoryStore(), masterKeys })],
  ['tenantSecrets', () => tenantSecrets({ store: memoryStore(), masterKeys })],
]

function create(keys: KeySource, options: Partial<LatchkeyOptions> = {}) {
  return createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, ...options })
}

/**
 * Values that `claims` or one of its members must not be, and the name that the message must
 * contain.
 */
class Document {
  readonly _doc = { hash: 'x' }
  toJSON() {
    return this._doc
  }
}
const circle: Record<string, unknown> = {}
circle.self = circle
const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)])
const refused: readonly [what: string, claims: unknown, named: string][] = [
  ['a toJSON that replaces the claims', { toJSON: () => ({ sub: 'root' }) }, 'claims.toJSON'],
  ['a toJSON of a part', { plan: { toJSON: () => 'other' } }, 'claims.plan.toJSON'],
  ['an inherited toJSON', Object.create({ toJSON: () => ({ sub: 'root' }) }), 'claims'],
  ['a document of a database as claims', new Document(), 'claims'],
  ['a document of a database as a claim', { user: new Document() }, 'claims.user'],
  ['NaN', { limit: Number.NaN }, 'claims.limit'],
  ['Infinity', { limits: [1, Number.POSITIVE_INFINITY] }, 'claims.limits[1]'],
  ['a bigint', { account: 1n }, 'claims.account'],
  ['undefined', { plan: undefined }, 'claims.plan'],
  ['a function', { plan: () => 'pro' }, 'claims.plan'],
  ['a symbol', { plan: Symbol('pro') }, 'claims.plan'],
  ['a symbol for a name', { [Symbol('plan')]: 1 }, 'claims'],
  ['a date', { since: new Date(0) }, 'claims.since'],
  ['a map', { seats: new Map([['a', 1]]) }, 'claims.seats'],
  ['a set', { seats: new Set(['a']) }, 'claims.seats'],
  ['bytes', { id: Buffer.from('a') }, 'claims.id'],
  ['a text object', { plan: new String('pro') }, 'claims.plan'],
  ['a hidden member', Object.defineProperty({}, 'plan', { value: 'pro' }), 'claims'],
  ['__proto__', JSON.parse('{"a":{"__proto__":{"role":"admin"}}}'), 'claims.a.__proto__'],
  ['a list with a hole', { seats: Array(2) }, 'claims.seats'],
  ['a list with toJSON', { seats: Object.assign(['a'], { toJSON: () => [] }) }, 'claims.seats'],
  ['a circle', circle, 'claims.self'],
  ['more levels than verify takes', { deep: nested(MAX_DEPTH + 1) }, 'claims.deep'],
  ['a list as claims', ['admin'], 'claims'],
  ['a text as claims', 'admin', 'claims'],
  ['null as claims', null, 'claims'],
  ['a registered claim', { sub: 'root' }, 'claims.sub'],
  ['the session as a claim', { sid: 'other' }, 'claims.sid'],
]

describe.each(sources)('a token issued with %s', (name, source) => {
  it('is accepted, and carries the given claims', async () => {
    const latchkey = create(source())
    const names = fc
      .string()
      .filter((text) => !/^(iss|sub|aud|exp|nbf|iat|jti|sid|client_id|__proto__|toJSON)$/.test(text))
    const values = fc
      .jsonValue({ maxDepth: 4 })
      .filter((value) => !/"(?:__proto__|toJSON)":/.test(JSON.stringify(value)))
    const subjects = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((text) => text.length < 200 && !text.includes('\0'))
    const requests = fc.record({ subject: subjects, claims: fc.dictionary(names, values, { maxKeys: 5 }) })
    await fc.assert(
      fc.asyncProperty(requests, async ({ subject, claims }) => {
        const { token, sessionId, expiresAt } = await latchkey.issue({ subject, claims })
        const verified = await latchkey.verify(token)
        expect(verified).toMatchObject({ subject, sessionId, expiresAt })
        const { iss, sub, aud, exp, iat, jti, sid, ...others } = verified.claims
        // JSON changes -0 to 0, which is equal to it.
        expect(others).toEqual(JSON.parse(JSON.stringify(claims)))
      }),
      { numRuns: 60 },
    )
    await latchkey.close()
  })

  it('carries the value that a getter returned to the check', async () => {
    const latchkey = create(source())
    const answers = ['pro', new Date(0)]
    const claims = Object.defineProperty({}, 'plan', { get: () => answers.shift(), enumerable: true })
    const { token } = await latchkey.issue({ subject: 'ada', claims })
    expect((await latchkey.verify(token)).claims.plan).toBe('pro')
    await latchkey.close()
  })

  it.each(refused)('is not issued with %s', async (_, claims, named) => {
    const latchkey = create(source())
    const issue = async () => latchkey.issue({ subject: 'ada', claims } as IssueRequest)
    await expect(issue).rejects.toThrow(TypeError)
    await expect(issue).rejects.toThrow(new RegExp(`${named.replace(/[.[\]]/g, '\\$&')}(?![\\w])`))
    await latchkey.close()
  })

  it('may be nested as deeply as verify accepts', async () => {
    const latchkey = create(source())
    const { token } = await latchkey.issue({ subject: 'ada', claims: { deep: nested(MAX_DEPTH) } })
    expect((await latchkey.verify(token)).claims.deep).toEqual(nested(MAX_DEPTH))
    await latchkey.close()
  })

  it.each([42, '', undefined, null, { id: 1 }, ['ada'], Number.NaN])(
    'is not issued for the subject %j',
    async (subject) => {
      const latchkey = create(source())
      const code = name === 'tenantSecrets' ? 'tenant_invalid' : undefined
      const error = await errorOf(() => latchkey.issue({ subject } as unknown as IssueRequest))
      if (code !== undefined) expect(error).toMatchObject({ code })
      else expect(error).toBeInstanceOf(TypeError)
      await latchkey.close()
    },
  )

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '900', null])(
    'is not issued with the lifetime %j',
    async (expiresIn) => {
      const latchkey = create(source())
      await expect(async () =>
        latchkey.issue({ subject: 'ada', expiresIn } as unknown as IssueRequest),
      ).rejects.toThrow(/expiresIn/)
      await latchkey.close()
    },
  )

  it.each(['', 'a b', 'ä', 'x'.repeat(256), 7, null])('is not issued for the session %j', async (sessionId) => {
    const latchkey = create(source())
    await expect(async () => latchkey.issue({ subject: 'ada', sessionId } as unknown as IssueRequest)).rejects.toThrow(
      /sessionId/,
    )
    await latchkey.close()
  })

  it('is not issued for a session that was minted for another subject', async () => {
    const minted = sessionIds(Buffer.alloc(32, 1))
    const latchkey = create(source(), { sessionIds: minted })
    const { token } = await latchkey.issue({ subject: 'ada', sessionId: minted.mint('ada', Date.now()) })
    expect((await latchkey.verify(token)).subject).toBe('ada')
    for (const sessionId of ['another', minted.mint('bob', Date.now())]) {
      await expect(async () => latchkey.issue({ subject: 'ada', sessionId })).rejects.toThrow(TypeError)
    }
    await latchkey.close()
  })

  it('is not issued with a clock that returns NaN', async () => {
    for (const now of [Number.NaN, -1000, 1e15]) {
      const latchkey = create(source(), { clock: { ...createFakeClock(), now: () => now } })
      await expect(async () => latchkey.issue({ subject: 'ada' })).rejects.toThrow()
      await latchkey.close()
    }
  })

  it('carries the checked values, although options and claims change afterwards', async () => {
    const audience = ['test', 'other']
    const latchkey = create(source(), { audience })
    audience[0] = 'changed'
    let reads = 0
    const claims = new Proxy(
      { plan: 'pro' },
      {
        getOwnPropertyDescriptor: (target, key) => {
          reads += 1
          const value = reads === 1 ? 'pro' : Number.NaN
          return { ...Reflect.getOwnPropertyDescriptor(target, key), value, configurable: true }
        },
      },
    )
    const { claims: issued } = await latchkey.verify((await latchkey.issue({ subject: 'ada', claims })).token)
    expect(issued).toMatchObject({ aud: ['test', 'other'], plan: 'pro' })
    await latchkey.close()
  })
})

describe('a token whose key must be read first', () => {
  it('is issued as it was ordered, although the caller reuses the objects meanwhile', async () => {
    const { latchkey } = setUp()
    const request = { subject: '', sessionId: '', expiresIn: 0, claims: { plan: '', seats: [0] } }
    const orders = ['ada', 'bob', 'cyd'].map((subject, index) => {
      const [claims, expiresIn] = [{ plan: `of ${subject}`, seats: [index] }, index + 1]
      request.claims.seats[0] = index
      Object.assign(request.claims, { plan: claims.plan })
      Object.assign(request, { subject, sessionId: `of-${subject}`, expiresIn })
      return { subject, claims, expiresIn, issuing: latchkey.issue(request) }
    })
    for (const { subject, claims, expiresIn, issuing } of orders) {
      expect(issuing).toBeInstanceOf(Promise)
      const { token, sessionId } = await issuing
      const verified = await latchkey.verify(token)
      expect([verified.subject, sessionId]).toEqual([subject, `of-${subject}`])
      expect(verified.expiresAt - verified.issuedAt).toBe(expiresIn)
      expect(verified.claims).toMatchObject(claims)
    }
  })

  it('is issued for the subject that was read once', async () => {
    const { latchkey } = setUp()
    const subjects = ['ada', 'bob']
    const request = Object.defineProperty({}, 'subject', { get: () => subjects.shift(), enumerable: true })
    const { token } = await latchkey.issue(request as IssueRequest)
    expect((await latchkey.verify(token)).subject).toBe('ada')
  })
})

describe('a tenant whose session has ended', () => {
  it('gets no token of that session, but one of another', async () => {
    const { latchkey, keys } = setUp()
    await latchkey.issue({ subject: 'ada', sessionId: 'phone' })
    await keys.revokeSession('ada', 'phone')
    expect(await outcomeOf(() => latchkey.issue({ subject: 'ada', sessionId: 'phone' }))).toBe('session_ended')
    const { token } = await latchkey.issue({ subject: 'ada', sessionId: 'laptop' })
    expect((await latchkey.verify(token)).sessionId).toBe('laptop')
  })
})

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return error
  }
}
