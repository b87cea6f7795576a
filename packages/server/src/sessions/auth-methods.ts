/**
 * A method by which the owner of a session has authenticated (RFC 8176 §2): a password, a one-time
 * code, or a passkey whose key stays in one device (`hwk`) or is synchronized (`swk`). `mfa`: the
 * owner has shown two factors.
 */
export type AuthMethod = 'pwd' | 'otp' | 'hwk' | 'swk' | 'mfa'
