import { createPrivateKey, KeyObject } from 'node:crypto'
import { refusal } from '../errors.js'
import { isError } from '../is-error.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { KeyPairStage } from './key-pair-store.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { type KeyPairState, PublishedKey } from './published-key.js'
import { type Jwks, PublishedKeys, parseKeyName } from './published-keys.js'
import { type StoredKeyPairOptions, StoredKeyPairs } from './stored-key-pairs.js'

/** A key pair of the configuration. */
export interface ConfiguredKeyPair {
  /** The ID of the key in headers and in the JWKS: 1 to 255 characters. */
  readonly kid: string
  readonly alg: SignatureAlgorithm
  /** A private key of Node.js, or its PEM text. */
  readonly privateKey: KeyObject | string
  /**
   * The stage of the key in its rotation. Exactly one key is current.
   *
   * @defaultValue `'current'` for the first key and `'previous'` for the others
   */
  readonly stage?: KeyPairStage
}

/**
 * Options of `keyPair` with keys of the configuration. To rotate, publish the new key as `next`,
 * then make it `current`.
 */
export interface ConfiguredKeyPairOptions {
  readonly keys: readonly ConfiguredKeyPair[]
}

/** A key source whose tokens other services verify by a JWKS. */
export interface KeyPairSource extends KeySource {
  /**
   * Returns the public keys, for `/.well-known/jwks.json` (RFC 7517 §5).
   *
   * @returns the next, the current and the previous keys, never a private or symmetric one
   * @throws `store_unavailable`
   * @example
   * app.get('/.well-known/jwks.json', async (_req, res) => res.json(await serviceKeys.jwks()))
   */
  jwks(): Promise<Jwks>
}

/** A key pair source with keys in a store, which it can rotate. */
export interface RotatingKeyPairSource extends KeyPairSource {
  /**
   * Rotates: the next key signs from now on, the current one verifies until all its tokens have
   * expired, and a new next key is published. Other processes sign with the key after
   * `refreshInterval` at the latest, and accept its tokens at once.
   *
   * Another service knows the next key once it has fetched the JWKS again, which can take as long
   * as its cache: `Cache-Control` of the JWKS, or a setting such as `maxAge` of `remoteJwks` (600
   * s). Wait that long between two rotations, and rotate from one process, because each call is one
   * step.
   *
   * @throws `store_unavailable`
   */
  rotate(): Promise<void>
  /**
   * Rotates if the last rotation, or the creation of the first keys, was before this time. Of
   * several processes that call it at once, one rotates.
   *
   * @param before Milliseconds since 1970.
   * @returns whether this process has rotated
   * @throws `store_unavailable`
   * @example
   * await serviceKeys.rotateIfDue(Date.now() - 30 * 86_400_000)
   */
  rotateIfDue(before: number): Promise<boolean>
  /**
   * Replaces all keys without a grace period, after a leak. Tokens of the old keys are refused at
   * once in this process, and in other services once they have fetched the JWKS again. Until then
   * those may refuse tokens of the new key.
   *
   * @throws `store_unavailable`
   */
  replace(): Promise<void>
  /** Reads the keys again before their next use, because another process may have changed them. */
  expire(): void
}

/**
 * Creates a key source with key pairs: this service signs, and others verify by its JWKS without a
 * key that could sign. Tokens that others have verified cannot be revoked before they expire, so
 * keep their lifetime short.
 *
 * With `keys` the key pairs are part of the configuration. With `store` they are created at the
 * first use, sealed under the master key, and shared by all processes.
 *
 * @returns the key source, to be closed by the caller
 * @throws TypeError for keys that do not fit their algorithm, and unless exactly one of `keys` and
 * `store` is present
 * @example
 * ```ts
 * import express from 'express'
 * import { keyPair } from 'latchkey'
 * import { postgresStore } from 'latchkey/postgres'
 *
 * const store = postgresStore({ connectionString: process.env.DATABASE_URL })
 * const keys = keyPair({ store, masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 * const app = express()
 * app.get('/.well-known/jwks.json', async (_req, res) => res.json(await keys.jwks()))
 * ```
 */
export function keyPair(options: StoredKeyPairOptions): RotatingKeyPairSource
export function keyPair(options: ConfiguredKeyPairOptions): KeyPairSource
export function keyPair(options: StoredKeyPairOptions | ConfiguredKeyPairOptions): KeyPairSource {
  if (!('store' in options || 'keys' in options)) throw new TypeError('keys and store are missing: pass one of them.')
  if ('store' in options && 'keys' in options)
    throw new TypeError('keys and store cannot be combined: pass one of them.')
  return 'store' in options ? new StoredKeyPairs(options) : new ConfiguredKeyPairs(options.keys)
}

/** The state of configured keys, which never change in a process. */
const always: KeyPairState = { holds: () => true, isPast: () => false }

class ConfiguredKeyPairs implements KeyPairSource {
  readonly maxTokenTtl = 31_536_000
  readonly #keys: PublishedKeys

  constructor(configured: readonly ConfiguredKeyPair[]) {
    if (!Array.isArray(configured)) throw new TypeError('keys is missing: pass a list, the current key pair first.')
    const staged = configured.map((pair, index) => ({
      stage: pair.stage ?? (index === 0 ? 'current' : 'previous'),
      key: publishedKeyOf(pair),
    }))
    const [current, ...others] = staged.filter(({ stage }) => stage === 'current')
    if (current === undefined || others.length > 0)
      throw new TypeError('Exactly one key must have the stage "current".')
    this.#keys = new PublishedKeys(
      current.key,
      staged.map(({ key }) => key),
    )
  }

  async jwks(): Promise<Jwks> {
    return this.#keys.jwks
  }

  signingKey(): SigningKey {
    return this.#keys.current
  }

  verifyingKey(headerSegment: string): VerifyingKey {
    const key = this.#keys.withHeader(headerSegment) ?? this.#keys.find(parseKeyName(headerSegment))
    if (key === undefined) throw refusal('kid_unknown')
    return key
  }

  async close(): Promise<void> {}
}

function publishedKeyOf({ kid, alg, privateKey }: ConfiguredKeyPair): PublishedKey {
  if (typeof kid !== 'string' || kid === '' || kid.length > 255)
    throw new TypeError('kid must be a string of 1 to 255 characters.')
  try {
    const key = privateKey instanceof KeyObject ? privateKey : parsePem(privateKey)
    return new PublishedKey({ kid, algorithm: alg, privateKey: key, retiresAt: null }, always)
  } catch (error) {
    const reason = isError(error) ? error.message : String(error)
    throw new TypeError(`The key pair ${JSON.stringify(kid)} cannot be used: ${reason}`, { cause: error })
  }
}

/** Parses the PEM text of a private key. No error repeats the text, which is a secret. */
function parsePem(text: unknown): KeyObject {
  if (typeof text !== 'string') throw new TypeError('privateKey is neither a KeyObject nor PEM text: pass one of them.')
  if (text.includes('\\n')) {
    throw new TypeError('privateKey has \\n in place of line breaks: use privateKey.replaceAll("\\\\n", "\\n").')
  }
  try {
    return createPrivateKey(text)
  } catch (error) {
    throw new TypeError('privateKey is not the PEM text of a private key without a passphrase.', { cause: error })
  }
}
