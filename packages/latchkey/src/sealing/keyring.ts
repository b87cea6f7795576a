import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { LatchkeyError } from '../errors.js'

/** The associated data of a sealed value: it decrypts for the same place and owner alone. */
export type Binding = readonly [purpose: string, ...parts: (string | number)[]]

/** An encrypted value with the ID of its master key. */
export interface Sealed {
  readonly masterKeyId: string
  /** base64url( nonce[12] ‖ ciphertext ‖ tag[16] ) */
  readonly sealed: string
}

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const keyIdPattern = /^[A-Za-z0-9._-]{1,64}$/

/**
 * Master keys by ID: the first one encrypts, all of them decrypt (C7). AES-256-GCM with a random
 * 96-bit nonce: by NIST SP 800-38D §8.3 a master key may encrypt 2^32 values; add a new one long
 * before.
 *
 * @example
 * const keyring = Keyring.parse(process.env.LATCHKEY_MASTER_KEYS)
 */
export class Keyring {
  readonly #keys: ReadonlyMap<string, KeyObject>
  /** ID of the master key that encrypts. */
  readonly newestId: string
  #seals = 0

  private constructor(keys: ReadonlyMap<string, KeyObject>, newestId: string) {
    this.#keys = keys
    this.newestId = newestId
  }

  /**
   * Parses `id:base64url,id:base64url`, newest first. A key has 32 bytes, an ID 1 to 64 characters
   * of `A-Z a-z 0-9 . _ -`.
   *
   * @throws TypeError that names the position of an invalid entry, never its content
   */
  static parse(text: string | undefined): Keyring {
    if (typeof text !== 'string' || text.trim() === '') {
      throw new TypeError(
        'masterKeys is missing: set LATCHKEY_MASTER_KEYS, or create a key with Keyring.generate("k1").',
      )
    }
    const keys = new Map<string, KeyObject>()
    for (const [index, entry] of text.split(',').entries()) {
      const [id, key] = parseEntry(entry.trim(), index + 1)
      if (keys.has(id)) throw new TypeError(`Master key ${index + 1} repeats an ID: use a different ID for each key.`)
      keys.set(id, key)
    }
    const [newestId] = keys.keys()
    if (newestId === undefined) throw new TypeError('masterKeys is empty: pass at least one "id:base64url" key.')
    return new Keyring(keys, newestId)
  }

  /**
   * Returns a new entry for a key ring: `id:base64url` of 32 random bytes.
   *
   * @example
   * ```ts
   * import { Keyring } from 'latchkey'
   *
   * const masterKeys = Keyring.generate('k1')
   * ```
   */
  static generate(id: string): string {
    if (!keyIdPattern.test(id))
      throw new TypeError('The ID of a master key must have 1 to 64 characters of A-Z a-z 0-9 . _ -')
    return `${id}:${randomBytes(keyBytes).toString('base64url')}`
  }

  has(masterKeyId: string): boolean {
    return this.#keys.has(masterKeyId)
  }

  /** Encrypts under the newest master key. */
  seal(plaintext: Uint8Array, binding: Binding): Sealed {
    this.#seals += 1
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.newestId), nonce)
    cipher.setAAD(encodeBinding(binding))
    const parts = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
    return { masterKeyId: this.newestId, sealed: Buffer.concat(parts).toString('base64url') }
  }

  /** Returns the number of encryptions since the last call. */
  takeSealCount(): number {
    const count = this.#seals
    this.#seals = 0
    return count
  }

  /**
   * Decrypts.
   *
   * @throws `master_key_missing`; `master_key_wrong` if the key, the value or the binding differs
   */
  open({ masterKeyId, sealed }: Sealed, binding: Binding): Buffer {
    const key = this.#key(masterKeyId)
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < nonceBytes + tagBytes) throw new LatchkeyError('master_key_wrong')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(encodeBinding(binding))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    try {
      const plaintext = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
      // Throws for a wrong tag; in this mode it returns no more plaintext.
      decipher.final()
      return plaintext
    } catch {
      throw new LatchkeyError('master_key_wrong')
    }
  }

  /** Returns the same value under the newest master key. */
  reseal(sealed: Sealed, binding: Binding): Sealed {
    const plaintext = this.open(sealed, binding)
    try {
      return this.seal(plaintext, binding)
    } finally {
      plaintext.fill(0)
    }
  }

  [inspect.custom](): string {
    return `Keyring { ${[...this.#keys.keys()].join(', ')} }`
  }

  #key(masterKeyId: string): KeyObject {
    const key = this.#keys.get(masterKeyId)
    if (key === undefined) throw new LatchkeyError('master_key_missing')
    return key
  }
}

function parseEntry(entry: string, position: number): [string, KeyObject] {
  const colon = entry.indexOf(':')
  const id = entry.slice(0, colon)
  if (colon < 0 || !keyIdPattern.test(id)) {
    throw new TypeError(`Master key ${position} is not "id:base64url" with an ID of A-Z a-z 0-9 . _ -`)
  }
  const text = entry.slice(colon + 1)
  const key = Buffer.from(text, 'base64url')
  if (key.length !== keyBytes || key.toString('base64url') !== text) {
    throw new TypeError(`Master key ${position} is not ${keyBytes} bytes in base64url.`)
  }
  return [id, createSecretKey(key)]
}

const lengthBytes = 4

/** Encodes each part after its length, so that no two bindings have the same encoding. */
function encodeBinding(binding: Binding): Buffer {
  const parts = binding.map(String)
  const size = parts.reduce((sum, part) => sum + lengthBytes + Buffer.byteLength(part), 0)
  // One buffer for all parts: two for each part cost more than the decryption.
  const encoded = Buffer.allocUnsafe(size)
  let at = 0
  for (const part of parts) {
    const length = encoded.write(part, at + lengthBytes)
    encoded.writeUInt32BE(length, at)
    at += lengthBytes + length
  }
  return encoded
}
