import { type Algorithm, isAlgorithm } from './algorithms.js'
import { encodeBase64url } from './base64url.js'
import { isForbiddenParameter } from './header.js'
import { type KeyInput, signerOf } from './key-input.js'

/** The protected header of a JWS to be signed; encoded with its members in the order given. */
export interface SignHeader {
  readonly alg: Algorithm
  readonly kid?: string
  readonly typ?: string
  readonly [parameter: string]: unknown
}

/**
 * Signs a payload: the compact serialisation of RFC 7515 §7.1. A text is signed as its UTF-8. Throws a TypeError when the key does not fit the
 * algorithm, a secret is shorter than the hash (RFC 7518 §3.2), or the header has a parameter that is never accepted.
 */
export function signCompact(payload: Uint8Array | string, key: KeyInput, header: SignHeader): string {
  if (!isAlgorithm(header.alg)) throw new TypeError('alg is none of the supported algorithms.')
  const forbidden = Object.keys(header).find(isForbiddenParameter)
  if (forbidden !== undefined) throw new TypeError(`The header parameter ${forbidden} is never accepted.`)
  const signingInput = `${encodeBase64url(JSON.stringify(header))}.${encodeBase64url(payload)}`
  return `${signingInput}.${signerOf(key, header.alg).sign(signingInput)}`
}
