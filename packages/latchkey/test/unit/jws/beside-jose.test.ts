import fc from 'fast-check'
import { CompactSign, compactVerify, exportJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { isLatchkeyError } from '../../../src/errors.js'
import type { Algorithm } from '../../../src/jws/algorithms.js'
import { decodeBase64url } from '../../../src/jws/base64url.js'
import { signCompact, verifyCompact } from '../../../src/jws/index.js'
import { signerOf } from '../../../src/jws/key-input.js'
import { algorithms, type Pair, pairs, rsa } from './keys.js'
import { type HeaderText, headerTexts, mutations, type Reason, segmentsOf } from './tokens.js'

/** Returns the payload that jose verifies, or `undefined` if jose refuses the token. */
async function byJose(token: string, { publicKey }: Pair, expected: Algorithm[]): Promise<Buffer | undefined> {
  try {
    const { payload } = await compactVerify(token, publicKey, { algorithms: expected })
    return Buffer.from(payload)
  } catch {
    return undefined
  }
}

/**
 * Returns the payload that the library verifies, or `undefined` if it refuses the token. Any other
 * error fails the test.
 */
function byUs(token: string, { publicKey }: Pair, expected: Algorithm[]): Buffer | undefined {
  try {
    return verifyCompact(token, publicKey, { algorithms: expected })
  } catch (error) {
    if (!isLatchkeyError(error)) throw error
    expect(['token_malformed', 'header_refused', 'algorithm_refused', 'signature_invalid']).toContain(error.code)
    return undefined
  }
}

/** Returns a reason that the text of the token itself shows. */
function reasonIn(token: string, { publicKey }: Pair): Reason | undefined {
  const segments = token.split('.').map((segment) => decodeBase64url(segment))
  if (segments.includes(undefined)) {
    return 'base64url is not canonical: padding, white space, +/ for -_, foreign characters, unused bits (C3)'
  }
  if (publicKey === rsa.publicKey && segments[2]?.length !== 256) {
    return 'an RSA-PSS signature lacks its leading zero (RFC 8017 §8.1.2)'
  }
  return undefined
}

function signed(header: string, payload: string, alg: Algorithm, { privateKey }: Pair): string {
  const signingInput = `${header}.${payload}`
  const isAscii = Buffer.byteLength(signingInput) === signingInput.length
  return `${signingInput}.${signerOf(alg, privateKey).sign(isAscii ? signingInput : '')}`
}

interface Sample {
  readonly header: HeaderText
  readonly token: string
}

function samples(alg: Algorithm): fc.Arbitrary<Sample> {
  return fc
    .tuple(headerTexts(alg), fc.uint8Array({ maxLength: 40 }), mutations)
    .chain(([header, payload, mutate]) =>
      fc
        .tuple(segmentsOf(header.bytes), segmentsOf(payload))
        .map(([first, second]) => ({ header, token: mutate(signed(first, second, alg, pairs[alg])) })),
    )
}

describe.each(algorithms)('a generated token of %s', (alg) => {
  const pair = pairs[alg]

  it('is accepted if and only if jose accepts it and none of the named reasons applies', async () => {
    const seen = new Map<string, number>()
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
    await fc.assert(
      fc.asyncProperty(samples(alg), async ({ header, token }) => {
        const theirs = await byJose(token, pair, [alg])
        const ours = byUs(token, pair, [alg])
        const reason = header.reason ?? reasonIn(token, pair)
        const expected = reason === undefined ? theirs : undefined
        expect(ours?.toString('hex')).toBe(expected?.toString('hex'))
        count(ours !== undefined ? 'both accept' : theirs === undefined ? 'both refuse' : `${reason}`)
      }),
      { numRuns: 600 },
    )
    // The comparison is empty unless every outcome occurs, including the differences.
    expect(seen.get('both accept')).toBeGreaterThan(20)
    expect(seen.get('both refuse')).toBeGreaterThan(100)
    const differences = [...seen.keys()].filter((outcome) => !outcome.startsWith('both '))
    expect(differences.length).toBeGreaterThanOrEqual(4)
  })
})

describe.each(algorithms)('a key for %s', (alg) => {
  const pair = pairs[alg]

  it('signs tokens that jose verifies, and verifies tokens that jose signs', async () => {
    for (const payload of [Buffer.alloc(0), Buffer.from('{"sub":"é"}'), Buffer.from([0, 128, 255])]) {
      const ours = signCompact(payload, pair.privateKey, { alg, kid: 'k', typ: 'at+jwt' })
      const read = await compactVerify(ours, pair.publicKey, { algorithms: [alg] })
      expect(Buffer.from(read.payload).equals(payload)).toBe(true)
      expect(read.protectedHeader).toEqual({ alg, kid: 'k', typ: 'at+jwt' })
      const theirs = await new CompactSign(payload).setProtectedHeader({ alg, kid: 'k' }).sign(pair.privateKey)
      expect(verifyCompact(theirs, pair.publicKey, { algorithms: [alg] }).equals(payload)).toBe(true)
    }
  })

  it('is the same key as the JWK that jose exports', async () => {
    const jwk = { ...(await exportJWK(pair.publicKey)), alg }
    const token = signCompact('payload', { ...(await exportJWK(pair.privateKey)) } as { kty: string }, { alg })
    expect(verifyCompact(token, jwk as { kty: string; alg: string }, { algorithms: [alg] }).toString()).toBe('payload')
  })
})
