import { describe, expect, it } from 'vitest'
import { splitCompact } from '../../../src/jws/compact.js'
import { signerOf, usableKey } from '../../../src/jws/key-input.js'
import { verifyCompact } from '../../../src/jws/verify-compact.js'
import { unsecured, type Vector, vectors } from './rfc-vectors.js'

const privateMembers: ReadonlySet<string> = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi'])

/** Returns the published key as a verifier has it. */
function verifyingJwk({ key }: Vector): Vector['key'] {
  return { kty: key.kty, ...Object.fromEntries(Object.entries(key).filter(([name]) => !privateMembers.has(name))) }
}

describe.each(vectors)('the published token of $name ($alg)', (vector) => {
  const { alg, jws, payload } = vector

  it('is accepted with the published payload', () => {
    expect(verifyCompact(jws, verifyingJwk(vector), { algorithms: [alg] }).toString()).toBe(payload)
  })

  it('is refused when any one character is replaced', () => {
    for (let at = 0; at < jws.length; at += 1) {
      const changed = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
      expect(() => verifyCompact(changed, verifyingJwk(vector), { algorithms: [alg] })).toThrow(
        expect.objectContaining({ name: 'LatchkeyError' }),
      )
    }
  })
})

// RFC 7515 A.2 is published here without its private key; RFC 7520 §4.1 covers the same algorithm.
const signable = vectors.filter(({ key }) => key.d !== undefined || key.k !== undefined)

describe.each(signable)('the published key of $name ($alg)', (vector) => {
  const { alg, jws, payload, key, deterministic } = vector
  const { signingInput, signatureSegment } = splitCompact(jws)
  const signature = signerOf(alg, usableKey(key, 'sign').key).sign(signingInput)

  it('signs the published signing input again', () => {
    const again = `${signingInput}.${signature}`
    expect(verifyCompact(again, verifyingJwk(vector), { algorithms: [alg] }).toString()).toBe(payload)
  })

  it(
    deterministic
      ? 'produces the published signature'
      : 'produces another signature, because the algorithm is randomised',
    () => {
      expect(signature === signatureSegment).toBe(deterministic)
    },
  )
})

describe('the unsecured token of RFC 7515 A.5', () => {
  it.each(vectors)('is refused with the key of $name', (vector) => {
    const verify = (jws: string) => () => verifyCompact(jws, verifyingJwk(vector), { algorithms: [vector.alg] })
    expect(verify(unsecured)).toThrow(expect.objectContaining({ code: 'token_malformed' }))
    expect(verify(`${unsecured}AA`)).toThrow(expect.objectContaining({ code: 'algorithm_refused' }))
  })
})
