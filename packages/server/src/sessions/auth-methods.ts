import type { AuthenticationLevel } from 'latchkey'

/**
 * A method by which the owner of a session has authenticated (RFC 8176 §2): a password, a one-time
 * code, or a passkey whose key stays in one device (`hwk`) or is synchronized (`swk`). `mfa`: the
 * owner has shown two factors. `mail`, which RFC 8176 does not define: access to the mailbox. It is
 * no authenticator of NIST SP 800-63B-4 (§3.1.3), so that it counts as no factor of `mfa`.
 */
export type AuthMethod = 'pwd' | 'otp' | 'hwk' | 'swk' | 'mail' | 'mfa'

/** Returns the level of an authentication by these methods (NIST SP 800-63B-4). */
export function levelOf(methods: readonly AuthMethod[]): AuthenticationLevel {
  return methods.includes('mfa') ? 'aal2' : 'aal1'
}

/**
 * Returns the methods of a sign-in in two steps. Two factors are a password with a second factor,
 * or a passkey alone, which states `mfa` itself.
 */
export function methodsOfBoth(first: readonly AuthMethod[], second: readonly AuthMethod[]): readonly AuthMethod[] {
  const both = first.includes('pwd') ? (['mfa'] as const) : []
  return [...new Set([...first, ...second, ...both])]
}

/**
 * Returns the methods of a session from its column; none if an administrator acts in it, because
 * its owner has not authenticated.
 */
export function methodsIn(amr: string): AuthMethod[] {
  // Only `newSession` and `replaceSession` write it.
  return amr === '' ? [] : (amr.split(' ') as AuthMethod[])
}
