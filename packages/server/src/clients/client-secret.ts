import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const secretBytes = 32
const hashBytes = 32

/**
 * The maximum number of valid secrets of a client: the newest one, and the one that it replaces.
 */
export const MAX_LIVE_SECRETS = 2

const daySec = 86_400

/** The seconds for which a replaced secret stays valid: by default, and at most. */
export const secretGraceSec = { default: daySec, max: 30 * daySec } as const

/**
 * Returns a new client secret of 256 random bits. Its prefix lets scanners of logs and repositories
 * find a leaked one.
 */
export function newClientSecret(): string {
  return `lkcs_${randomBytes(secretBytes).toString('base64url')}`
}

/**
 * Returns the hash under which a client secret is stored. One SHA-256 is enough: slow hashes
 * protect passwords, and 256 random bits cannot be guessed.
 */
export function hashClientSecret(secret: string): string {
  return digest(secret).toString('base64url')
}

const absentHash = Buffer.alloc(hashBytes)

/**
 * Returns the hash that matches the secret; `undefined` if none does. The work is the same for
 * right and wrong secrets, and for no, one or two hashes, so that timing does not reveal whether a
 * client exists.
 */
export function findSecretHash(secret: string, hashes: readonly string[]): string | undefined {
  const presented = digest(secret)
  let found: string | undefined
  for (let at = 0; at < Math.max(MAX_LIVE_SECRETS, hashes.length); at += 1) {
    const hash = hashes[at]
    const stored = hash === undefined ? absentHash : Buffer.from(hash, 'base64url')
    const equal = stored.length === hashBytes && timingSafeEqual(presented, stored)
    if (equal && hash !== undefined) found = hash
  }
  return found
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
