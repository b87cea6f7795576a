import { mysqlStore } from 'latchkey/mysql'
import { outcomeOf } from '../stored.js'

export const peer = 'mysql2'
export async function outcome(): Promise<unknown[]> {
  const store = mysqlStore({ connectionString: process.env.MYSQL_URL })
  await store.migrate()
  return outcomeOf(store)
}
