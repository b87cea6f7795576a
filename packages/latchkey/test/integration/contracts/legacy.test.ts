import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.js'
import type { TenantStore } from '../../../src/secrets/ports.js'
import type { SqlClient } from '../../../src/stores/sql/sql-client.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { type EmptyDatabase, emptyPostgres, emptySqlite, migratedDatabase } from '../../support/databases.js'
import { legacy, signOld } from '../../support/legacy.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const cleanUps = cleanUpsOfEachTest()
const until = new Date(Date.now() + 86_400_000)
const clock = systemClock

/** One process that has switched to Latchkey, closed at the end of the test. */
function open(store: TenantStore) {
  const setup = setUp({ store, clock, keys: { legacy: legacy({ until }), maxStaleness: 60_000 } })
  cleanUps.push(() => setup.latchkey.close())
  return setup
}

const sign = (userId: string) => signOld({ clock: { ...clock, advance: () => {}, step: () => {} } }, { userId })

const databases: readonly (readonly [string, () => Promise<EmptyDatabase>])[] = [
  ['PostgreSQL', emptyPostgres],
  ['SQLite', emptySqlite],
]

describe.each(databases)('legacy tokens on %s', (_, create) => {
  it('end in every process, with the transaction of the caller, and not if it rolls back', async () => {
    const database = await migratedDatabase(cleanUps, create)
    const store = database.open()
    const [writer, reader, late] = [open(store), open(database.open()), open(database.open())]
    const [alice, bob] = [sign('alice'), sign('bob')]
    await writer.keys.ready()
    for (const token of [alice, bob]) {
      expect(await reader.latchkey.verify(token)).toMatchObject({ kid: 'legacy' })
    }
    const revoke = (fails: boolean) =>
      store.transaction(async (client: SqlClient) => {
        await writer.keys.revoke('alice', { client })
        if (fails) throw new Error('Rolled back by the test.')
      })
    await expect(revoke(true)).rejects.toThrow('Rolled back')
    expect(await reader.latchkey.verify(alice)).toMatchObject({ subject: 'alice' })
    await revoke(false)
    await writer.keys.waitForPropagation()
    for (const { latchkey } of [writer, reader, late]) {
      expect(await outcomeOf(() => latchkey.verify(alice))).toBe('token_revoked')
      expect(await latchkey.verify(bob)).toMatchObject({ subject: 'bob' })
    }
    await writer.keys.forget('bob', { everywhere: true })
    for (const { latchkey } of [writer, reader, late]) {
      expect(await outcomeOf(() => latchkey.verify(bob))).toBe('token_revoked')
    }
    const { token } = await reader.latchkey.issue({ subject: 'alice' })
    expect(await late.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    expect(await outcomeOf(() => late.latchkey.verify(alice))).toBe('token_revoked')
  })

  it('end at the last change of tenants that were stored before the time of revocations was', async () => {
    const database = await migratedDatabase(cleanUps, create)
    const store = database.open()
    const before = open(store)
    await before.keys.provision('alice')
    // Back to the tables as they were, which did not hold the times.
    for (const statement of [
      'drop table latchkey_sessions',
      'alter table latchkey_tenants drop column first_kid',
      'drop index latchkey_tenants_forgotten',
      'alter table latchkey_tenants drop column forgotten_until',
      'alter table latchkey_tenants drop column revoked_at',
      `delete from latchkey_migrations where set_name = 'latchkey' and name in ('when tenants were revoked', 'sessions')`,
    ]) {
      await store.query(statement)
    }
    await before.latchkey.close()
    const upgraded = database.open()
    await upgraded.migrate()
    const { latchkey, keys } = open(upgraded)
    expect(await keys.describe('alice')).toMatchObject({ revokedAt: expect.any(Number) })
    expect(await outcomeOf(() => latchkey.verify(sign('alice')))).toBe('token_revoked')
    expect(await latchkey.verify(sign('bob'))).toMatchObject({ subject: 'bob' })
  })
})
