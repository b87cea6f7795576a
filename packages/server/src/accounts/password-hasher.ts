import { randomBytes } from 'node:crypto'
import { hash, type Options, verify } from '@node-rs/argon2'
import { normalisePassword } from './password.js'

/** Turns passwords into what may be stored, and checks them. Both cost tens of milliseconds by design, off the event loop. */
export interface PasswordHasher {
  /** The hash of a password in PHC format, with a salt of its own. */
  hash(password: string): Promise<string>
  /**
   * Whether the password is the one that was hashed. `undefined` for "there is no such account" does the same work and gives `false`, so
   * that the time of an answer does not tell which addresses have accounts.
   */
  verify(password: string, hashed: string | undefined): Promise<boolean>
}

// OWASP's Password Storage Cheat Sheet: Argon2id, which is the default algorithm, with m = 19 MiB, t = 2, p = 1.
const cost: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Argon2id (RFC 9106). */
export async function createPasswordHasher(): Promise<PasswordHasher> {
  const nobody = await hash(randomBytes(32), cost)
  return {
    hash: (password) => hash(normalisePassword(password), cost),
    verify: async (password, hashed) => {
      const matches = await verify(hashed ?? nobody, normalisePassword(password))
      return matches && hashed !== undefined
    },
  }
}
