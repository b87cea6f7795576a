import { createHash } from 'node:crypto'

/**
 * Replaces the password hash of a server under test, so that the time of a sign-in shows the rest
 * of the work. It is a single SHA-256 and protects nothing.
 */
export async function stubbedHash(password: string): Promise<string> {
  return `stub$${createHash('sha256').update(password).digest('base64url')}`
}

/** Compares a password with a result of `stubbedHash`. */
export async function stubbedCompare(password: string, hash: string | undefined): Promise<boolean> {
  return (await stubbedHash(password)) === hash
}
