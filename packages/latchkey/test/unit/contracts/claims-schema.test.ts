import { createHmac } from 'node:crypto'
import { type } from 'arktype'
import fc from 'fast-check'
import { jwtVerify, SignJWT } from 'jose'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  type ClaimsResult,
  type ClaimsSchema,
  createLatchkey,
  isLatchkeyError,
  type KeySource,
  keyPair,
  LatchkeyError,
  type LatchkeyOptions,
  remoteJwks,
  sharedSecret,
  tenantSecrets,
} from '../../../src/index.js'
import { josePair } from '../../../src/interop/index.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createTestLatchkey } from '../../../src/testing/index.js'
import { generatePair } from '../../support/generate-pair.js'
import { createKey, startIssuer } from '../../support/issuer.js'
import { decode, signOld, switched } from '../../support/legacy.js'
import { masterKeys, outcomeOf, setUp } from '../../support/setup.js'

interface Input {
  readonly plan: 'free' | 'pro'
  readonly since: string
  readonly seats?: readonly { readonly name: string }[] | undefined
  readonly locale?: string | undefined
}

interface Output {
  readonly plan: 'free' | 'pro'
  readonly since: Date
  readonly seats?: readonly { readonly name: string }[] | undefined
  readonly locale: string
}

/** The same schema in each library: it removes unknown claims, transforms one and completes one. */
const schemas: readonly [library: string, schema: ClaimsSchema<Input, Output>][] = [
  [
    'Zod',
    z.object({
      plan: z.enum(['free', 'pro']),
      since: z.iso.datetime().transform((text) => new Date(text)),
      seats: z.array(z.object({ name: z.string() })).optional(),
      locale: z.string().default('en'),
    }),
  ],
  [
    'Valibot',
    v.object({
      plan: v.picklist(['free', 'pro']),
      since: v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => new Date(text)),
      ),
      seats: v.optional(v.array(v.object({ name: v.string() }))),
      locale: v.optional(v.string(), 'en'),
    }),
  ],
  [
    'ArkType',
    type({
      '+': 'delete',
      plan: "'free' | 'pro'",
      since: 'string.date.iso.parse',
      'seats?': type({ '+': 'delete', name: 'string' }).array(),
      locale: "string = 'en'",
    }),
  ],
]

const newYear = '2026-01-01T00:00:00.000Z'
const valid: Input = { plan: 'pro', since: newYear }
const secret = Buffer.alloc(32, 7)

function create<C extends object, In extends object>(
  claims: ClaimsSchema<In, C>,
  { keys = sharedSecret({ secrets: [secret] }), ...options }: Partial<LatchkeyOptions> = {},
) {
  const common = { issuer: 'https://issuer.test', audience: 'test', keys, ...options }
  return {
    latchkey: createLatchkey({ ...common, claims }),
    /** The same application before it had a schema. */
    before: createLatchkey(common),
  }
}

/** A schema that returns what the function returns. */
function schemaOf(validate: (claims: Record<string, unknown>) => unknown): ClaimsSchema<object, object> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => validate(value as Record<string, unknown>) as ClaimsResult<object>,
    },
  }
}

/** Counts the calls of a schema. */
function counted<In extends object, Out extends object>(schema: ClaimsSchema<In, Out>) {
  const count = { calls: 0 }
  const counting: ClaimsSchema<In, Out> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        count.calls += 1
        return schema['~standard'].validate(value)
      },
    },
  }
  return { schema: counting, count }
}

async function errorOf(call: () => unknown): Promise<Error> {
  try {
    await call()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('The call did not fail.')
}

/** Signs a payload with the shared secret, which its holder can do for any claims. */
function forge(token: string, claims: string): string {
  const [header] = token.split('.')
  const payload = JSON.stringify(decode(token, 1)).replace(/}$/, `,${claims}}`)
  const input = `${header}.${Buffer.from(payload).toString('base64url')}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

describe.each(schemas)('claims with a schema of %s', (_, schema) => {
  it('are signed as they were given, and returned as the schema returns them', async () => {
    const { latchkey } = create(schema)
    const claims = { ...valid, seats: [{ name: 'Ada' }], unknown: true }
    const { token, tokenId } = await latchkey.issue({ subject: 'ada', claims })
    expect(decode(token, 1)).toMatchObject(claims)
    expect(decode(token, 1)).not.toHaveProperty('locale')
    const auth = await latchkey.verify(token)
    expect(auth).toMatchObject({ subject: 'ada', tokenId })
    const { iss, sub, aud, exp, iat, jti, sid, ...own } = auth.claims
    expect(own).toEqual({ plan: 'pro', since: new Date(newYear), seats: [{ name: 'Ada' }], locale: 'en' })
    expect({ iss, sub, aud, jti, sid }).toEqual({
      iss: 'https://issuer.test',
      sub: 'ada',
      aud: 'test',
      jti: tokenId,
      sid: auth.sessionId,
    })
    expect([exp, iat]).toEqual([auth.expiresAt, auth.issuedAt])
  })

  it('are what the schema returns for any input that it takes', async () => {
    const { latchkey } = create(schema)
    const inputs: fc.Arbitrary<Input> = fc.record(
      {
        plan: fc.constantFrom('free', 'pro'),
        since: fc
          .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
          .map((date) => date.toISOString()),
        seats: fc.array(fc.record({ name: fc.string({ unit: 'binary' }) }), { maxLength: 3 }),
        locale: fc.string({ unit: 'binary' }),
      },
      { requiredKeys: ['plan', 'since'] },
    )
    await fc.assert(
      fc.asyncProperty(inputs, async (claims) => {
        const { token } = await latchkey.issue({ subject: 'ada', claims })
        const verified = await latchkey.verify(token)
        const expected = (await schema['~standard'].validate(JSON.parse(JSON.stringify(claims)))) as { value: Output }
        expect(verified.claims).toMatchObject(expected.value)
        expect(Object.keys(verified.claims).length).toBe(7 + Object.keys(expected.value).length)
      }),
      { numRuns: 100 },
    )
  })

  const refused: readonly [what: string, claims: object | undefined, path: string][] = [
    ['a wrong value', { ...valid, plan: 'a-secret-plan' }, 'plan'],
    ['a missing claim', { since: newYear }, 'plan'],
    ['no claims', undefined, '(plan|since)'],
    ['a text that cannot be transformed', { ...valid, since: 'a-secret-date' }, 'since'],
    ['a wrong value in a list', { ...valid, seats: [{ name: 'Ada' }, { name: 7 }] }, 'seats\\[1\\]\\.name'],
  ]

  it.each(refused)('are not issued with %s', async (_case, claims, path) => {
    const { latchkey } = create(schema)
    // A caller without types.
    const request = { subject: 'ada', ...(claims !== undefined && { claims }) } as never
    const error = await errorOf(() => latchkey.issue(request))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(new RegExp(`^claims\\.${path} `))
    expect(error.message).not.toContain('a-secret')
    expect(error).not.toHaveProperty('cause')
  })

  it.each(refused)('refuse a token that was signed before the schema, with %s', async (_case, claims, path) => {
    const { latchkey, before } = create(schema)
    const { token } = await before.issue({ subject: 'ada', claims: claims ?? {} })
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error = await errorOf(() => latchkey.verify(token))
      expect(error).toMatchObject({ code: 'claims_mismatch', status: 401 })
      expect(error.message).toMatch(new RegExp(`: ${path}\\.$`))
      expect(JSON.stringify([error.message, error])).not.toContain('a-secret')
    }
    expect(await before.verify(token)).toMatchObject({ subject: 'ada' })
  })

  it('are read once for a token that is verified again', async () => {
    const { schema: counting, count } = counted(schema)
    const { latchkey, before } = create(counting)
    const { token } = await before.issue({ subject: 'ada', claims: valid })
    const first = latchkey.verify(token)
    expect(latchkey.verify(token)).toBe(first)
    expect(count.calls).toBe(1)
    expect((await first).claims.since).toEqual(new Date(newYear))
  })

  it('can be changed by no caller', async () => {
    const { latchkey } = create(schema)
    const claims = { ...valid, seats: [{ name: 'Ada' }] }
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'ada', claims })).token)
    expect(() => Object.assign(auth.claims, { plan: 'free' })).toThrow(TypeError)
    expect(() => Object.assign(auth.claims.seats ?? [], { 0: 'Bob' })).toThrow(TypeError)
    expect(() => Object.assign(auth.claims.seats?.[0] ?? {}, { name: 'Bob' })).toThrow(TypeError)
  })
})

describe('a schema of claims', () => {
  const [[, zodSchema]] = schemas as readonly [(typeof schemas)[number]]
  const { privateKey } = generatePair('ec', { namedCurve: 'P-256' })

  const sources: readonly [name: string, create: () => KeySource][] = [
    ['sharedSecret', () => sharedSecret({ secrets: [secret] })],
    ['keyPair', () => keyPair({ keys: [{ kid: 'k', alg: 'ES256', privateKey }] })],
    ['tenantSecrets', () => tenantSecrets({ store: memoryStore(), masterKeys })],
  ]

  it.each(sources)('holds for tokens of %s', async (_, createKeys) => {
    const { latchkey, before } = create(zodSchema, { keys: createKeys() })
    const { token } = await latchkey.issue({ subject: 'ada', claims: valid })
    expect((await latchkey.verify(token)).claims.since).toEqual(new Date(newYear))
    const old = await before.issue({ subject: 'ada', claims: { plan: 'gold' } })
    expect(await outcomeOf(() => latchkey.verify(old.token))).toBe('claims_mismatch')
    await latchkey.close()
  })

  it('holds for tokens of another issuer', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('k')
    state.jwks = { keys: [key.jwk] }
    const { latchkey } = create(zodSchema, { keys: remoteJwks(url) })
    const sign = (claims: Record<string, unknown>) =>
      new SignJWT({ jti: 'one', ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })
        .setIssuer('https://issuer.test')
        .setAudience('test')
        .setSubject('ada')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(key.privateKey)
    const { claims } = await latchkey.verify(await sign({ ...valid, azp: 'app' }))
    expect(claims).toMatchObject({ plan: 'pro', since: new Date(newYear), locale: 'en' })
    expect(await outcomeOf(async () => latchkey.verify(await sign({ plan: 'gold' })))).toBe('claims_mismatch')
    await latchkey.close()
  })

  it('holds for legacy tokens', async () => {
    const world = switched({ latchkey: { claims: zodSchema } })
    const { claims } = await world.latchkey.verify(signOld(world, { ...valid }))
    expect(claims).toMatchObject({ sub: 'alice', plan: 'pro', since: new Date(newYear), locale: 'en' })
    expect(claims).not.toHaveProperty('userId')
    expect(await outcomeOf(() => world.latchkey.verify(signOld(world, { plan: 'gold' })))).toBe('claims_mismatch')
  })

  it('receives no registered claim, so that a strict one needs none of them', async () => {
    const { latchkey, before } = create(z.strictObject({ plan: z.string() }))
    const { token } = await latchkey.issue({ subject: 'ada', claims: { plan: 'pro' } })
    expect((await latchkey.verify(token)).claims).toMatchObject({ sub: 'ada', plan: 'pro' })
    const wider = await before.issue({ subject: 'ada', claims: { plan: 'pro', scope: 'read' } })
    expect(await outcomeOf(() => latchkey.verify(wider.token))).toBe('claims_mismatch')
  })

  it.each<[where: string, keys: () => KeySource]>([
    ['sharedSecret', () => sharedSecret({ secrets: [secret] })],
    ['tenantSecrets', () => tenantSecrets({ store: memoryStore(), masterKeys })],
  ])('conveys no right with %s, whatever it returns', async (_, createKeys) => {
    const admin = { roles: ['admin'], scope: 'everything' }
    const schema = schemaOf((claims) => {
      const { roles } = claims
      if (Array.isArray(roles)) roles.push('admin')
      return { value: Object.assign(claims, admin) }
    })
    const { latchkey, before } = create(schema, { keys: createKeys() })
    for (const [issuer, claims] of [
      [latchkey, {}],
      [before, { roles: ['reader'] }],
    ] as const) {
      const { token } = await issuer.issue({ subject: 'ada', claims })
      const auth = await latchkey.verify(token)
      expect(auth.claims).toMatchObject(admin)
      expect(auth.grants.roles).not.toContain('admin')
      expect(auth.grants.scope).toBe('')
    }
  })

  it('changes no signed claim by changing its input', async () => {
    const schema = schemaOf((claims) => {
      claims.plan = 'changed'
      delete claims.locale
      Object.assign(claims.seats as object, { most: 9 })
      return { value: claims }
    })
    const { latchkey, before } = create(schema)
    const claims = { plan: 'pro', locale: 'de', seats: { most: 1 } }
    const { token } = await latchkey.issue({ subject: 'ada', claims })
    expect(claims).toEqual({ plan: 'pro', locale: 'de', seats: { most: 1 } })
    expect((await before.verify(token)).claims).toMatchObject(claims)
    const read = (await latchkey.verify(token)).claims
    expect(read).toMatchObject({ sub: 'ada', plan: 'changed', seats: { most: 9 } })
    expect(read).not.toHaveProperty('locale')
  })

  it('accepts nothing when it throws, and its error is the cause', async () => {
    const mistake = new Error('a mistake of the schema')
    const { latchkey, before } = create(
      schemaOf(() => {
        throw mistake
      }),
    )
    const { token } = await before.issue({ subject: 'ada' })
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error = await errorOf(() => latchkey.verify(token))
      expect(error).toMatchObject({ code: 'claims_schema_failed', status: 500, cause: mistake })
      expect(isLatchkeyError(error)).toBe(true)
      expect(error.message).not.toContain('mistake')
    }
    expect(await errorOf(() => latchkey.issue({ subject: 'ada' }))).toBe(mistake)
  })

  it('decides on no status by a LatchkeyError that it throws', async () => {
    const { latchkey, before } = create(
      schemaOf(() => {
        throw new LatchkeyError('token_expired')
      }),
    )
    const { token } = await before.issue({ subject: 'ada' })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('claims_schema_failed')
  })

  it.each<[library: string, schema: ClaimsSchema]>([
    ['Zod', z.object({ plan: z.string().refine(async () => true) })],
    ['Valibot', v.objectAsync({ plan: v.string() })],
    ['none', schemaOf(async ({ plan }) => ({ value: { plan } }))],
    ['none, whose promise is rejected', schemaOf(() => Promise.reject(new Error('too late')))],
  ])('is refused if it is asynchronous: one of %s', async (_, schema) => {
    const { latchkey, before } = create(schema)
    const issue = await errorOf(() => latchkey.issue({ subject: 'ada', claims: { plan: 'pro' } }))
    expect(issue).toBeInstanceOf(TypeError)
    expect(issue.message).toMatch(/asynchronous/)
    const { token } = await before.issue({ subject: 'ada', claims: { plan: 'pro' } })
    const verify = await errorOf(() => latchkey.verify(token))
    expect(verify).toMatchObject({ code: 'claims_schema_failed', status: 500, cause: expect.any(TypeError) })
    expect((verify.cause as Error).message).toMatch(/asynchronous/)
  })

  class Plan {
    readonly plan = 'pro'
  }
  it.each<[what: string, result: unknown]>([
    ['a text', { value: 'pro' }],
    ['a list', { value: ['pro'] }],
    ['null', { value: null }],
    ['an instance of a class', { value: new Plan() }],
    ['a map', { value: new Map() }],
    ['a registered claim', { value: { sub: 'root' } }],
    ['the session, which the token may lack', { value: { sid: 'other' } }],
    ['no value', {}],
    ['no result', undefined],
    ['null as its result', null],
    ['true as its result', true],
    ['issues that are no list', { issues: {} }],
    ['a value beside issues that are no list', { value: { plan: 'pro' }, issues: true }],
    ['an issue with a part of a path that is null', { issues: [{ message: 'x', path: [null] }] }],
  ])('accepts nothing when it returns %s', async (_, result) => {
    const { latchkey, before } = create(schemaOf(() => result))
    const { token } = await before.issue({ subject: 'ada' })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('claims_schema_failed')
    expect(await errorOf(() => latchkey.issue({ subject: 'ada' }))).toBeInstanceOf(TypeError)
  })

  it.each<[what: string, issues: unknown]>([
    ['no issue in its list', []],
    ['an issue without a path', [{ message: 'x' }]],
    ['an issue with an empty path', [{ message: 'x', path: [] }]],
    ['an issue whose path is no list', [{ message: 'x', path: 7 }]],
  ])('refuses with %s', async (_, issues) => {
    const { latchkey, before } = create(schemaOf(() => ({ issues, value: { plan: 'pro' } })))
    const { token } = await before.issue({ subject: 'ada' })
    expect(await errorOf(() => latchkey.verify(token))).toMatchObject({
      code: 'claims_mismatch',
      message: 'The claims of the token do not match the schema of this API.',
    })
    expect((await errorOf(() => latchkey.issue({ subject: 'ada' }))).message).toMatch(/^claims does not match/)
  })

  it.each([
    '"__proto__":{"admin":true}',
    '"\\u005f_proto__":{"admin":true}',
    '"nested":{"list":[{"__proto__":{"admin":true}}]}',
    '"toJSON":"x"',
    '"limit":1e999',
  ])('is not called for %s, which issue would refuse', async (claims) => {
    const { schema, count } = counted(z.looseObject({}))
    const { latchkey, before } = create(schema)
    const { token } = await before.issue({ subject: 'ada' })
    const error = await errorOf(() => latchkey.verify(forge(token, claims)))
    expect(error).toMatchObject({ code: 'claims_mismatch', status: 401 })
    expect(count.calls).toBe(0)
    expect({}).not.toHaveProperty('admin')
  })

  // Valibot leaves out some of these names.
  it.each(['constructor', 'prototype', 'hasOwnProperty', 'then', 'length', '~standard'])(
    'changes no object by a claim with the name %s',
    async (name) => {
      for (const schema of [z.looseObject({}), v.looseObject({}), type('object')]) {
        const { latchkey } = create(schema as ClaimsSchema<object, object>)
        const claims = { [name]: { prototype: { admin: true } }, plan: 'pro' }
        const { token } = await latchkey.issue({ subject: 'ada', claims })
        const read = (await latchkey.verify(token)).claims
        expect(read).toMatchObject({ sub: 'ada', plan: 'pro' })
        expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
        for (const object of [read, {}, []]) expect(object).not.toHaveProperty('admin')
      }
    },
  )

  it.each([
    ['a line break', 'a"\\r\\nSet-Cookie: x'],
    ['a quote', 'a\\"b'],
    ['a letter beyond ASCII', 'ä'],
    ['1,000 characters', 'x'.repeat(1000)],
  ])('writes no name with %s into the challenge', async (_, name) => {
    const { latchkey, before } = create(z.object({ seats: z.record(z.string(), z.number()) }))
    const claims = JSON.parse(`{"seats":{"${name.replace('a"', 'a\\"')}":"x"}}`)
    const { token } = await before.issue({ subject: 'ada', claims })
    const error = await errorOf(() => latchkey.verify(token))
    expect(error.message).toMatch(/: seats\.$/)
    const { headers } = error as Error & { headers: Record<string, string> }
    expect(headers['WWW-Authenticate']).toMatch(/^Bearer error="invalid_token", error_description="[^"\\]{1,200}"$/)
    expect(new Headers(headers).get('www-authenticate')).not.toBeNull()
  })

  it('ends a long path', async () => {
    const path = Array.from({ length: 1000 }, (_, index) => `name-${index}`)
    const { latchkey, before } = create(schemaOf(() => ({ issues: [{ message: 'x', path }] })))
    const { token } = await before.issue({ subject: 'ada' })
    expect((await errorOf(() => latchkey.verify(token))).message.length).toBeLessThan(200)
  })

  it('is not asked about a token that is refused anyway', async () => {
    const { schema, count } = counted(zodSchema)
    const { latchkey, keys } = setUp({ latchkey: { claims: schema } })
    const { token } = await latchkey.issue({ subject: 'ada', claims: valid })
    await keys.revoke('ada')
    count.calls = 0
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    expect(count.calls).toBe(0)
  })

  it('is called before the freshness of the tenant is judged for the last time (C4)', async () => {
    let suspendedMs = 0
    const { latchkey, clock, store } = setUp({
      latchkey: {
        claims: schemaOf((claims) => {
          clock.advance(suspendedMs)
          suspendedMs = 0
          return { value: claims }
        }),
      },
    })
    const { token } = await latchkey.issue({ subject: 'ada' })
    let reads = 0
    const readByKid = store.readByKid.bind(store)
    store.readByKid = (kids) => {
      reads += 1
      return readByKid(kids)
    }
    suspendedMs = 60_000
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    expect(reads).toBe(1)
  })

  it('may return dates and bytes, which are not frozen', async () => {
    const schema = schemaOf(() => ({ value: { since: new Date(0), key: new Uint8Array(2), list: [{ a: 1 }] } }))
    const { latchkey } = create(schema)
    const { claims } = await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)
    expect(claims).toMatchObject({ since: new Date(0), key: new Uint8Array(2) })
    expect(Object.isFrozen(claims)).toBe(true)
  })

  it('may return objects that refer to each other', async () => {
    const plan: Record<string, unknown> = { name: 'pro' }
    plan.self = plan
    const { latchkey } = create(schemaOf(() => ({ value: { plan } })))
    expect(await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)).toMatchObject({ claims: { plan } })
  })

  it.each<[what: string, claims: unknown]>([
    ['null', null],
    ['a text', 'plan'],
    ['a plain object', { plan: 'string' }],
    ['another version', { '~standard': { version: 2, vendor: 'test', validate: () => ({ value: {} }) } }],
    ['no function', { '~standard': { version: 1, vendor: 'test' } }],
    ['a function', (claims: object) => claims],
  ])('is a TypeError when the Latchkey is created with %s', (_, claims) => {
    const keys = sharedSecret({ secrets: [secret] })
    const options = { issuer: 'https://issuer.test', audience: 'test', keys, claims } as never
    expect(() => createLatchkey(options)).toThrow(TypeError)
    expect(() => createLatchkey(options)).toThrow(/^claims /)
  })

  it('is that of createTestLatchkey too', async () => {
    const { latchkey, tokenFor } = createTestLatchkey({ claims: zodSchema })
    const { claims } = await latchkey.verify(await tokenFor('ada', { claims: valid }))
    expect(claims.since).toEqual(new Date(newYear))
    await expect(tokenFor('ada')).rejects.toThrow(/^claims\.plan /)
    await latchkey.close()
  })

  it('returns its claims behind another library as well, and no token passes for another', async () => {
    const keys = tenantSecrets({ store: memoryStore(), masterKeys })
    const { latchkey } = create(zodSchema, { keys })
    const { key, options, check } = josePair(latchkey, keys)
    const [one, other] = await Promise.all(
      ['ada', 'bob'].map(async (subject) => (await latchkey.issue({ subject, claims: valid })).token),
    )
    const { payload } = await check(one ?? '', jwtVerify(one ?? '', key, options))
    expect(payload).toMatchObject({ sub: 'ada', since: new Date(newYear), locale: 'en', roles: [] })
    await expect(check(other ?? '', jwtVerify(one ?? '', key, options))).rejects.toThrow(TypeError)
    await latchkey.close()
  })
})
