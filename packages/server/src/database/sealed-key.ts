import { randomBytes } from 'node:crypto'
import { type Binding, Keyring } from 'latchkey'
import type { SqlStore } from 'latchkey/sqlite'

/** What keys of the server are for. A name is never changed. */
export type SealedKeyName =
  | 'server:refresh-key'
  | 'server:protection-key'
  | 'server:audit-key'
  | 'server:session-id-key'
  | 'server:mail-key'

/**
 * 32 random bytes, made at the first start, the same in every process on the database, and kept there sealed under the master key. Throws
 * `master_key_missing`, `master_key_wrong`.
 */
export async function readSealedKey(store: SqlStore, masterKeys: string, name: SealedKeyName): Promise<Uint8Array> {
  const keyring = Keyring.parse(masterKeys)
  // The binding that the library's rewrap expects of every setting.
  const binding: Binding = ['setting', name]
  const setting = await store.setting(name, () => ({ name, ...keyring.seal(randomBytes(32), binding) }))
  return keyring.open(setting, binding)
}
