import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { types } from 'node:util'

/**
 * The strength of an authentication, by the names of NIST SP 800-63B-4: `aal2` for two factors, or
 * one that is two at once, such as a passkey with user verification; `aal1` for anything less.
 */
export type AuthenticationLevel = 'aal1' | 'aal2'

/** The statement of a session ID. */
export interface MintedSession {
  /**
   * The time at which the ID was minted, in milliseconds since 1970: its owner authenticated then.
   */
  readonly mintedAtMs: number
  readonly level: AuthenticationLevel
}

/** Creates and authenticates session IDs that are bound to their subject by a MAC. */
export interface SessionIds {
  /**
   * Returns a new session ID, after the subject has authenticated. IDs of different milliseconds
   * sort by age.
   *
   * @param nowMs The time, in milliseconds since 1970.
   * @param level `aal1` by default.
   */
  mint(subject: string, nowMs: number, level?: AuthenticationLevel): string
  /**
   * Returns what the ID states, or `undefined` unless it was minted for the subject. Compares tags
   * in constant time.
   */
  read(sessionId: string, subject: string): MintedSession | undefined
}

const leastKeyBytes = 32
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Returns session IDs that are UUIDs of version 8 (RFC 9562 §5.8): 48 bits of milliseconds, 26
 * random bits and a tag of 48 bits. The tag is from HMAC-SHA-256(key, preceding bytes ‖ subject):
 * the first 48 bits for `aal1`, the next 48 for `aal2`.
 *
 * An attacker with a tenant's secret, but without this key, can neither make a session ID for the
 * tenant nor change the time and the level of one. The tag can be short because one wrong guess
 * already reports the leaked secret.
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
 * const id = ids.mint('user-1', Date.now(), 'aal2')
 * ids.read(id, 'user-1') // { mintedAtMs: …, level: 'aal2' }
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

/** In the order of their tags in the MAC. The first is that of IDs of older versions. */
const levels: readonly AuthenticationLevel[] = ['aal1', 'aal2']

class TaggedSessionIds implements SessionIds {
  readonly #key: KeyObject

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  mint(subject: string, nowMs: number, level: AuthenticationLevel = 'aal1'): string {
    const id = randomBytes(idBytes)
    id.writeUIntBE(nowMs, 0, 6)
    id[6] = 0x80 | (id.readUInt8(6) & 0x0f)
    id[8] = 0x80 | (id.readUInt8(8) & 0x3f)
    const tag = tagOf(this.#mac(id, subject), checkLevel(level))
    const hex = Buffer.concat([id, tag]).toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }

  read(sessionId: string, subject: string): MintedSession | undefined {
    if (!uuidPattern.test(sessionId)) return undefined
    const bytes = Buffer.from(sessionId.replaceAll('-', ''), 'hex')
    const tag = bytes.subarray(idBytes)
    const mac = this.#mac(bytes.subarray(0, idBytes), subject)
    const level = levels.find((each) => timingSafeEqual(tagOf(mac, each), tag))
    return level === undefined ? undefined : { mintedAtMs: bytes.readUIntBE(0, 6), level }
  }

  #mac(id: Uint8Array, subject: string): Buffer {
    return createHmac('sha256', this.#key).update(id).update(subject).digest()
  }
}

/**
 * Returns the part of the MAC that is the tag of a level. The parts are independent, so that the
 * tag of one level does not reveal that of the other.
 */
function tagOf(mac: Buffer, level: AuthenticationLevel): Buffer {
  const start = levels.indexOf(level) * tagBytes
  return mac.subarray(start, start + tagBytes)
}

function checkLevel(level: AuthenticationLevel): AuthenticationLevel {
  if (levels.includes(level)) return level
  throw new TypeError("The level of a session is 'aal1' or 'aal2'.")
}
