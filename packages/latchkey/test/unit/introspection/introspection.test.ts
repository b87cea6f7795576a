import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { josePair } from '../../../src/interop/index.js'
import { introspection } from '../../../src/introspection/index.js'
import { encodeBase64url } from '../../../src/jws/base64url.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { audience, client, issuer, respond, startIssuer, type World } from '../../support/introspection-endpoint.js'
import { outcomeOf } from '../../support/setup.js'

describe('a token that the issuer is asked about', () => {
  it('is accepted with the claims and the grants of the answer', async () => {
    const world = await startIssuer()
    const token = await world.issue({ sessionId: 'session-1', claims: { plan: 'free', scope: 'all', only: 'token' } })
    world.edit = ({ only: _, ...answer }) => ({ ...answer, roles: ['editor'], scope: 'posts:write', plan: 'pro' })
    const auth = await world.verifier().verify(token)
    expect(auth).toMatchObject({
      subject: 'alice',
      sessionId: 'session-1',
      grants: { roles: ['editor'], scope: 'posts:write' },
      claims: { iss: issuer, aud: audience, sub: 'alice', plan: 'pro' },
    })
    expect(auth.kid).not.toBe('')
    for (const name of ['active', 'token_type', 'only']) expect(auth.claims).not.toHaveProperty(name)
    expect([Object.isFrozen(auth.claims), Object.isFrozen(auth.grants.roles)]).toEqual([true, true])
  })

  it('has the rights of the answer alone, whatever the token claims', async () => {
    const world = await startIssuer()
    world.edit = ({ roles: _, scope: __, ...answer }) => answer
    const token = await world.issue({ claims: { roles: ['admin'], scope: 'everything' } })
    expect((await world.verifier().verify(token)).grants).toEqual({ roles: [], scope: '' })
  })

  it('is sent as a form, with the client by HTTP Basic, both values form-encoded', async () => {
    const world = await startIssuer()
    const token = await world.issue()
    await world.verifier().verify(token)
    const [request] = world.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/oauth/introspect',
      headers: {
        accept: 'application/json',
        'content-type': expect.stringMatching(/^application\/x-www-form-urlencoded/),
        authorization: `Basic ${Buffer.from('my+api:a%3Ab+c%2Bd%25%C3%A9').toString('base64')}`,
      },
    })
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token, token_type_hint: 'access_token' })
  })

  it('is sent with a bearer token in place of a client', async () => {
    const world = await startIssuer()
    const keys = introspection({ url: world.url, token: 'abc.DEF-_~+/09==', clock: world.clock })
    const latchkey = createLatchkey({ issuer, audience, keys, clock: world.clock })
    await latchkey.verify(await world.issue())
    expect(world.requests[0]?.headers.authorization).toBe('Bearer abc.DEF-_~+/09==')
    await latchkey.close()
  })

  it('is refused when the issuer states that it is not active', async () => {
    const world = await startIssuer()
    const token = await world.issue()
    world.ended.add(token)
    const latchkey = world.verifier()
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
    expect(world.requests).toHaveLength(1)
  })

  it('is refused when its signature is forged: the local checks accept nothing', async () => {
    const world = await startIssuer()
    const [header, payload] = (await world.issue()).split('.')
    const forged = `${header}.${payload}.${createHmac('sha256', 'wrong').update(`${header}.${payload}`).digest('base64url')}`
    expect(await outcomeOf(() => world.verifier().verify(forged))).toBe('token_inactive')
  })
})

describe('a token like one that was accepted a moment ago', () => {
  it.each([
    ['the cache of verified tokens', {}],
    ['the answers in memory', { tokenCache: false as const }],
  ])('is not found in %s by its header, its claims or its signature', async (_, options) => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 60_000 }, options)
    const [token, other] = [await world.issue({ claims: { n: 1 } }), await world.issue({ claims: { n: 2 } })]
    await latchkey.verify(token)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const [, otherPayload = '', otherSignature = ''] = other.split('.')
    for (const forged of [`${header}.${payload}.${otherSignature}`, `${header}.${otherPayload}.${signature}`]) {
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('token_inactive')
    }
    expect(latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })
})

describe('a token that no issuer could accept', () => {
  const part = (value: unknown) => encodeBase64url(JSON.stringify(value))
  const header = { alg: 'HS256', typ: 'at+jwt', kid: 'a' }
  const claims = (world: World) => {
    const nowSec = Math.floor(world.clock.now() / 1000)
    return { iss: issuer, sub: 'alice', aud: audience, exp: nowSec + 60, iat: nowSec, jti: 'x' }
  }
  type Case = [what: string, code: string, token: (world: World) => string]

  it.each<Case>([
    ['no JWS', 'token_malformed', () => 'opaque-token'],
    ['two parts', 'token_malformed', () => 'a.b'],
    ['five parts', 'token_malformed', () => 'a.b.c.d.e'],
    ['a header that is no JSON', 'token_malformed', (world) => `AAAA.${part(claims(world))}.AAAA`],
    ['a payload that is no JSON', 'token_malformed', () => `${part(header)}.AAAA.AAAA`],
    ['a payload that is a list', 'token_malformed', () => `${part(header)}.${part([])}.AAAA`],
    ['a signature with padding', 'token_malformed', (world) => `${part(header)}.${part(claims(world))}.AA==`],
    ['a signature with unused bits', 'token_malformed', (world) => `${part(header)}.${part(claims(world))}.AB`],
    ['no algorithm', 'algorithm_refused', (world) => `${part({ ...header, alg: 'none' })}.${part(claims(world))}.AAAA`],
    ['a key URL', 'header_refused', (world) => `${part({ ...header, jku: 'x' })}.${part(claims(world))}.AAAA`],
    ['another type', 'type_mismatch', (world) => `${part({ ...header, typ: 'JWT' })}.${part(claims(world))}.AAAA`],
    ['another issuer', 'issuer_mismatch', (world) => `${part(header)}.${part({ ...claims(world), iss: 'x' })}.AAAA`],
    [
      'another audience',
      'audience_mismatch',
      (world) => `${part(header)}.${part({ ...claims(world), aud: 'x' })}.AAAA`,
    ],
    ['a past', 'token_expired', (world) => `${part(header)}.${part({ ...claims(world), exp: 2, iat: 1 })}.AAAA`],
    ['a future', 'token_not_yet_valid', (world) => `${part(header)}.${part({ ...claims(world), nbf: 9e10 })}.AAAA`],
    [
      'a date 1e999',
      'claim_invalid',
      (world) => `${part(header)}.${encodeBase64url(JSON.stringify(claims(world)).replace(/\d{10}/, '1e999'))}.AAAA`,
    ],
    ['no subject', 'claim_missing', (world) => `${part(header)}.${part({ ...claims(world), sub: undefined })}.AAAA`],
    ['8 KiB', 'token_too_large', (world) => `${part(header)}.${part(claims(world))}.${'A'.repeat(8192)}`],
  ])('costs no request: it has %s', async (_, code, token) => {
    const world = await startIssuer()
    world.edit = () => ({ active: true, ...claims(world) })
    expect(await outcomeOf(() => world.verifier().verify(token(world)))).toBe(code)
    expect(world.requests).toEqual([])
  })

  it('costs no request: it lives longer than maxTokenTtl', async () => {
    const world = await startIssuer()
    const token = await world.issue({ expiresIn: 601 })
    expect(await outcomeOf(() => world.verifier({ maxTokenTtl: 600 }).verify(token))).toBe('claim_invalid')
    expect(world.requests).toEqual([])
    expect(await world.verifier({ maxTokenTtl: 601 }).verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('costs a request if it looks right, so that the cases above are refused for their reason', async () => {
    const world = await startIssuer()
    const token = `${part(header)}.${part(claims(world))}.AAAA`
    expect(await outcomeOf(() => world.verifier().verify(token))).toBe('token_inactive')
    expect(world.requests).toHaveLength(1)
  })
})

describe('an answer', () => {
  it('is used for cacheTtl from the start of its request, and no longer', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 2000 })
    const token = await world.issue()
    await latchkey.verify(token)
    world.ended.add(token)
    world.clock.advance(1999)
    expect(latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    world.clock.advance(1)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
    expect(world.requests).toHaveLength(2)
  })

  it.each([
    ['the cache of verified tokens', {}],
    ['the answers in memory', { tokenCache: false as const }],
  ])('is as fresh in %s', async (_, options) => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 500 }, options)
    const token = await world.issue()
    for (let count = 0; count < 5; count += 1) await latchkey.verify(token)
    expect(world.requests).toHaveLength(1)
    world.ended.add(token)
    // A machine that was suspended: the monotonic clock stood still.
    world.clock.step(500)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
  })

  it('ages while the issuer answers: a slow answer is not kept longer', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 500, timeout: 5000 })
    const token = await world.issue()
    world.edit = (answer) => {
      world.clock.advance(600)
      return answer
    }
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    world.ended.add(token)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
  })

  it('is used once with cacheTtl 0, also by verifications at the same moment', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 0 })
    const token = await world.issue()
    await Promise.all([latchkey.verify(token), latchkey.verify(token), latchkey.verify(token)])
    await latchkey.verify(token)
    expect(world.requests).toHaveLength(4)
    world.ended.add(token)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
  })

  it('is shared by all verifications that wait for it', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier()
    const [token, other] = [await world.issue(), await world.issue({ subject: 'bob' })]
    const waiting = Array.from({ length: 20 }, (_, index) => latchkey.verify(index % 2 === 0 ? token : other))
    const subjects = (await Promise.all(waiting)).map(({ subject }) => subject)
    expect(subjects).toEqual(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'alice' : 'bob')))
    expect(world.requests).toHaveLength(2)
  })

  it('is not shared with a verification that began cacheTtl after the request', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 100, timeout: 60_000 })
    const token = await world.issue()
    const held = holdAnswers(world)
    const first = outcomeOf(() => latchkey.verify(token))
    await expect.poll(() => held).toHaveLength(1)
    world.clock.advance(100)
    // The issuer has decided on the first request, and then the token ends.
    world.ended.add(token)
    const second = outcomeOf(() => latchkey.verify(token))
    await expect.poll(() => held).toHaveLength(2)
    held[1]?.({ active: false })
    expect(await second).toBe('token_inactive')
    held[0]?.('truth')
    expect(await first, 'a late answer reverses nothing').toBe('token_inactive')
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
    expect(world.requests).toHaveLength(2)
  })

  it('that is not active is kept for no longer than an active one', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 1000 })
    const token = await world.issue()
    world.ended.add(token)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_inactive')
    // A replica that had not seen the session yet.
    world.ended.delete(token)
    world.clock.advance(1000)
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('is refused once the token has expired, although the issuer still accepts it', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 60_000 }, { clockTolerance: 0 })
    const token = await world.issue({ expiresIn: 10 })
    await latchkey.verify(token)
    world.clock.advance(10_000)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_expired')
    expect(world.requests).toHaveLength(1)
  })

  it('is refused if the token expires while the issuer answers', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ timeout: 60_000 }, { clockTolerance: 0 })
    const token = await world.issue({ expiresIn: 10 })
    world.edit = (answer) => {
      world.clock.advance(10_000)
      return answer
    }
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_expired')
  })

  it('is one of at most maxCached in memory', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ maxCached: 2 }, { tokenCache: false })
    const tokens = await Promise.all(['a', 'b', 'c'].map((subject) => world.issue({ subject })))
    for (const token of tokens) await latchkey.verify(token)
    expect(world.requests).toHaveLength(3)
    for (const token of tokens) await latchkey.verify(token)
    expect(world.requests.length).toBeGreaterThan(3)
  })
})

describe('a connection that is watched', () => {
  it('ends when the issuer has ended its token, without an event', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 20 })
    const token = await world.issue()
    const reasons: string[] = []
    latchkey.watch(await latchkey.verify(token), ({ code }) => reasons.push(code))
    world.ended.add(token)
    world.clock.advance(20)
    await expect.poll(() => reasons).toEqual(['token_inactive'])
  })

  it('ends when the grants in the answer change', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 20 })
    const reasons: string[] = []
    latchkey.watch(await latchkey.verify(await world.issue()), ({ code }) => reasons.push(code))
    world.edit = (answer) => ({ ...answer, roles: ['admin'] })
    world.clock.advance(20)
    await expect.poll(() => reasons).toEqual(['grants_changed'])
  })

  it('ends with 503 when the issuer does not answer any more', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 20 })
    const reasons: number[] = []
    latchkey.watch(await latchkey.verify(await world.issue()), ({ status }) => reasons.push(status))
    world.answer = (_, response) => response.writeHead(503).end()
    world.clock.advance(20)
    await expect.poll(() => reasons).toEqual([503])
  })
})

describe('introspection', () => {
  it.each<[name: string, options: object]>([
    ['no options', undefined as never],
    ['no URL', client],
    ['http to another machine', { ...client, url: 'http://issuer.test/introspect' }],
    ['http as a text', { ...client, url: 'http://issuer.test/', allowHttp: 'true' }],
    ['credentials in the URL', { ...client, url: 'https://user:secret@issuer.test/' }],
    ['a file', { ...client, url: 'file:///etc/passwd', allowHttp: true }],
    ['no credentials', { url: 'https://issuer.test/' }],
    ['no secret', { url: 'https://issuer.test/', clientId: 'a' }],
    ['no client', { url: 'https://issuer.test/', clientSecret: 'a' }],
    ['an empty secret', { url: 'https://issuer.test/', clientId: 'a', clientSecret: '' }],
    ['both kinds of credentials', { ...client, url: 'https://issuer.test/', token: 'a' }],
    ['an empty token', { url: 'https://issuer.test/', token: '' }],
    ['a token with a line break', { url: 'https://issuer.test/', token: 'a\r\nx: y' }],
    ['a negative cacheTtl', { ...client, url: 'https://issuer.test/', cacheTtl: -1 }],
    ['a cacheTtl of an hour', { ...client, url: 'https://issuer.test/', cacheTtl: 3_600_000 }],
    ['a cacheTtl that is no number', { ...client, url: 'https://issuer.test/', cacheTtl: Number.NaN }],
    ['no time to answer', { ...client, url: 'https://issuer.test/', timeout: 0 }],
    ['no request at once', { ...client, url: 'https://issuer.test/', maxConcurrent: 0 }],
    ['no answer in memory', { ...client, url: 'https://issuer.test/', maxCached: 0 }],
    ['no lifetime', { ...client, url: 'https://issuer.test/', maxTokenTtl: 0 }],
  ])('is not created with %s', (_, options) => {
    expect(() => introspection(options as never)).toThrow(TypeError)
  })

  it('repeats no credential in the message about it', () => {
    const secret = 'hidden\nsecret'
    const url = 'https://issuer.test/'
    for (const options of [{ token: secret }, { clientId: 'a', clientSecret: secret, token: secret }]) {
      const create = () => introspection({ url, ...options })
      expect(create).toThrow(TypeError)
      expect(create).not.toThrow(/hidden/)
    }
  })

  it('is created with http on this machine, and elsewhere with allowHttp', () => {
    for (const url of ['http://localhost:1/', 'http://127.0.0.1/', 'http://[::1]/']) {
      expect(() => introspection({ ...client, url })).not.toThrow()
    }
    expect(() => introspection({ ...client, url: 'http://auth.default.svc:3000/', allowHttp: true })).not.toThrow()
  })

  it('cannot sign, and has no key for other libraries', async () => {
    const keys = introspection({ ...client, url: 'https://issuer.test/' })
    const latchkey = createLatchkey({ issuer, audience, keys })
    await expect(async () => latchkey.issue({ subject: 'alice' })).rejects.toThrow(/introspection cannot sign/)
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'a' }
    const jws = { protected: encodeBase64url(JSON.stringify(header)), payload: '', signature: '' }
    await expect(josePair(latchkey, keys).key(header, jws)).rejects.toThrow(/introspection has no keys/)
  })

  it('shows neither tokens nor credentials when it is inspected', async () => {
    const world = await startIssuer()
    const token = await world.issue()
    const keys = introspection({ ...client, url: world.url, clock: world.clock })
    const latchkey = createLatchkey({ issuer, audience, keys, clock: world.clock })
    const auth = await latchkey.verify(token)
    const shown = inspect([keys, latchkey, auth], { depth: 20, showHidden: true }) + JSON.stringify([keys, auth])
    const basic = world.requests[0]?.headers.authorization?.slice('Basic '.length) ?? 'none'
    for (const hidden of [token, token.split('.')[2] ?? '', client.clientSecret, basic]) {
      expect(shown).not.toContain(hidden)
    }
    await latchkey.close()
  })

  it('refuses after close, and ends the requests that wait', async () => {
    const world = await startIssuer()
    world.answer = () => {}
    const latchkey = world.verifier({ timeout: 60_000, maxConcurrent: 1 })
    const tokens = [await world.issue(), await world.issue()]
    const waiting = tokens.map((token) => outcomeOf(() => latchkey.verify(token)))
    await expect.poll(() => world.requests).toHaveLength(1)
    await latchkey.close()
    expect(await Promise.all(waiting)).toEqual(['store_closed', 'store_closed'])
    expect(await outcomeOf(async () => latchkey.verify(await world.issue()))).toBe('store_closed')
    expect(world.requests).toHaveLength(1)
  })
})

/** Holds answers until the test calls them, with an answer or with the truth about the token. */
function holdAnswers(world: World): ((answer: object | 'truth') => void)[] {
  const held: ((answer: object | 'truth') => void)[] = []
  world.answer = ({ form }, response) => {
    const [, payload = ''] = (form.get('token') ?? '').split('.')
    const truth = { active: true, ...JSON.parse(Buffer.from(payload, 'base64url').toString()) }
    held.push((answer) => respond(response, answer === 'truth' ? truth : answer))
  }
  return held
}
