import { hkdfSync, randomBytes } from 'node:crypto'
import { BoundedMap, type Evictable } from '../bounded-map.js'
import { LatchkeyError } from '../errors.js'
import { type Binding, Keyring } from '../sealing/keyring.js'
import type { StoredKey } from '../secrets/stored-keys.js'

/**
 * Values that one subkey encrypts: far below 2^32, the limit for random nonces (SP 800-38D §8.3).
 */
const maxSeals = 2 ** 30

const saltBytes = 16
const saltShape = /^[A-Za-z0-9_-]{22}$/

/** Subkeys of one key in memory: about one for each process that wrote to the cache recently. */
const maxSubkeys = 1000

interface Subkey extends Evictable {
  readonly keyring: Keyring
}

/**
 * Seals entries of the shared cache as `base64url(salt):sealed`.
 *
 * Each process uses a subkey of its own, HKDF-SHA-256 of the stored key and a random salt (RFC
 * 5869). Caching therefore does not count against the encryption limit of the stored key or a
 * master key, and a leaked master key alone cannot make an entry that is accepted.
 */
export class SharedCacheSealer {
  readonly #key: StoredKey<Uint8Array>
  /** By key, which is the same object for as long as it is used, and by salt. */
  readonly #subkeys = new WeakMap<Uint8Array, BoundedMap<string, Subkey>>()
  #ownSalt = newSalt()
  #seals = 0

  constructor(key: StoredKey<Uint8Array>) {
    this.#key = key
  }

  seal(plaintext: Uint8Array, binding: Binding): string {
    if (this.#seals >= maxSeals) {
      this.#ownSalt = newSalt()
      this.#seals = 0
    }
    this.#seals += 1
    const { masterKeyId, sealed } = this.#subkey(this.#key.current, this.#ownSalt).seal(plaintext, binding)
    return `${masterKeyId}:${sealed}`
  }

  /** Throws `master_key_wrong` for a forged entry, or one under a key that was replaced. */
  open(value: string, binding: Binding): Buffer {
    const colon = value.indexOf(':')
    const salt = value.slice(0, colon)
    const entry = { masterKeyId: salt, sealed: value.slice(colon + 1) }
    if (!saltShape.test(salt)) throw new LatchkeyError('master_key_wrong')
    const [current, next] = this.#key.accepted
    if (current === undefined) throw new LatchkeyError('master_key_wrong')
    if (next === undefined) return this.#subkey(current, salt).open(entry, binding)
    try {
      return this.#subkey(current, salt).open(entry, binding)
    } catch {
      return this.#subkey(next, salt).open(entry, binding)
    }
  }

  #subkey(key: Uint8Array, salt: string): Keyring {
    let subkeys = this.#subkeys.get(key)
    if (subkeys === undefined) {
      subkeys = new BoundedMap(maxSubkeys)
      this.#subkeys.set(key, subkeys)
    }
    const known = subkeys.get(salt)
    if (known !== undefined) {
      known.recentlyUsed = true
      return known.keyring
    }
    const bytes = Buffer.from(hkdfSync('sha256', key, Buffer.from(salt, 'base64url'), 'latchkey shared cache', 32))
    const keyring = Keyring.parse(`${salt}:${bytes.toString('base64url')}`)
    subkeys.set(salt, { keyring, recentlyUsed: true })
    return keyring
  }
}

function newSalt(): string {
  return randomBytes(saltBytes).toString('base64url')
}
