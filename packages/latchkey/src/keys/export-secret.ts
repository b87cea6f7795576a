import type { KeyObject } from 'node:crypto'

/**
 * The name of the method that `latchkey/interop` calls, in this and every other copy of the
 * package.
 */
export const exportSecret = Symbol.for('latchkey.exportSecret')

/**
 * A key whose secret can be handed to another library. The method has a symbol for a name, and
 * `VerifyingKey` does not have it, so that no code reads a secret by accident.
 */
export interface SecretKey {
  /** @throws `master_key_missing`, `master_key_wrong` if the secret cannot be decrypted */
  [exportSecret](): KeyObject
}

/** Returns the secret of a key, for `latchkey/interop` alone; `undefined` for a key without one. */
export function exportSecretOf(key: object): KeyObject | undefined {
  return (key as Partial<SecretKey>)[exportSecret]?.()
}
