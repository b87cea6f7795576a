import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { StoredKey } from '../secrets/stored-keys.js'

const idBytes = 16
const counterBytes = 4
const tagBytes = 32
const tokenBytes = idBytes + counterBytes + tagBytes
const tokenLength = Math.ceil((tokenBytes * 4) / 3)

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The greatest counter of a refresh token. A session that has reached it expires. */
export const maxRefreshCounter = 0xffff_ffff

/** A decoded refresh token that is not authenticated yet. */
export interface RefreshTokenParts {
  readonly sessionId: string
  /** The number of the token in its session, from 1. */
  readonly counter: number
  /** The MAC, to be checked by `isGenuine`. */
  readonly tag: Uint8Array
}

/** The input from which the refresh tokens of a session are derived. */
export interface RefreshTokenSeed {
  /** A UUID. */
  readonly sessionId: string
  /** Random, in base64url; a new one makes every earlier token of the session invalid. */
  readonly salt: string
}

/**
 * Refresh tokens that are derived instead of stored: base64url( session[16] ‖ counter[4] ‖
 * HMAC-SHA-256(key, session ‖ salt ‖ counter) ). The same successor can be returned twice, which
 * parallel tabs and lost responses need, and a copy of the database contains no token that could be
 * used.
 *
 * @example
 * ```ts
 * import { randomBytes, randomUUID } from 'node:crypto'
 * import { parseRefreshToken, RefreshTokens } from 'latchkey/sessions'
 *
 * const tokens = new RefreshTokens(randomBytes(32))
 * const seed = { sessionId: randomUUID(), salt: randomBytes(16).toString('base64url') }
 * const parts = parseRefreshToken(tokens.derive(seed, 1))
 * const isGenuine = parts !== undefined && tokens.isGenuine(parts, seed) // true
 * ```
 */
export class RefreshTokens {
  readonly #key: KeyObject

  /** `key`: 32 random bytes, the same in every process. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  /**
   * Returns the token of the session with this number.
   *
   * @throws RangeError for a number that is not a 32-bit unsigned integer; TypeError for a session
   * ID that is not a UUID
   */
  derive(seed: RefreshTokenSeed, counter: number): string {
    const body = encodeBody(seed.sessionId, counter)
    return Buffer.concat([body, this.#tag(seed, counter)]).toString('base64url')
  }

  /** Returns whether the token was derived from this seed. Compares in constant time. */
  isGenuine({ sessionId, counter, tag }: RefreshTokenParts, seed: RefreshTokenSeed): boolean {
    return sessionId === seed.sessionId && timingSafeEqual(this.#tag(seed, counter), tag)
  }

  #tag({ sessionId, salt }: RefreshTokenSeed, counter: number): Buffer {
    // Session ID and counter have fixed lengths, so that the encoding is unambiguous.
    return createHmac('sha256', this.#key)
      .update(encodeBody(sessionId, counter))
      .update(Buffer.from(salt, 'base64url'))
      .digest()
  }
}

/** Refresh tokens under a key that may be replaced. */
export interface ReplaceableRefreshTokens extends Pick<RefreshTokens, 'derive' | 'isGenuine'> {
  /**
   * Returns whether the token was genuine before the key was replaced; it is not valid any more.
   */
  wasGenuine(parts: RefreshTokenParts, seed: RefreshTokenSeed): boolean
}

/**
 * Returns refresh tokens that follow a replacement of their key.
 *
 * @example
 * ```ts
 * import type { TenantSecrets } from 'latchkey'
 * import { RefreshTokens, replaceableRefreshTokens } from 'latchkey/sessions'
 *
 * export async function openTokens(keys: TenantSecrets) {
 *   const key = await keys.storedKey('my-refresh-key', (bytes) => new RefreshTokens(bytes))
 *   return replaceableRefreshTokens(key)
 * }
 * ```
 */
export function replaceableRefreshTokens(key: StoredKey<RefreshTokens>): ReplaceableRefreshTokens {
  return {
    derive: (seed, counter) => key.current.derive(seed, counter),
    isGenuine: (parts, seed) => key.accepted.some((tokens) => tokens.isGenuine(parts, seed)),
    wasGenuine: (parts, seed) => key.replaced?.isGenuine(parts, seed) === true,
  }
}

/**
 * Decodes a refresh token; returns `undefined` for malformed text. Only the canonical encoding is
 * accepted.
 *
 * @example
 * ```ts
 * import { parseRefreshToken } from 'latchkey/sessions'
 *
 * parseRefreshToken('not a refresh token') // undefined
 * ```
 */
export function parseRefreshToken(text: string): RefreshTokenParts | undefined {
  if (typeof text !== 'string' || text.length !== tokenLength) return undefined
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== tokenBytes || bytes.toString('base64url') !== text) return undefined
  return {
    sessionId: formatId(bytes.subarray(0, idBytes)),
    counter: bytes.readUInt32BE(idBytes),
    tag: bytes.subarray(idBytes + counterBytes),
  }
}

function encodeBody(sessionId: string, counter: number): Buffer {
  if (!(counter >= 0 && counter <= maxRefreshCounter))
    throw new RangeError('The counter of a refresh token must be a 32-bit unsigned integer.')
  if (!isRefreshableId(sessionId)) throw new TypeError('The session ID of a refresh token must be a UUID.')
  const body = Buffer.alloc(idBytes + counterBytes)
  body.write(sessionId.replaceAll('-', ''), 'hex')
  body.writeUInt32BE(counter, idBytes)
  return body
}

/** Returns whether refresh tokens can name this session: its ID is a UUID in lower case. */
export function isRefreshableId(sessionId: unknown): sessionId is string {
  return typeof sessionId === 'string' && uuidPattern.test(sessionId)
}

function formatId(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
