import { randomBytes } from 'node:crypto'
import { type Binding, Keyring } from 'latchkey'
import type { SqlStore } from 'latchkey/sqlite'

const name = 'server:refresh-key'
// The binding that the library's rewrap expects of every setting.
const binding: Binding = ['setting', name]

/** The key of refresh tokens: made at the first start, kept sealed under the master key. Throws `master_key_missing`, `master_key_wrong`. */
export async function readRefreshKey(store: SqlStore, masterKeys: string): Promise<Uint8Array> {
  const keyring = Keyring.parse(masterKeys)
  const setting = await store.setting(name, () => ({ name, ...keyring.seal(randomBytes(32), binding) }))
  return keyring.open(setting, binding)
}
