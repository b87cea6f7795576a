import { createHmac, createPublicKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLatchkeyError } from '../../../src/errors.js'
import type { LegacyTokensOptions } from '../../../src/legacy/legacy-options.js'
import { legacyTokens } from '../../../src/legacy/legacy-tokens.js'
import { generatePair } from '../../support/generate-pair.js'
import { legacy, oldSecret, until } from '../../support/legacy.js'
import { setUp } from '../../support/setup.js'

const verifier = { issuer: 'https://issuer.test', audience: ['test', 'other'], toleranceSec: 5 }
const rsa = generatePair('rsa', { modulusLength: 2048 })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' })

const segment = (value: string) => Buffer.from(value).toString('base64url')

/** Returns a token with these texts as header and payload. */
function signText(header: string, payload: string, secret: string | Buffer = oldSecret, hash = 'sha256'): string {
  const input = `${segment(header)}.${segment(payload)}`
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

const jwt = '{"alg":"HS256","typ":"JWT"}'
const sign = (payload: object) => signText(jwt, JSON.stringify(payload))

/** Returns the claims, or the code of the refusal. */
function read(token: string, options: Partial<LegacyTokensOptions> = {}): unknown {
  try {
    return legacy(options).read(token, verifier)
  } catch (error) {
    if (isLatchkeyError(error)) return error.code
    throw error
  }
}

describe('options of legacy tokens', () => {
  const untyped = (options: object) => () => legacyTokens(options as never)

  it.each<[what: string, call: () => unknown, named: RegExp]>([
    ['no secret', untyped({ until }), /^secret is missing/],
    ['a secret that is not set', untyped({ secret: undefined, until }), /^secret is missing/],
    ['one of two secrets that is not set', untyped({ secret: [oldSecret, undefined], until }), /^secret is missing/],
    ['an empty secret', untyped({ secret: '', until, allowShortSecret: true }), /^secret is empty/],
    ['no secrets', untyped({ secret: [], until }), /^secret is an empty list/],
    ['too many secrets', untyped({ secret: Array(9).fill(oldSecret), until }), /more than 8/],
    ['a short secret', untyped({ secret: 'secret', until }), /6 bytes.*fewer than 32.*allowShortSecret/],
    ['a PEM file as secret', untyped({ secret: publicPem, until }), /PEM.*createPublicKey/],
    ['a secret for RS256', untyped({ secret: oldSecret, algorithms: ['RS256'], until }), /RS256/],
    ['an unknown algorithm', untyped({ secret: oldSecret, algorithms: ['none'], until }), /none/],
    ['no algorithm', untyped({ secret: oldSecret, algorithms: [], until }), /^algorithms is empty/],
    ['a key without algorithms', untyped({ key: rsa.publicKey, until }), /^algorithms is missing/],
    ['a key of another kind', untyped({ key: rsa.publicKey, algorithms: ['ES256'], until }), /ES256/],
    ['an algorithm without a key', untyped({ key: rsa.publicKey, algorithms: ['RS256', 'ES256'], until }), /ES256/],
    ['a private key', untyped({ key: rsa.privateKey, algorithms: ['RS256'], until }), /private/],
    ['a secret as key', untyped({ key: randomBytes(32), algorithms: ['HS256'], until }), /pass it as secret/],
    ['both', untyped({ secret: oldSecret, key: rsa.publicKey, algorithms: ['RS256'], until }), /not both/],
    ['no date', untyped({ secret: oldSecret }), /^until/],
    ['a text that is no date', untyped({ secret: oldSecret, until: 'soon' }), /^until/],
    ['a number', untyped({ secret: oldSecret, until: 1_800_000_000 }), /^until/],
    ['an invalid date', untyped({ secret: oldSecret, until: new Date(Number.NaN) }), /^until/],
    ['an empty subject', untyped({ secret: oldSecret, until, subject: '' }), /^subject/],
    ['an empty issuer', untyped({ secret: oldSecret, until, issuer: '' }), /^issuer/],
    ['no audience', untyped({ secret: oldSecret, until, audience: [] }), /^audience/],
    ['a type that is none', untyped({ secret: oldSecret, until, types: 'JWT' }), /^types/],
    ['a tolerance', untyped({ secret: oldSecret, until, clockTolerance: 301 }), /^clockTolerance/],
    [
      'options in the place of the result',
      () => setUp({ keys: { legacy: { secret: oldSecret } as never } }),
      /^legacy/,
    ],
  ])('are refused with a message that names them: %s', (_, call, named) => {
    expect(call).toThrow(TypeError)
    expect(call).toThrow(named)
    expect(call).not.toThrow(new RegExp(oldSecret))
  })

  it('take a short secret only when that is stated, and then verify as other libraries do', () => {
    const token = signText(jwt, '{"sub":"alice"}', 'secret')
    expect(read(token, { secret: 'secret', allowShortSecret: true, subject: 'sub' })).toMatchObject({ sub: 'alice' })
    const longer = signText('{"alg":"HS512"}', '{"userId":"alice"}', oldSecret, 'sha512')
    expect(read(longer, { algorithms: ['HS512'] })).toMatchObject({ sub: 'alice' })
    const other = signText(jwt, '{"sub":"alice"}', 'secret\0\0x')
    expect(read(other, { secret: 'secret', allowShortSecret: true, subject: 'sub' })).toBe('signature_invalid')
  })

  it('take a date as text, and one that has passed, because processes start again later', () => {
    expect(legacyTokens({ secret: oldSecret, until: '2027-01-31' }).untilMs).toBe(Date.UTC(2027, 0, 31))
    expect(legacyTokens({ secret: oldSecret, until: new Date(0) }).untilMs).toBe(0)
  })
})

describe('the header of a legacy token', () => {
  it.each([
    ['{"alg":"HS256"}', 'accepted'],
    ['{"alg":"HS256","typ":"jwt"}', 'accepted'],
    ['{"alg":"HS256","typ":"application/at+JWT"}', 'accepted'],
    ['{"alg":"HS256","typ":"JWT","kid":"any"}', 'accepted'],
    ['{"alg":"HS256","typ":"logout+jwt"}', 'type_mismatch'],
    ['{"alg":"HS256","typ":""}', 'type_mismatch'],
    ['{"alg":"HS384"}', 'algorithm_refused'],
    ['{"alg":"none"}', 'algorithm_refused'],
    ['{"alg":"None"}', 'algorithm_refused'],
    ['{"alg":"RS256"}', 'algorithm_refused'],
    ['{"alg":"hs256"}', 'algorithm_refused'],
    ['{"alg":["HS256"]}', 'token_malformed'],
    ['{"typ":"JWT"}', 'token_malformed'],
    ['{"alg":"HS256","alg":"HS256"}', 'token_malformed'],
    ['{"alg":"none","\\u0061lg":"HS256"}', 'token_malformed'],
    ['{"alg":"HS256","kid":7}', 'token_malformed'],
    ['{"alg":"HS256","b64":false}', 'header_refused'],
    ['{"alg":"HS256","crit":["exp"],"exp":1}', 'header_refused'],
    ['{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}', 'header_refused'],
    ['"HS256"', 'token_malformed'],
  ])('%s is %s', (header, outcome) => {
    const found = read(signText(header, '{"userId":"alice"}'))
    expect(typeof found === 'object' ? 'accepted' : found).toBe(outcome)
  })

  it('may have another type if it is listed', () => {
    const token = signText('{"alg":"HS256","typ":"access"}', '{"userId":"alice"}')
    expect(read(token)).toBe('type_mismatch')
    expect(read(token, { types: ['Access'] })).toMatchObject({ sub: 'alice' })
    expect(read(sign({ userId: 'alice' }), { types: ['Access'] })).toBe('type_mismatch')
  })

  it('names the algorithm of the signature, also where several are accepted', () => {
    const algorithms = ['HS256', 'HS512'] as const
    const named = (alg: string, hash: string) => signText(`{"alg":"${alg}"}`, '{"userId":"a"}', oldSecret, hash)
    expect(read(named('HS512', 'sha512'), { algorithms })).toMatchObject({ sub: 'a' })
    expect(read(named('HS512', 'sha256'), { algorithms })).toBe('signature_invalid')
    expect(read(named('HS256', 'sha512'), { algorithms })).toBe('signature_invalid')
  })

  it('cannot turn a public key into a secret', () => {
    const options = { secret: undefined, key: createPublicKey(publicPem), algorithms: ['RS256'] } as const
    for (const secret of [publicPem, String(publicPem).trim(), rsa.publicKey.export({ type: 'spki', format: 'der' })]) {
      const bytes = Buffer.from(secret)
      expect(read(signText(jwt, '{"userId":"alice"}', bytes), options as never)).toBe('algorithm_refused')
      expect(read(signText('{"alg":"RS256"}', '{"userId":"alice"}', bytes), options as never)).toBe('signature_invalid')
    }
  })
})

describe('the payload of a legacy token', () => {
  it('is offered as it is, with the registered claims that it lacks', () => {
    const claims = read(sign({ userId: 7, user: { name: 'Ada' }, roles: ['admin'] }))
    expect(claims).toEqual({
      userId: 7,
      user: { name: 'Ada' },
      roles: ['admin'],
      iss: 'https://issuer.test',
      sub: '7',
      aud: ['test', 'other'],
      exp: until.getTime() / 1000,
      iat: 0,
      jti: expect.stringMatching(/^legacy\.[\w-]{22}$/),
      sid: expect.stringMatching(/^legacy\.[\w-]{22}$/),
    })
  })

  it('keeps the registered claims that it has, except those that would be too long or another type', () => {
    const old = { userId: 'a', iss: 'old', aud: 'web', exp: 1_767_300_000, iat: 1_767_200_000.5, jti: 'j', sid: 's' }
    expect(read(sign({ ...old, sub: 'mail@example.com' }))).toEqual({ ...old, sub: 'a' })
    expect(read(sign({ ...old, exp: 4_000_000_000 }))).toMatchObject({ exp: until.getTime() / 1000 })
    const odd = read(sign({ ...old, iss: 1, aud: [], jti: 2, sid: 'not a session\n' }))
    expect(odd).toMatchObject({ iss: verifier.issuer, aud: verifier.audience, jti: expect.stringMatching(/^legacy\./) })
    expect(odd).toMatchObject({ sid: expect.stringMatching(/^legacy\./) })
  })

  it('has an ID of its own where it names none, which does not contain the token', () => {
    const [one, other] = [sign({ userId: 'a' }), sign({ userId: 'a', iat: 1 })]
    const ids = [one, one, other].map((token) => (read(token) as { jti: string }).jti)
    expect(ids[0]).toBe(ids[1])
    expect(ids[0]).not.toBe(ids[2])
    expect(one).not.toContain(String(ids[0]).slice(7))
  })

  it.each<[payload: string, code: string]>([
    ['{"userId":"a","userId":"b"}', 'token_malformed'],
    ['{"userId":"a","x":{"y":1,"\\u0079":2}}', 'token_malformed'],
    ['{"exp":1,"userId":"a","exp":4000000000}', 'token_malformed'],
    ['"a string"', 'token_malformed'],
    ['["userId"]', 'token_malformed'],
    ['null', 'token_malformed'],
    ['{', 'token_malformed'],
    ['', 'token_malformed'],
    ['{"userId":"a","exp":"4000000000"}', 'claim_invalid'],
    ['{"userId":"a","exp":null}', 'claim_invalid'],
    ['{"userId":"a","exp":1e999}', 'claim_invalid'],
    ['{"userId":"a","iat":1767225600000}', 'claim_invalid'],
    ['{"userId":"a","iat":-1}', 'claim_invalid'],
    ['{"userId":"a","iat":true}', 'claim_invalid'],
    ['{"userId":"a","nbf":"0"}', 'claim_invalid'],
    ['{}', 'claim_missing'],
    ['{"userId":null}', 'claim_invalid'],
    ['{"userId":""}', 'claim_invalid'],
    ['{"userId":1.5}', 'claim_invalid'],
    ['{"userId":1e300}', 'claim_invalid'],
    ['{"userId":["a"]}', 'claim_invalid'],
    ['{"userId":{"toString":"a"}}', 'claim_invalid'],
    [`{"userId":"a","deep":${'['.repeat(40)}${']'.repeat(40)}}`, 'token_malformed'],
  ])('%s is refused', (payload, code) => {
    expect(read(signText(jwt, payload))).toBe(code)
  })

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('has no inherited claim %s', (subject) => {
    expect(read(sign({ userId: 'a' }), { subject })).toBe('claim_missing')
  })

  it('must have the issuer and audience that are required, if any are', () => {
    const options = { issuer: ['old', 'older'], audience: 'web' }
    const good = { userId: 'a', iss: 'old', aud: 'web' }
    expect(read(sign(good), options)).toMatchObject({ iss: 'old', aud: 'web' })
    expect(read(sign({ ...good, aud: ['app', 'web'] }), options)).toMatchObject({ aud: ['app', 'web'] })
    for (const iss of ['other', undefined, ['old']])
      expect(read(sign({ ...good, iss }), options)).toBe('issuer_mismatch')
    for (const aud of ['app', undefined, [], ['app'], { 0: 'web' }]) {
      expect(read(sign({ ...good, aud }), options)).toBe('audience_mismatch')
    }
  })

  it('names its user by a function, which can refuse it and cannot change it', () => {
    const subject: LegacyTokensOptions['subject'] = ({ user, purpose }) => {
      if (purpose !== undefined) return undefined
      return (user as { id: string }).id
    }
    expect(read(sign({ user: { id: 'ada' } }), { subject })).toMatchObject({ sub: 'ada' })
    expect(read(sign({ user: { id: 'ada' }, purpose: 'reset' }), { subject })).toBe('claim_missing')
    expect(read(sign({}), { subject })).toBe('claim_invalid')
    const hostile = (payload: object) => Object.assign(payload, { role: 'admin' }) && 'ada'
    expect(read(sign({ role: 'user' }), { subject: hostile })).toBe('claim_invalid')
    expect(read(sign({ id: 1 }), { subject: async () => 'ada' } as never)).toBe('claim_invalid')
  })
})

describe('any payload', () => {
  const date = fc.oneof(fc.integer({ min: -10, max: 4_000_000_000 }), fc.double(), fc.constantFrom(null, '1', true, []))
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 1 }))
  const payloads = fc.record(
    { exp: date, iat: date, nbf: date, iss: text, aud: text, jti: text, sid: text, sub: text, userId: text },
    { requiredKeys: [] },
  )
  const others = fc.dictionary(fc.string(), fc.jsonValue())

  it('is either refused with a code, or has claims of the declared types that end by the date', () => {
    fc.assert(
      fc.property(payloads, others, (registered, more) => {
        const claims = read(sign({ ...more, ...registered }))
        if (typeof claims === 'string') return
        const { iss, sub, aud, exp, iat, jti, sid } = claims as Record<string, unknown>
        for (const value of [iss, sub, jti, sid]) expect(typeof value === 'string' && value !== '').toBe(true)
        expect([aud].flat().every((one) => typeof one === 'string' && one !== '')).toBe(true)
        for (const value of [exp, iat]) expect(typeof value === 'number' && value >= 0).toBe(true)
        expect(exp).toBeLessThanOrEqual(until.getTime() / 1000)
      }),
      { numRuns: 500 },
    )
  })

  it('with any bytes in the place of a token is refused with a code', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some).toString('base64url'))
    const tokens = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(bytes, bytes, bytes).map((parts) => parts.join('.')),
      fc.tuple(fc.constant(segment(jwt)), bytes, bytes).map((parts) => parts.join('.')),
      bytes.map((payload) => signText(jwt, Buffer.from(payload, 'base64url').toString('latin1'))),
    )
    fc.assert(
      fc.property(tokens, (token) => {
        expect(typeof read(token)).toBe('string')
      }),
      { numRuns: 500 },
    )
  })
})
