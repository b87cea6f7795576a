/**
 * Returns the form of a password that is hashed: NFC, because keyboards compose letters in
 * different ways (NIST SP 800-63B-4 §3.1.1.2).
 */
export function normalisePassword(text: string): string {
  return text.normalize('NFC')
}

/** The stored hash of an account without a password. No password matches it. */
export const noPassword = ''
