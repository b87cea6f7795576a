/** The spelling of a password that is hashed: NFC, so that two keyboards that compose letters differently agree (NIST SP 800-63B-4 §3.1.1.2). */
export function normalisePassword(text: string): string {
  return text.normalize('NFC')
}

/** Stands in the place of a hash for an account without a password: no password matches it. */
export const noPassword = ''
