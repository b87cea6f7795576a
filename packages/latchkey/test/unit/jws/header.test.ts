import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLatchkeyError } from '../../../src/errors.js'
import { encodeBase64url } from '../../../src/jws/base64url.js'
import { encodeHeader, parseHeader } from '../../../src/jws/header.js'

const refused = (code: string) => expect.objectContaining({ code })
const parsing = (json: string | Uint8Array) => () => parseHeader(encodeBase64url(json))

describe('a header', () => {
  it('has an algorithm, a key ID and a type', () => {
    expect(parseHeader(encodeBase64url('{"alg":"HS256","kid":"k","typ":"at+jwt"}'))).toEqual({
      alg: 'HS256',
      kid: 'k',
      typ: 'at+jwt',
    })
    expect(parseHeader(encodeBase64url('{"alg":"EdDSA"}'))).toEqual({ alg: 'EdDSA', kid: undefined, typ: undefined })
  })

  it('is parsed as it was encoded', () => {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: 'a "quoted" kid’s' }
    expect(parseHeader(encodeHeader(header))).toEqual(header)
  })

  it('may have unknown parameters', () => {
    expect(parseHeader(encodeBase64url('{"alg":"HS256","cty":"JWT","custom":{"a":[1,{"b":null}]}}')).alg).toBe('HS256')
  })

  it.each(['crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip'])(
    'is refused when it has %s, whatever the value',
    (name) => {
      for (const value of ['null', 'true', 'false', '""', '[]', '{}', '["b64"]', '"https://example.com/keys"']) {
        expect(parsing(`{"alg":"HS256","${name}":${value}}`)).toThrow(refused('header_refused'))
      }
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      expect(parsing(`{"alg":"HS256","${escaped}":null}`)).toThrow(refused('header_refused'))
    },
  )

  it.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'hs256',
    'HS256 ',
    'HS1',
    'ES256K',
    'RSA1_5',
    'dir',
    'Ed448',
    'constructor',
    '__proto__',
  ])('is refused when its algorithm is "%s"', (alg) => {
    expect(parsing(JSON.stringify({ alg }))).toThrow(refused('algorithm_refused'))
  })

  it.each([
    '',
    ' ',
    'null',
    'true',
    '1',
    '"HS256"',
    '[]',
    '[{"alg":"HS256"}]',
    '{}',
    '{"alg":null}',
    '{"alg":["HS256"]}',
    '{"alg":{"toString":"HS256"}}',
    '{"alg":256}',
    '{"alg":"HS256","kid":1}',
    '{"alg":"HS256","kid":null}',
    '{"alg":"HS256","typ":["JWT"]}',
    '{"alg":"HS256"',
    '{"alg":"HS256"}}',
    '{"alg":"HS256",}',
    "{'alg':'HS256'}",
    '{"alg":"HS256"}\0',
    '\ufeff{"alg":"HS256"}',
  ])('is malformed when it is %j', (json) => {
    expect(parsing(json)).toThrow(refused('token_malformed'))
  })

  it.each([
    '{"alg":"HS256","alg":"HS256"}',
    '{"alg":"none","alg":"HS256"}',
    '{"alg":"HS256","\\u0061lg":"none"}',
    '{"kid":"a","alg":"HS256","kid":"b"}',
    '{"alg":"HS256","x":{"a":1,"a":2}}',
    '{"alg":"HS256","x":[{"\\\\":1,"\\u005c":2}]}',
    '{"alg":"HS256","":1,"":2}',
    '{"alg":"HS256","__proto__":1,"__proto__":2}',
  ])('is malformed with a duplicate name: %s', (json) => {
    expect(parsing(json)).toThrow(refused('token_malformed'))
  })

  it('may repeat a name in another object, or a value', () => {
    const json = '{"alg":"HS256","kid":"alg","x":{"alg":1,"y":{"alg":2}},"z":[{"a":1},{"a":1},"a","a",":","{"]}'
    expect(parseHeader(encodeBase64url(json)).kid).toBe('alg')
  })

  it('inherits no missing parameter', () => {
    expect(parsing('{"__proto__":{"alg":"HS256"}}')).toThrow(refused('token_malformed'))
  })

  it('is malformed when it is not UTF-8', () => {
    expect(parsing(Buffer.from('{"alg":"HS256","kid":"\xff"}', 'latin1'))).toThrow(refused('token_malformed'))
    expect(parsing(Buffer.from('{"alg":"HS256","kid":"\xc0\xaf"}', 'latin1'))).toThrow(refused('token_malformed'))
  })

  it('is malformed when it is larger than any issued header, before it is decoded', () => {
    expect(parsing(JSON.stringify({ alg: 'HS256', kid: 'k'.repeat(1400) }))).not.toThrow()
    expect(parsing(JSON.stringify({ alg: 'HS256', kid: 'k'.repeat(2000) }))).toThrow(refused('token_malformed'))
    expect(() => parseHeader('A'.repeat(50_000_000))).toThrow(refused('token_malformed'))
  })

  it('fails only with a LatchkeyError, without a stack', () => {
    const jsonish = fc.json({ maxDepth: 4 })
    const headerish = fc
      .dictionary(fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'x', '__proto__', 'toString'), fc.jsonValue())
      .map((header) => JSON.stringify({ alg: 'HS256', ...header }))
    const segment = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.oneof(jsonish, headerish).map((json) => encodeBase64url(json)),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => encodeBase64url(bytes)),
      fc
        .nat({ max: 760 })
        .map((depth) => encodeBase64url(`{"alg":"HS256","x":${'['.repeat(depth)}${']'.repeat(depth)}}`)),
    )
    fc.assert(
      fc.property(segment, (text) => {
        try {
          const { alg, kid, typ } = parseHeader(text)
          expect([typeof alg, typeof kid, typeof typ]).toEqual([
            'string',
            expect.stringMatching(/string|undefined/),
            expect.stringMatching(/string|undefined/),
          ])
        } catch (error) {
          if (!isLatchkeyError(error)) throw error
          expect(['token_malformed', 'header_refused', 'algorithm_refused']).toContain(error.code)
          expect(error.stack).not.toContain('\n')
        }
      }),
      { numRuns: 10_000 },
    )
  })
})
