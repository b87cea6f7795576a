import pg from 'pg'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../../../../test/support/test-database.js'
import { postgresStore } from '../../src/stores/postgres/index.js'

it('a password that was rotated is read again once the server refuses the old one', async () => {
  const { url, drop } = await createTestDatabase()
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  const role = `rotated_${process.pid}`
  await owner.query(`create role ${role} login password 'first'`)
  const urlWith = (password: string) => {
    const changed = new URL(url)
    changed.username = role
    changed.password = password
    return changed.href
  }
  let password = 'first'
  let reads = 0
  const store = postgresStore({
    connectionString: () => {
      reads += 1
      return urlWith(password)
    },
  })
  const ask = async () => (await store.query<{ who: string }>('select current_user as who')).rows[0]?.who
  try {
    expect([await ask(), await ask(), reads]).toEqual([role, role, 1])
    await owner.query(`alter role ${role} password 'second'`)
    password = 'second'
    await owner.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role])
    // The connection that was ended may be met once.
    await expect.poll(() => ask().catch(() => undefined), { timeout: 10_000 }).toBe(role)
  } finally {
    await store.close()
    await owner.query(`drop role ${role}`)
    await owner.end()
    await drop()
  }
})
