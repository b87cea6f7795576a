import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Algorithm, HmacAlgorithm, SignatureAlgorithm } from '../../../src/jws/algorithms.js'
import { generatePair } from '../../support/generate-pair.js'

/** Both halves of a key pair. A secret is both halves. */
export interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const secret = (bytes: number): Pair => {
  const key = createSecretKey(randomBytes(bytes))
  return { privateKey: key, publicKey: key }
}

/** One RSA key for all six algorithms, so that signatures differ only by the algorithm. */
export const rsa: Pair = generatePair('rsa', { modulusLength: 2048 })

export const signaturePairs: Readonly<Record<SignatureAlgorithm, Pair>> = {
  Ed25519: generatePair('ed25519'),
  EdDSA: generatePair('ed25519'),
  ES256: generatePair('ec', { namedCurve: 'P-256' }),
  ES384: generatePair('ec', { namedCurve: 'P-384' }),
  ES512: generatePair('ec', { namedCurve: 'P-521' }),
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
}

const secrets: Readonly<Record<HmacAlgorithm, Pair>> = { HS256: secret(32), HS384: secret(48), HS512: secret(64) }

/** A key for each of the thirteen algorithms. Ed25519 has two names, each with its own key. */
export const pairs: Readonly<Record<Algorithm, Pair>> = { ...secrets, ...signaturePairs }

export const signatureAlgorithms = Object.keys(signaturePairs) as SignatureAlgorithm[]
export const algorithms = Object.keys(pairs) as Algorithm[]
