import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { verify as verifyArgon2 } from '@node-rs/argon2'
import type { ImportedHash } from './imported-hash.js'

const deriveScrypt = promisify<string, Buffer, number, object, Buffer>(scrypt)
const derivePbkdf2 = promisify(pbkdf2)

/** Whether the password is the one that another system has hashed; off the event loop. */
export async function verifyImported(password: string, hash: ImportedHash): Promise<boolean> {
  switch (hash.scheme) {
    case 'bcrypt':
      return (await import('@node-rs/bcrypt')).verify(password, hash.text)
    case 'argon2':
      return verifyArgon2(hash.text, password)
    case 'scrypt': {
      const { n, r, p, salt, key } = hash
      // Node refuses to take more than this; the next power has room for what it needs beside N blocks.
      const maxmem = 256 * n * r + 1024 * r * p
      return timingSafeEqual(await deriveScrypt(password, salt, key.length, { N: n, r, p, maxmem }), key)
    }
    case 'pbkdf2': {
      const { digest, iterations, salt, key } = hash
      return timingSafeEqual(await derivePbkdf2(password, salt, iterations, key.length, digest), key)
    }
  }
}
