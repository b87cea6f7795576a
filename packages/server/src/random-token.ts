import { createHash, randomBytes } from 'node:crypto'

/** 32 bytes in base64url. */
const shape = /^[A-Za-z0-9_-]{43}$/

/** Returns a new token of 256 random bits, in base64url. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Returns whether a text can be such a token. */
export function isTokenShaped(text: string): boolean {
  return shape.test(text)
}

/** Returns the hash under which a token is stored: with 256 random bits, a plain one suffices. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
