import { sqliteStore } from 'latchkey/sqlite'
import Database from 'libsql'
import { outcomeOf } from '../stored.js'

export const peer = 'libsql'
export async function outcome(): Promise<unknown[]> {
  const store = sqliteStore({ open: () => new Database('libsql.db') })
  await store.migrate()
  return outcomeOf(store)
}
