import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { types } from 'node:util'

/** Creates and authenticates session IDs that are bound to their subject by a MAC. */
export interface SessionIds {
  /**
   * Returns a new session ID for the subject. IDs of different milliseconds sort by age.
   *
   * @param nowMs The time, in milliseconds since 1970.
   */
  mint(subject: string, nowMs: number): string
  /** Returns whether the ID was minted for the subject. Compares the tag in constant time. */
  recognises(sessionId: string, subject: string): boolean
}

const leastKeyBytes = 32
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Returns session IDs that are UUIDs of version 8 (RFC 9562 §5.8): 48 bits of milliseconds, 26
 * random bits and 48 bits of HMAC-SHA-256(key, preceding bytes ‖ subject).
 *
 * An attacker with a tenant's secret, but without this key, cannot make a session ID for the
 * tenant. The tag can be short because one wrong guess already reports the leaked secret.
 *
 * @param key At least 32 random bytes, the same in every process for as long as sessions live, and
 * stored apart from the signing secrets.
 * @throws TypeError for a shorter key
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { sessionIds } from 'latchkey'
 *
 * const ids = sessionIds(randomBytes(32))
 * const id = ids.mint('user-1', Date.now())
 * ids.recognises(id, 'user-1') // true
 * ```
 */
export function sessionIds(key: Uint8Array): SessionIds {
  if (!(types.isUint8Array(key) && key.length >= leastKeyBytes)) {
    throw new TypeError(`The key of session IDs is at least ${leastKeyBytes} bytes.`)
  }
  return new TaggedSessionIds(key)
}

const idBytes = 10
const tagBytes = 6

class TaggedSessionIds implements SessionIds {
  readonly #key: KeyObject

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  mint(subject: string, nowMs: number): string {
    const id = randomBytes(idBytes)
    id.writeUIntBE(nowMs, 0, 6)
    id[6] = 0x80 | (id.readUInt8(6) & 0x0f)
    id[8] = 0x80 | (id.readUInt8(8) & 0x3f)
    const hex = Buffer.concat([id, this.#tag(id, subject)]).toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }

  recognises(sessionId: string, subject: string): boolean {
    if (!uuidPattern.test(sessionId)) return false
    const bytes = Buffer.from(sessionId.replaceAll('-', ''), 'hex')
    return timingSafeEqual(this.#tag(bytes.subarray(0, idBytes), subject), bytes.subarray(idBytes))
  }

  #tag(id: Uint8Array, subject: string): Buffer {
    return createHmac('sha256', this.#key).update(id).update(subject).digest().subarray(0, tagBytes)
  }
}
