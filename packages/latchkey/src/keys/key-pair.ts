import { createPrivateKey, KeyObject } from 'node:crypto'
import { refusal } from '../errors.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { KeyPairStage } from './key-pair-store.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { type KeyPairState, PublishedKey } from './published-key.js'
import { type Jwks, PublishedKeys, parseKeyName } from './published-keys.js'
import { type StoredKeyPairOptions, StoredKeyPairs } from './stored-key-pairs.js'

/** A key pair that the configuration brings. */
export interface ConfiguredKeyPair {
  /** Names the key in headers and in the JWKS; 1 to 255 characters. */
  readonly kid: string
  readonly alg: SignatureAlgorithm
  /** A private key of Node, or its PEM text. */
  readonly privateKey: KeyObject | string
  /** Default `current` for the first key and `previous` for the others. Exactly one is current. */
  readonly stage?: KeyPairStage
}

/**
 * Options of `keyPair` with keys that the configuration brings. To rotate, publish the new key as
 * `next`, then make it `current`.
 */
export interface ConfiguredKeyPairOptions {
  readonly keys: readonly ConfiguredKeyPair[]
}

/** A key source whose tokens others verify by a JWKS. */
export interface KeyPairSource extends KeySource {
  /**
   * The public keys, for `/.well-known/jwks.json` (RFC 7517 §5): next, current and previous; never
   * a private or symmetric one. Fails with `store_unavailable`.
   */
  jwks(): Promise<Jwks>
}

/** A key pair source that keeps its keys in a store and can rotate them. */
export interface RotatingKeyPairSource extends KeyPairSource {
  /**
   * The next key signs from now on, the current one verifies until all its tokens have expired, and
   * a new next key is published. Other processes sign with it after `refreshInterval` at the
   * latest, and verify it at once.
   *
   * A verifier elsewhere knows a next key as soon as it has fetched the JWKS once more: at the
   * latest when its copy runs out, which is the longer of what the JWKS's `Cache-Control` allows
   * and what it keeps by itself (`remoteJwks`: `maxAge`, 600 s). Rotate again no sooner, and from
   * one process: each call is one step. Fails with `store_unavailable`.
   */
  rotate(): Promise<void>
  /**
   * The same where the last rotation, or the making of the first keys, was before this time
   * (milliseconds since 1970), and nothing elsewhere. Of any number of processes that call it at
   * once one rotates; resolves with whether this one did. Fails with `store_unavailable`.
   */
  rotateIfDue(before: number): Promise<boolean>
  /**
   * After a leak: new keys take the place of all, with no grace. Nothing verifies any more that the
   * old ones signed, here at once; elsewhere as soon as the JWKS is fetched again. Until then a
   * verifier elsewhere may refuse what the new key signs. Fails with `store_unavailable`.
   */
  replace(): Promise<void>
  /** The keys are read again before their next use: another process may have changed them. */
  expire(): void
}

/**
 * Key pairs: this service signs, and others verify by its JWKS without holding anything that could
 * sign. What they verified cannot be revoked before it expires, so keep such tokens short. With
 * `keys` the configuration holds them; with `store` they are made at first use, sealed under the
 * master key, and shared by all processes. Throws a TypeError for keys that do not fit their
 * algorithm, and for `keys` and `store` together.
 *
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
  if (!('store' in options || 'keys' in options)) throw new TypeError('Give keys or a store: neither is there.')
  if ('store' in options && 'keys' in options) throw new TypeError('Give keys or a store, not both.')
  return 'store' in options ? new StoredKeyPairs(options) : new ConfiguredKeyPairs(options.keys)
}

/** What the configuration brings stays as long as the process. */
const always: KeyPairState = { holds: () => true, isPast: () => false }

class ConfiguredKeyPairs implements KeyPairSource {
  readonly maxTokenTtl = 31_536_000
  readonly #keys: PublishedKeys

  constructor(configured: readonly ConfiguredKeyPair[]) {
    if (!Array.isArray(configured)) throw new TypeError('keys is missing: give a list, the current key pair first.')
    const staged = configured.map((pair, index) => ({
      stage: pair.stage ?? (index === 0 ? 'current' : 'previous'),
      key: publishedKeyOf(pair),
    }))
    const [current, ...others] = staged.filter(({ stage }) => stage === 'current')
    if (current === undefined || others.length > 0) throw new TypeError('Exactly one of the keys is current.')
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
  if (typeof kid !== 'string' || kid === '' || kid.length > 255) throw new TypeError('A kid has 1 to 255 characters.')
  try {
    const key = privateKey instanceof KeyObject ? privateKey : parsePem(privateKey)
    return new PublishedKey({ kid, algorithm: alg, privateKey: key, retiresAt: null }, always)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TypeError(`The key pair ${JSON.stringify(kid)} cannot be used: ${reason}`, { cause: error })
  }
}

/** Neither a message nor a cause repeats the text: it is a secret. */
function parsePem(text: unknown): KeyObject {
  if (typeof text !== 'string') throw new TypeError('privateKey is neither a KeyObject nor PEM text.')
  if (text.includes('\\n')) {
    throw new TypeError('privateKey has \\n in place of line breaks: use privateKey.replaceAll("\\\\n", "\\n").')
  }
  try {
    return createPrivateKey(text)
  } catch (error) {
    throw new TypeError('privateKey is no PEM text of a private key without a passphrase.', { cause: error })
  }
}
