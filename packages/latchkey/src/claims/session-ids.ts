import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Session IDs that prove by themselves that they were made for their subject. */
export interface SessionIds {
  /** A new ID for a session of this subject; `nowMs` is milliseconds since 1970. IDs made in different milliseconds sort by age. */
  mint(subject: string, nowMs: number): string
  /** Whether this ID was minted for this subject. Reads nothing; constant time in the tag. */
  recognises(sessionId: string, subject: string): boolean
}

const leastKeyBytes = 32
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * UUIDs of version 8 (RFC 9562 §5.8): 48 bits of milliseconds, 26 random ones, and 48 of HMAC-SHA-256(key, what stands before ‖ subject). Whoever has a
 * tenant's secret, but not this key, cannot make one for that tenant; one wrong guess tells of the leak, so the tag can be short.
 *
 * `key`: at least 32 random bytes, the same in every process and for as long as a session lives, and kept apart from the secrets that sign. Throws a
 * TypeError for a shorter one.
 */
export function sessionIds(key: Uint8Array): SessionIds {
  if (!(key instanceof Uint8Array && key.length >= leastKeyBytes)) {
    throw new TypeError(`The key of session IDs is at least ${leastKeyBytes} bytes.`)
  }
  return new TaggedSessionIds(key)
}

const idBytes = 10
const tagBytes = 6

class TaggedSessionIds implements SessionIds {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = Uint8Array.from(key)
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
