import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const secretBytes = 32
const hashBytes = 32

/** The maximum number of valid secrets of a client: the newest one, and the one that it replaces. */
export const MAX_LIVE_SECRETS = 2

const daySec = 86_400

/** The seconds for which a replaced secret stays valid: by default, and at most. */
export const secretGraceSec = { default: daySec, max: 30 * daySec } as const

/** A new client secret: 256 random bits. Its beginning lets scanners of logs and repositories find one that went astray. */
export function newClientSecret(): string {
  return `lkcs_${randomBytes(secretBytes).toString('base64url')}`
}

/**
 * What is stored of a client secret. One SHA-256 is enough: slow hashes are for what people choose, and of 256 random bits nothing can be
 * guessed, however fast the guesses are hashed.
 */
export function hashClientSecret(secret: string): string {
  return digest(secret).toString('base64url')
}

const nobody = Buffer.alloc(hashBytes)

/**
 * Which of the hashes is the secret's; `undefined` if none is. The same work for right and wrong secrets, and for a client that has one, two or,
 * because there is no such client, none.
 */
export function findSecretHash(secret: string, hashes: readonly string[]): string | undefined {
  const presented = digest(secret)
  let found: string | undefined
  for (let at = 0; at < Math.max(MAX_LIVE_SECRETS, hashes.length); at += 1) {
    const hash = hashes[at]
    const stored = hash === undefined ? nobody : Buffer.from(hash, 'base64url')
    const equal = stored.length === hashBytes && timingSafeEqual(presented, stored)
    if (equal && hash !== undefined) found = hash
  }
  return found
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
