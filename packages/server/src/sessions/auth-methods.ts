import type { AuthenticationLevel } from 'latchkey'

/**
 * A method by which the owner of a session has authenticated (RFC 8176 §2): a password, a one-time
 * code, or a passkey whose key stays in one device (`hwk`) or is synchronized (`swk`). `mfa`: the
 * owner has shown two factors.
 */
export type AuthMethod = 'pwd' | 'otp' | 'hwk' | 'swk' | 'mfa'

/** Returns the level of an authentication by these methods (NIST SP 800-63B-4). */
export function levelOf(methods: readonly AuthMethod[]): AuthenticationLevel {
  return methods.includes('mfa') ? 'aal2' : 'aal1'
}

/** Returns the methods of a session from its column. */
export function methodsIn(amr: string): AuthMethod[] {
  // Only `newSession` and `replaceSession` write it.
  return amr.split(' ') as AuthMethod[]
}
