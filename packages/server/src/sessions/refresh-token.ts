import { createHmac, timingSafeEqual } from 'node:crypto'
import type { StoredKey } from 'latchkey'
import { formatUuid, parseUuid } from '../uuid.js'

const idBytes = 16
const counterBytes = 4
const tagBytes = 32
const tokenBytes = idBytes + counterBytes + tagBytes

/** The greatest number of a refresh token; a session that has reached it cannot go on. */
export const maxRefreshCounter = 0xffff_ffff

/** What a refresh token says, before it is known whether it is genuine. */
export interface RefreshTokenParts {
  readonly sessionId: string
  /** Which of the session's tokens this is, counting up from 1. */
  readonly counter: number
  readonly tag: Uint8Array
}

/** What a session's refresh tokens are derived from. */
export interface RefreshTokenSeed {
  readonly sessionId: string
  /** Random, in base64url; a new one makes every earlier token of the session invalid. */
  readonly salt: string
}

/**
 * Refresh tokens that are derived instead of stored: base64url( session[16] ‖ counter[4] ‖ HMAC-SHA-256(key, session ‖ salt ‖ counter) ).
 * The same successor can be given twice, which parallel tabs and lost answers need, and no copy of the database
 * holds anything that could be presented.
 */
export class RefreshTokens {
  readonly #key: Uint8Array

  /** `key`: 32 random bytes, the same in every process. */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The session's token with this number. */
  derive(seed: RefreshTokenSeed, counter: number): string {
    const body = encodeBody(seed.sessionId, counter)
    return Buffer.concat([body, this.#tag(seed, counter)]).toString('base64url')
  }

  /** Whether the token was derived here from this seed. Constant time in the tag. */
  isGenuine({ sessionId, counter, tag }: RefreshTokenParts, seed: RefreshTokenSeed): boolean {
    return sessionId === seed.sessionId && timingSafeEqual(this.#tag(seed, counter), tag)
  }

  #tag({ sessionId, salt }: RefreshTokenSeed, counter: number): Buffer {
    // Session and counter have fixed lengths, so the salt between them needs no length of its own.
    return createHmac('sha256', this.#key)
      .update(encodeBody(sessionId, counter))
      .update(Buffer.from(salt, 'base64url'))
      .digest()
  }
}

/** Refresh tokens under a key that may be replaced. */
export interface ReplaceableRefreshTokens extends Pick<RefreshTokens, 'derive' | 'isGenuine'> {
  /** Returns whether the token was genuine before the key was replaced; it is not any more. */
  wasGenuine(parts: RefreshTokenParts, seed: RefreshTokenSeed): boolean
}

export function replaceableRefreshTokens(key: StoredKey<RefreshTokens>): ReplaceableRefreshTokens {
  return {
    derive: (seed, counter) => key.current.derive(seed, counter),
    isGenuine: (parts, seed) => key.accepted.some((tokens) => tokens.isGenuine(parts, seed)),
    wasGenuine: (parts, seed) => key.replaced?.isGenuine(parts, seed) === true,
  }
}

/** What the text says; `undefined` when it cannot be a refresh token. One text per token: other encodings of the same bytes are refused. */
export function parseRefreshToken(text: string): RefreshTokenParts | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== tokenBytes || bytes.toString('base64url') !== text) return undefined
  return {
    sessionId: formatUuid(bytes.subarray(0, idBytes)),
    counter: bytes.readUInt32BE(idBytes),
    tag: bytes.subarray(idBytes + counterBytes),
  }
}

function encodeBody(sessionId: string, counter: number): Buffer {
  if (!(counter >= 0 && counter <= maxRefreshCounter))
    throw new RangeError('The counter of a session is a 32-bit number.')
  const body = Buffer.alloc(idBytes + counterBytes)
  parseUuid(sessionId).copy(body)
  body.writeUInt32BE(counter, idBytes)
  return body
}
