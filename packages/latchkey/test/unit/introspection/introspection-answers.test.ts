import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claims } from '../../../src/claims/check-claims.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { parseAnswer } from '../../../src/introspection/introspection-answer.js'
import { respond, startIssuer } from '../../support/introspection-endpoint.js'
import { outcomeOf } from '../../support/setup.js'

const claimed: Claims = {
  iss: 'https://issuer.test',
  sub: 'alice',
  aud: 'test',
  exp: 2_000_000_000,
  iat: 1_999_999_000,
  jti: 'token-1',
  sid: 'session-1',
  client_id: 'alice',
}
const truthful = { active: true, client_id: 'alice', ...claimed, token_type: 'Bearer', scope: 'a b', roles: ['r'] }
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('the answer to an introspection', () => {
  it.each<[what: string, answer: unknown]>([
    ['an empty body', ''],
    ['text', 'active'],
    ['a list', [truthful]],
    ['null', null],
    ['true', true],
    ['a list in place of true', { ...truthful, active: [true] }],
    ['"active": "true"', { ...truthful, active: 'true' }],
    ['"active": 1', { ...truthful, active: 1 }],
    ['"active": null', { ...truthful, active: null }],
    ['no "active"', { ...truthful, active: undefined }],
    ['"Active"', { ...truthful, active: undefined, Active: true }],
    ['an active prototype', '{"__proto__":{"active":true},"sub":"alice"}'],
    ['a prototype beside its members', JSON.stringify(truthful).replace('{', '{"__proto__":{"admin":true},')],
    ['two members "active"', JSON.stringify(truthful).replace('{', '{"active":false,')],
    ['two members "sub", one of them escaped', JSON.stringify(truthful).replace('{', '{"s\\u0075b":"bob",')],
    ['no issuer', { ...truthful, iss: undefined }],
    ['no subject', { ...truthful, sub: undefined }],
    ['no audience', { ...truthful, aud: undefined }],
    ['an empty audience', { ...truthful, aud: [] }],
    ['no expiry', { ...truthful, exp: undefined }],
    ['an infinite expiry', JSON.stringify(truthful).replace('2000000000', '1e999')],
    ['an expiry in milliseconds', { ...truthful, exp: 2e15 }],
    ['an expiry as a text', { ...truthful, exp: '2000000000' }],
    ['no time of issue', { ...truthful, iat: undefined }],
    ['a subject that is a list', { ...truthful, sub: ['alice'] }],
    ['a subject that is a number', { ...truthful, sub: 1 }],
    ['a session that is an object', { ...truthful, sid: { toString: 'session-1' } }],
    ['an ID that is null', { ...truthful, jti: null }],
    ['deep nesting', JSON.stringify(truthful).replace('{', `{"deep":${'['.repeat(5000)}${']'.repeat(5000)},`)],
    ['bytes that are no UTF-8', Buffer.concat([bytes(truthful), Buffer.from([0xff])])],
    ['something after the object', `${JSON.stringify(truthful)}x`],
  ])('is unusable: %s', (_, answer) => {
    const body = Buffer.isBuffer(answer) ? answer : bytes(answer)
    let failure: unknown
    try {
      parseAnswer(body, claimed)
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(Error)
    expect(isLatchkeyError(failure), 'an unusable answer is no verdict on the token').toBe(false)
    expect(String(failure)).not.toContain('alice')
  })

  it.each<[claim: string, answer: object]>([
    ['iss', { iss: 'https://other.test' }],
    ['sub', { sub: 'bob' }],
    ['sub', { sub: 'Alice' }],
    ['aud', { aud: 'other' }],
    ['aud', { aud: ['test', 'other'] }],
    ['exp', { exp: claimed.exp + 1 }],
    ['exp', { exp: claimed.exp - 1 }],
    ['iat', { iat: claimed.iat + 1 }],
    ['jti', { jti: 'token-2' }],
    ['sid', { sid: 'session-2' }],
    ['client_id', { client_id: 'other' }],
    ['client_id', { client_id: ['alice'] }],
  ])('is refused if it describes another token, by %s', (claim, change) => {
    const parse = () => parseAnswer(bytes({ ...truthful, ...change }), claimed)
    expect(parse).toThrow(
      expect.objectContaining({
        code: 'introspection_mismatch',
        status: 401,
        cause: expect.objectContaining({ message: expect.stringContaining(`"${claim}"`) }),
      }),
    )
  })

  it.each(['DPoP', 'mac', 'N_A', '', ['Bearer'], { toString: 1 }, null])(
    'is refused if the token is no bearer token: %j',
    (tokenType) => {
      const parse = () => parseAnswer(bytes({ ...truthful, token_type: tokenType }), claimed)
      expect(parse).toThrow(expect.objectContaining({ code: 'type_mismatch' }))
    },
  )

  it('may leave out the ID, the session and the client, and add others', () => {
    const { jti: _, sid: __, client_id: ___, token_type: ____, ...least } = truthful
    expect(parseAnswer(bytes(least), claimed)?.claims).toEqual({
      iss: claimed.iss,
      sub: 'alice',
      aud: 'test',
      exp: claimed.exp,
      iat: claimed.iat,
      jti: 'token-1',
      scope: 'a b',
      roles: ['r'],
    })
    const { sid: _____, client_id: ______, ...bare } = claimed
    expect(parseAnswer(bytes({ ...truthful, username: 'Ada' }), bare)?.claims).toMatchObject({
      sid: 'session-1',
      client_id: 'alice',
      username: 'Ada',
    })
  })

  it('may write the audience as a list, in any order', () => {
    expect(parseAnswer(bytes({ ...truthful, aud: ['test'] }), claimed)?.claims.sub).toBe('alice')
    const several = { ...claimed, aud: ['test', 'other'] }
    expect(parseAnswer(bytes({ ...truthful, aud: ['other', 'test'] }), several)?.claims.sub).toBe('alice')
  })

  it.each<[grants: object, roles: readonly string[], scope: string]>([
    [{ roles: 'admin' }, [], 'a b'],
    [{ roles: [1, 'r'] }, [], 'a b'],
    [{ roles: { 0: 'admin', length: 1 } }, [], 'a b'],
    [{ scope: ['all'] }, ['r'], ''],
    [{ scope: null }, ['r'], ''],
  ])('grants nothing by a member of the wrong type: %j', (change, roles, scope) => {
    expect(parseAnswer(bytes({ ...truthful, ...change }), claimed)?.grants).toEqual({ roles, scope })
  })

  it('is a refusal with any members beside "active": false', () => {
    expect(parseAnswer(bytes({ active: false }), claimed)).toBeUndefined()
    expect(parseAnswer(bytes({ ...truthful, active: false }), claimed)).toBeUndefined()
  })

  const names = [
    'active',
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'jti',
    'nbf',
    'sid',
    'client_id',
    'token_type',
    'roles',
    'scope',
  ]
  const hostile = fc.oneof(
    fc.json(),
    fc
      .dictionary(fc.constantFrom(...names, '__proto__', 'constructor', 'toString'), fc.jsonValue(), {
        noNullPrototype: true,
      })
      .map((members) => JSON.stringify({ ...truthful, ...members })),
    fc.subarray(Object.entries(truthful)).map((members) => JSON.stringify(Object.fromEntries(members))),
    fc.uint8Array().map((body) => Buffer.from(body).toString('latin1')),
  )

  it('is accepted only if it is active and about this token, whatever is in it (property)', () => {
    fc.assert(
      fc.property(hostile, (answer) => {
        let described: ReturnType<typeof parseAnswer>
        try {
          described = parseAnswer(Buffer.from(answer), claimed)
        } catch {
          return
        }
        const { active, ...parsed } = JSON.parse(answer)
        if (described === undefined) {
          expect(active).toBe(false)
          return
        }
        expect(active).toBe(true)
        expect(described.claims).toMatchObject({
          iss: claimed.iss,
          sub: claimed.sub,
          exp: claimed.exp,
          iat: claimed.iat,
          jti: claimed.jti,
        })
        expect([described.claims.aud].flat()).toEqual(['test'])
        expect(Object.keys(parsed)).toEqual(expect.arrayContaining(['iss', 'sub', 'aud', 'exp', 'iat']))
        expect(Object.getPrototypeOf(described.claims)).toBe(Object.prototype)
        expect(described.grants.roles.every((role) => typeof role === 'string')).toBe(true)
        expect(typeof described.grants.scope).toBe('string')
        expect(Object.isFrozen(described.claims)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a response of the endpoint', () => {
  it('about another token is refused, is not kept, and affects no other token', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier()
    const [token, other] = [await world.issue(), await world.issue({ subject: 'bob' })]
    world.edit = (answer) => ({ ...answer, sub: 'bob' })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('introspection_mismatch')
    expect(await latchkey.verify(other)).toMatchObject({ subject: 'bob' })
    world.edit = (answer) => answer
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON ;charset=UTF-8'])(
    'has the content type %s',
    async (type) => {
      const world = await startIssuer()
      const token = await world.issue()
      const [, payload = ''] = token.split('.')
      const body = { active: true, ...JSON.parse(Buffer.from(payload, 'base64url').toString()) }
      world.answer = (_, response) => response.setHeader('content-type', type).end(JSON.stringify(body))
      expect(await world.verifier().verify(token)).toMatchObject({ subject: 'alice' })
    },
  )

  it('may be compressed', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier()
    world.answer = (_, response) => {
      response.setHeader('content-encoding', 'gzip').setHeader('content-type', 'application/json')
      response.end(gzipSync('{"active":false}'))
    }
    expect(await outcomeOf(async () => latchkey.verify(await world.issue()))).toBe('token_inactive')
  })

  it('is an acceptance only with status 200', async () => {
    const world = await startIssuer()
    const token = await world.issue()
    const [, payload = ''] = token.split('.')
    const body = { active: true, ...JSON.parse(Buffer.from(payload, 'base64url').toString()) }
    for (const status of [201, 203, 206, 400, 404, 500]) {
      world.answer = (_, response) => {
        response.statusCode = status
        respond(response, body)
      }
      expect([status, await outcomeOf(() => world.verifier().verify(token))]).toEqual([
        status,
        'introspection_unavailable',
      ])
    }
    world.answer = (_, response) => respond(response, body)
    expect(await world.verifier().verify(token)).toMatchObject({ subject: 'alice' })
  })
})
