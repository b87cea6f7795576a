import pg from 'pg'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../../../../../test/support/test-database.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'

it('a login that was rotated is read again once the server refuses the old one', async () => {
  const { url, drop } = await createTestDatabase()
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  // The server of the tests requires no password, but refuses a role that was dropped.
  const roles = [`before_${process.pid}`, `after_${process.pid}`] as const
  await owner.query(`create role ${roles[0]} login`)
  let role: string = roles[0]
  let reads = 0
  const store = postgresStore({
    connectionString: () => {
      reads += 1
      const changed = new URL(url)
      changed.username = role
      return changed.href
    },
  })
  const ask = async () => (await store.query<{ who: string }>('select current_user as who')).rows[0]?.who
  try {
    expect([await ask(), await ask(), reads]).toEqual([roles[0], roles[0], 1])
    await owner.query(`alter role ${roles[0]} rename to ${roles[1]}`)
    await owner.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [roles[1]])
    role = roles[1]
    // The connection that was ended may be used once more.
    await expect.poll(() => ask().catch(() => undefined), { timeout: 10_000 }).toBe(roles[1])
  } finally {
    await store.close()
    await owner.query(`drop role ${roles[1]}`)
    await owner.end()
    await drop()
  }
})
