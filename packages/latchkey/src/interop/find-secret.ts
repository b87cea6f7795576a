import { type KeyObject, webcrypto } from 'node:crypto'
import { refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import { encodeBase64url } from '../jws/base64url.js'
import { exportSecretOf } from '../keys/export-secret.js'
import type { KeySource } from '../keys/key-source.js'

/** The algorithms of the secrets. Which one a token must have is decided by its key (C3). */
export const secretAlgorithms = (): HmacAlgorithm[] => ['HS256', 'HS384', 'HS512']

/** A secret for another library, with the only algorithm that it signs with. */
export interface FoundSecret {
  readonly algorithm: HmacAlgorithm
  readonly key: KeyObject
}

/**
 * Returns the secret that a token's header names. A forged key ID is refused before any read (C2),
 * and so is an algorithm other than that of the key (C3). Rejects as `KeySource.verifyingKey` does.
 */
export async function findSecret(keys: Pick<KeySource, 'verifyingKey'>, headerSegment: string): Promise<FoundSecret> {
  const key = await keys.verifyingKey(headerSegment)
  const secret = exportSecretOf(key)
  const { algorithm } = key
  if (secret === undefined || !isHmacAlgorithm(algorithm)) {
    throw new TypeError(
      'keys has no secrets: pass tenantSecrets or sharedSecret. Tokens of other sources are verified by a JWKS.',
    )
  }
  return { algorithm, key: secret }
}

/** Returns the secret of a token whose header another library has decoded. */
export async function findSecretOf(keys: Pick<KeySource, 'verifyingKey'>, header: unknown): Promise<FoundSecret> {
  return findSecret(keys, segmentOf(header))
}

/**
 * Returns the header segment of a token.
 *
 * @throws LatchkeyError `token_malformed`
 */
export function headerSegmentOf(token: unknown): string {
  const end = typeof token === 'string' ? token.indexOf('.') : -1
  if (typeof token !== 'string' || end <= 0) throw refusal('token_malformed')
  return token.slice(0, end)
}

/** Returns a key that Web Crypto verifies with. It cannot sign, and its bytes cannot be read. */
export async function verifyOnlyKey({ algorithm, key }: FoundSecret): Promise<webcrypto.CryptoKey> {
  const bytes = key.export()
  try {
    return await importKey(algorithm, bytes)
  } finally {
    bytes.fill(0)
  }
}

/** Returns a key with which no token verifies. */
export function uselessKey(algorithm: HmacAlgorithm): Promise<webcrypto.CryptoKey> {
  return importKey(algorithm, webcrypto.getRandomValues(new Uint8Array(64)))
}

function importKey(algorithm: HmacAlgorithm, bytes: Uint8Array): Promise<webcrypto.CryptoKey> {
  const hash = `SHA-${algorithm.slice(2)}`
  return webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['verify'])
}

/**
 * Returns a header segment with the members that name a key. The check of the whole token, which
 * has the segment as it arrived, refuses all other members that it must not have.
 */
function segmentOf(header: unknown): string {
  const { alg, typ, kid } = (header ?? {}) as Readonly<Record<string, unknown>>
  if (![alg, typ, kid].every((member) => member === undefined || typeof member === 'string'))
    throw refusal('token_malformed')
  return encodeBase64url(JSON.stringify({ alg, typ, kid }))
}
