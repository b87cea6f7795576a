import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildClaims, copyClaims } from '../../../src/claims/build-claims.js'
import { type Claims, checkClaims, parseClaims } from '../../../src/claims/check-claims.js'
import { checkTokenType } from '../../../src/claims/token-type.js'
import { isLatchkeyError } from '../../../src/errors.js'

const nowSec = 1_800_000_000
const expected = {
  issuer: 'https://issuer.test',
  audiences: ['api', 'other-api'],
  nowSec,
  toleranceSec: 5,
  maxTtlSec: 3600,
}
const good = {
  iss: 'https://issuer.test',
  sub: 'alice',
  aud: 'api',
  exp: nowSec + 900,
  iat: nowSec,
  jti: 'token-1',
  sid: 'session-1',
}

function outcome(claims: unknown): string {
  return outcomeOfText(JSON.stringify(claims))
}

function outcomeOfText(text: string | Buffer): string {
  try {
    checkClaims(parseClaims(Buffer.from(text)), expected)
    return 'accepted'
  } catch (error) {
    if (isLatchkeyError(error)) return error.code
    throw error
  }
}

function without(name: keyof typeof good): object {
  return Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
}

describe('valid claims', () => {
  it.each([
    ['as they are issued', good],
    ['with one of several audiences', { ...good, aud: ['somewhere', 'other-api'] }],
    ['without a session', without('sid')],
    ['with dates that have a fraction (RFC 7519 §2)', { ...good, exp: nowSec + 0.5, iat: nowSec - 0.5 }],
    ['just before they expire, tolerance included', { ...good, iat: nowSec - 900, exp: nowSec - 4.999 }],
    ['with the longest lifetime', { ...good, exp: nowSec + 3600 }],
    [
      'with the longest lifetime, issued in the future within the tolerance',
      { ...good, iat: nowSec + 5, exp: nowSec + 3605 },
    ],
    ['just when they begin, tolerance included', { ...good, nbf: nowSec + 5 }],
  ])('are accepted %s', (_, claims) => {
    expect(outcome(claims)).toBe('accepted')
  })
})

describe('invalid claims', () => {
  it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti'] as const)('are refused without %s', (name) => {
    expect(outcome(without(name))).toBe('claim_missing')
  })

  it.each([
    ['an issuer that is no text', { iss: 1 }, 'claim_invalid'],
    ['an empty subject', { sub: '' }, 'claim_invalid'],
    ['a subject that is a list', { sub: ['alice'] }, 'claim_invalid'],
    ['a subject of null', { sub: null }, 'claim_invalid'],
    ['no audience in the list', { aud: [] }, 'claim_invalid'],
    ['an audience that is no text', { aud: ['api', 1] }, 'claim_invalid'],
    ['an audience that is an object', { aud: { api: true } }, 'claim_invalid'],
    ['a date as text', { exp: String(nowSec + 900) }, 'claim_invalid'],
    ['a negative date', { iat: -1 }, 'claim_invalid'],
    ['milliseconds for seconds', { exp: nowSec * 1000 }, 'claim_invalid'],
    ['a start that is no date', { nbf: 'now' }, 'claim_invalid'],
    ['a session that is no text', { sid: 7 }, 'claim_invalid'],
    ['another issuer', { iss: 'https://issuer.test/' }, 'issuer_mismatch'],
    ['another audience', { aud: 'API' }, 'audience_mismatch'],
    ['other audiences', { aud: ['x', 'y'] }, 'audience_mismatch'],
    ['an expiry that has come, tolerance included', { exp: nowSec - 5 }, 'token_expired'],
    ['a start that has not come', { nbf: nowSec + 5.001 }, 'token_not_yet_valid'],
    ['an issue in the future', { iat: nowSec + 5.001 }, 'token_not_yet_valid'],
    ['a lifetime that is too long', { exp: nowSec + 3600.001 }, 'claim_invalid'],
    ['a lifetime that began long ago', { iat: nowSec - 3000, exp: nowSec + 601 }, 'claim_invalid'],
    ['a lifetime of nothing', { exp: nowSec }, 'claim_invalid'],
    ['an expiry before the issue', { iat: nowSec + 2, exp: nowSec + 1 }, 'claim_invalid'],
  ])('are refused with %s', (_, changed, code) => {
    expect(outcome({ ...good, ...changed })).toBe(code)
  })

  it.each(['1e999', '-1e999', 'null', 'true', '[]', '{}', '"1"'])('are refused with an expiry of %s', (date) => {
    const text = JSON.stringify({ ...good, exp: 0 }).replace('"exp":0', `"exp":${date}`)
    expect(outcomeOfText(text)).toBe('claim_invalid')
  })

  it.each(['', 'null', '[]', '"text"', '1', '{', '{"iss":"\\ud800"', '{} {}', '\ufeff{}'])(
    'are refused when the payload is %j',
    (text) => {
      expect(outcomeOfText(text)).toBe('token_malformed')
    },
  )

  it('are refused when the payload is not UTF-8', () => {
    expect(outcomeOfText(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe('token_malformed')
  })

  it('are accepted or refused with a code, whatever the payload', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(outcomeOfText(text)).toMatch(/^(token_malformed|claim_missing|claim_invalid)$/)
      }),
      { numRuns: 1000 },
    )
    const mutated = fc.record({
      name: fc.constantFrom('iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'nbf', 'sid', '__proto__', 'constructor'),
      value: fc.jsonValue(),
    })
    fc.assert(
      fc.property(mutated, ({ name, value }) => {
        expect(typeof outcomeOfText(JSON.stringify({ ...good, [name]: value }))).toBe('string')
      }),
      { numRuns: 1000 },
    )
  })

  it('cannot change a prototype', () => {
    const text = JSON.stringify(good).replace('{', '{"__proto__":{"role":"admin"},')
    expect(parseClaims(Buffer.from(text)).role).toBeUndefined()
  })
})

describe('built claims', () => {
  const input = {
    issuer: 'https://issuer.test',
    audience: 'api',
    subject: 'alice',
    tokenId: 't',
    sessionId: 's',
    issuedAtSec: nowSec,
    expiresAtSec: nowSec + 1,
    owner: undefined,
  }

  it('pass the check of claims, whatever the caller adds', () => {
    const names = fc.string().filter((name) => !(name in good) && name !== 'nbf' && name !== '__proto__')
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), (claims) => {
        fc.pre(!/"(?:__proto__|toJSON)":/.test(JSON.stringify(claims)))
        const built = buildClaims({ ...input, claims: copyClaims(claims) })
        expect(outcome(built)).toBe('accepted')
        const parsed: Claims = parseClaims(Buffer.from(JSON.stringify(built)))
        expect(parsed).toMatchObject(JSON.parse(JSON.stringify(claims)))
      }),
    )
  })

  it.each(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid'])('refuse %s as an additional claim', (name) => {
    expect(() => copyClaims({ [name]: 'x' })).toThrow(TypeError)
  })
})

describe('the type of a token', () => {
  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('may be written %s', (typ) => {
    expect(() => checkTokenType(typ)).not.toThrow()
  })

  it.each([undefined, '', 'JWT', 'jwt', 'at+jwt ', 'at jwt', 'application/jwt', 'xat+jwt'])('may not be %s', (typ) => {
    expect(() => checkTokenType(typ)).toThrow(expect.objectContaining({ code: 'type_mismatch' }))
  })
})
