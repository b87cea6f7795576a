import { Server } from 'socket.io'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { requireAuth as requireAuthExpress } from '../../src/adapters/express/index.js'
import { requireAuth as requireAuthFastify } from '../../src/adapters/fastify/index.js'
import { requireAuth as requireAuthFetch } from '../../src/adapters/fetch/index.js'
import { type HapiGuardOptions, scheme } from '../../src/adapters/hapi/index.js'
import { requireAuth as requireAuthHono } from '../../src/adapters/hono/index.js'
import { requireAuth as requireAuthKoa } from '../../src/adapters/koa/index.js'
import { LatchkeyModule } from '../../src/adapters/nest/index.js'
import { authProxy, serverAuth, withAuth } from '../../src/adapters/next/index.js'
import { authenticate, requireAuth as requireAuthNode } from '../../src/adapters/node/index.js'
import { guardNamespace } from '../../src/adapters/socketio/index.js'
import { createAuthContext } from '../../src/adapters/trpc/index.js'
import { guardUpgrades } from '../../src/adapters/ws/index.js'
import { useLatchkey } from '../../src/adapters/yoga/index.js'
import type { GuardOptions } from '../../src/http/guard-options.js'
import { keyPair, sharedSecret } from '../../src/index.js'
import { createLatchkey } from '../../src/latchkey.js'
import type { Latchkey } from '../../src/latchkey-api.js'
import { Keyring } from '../../src/sealing/keyring.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { tenantSecrets } from '../../src/tenant-secrets/tenant-secrets.js'
import { generatePair } from '../support/generate-pair.js'
import { masterKeys } from '../support/setup.js'

/** Calls of a program without types, or of one whose environment lacks a variable. */
const untyped = (call: (none: never) => unknown) => () => call(undefined as never)
const { privateKey } = generatePair('ec', { namedCurve: 'P-256' })
const secrets = [Buffer.alloc(32, 7)]
const common = { issuer: 'https://issuer.test', audience: 'test' }
const store = memoryStore()

describe('a message about an option', () => {
  it.each<[what: string, call: () => unknown, named: RegExp]>([
    [
      'no masterKeys',
      untyped((none) => tenantSecrets({ store, masterKeys: none })),
      /masterKeys.*LATCHKEY_MASTER_KEYS/,
    ],
    ['empty masterKeys', () => tenantSecrets({ store, masterKeys: ' ' }), /masterKeys.*LATCHKEY_MASTER_KEYS/],
    ['no masterKeys of key pairs', untyped((none) => keyPair({ store, masterKeys: none })), /masterKeys/],
    ['no text for a ring', untyped((none) => Keyring.parse(none)), /masterKeys/],
    ['no store', untyped((none) => tenantSecrets({ store: none, masterKeys })), /store is missing/],
    ['no keys', untyped((none) => createLatchkey({ ...common, keys: none })), /keys is missing/],
    ['a secret for keys', () => createLatchkey({ ...common, keys: 'secret' as never }), /keys is missing/],
    ['no secrets', untyped((none) => sharedSecret({ secrets: none })), /secrets is missing/],
    ['one secret for the list', () => sharedSecret({ secrets: 'secret' as never }), /secrets is missing/],
    ['an empty list of secrets', () => sharedSecret({ secrets: [] }), /secrets is empty/],
    ['a secret that is not set', () => sharedSecret({ secrets: [...secrets, undefined] }), /secrets\[1\] is missing/],
    ['a secret of another kind', () => sharedSecret({ secrets: [42 as never] }), /secrets\[0\] is neither/],
    ['no key pairs', untyped((none) => keyPair({ keys: none })), /keys is missing/],
    ['neither key pairs nor a store', () => keyPair({} as never), /keys and store/],
    [
      'no issuer',
      untyped((none) => createLatchkey({ ...common, issuer: none, keys: sharedSecret({ secrets }) })),
      /issuer/,
    ],
    [
      'no audience',
      untyped((none) => createLatchkey({ ...common, audience: none, keys: sharedSecret({ secrets }) })),
      /audience/,
    ],
  ])('names it: %s', (_, call, named) => {
    expect(call).toThrow(TypeError)
    expect(call).toThrow(named)
  })

  it('states that a lifetime is longer than the keys allow, and the longest one', async () => {
    const keys = () => tenantSecrets({ store, masterKeys, maxTokenTtl: 600 })
    const create = () => createLatchkey({ ...common, keys: keys(), accessTokenTtl: 601 })
    expect(create).toThrow(/^accessTokenTtl .*maxTokenTtl.* 600 /)
    const latchkey = createLatchkey({ ...common, keys: keys() })
    await expect(async () => latchkey.issue({ subject: 'ada', expiresIn: 601 })).rejects.toThrow(
      /^expiresIn .*maxTokenTtl/,
    )
    expect((await latchkey.issue({ subject: 'ada' })).expiresIn).toBe(600)
    await latchkey.close()
  })

  it.each<[framework: string, create: (latchkey: Latchkey, options: GuardOptions) => unknown]>([
    ['Express', requireAuthExpress],
    ['Fastify', requireAuthFastify],
    ['Hono', requireAuthHono],
    ['Koa', requireAuthKoa],
    ['hapi', (latchkey, options) => scheme({} as never, { ...(options as HapiGuardOptions), latchkey })],
    ['fetch', (latchkey, options) => requireAuthFetch(latchkey, () => new Response(), options)],
    ['node', (latchkey, options) => requireAuthNode(latchkey, () => {}, options)],
    ['authenticate', (latchkey, options) => authenticate(latchkey, { headers: {} }, { optional: true, ...options })],
    ['Nest', (latchkey, options) => LatchkeyModule.forRoot({ ...options, latchkey })],
    ['Next.js (withAuth)', (latchkey, options) => withAuth(latchkey, () => new Response(), options)],
    ['Next.js (authProxy)', authProxy],
    ['Next.js (serverAuth)', (latchkey, options) => serverAuth(latchkey, () => new Headers(), options)],
    ['tRPC', createAuthContext],
    ['GraphQL Yoga', (latchkey, options) => useLatchkey(latchkey, options)],
    ['ws', (latchkey, options) => guardUpgrades(latchkey, new WebSocketServer({ noServer: true }), options)],
    ['Socket.IO', (latchkey, options) => guardNamespace(latchkey, new Server(), options)],
  ])('is thrown when a guard of %s is created, not at the first request', (framework, create) => {
    const latchkey = createLatchkey({ ...common, keys: sharedSecret({ secrets }) })
    const creating = (options: object) => () => create(latchkey, options)
    expect(untyped((none) => create(none, {}))).toThrow(/createLatchkey/)
    expect(() => create(null as never, {})).toThrow(/createLatchkey/)
    expect(() => create(Promise.resolve(latchkey) as unknown as Latchkey, {})).toThrow(/createLatchkey/)
    for (const header of ['', 'a b', 'a:', 'Authorization', 42]) expect(creating({ header })).toThrow(/header/)
    for (const cookie of ['', 'a=b', 'a;b', 'ä', true]) expect(creating({ cookie })).toThrow(/cookie/)
    for (const query of ['yes', 1, null]) expect(creating({ query })).toThrow(/query/)
    for (const csrf of [true, 'lax', {}, null]) expect(creating({ csrf })).toThrow(/csrf/)
    for (const onRefusal of [401, '/login', {}, null]) expect(creating({ onRefusal })).toThrow(/onRefusal/)
    if (framework !== 'hapi') expect(creating({ optional: 'yes' })).toThrow(/optional/)
    const right = { cookie: '__Host-token', header: 'X-Access-Token', csrf: false, onRefusal: () => undefined }
    expect(creating(right)).not.toThrow()
  })

  it('names options that a framework cannot have', () => {
    const latchkey = createLatchkey({ ...common, keys: sharedSecret({ secrets }) })
    expect(() => scheme({} as never, { latchkey, body: true })).toThrow(/body/)
    expect(() => scheme({} as never, { latchkey, optional: true })).toThrow(/auth.mode/)
    expect(() => scheme({} as never)).toThrow(/createLatchkey/)
    expect(untyped((none) => requireAuthNode(latchkey, none))).toThrow(/listener/)
    expect(untyped((none) => requireAuthFetch(latchkey, none))).toThrow(/handler/)
  })
})

describe('a message about a claim', () => {
  const keys = keyPair({ keys: [{ kid: 'k', alg: 'ES256', privateKey }] })
  const latchkey = createLatchkey({ ...common, keys, maxTokenBytes: 1_048_576 })
  const good = async () => (await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)).claims
  const sign = async (payload: string) => {
    const key = await keys.signingKey('ada')
    const input = `${key.headerSegment}.${Buffer.from(payload).toString('base64url')}`
    return `${input}.${key.sign(input)}`
  }
  const refusalOf = async (payload: string) => {
    const token = await sign(payload)
    try {
      return await latchkey.verify(token)
    } catch (error) {
      return error
    }
  }

  it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti'])('names the one that is missing: %s', async (name) => {
    const { [name]: _, ...others } = await good()
    const error = await refusalOf(JSON.stringify(others))
    expect(error).toMatchObject({ code: 'claim_missing', message: expect.stringMatching(new RegExp(`: ${name}\\.$`)) })
    expect(error).toMatchObject({ headers: { 'WWW-Authenticate': expect.stringContaining(`: ${name}."`) } })
  })

  it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'nbf', 'sid'])(
    'names the one that is invalid: %s',
    async (name) => {
      const error = await refusalOf(JSON.stringify({ ...(await good()), [name]: false }))
      expect(error).toMatchObject({
        code: 'claim_invalid',
        message: expect.stringMatching(new RegExp(`: ${name}\\.$`)),
      })
    },
  )

  it('names exp if the lifetime is longer than the keys allow, and no value', async () => {
    const { iat, ...others } = await good()
    const error = await refusalOf(JSON.stringify({ ...others, iat, exp: iat + 31_536_001 }))
    expect(error).toMatchObject({ code: 'claim_invalid', message: expect.stringMatching(/: exp\.$/) })
    expect(String(error)).not.toMatch(/\d/)
  })

  it('has a code for claims nested deeper than the stack, in lists and in objects', async () => {
    const text = JSON.stringify({ ...(await good()), deep: 'DEEP' })
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`
      expect(await refusalOf(text.replace('"DEEP"', deep))).toMatchObject({ code: 'token_malformed' })
    }
  })
})
