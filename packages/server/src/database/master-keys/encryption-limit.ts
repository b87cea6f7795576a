/** Values that one master key may encrypt: AES-GCM with random nonces, NIST SP 800-38D §8.3. */
export const encryptionLimit = 2 ** 32

/** From so many on a new master key is due: half of the limit leaves years. */
export const encryptionWarning = 2 ** 31
