import { createCipheriv, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { verify as verifyArgon2 } from '@node-rs/argon2'
import type { ImportedHash, ScryptHash } from './imported-hash.js'

const deriveScrypt = promisify<string, Buffer, number, object, Buffer>(scrypt)
const derivePbkdf2 = promisify(pbkdf2)

/** Returns whether the password matches the hash of another system. Runs off the event loop. */
export async function verifyImported(password: string, hash: ImportedHash): Promise<boolean> {
  switch (hash.scheme) {
    case 'bcrypt':
      return (await import('@node-rs/bcrypt')).verify(password, hash.text)
    case 'argon2':
      return verifyArgon2(hash.text, password)
    case 'scrypt':
      return timingSafeEqual(await scryptKey(password, hash, hash.key.length), hash.key)
    case 'firebase-scrypt': {
      const { signerKey, key } = hash
      const cipher = createCipheriv('aes-256-ctr', await scryptKey(password, hash, aesKeyBytes), firstCounter)
      return timingSafeEqual(cipher.update(signerKey), key)
    }
    case 'pbkdf2': {
      const { digest, iterations, salt, key } = hash
      return timingSafeEqual(await derivePbkdf2(password, salt, iterations, key.length, digest), key)
    }
  }
}

const aesKeyBytes = 32

/** The counter block of AES-256-CTR with which Firebase begins. Each key encrypts one text only. */
const firstCounter = Buffer.alloc(16)

function scryptKey(password: string, { n, r, p, salt }: Omit<ScryptHash, 'scheme'>, length: number): Promise<Buffer> {
  // Node refuses parameters that need more memory than this. Doubling leaves room beside the N
  // blocks.
  const maxmem = 256 * n * r + 1024 * r * p
  return deriveScrypt(password, salt, length, { N: n, r, p, maxmem })
}

/** bcrypt uses this many bytes of a password and its closing NUL, and ignores the rest. */
const bcryptKeyBytes = 72

/**
 * Returns whether no other password matches the hash that this password matches. bcrypt ignores
 * everything after 72 bytes, and repeats shorter passwords with a NUL between. HMAC, and with it
 * PBKDF2 and scrypt, pads with NULs (RFC 2104 §2). Unpaired surrogates have no distinct bytes in
 * UTF-8.
 */
export function coversWhole({ scheme }: ImportedHash, password: string): boolean {
  if (!password.isWellFormed()) return false
  if (scheme === 'argon2') return true
  if (password.includes('\0')) return false
  return scheme !== 'bcrypt' || Buffer.byteLength(password) < bcryptKeyBytes
}
