/**
 * The number of values that one master key may encrypt: AES-GCM with random nonces, NIST SP 800-38D
 * §8.3.
 */
export const encryptionLimit = 2 ** 32

/**
 * The number of encryptions after which a new master key is due. The other half of the limit leaves
 * years.
 */
export const encryptionWarning = 2 ** 31
