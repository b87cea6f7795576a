import { postgresStore } from 'latchkey/postgres'
import { outcomeOf } from '../stored.js'

export const peer = 'pg'
export async function outcome(): Promise<unknown[]> {
  const store = postgresStore({ connectionString: process.env.DATABASE_URL })
  await store.migrate()
  return outcomeOf(store)
}
