import fc from 'fast-check'
import type { Algorithm } from '../../../src/jws/algorithms.js'
import { encodeBase64url } from '../../../src/jws/base64url.js'
import { algorithms } from './keys.js'

/**
 * The reasons why the library refuses tokens that jose accepts. Each is intended, and there are no
 * others.
 */
export type Reason =
  | 'base64url is not canonical: padding, white space, +/ for -_, foreign characters, unused bits (C3)'
  | 'the header has a parameter that is never accepted (C3)'
  | 'the header has two members of one name (RFC 7515 §4)'
  | 'kid or typ is not text (RFC 7515 §4.1.4, §4.1.9)'
  | 'the header is longer than any that we issue'
  | 'the header is not UTF-8, or begins with a byte order mark (RFC 8259 §8.1)'
  | 'an RSA-PSS signature lacks its leading zero (RFC 8017 §8.1.2)'

/** A header before it is encoded, and the reason to refuse it that jose ignores. */
export interface HeaderText {
  readonly bytes: Buffer
  readonly reason?: Reason
}

const text = (json: string, reason?: Reason): HeaderText => ({
  bytes: Buffer.from(json),
  ...(reason === undefined ? {} : { reason }),
})

const forbidden = fc.oneof(
  fc.constantFrom('"b64":true', '"b64":false', '"crit":["b64"],"b64":true', '"crit":["exp"],"exp":1', '"crit":[]'),
  fc
    .tuple(fc.constantFrom('jku', 'jwk', 'x5u', 'x5c', 'zip'), fc.constantFrom('null', '"DEF"', '{}', '[]'))
    .map(([name, value]) => `"${name}":${value}`),
)

const member = fc.oneof(
  fc
    .string({ unit: 'binary', maxLength: 12 })
    .filter((value) => value.isWellFormed())
    .map((kid) => `"kid":${JSON.stringify(kid)}`),
  fc.constantFrom(
    '"typ":"JWT"',
    '"typ":"at+jwt"',
    '"cty":"JWT"',
    '"toString":1',
    '"a":{"alg":"none"}',
    '"b":[{"c":1},{"c":1}]',
    '"é":"’"',
  ),
)

/** Headers that name `alg`, in every way that JSON allows and in some that it does not. */
export function headerTexts(alg: Algorithm): fc.Arbitrary<HeaderText> {
  const says = fc.constantFrom(`"alg":"${alg}"`, `"\\u0061lg":"${alg}"`, ` "alg"\t:\r\n"${alg}" `)
  const sound = fc
    .tuple(says, fc.option(member))
    .map(([first, other]) => text(`{${other === null ? first : `${other},${first}`}}`))
  return fc.oneof(
    { weight: 6, arbitrary: sound },
    {
      weight: 1,
      arbitrary: fc
        .tuple(says, forbidden)
        .map(([first, other]) => text(`{${first},${other}}`, 'the header has a parameter that is never accepted (C3)')),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          says,
          fc.constantFrom(
            `"alg":"${alg}",`,
            '"alg":"none",',
            '"x":1,"x":2,',
            '"x":{"y":1,"y":1},',
            '"k\\u0069d":"a","kid":"b",',
          ),
        )
        .map(([first, twice]) => text(`{${twice}${first}}`, 'the header has two members of one name (RFC 7515 §4)')),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('"kid":1', '"kid":null', '"kid":["a"]', '"typ":{}', '"typ":false')
        .map((other) => text(`{"alg":"${alg}",${other}}`, 'kid or typ is not text (RFC 7515 §4.1.4, §4.1.9)')),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        text(`{"alg":"${alg}","kid":"${'k'.repeat(2000)}"}`, 'the header is longer than any that we issue'),
        text(`\ufeff{"alg":"${alg}"}`, 'the header is not UTF-8, or begins with a byte order mark (RFC 8259 §8.1)'),
        {
          bytes: Buffer.from(`{"alg":"${alg}","kid":"\xff"}`, 'latin1'),
          reason: 'the header is not UTF-8, or begins with a byte order mark (RFC 8259 §8.1)',
        } satisfies HeaderText,
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .oneof(
          fc.constantFrom(
            '',
            'null',
            '[]',
            '{}',
            `["${alg}"]`,
            `"${alg}"`,
            `{"alg":["${alg}"]}`,
            `{"alg":"${alg}"`,
            `{"ALG":"${alg}"}`,
            '{"alg":"none"}',
            '{"alg":""}',
          ),
          fc.constantFrom(...algorithms.filter((other) => other !== alg)).map((other) => `{"alg":"${other}"}`),
          fc.json(),
        )
        .map((json) => text(json)),
    },
  )
}

/** A segment in base64url, and the texts that a lenient decoder decodes to the same bytes. */
export function segmentsOf(bytes: Uint8Array): fc.Arbitrary<string> {
  const segment = encodeBase64url(bytes)
  const half = segment.length >> 1
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(segment) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        segment.padEnd(Math.ceil(segment.length / 4) * 4, '='),
        `${segment}=`,
        segment.replaceAll('-', '+').replaceAll('_', '/'),
        ` ${segment}`,
        `${segment}\n`,
        `${segment.slice(0, half)} ${segment.slice(half)}`,
        `${segment.slice(0, half)}\t\r\n${segment.slice(half)}`,
        `${segment}!`,
        `${segment}é`,
        `${segment}\u0000`,
        segment.slice(0, -1) + nextCharacter(segment.slice(-1)),
      ),
    },
  )
}

/** Changes of a token on its way to the verifier. */
export const mutations: fc.Arbitrary<(token: string) => string> = fc.oneof(
  { weight: 4, arbitrary: fc.constant((token: string) => token) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(), fc.nat(7)).map(
      ([at, bit]) =>
        (token: string) =>
          replaceAt(token, at, (code) => code ^ (1 << bit)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat()
      .map(
        (at) => (token: string) =>
          replaceAt(token, at, (code) => nextCharacter(String.fromCharCode(code)).charCodeAt(0)),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.constant((token: string) =>
      replaceAt(token, token.length - 1, (code) => nextCharacter(String.fromCharCode(code)).charCodeAt(0)),
    ),
  },
  { weight: 1, arbitrary: fc.nat().map((at) => (token: string) => token.slice(0, at % (token.length + 1))) },
  { weight: 1, arbitrary: fc.nat().map((at) => (token: string) => token.slice(at % (token.length + 1))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.nat(),
        fc.constantFrom('=', '==', ' ', '\n', '\t', '.', 'A', '+', '/', '\0', 'é', 'Ā', '🙂', '\ud800', '%2e'),
      )
      .map(
        ([at, extra]) =>
          (token: string) =>
            `${token.slice(0, at % (token.length + 1))}${extra}${token.slice(at % (token.length + 1))}`,
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('=', '==', ' ', '\n', 'A', 'AA', '.', '.A')
      .map((extra) => (token: string) => token + extra),
  },
  {
    weight: 1,
    arbitrary: fc.shuffledSubarray([0, 1, 2], { minLength: 1 }).map((order) => (token: string) => {
      const segments = token.split('.')
      return order.map((at) => segments[at] ?? '').join('.')
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 1, 2).map(
      (empty) => (token: string) =>
        token
          .split('.')
          .map((part, at) => (at === empty ? '' : part))
          .join('.'),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((junk) => () => junk) },
)

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Returns the next character of the base64url alphabet. At the end of a segment it often changes
 * only unused bits.
 */
function nextCharacter(character: string): string {
  return alphabet.charAt((alphabet.indexOf(character) + 1) % alphabet.length)
}

function replaceAt(token: string, at: number, change: (code: number) => number): string {
  if (token === '') return token
  const index = at % token.length
  return token.slice(0, index) + String.fromCharCode(change(token.charCodeAt(index))) + token.slice(index + 1)
}
