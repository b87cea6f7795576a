import { DatabaseSync } from '@photostructure/sqlite'
import { sqliteStore } from 'latchkey/sqlite'
import { outcomeOf } from '../stored.js'

export const peer = '@photostructure/sqlite'
export async function outcome(): Promise<unknown[]> {
  const store = sqliteStore({ open: () => new DatabaseSync('photostructure.db') })
  await store.migrate()
  return outcomeOf(store)
}
