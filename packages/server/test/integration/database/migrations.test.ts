import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { Keyring } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { MigrationSet, SqlStore } from 'latchkey/sql'
import { sqliteStore } from 'latchkey/sqlite'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../../../test/support/test-database.js'
import { readConfiguration } from '../../../src/config/configuration.js'
import { serverMigrations } from '../../../src/database/migrations.js'
import { openService } from '../../../src/service.js'
import { password } from '../../support/people.js'
import { destructiveStatements, fillTables, readBack } from './schema-history.js'

/**
 * The released versions, oldest first: the number of their migrations, and the hash of these. A
 * released migration is never changed, and migrations after the first release remove nothing. A
 * test that misses the line of a new release prints it.
 */
const releases: readonly { readonly version: string; readonly migrations: number; readonly sha256: string }[] = []

/** The tables that migrations before the first release emptied, by the names of the migrations. */
const emptied: Readonly<Record<string, string>> = {
  'an audit log with a verifiable chain': 'server_audit',
  'sessions with authenticated IDs': 'server_sessions',
}

const all: MigrationSet = serverMigrations

function first(count: number): MigrationSet {
  return { ...all, migrations: all.migrations.slice(0, count) }
}

function hashOf({ migrations }: MigrationSet): string {
  return createHash('sha256')
    .update(JSON.stringify(migrations.map(({ name, sql }) => [name, sql.replaceAll(/\s+/g, ' ')])))
    .digest('hex')
}

interface Place {
  readonly env: Record<string, string>
  open(): SqlStore
  remove(): Promise<void>
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  SQLite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-migrations-'))
    return {
      env: { LATCHKEY_DATA_DIR: folder },
      open: () => sqliteStore({ open: () => new DatabaseSync(join(folder, 'latchkey.db')) }),
      remove: async () => rmSync(folder, { recursive: true }),
    }
  },
  PostgreSQL: async () => {
    const { url, drop } = await createTestDatabase()
    return { env: { DATABASE_URL: url }, open: () => postgresStore({ connectionString: url }), remove: drop }
  },
}

describe.each(Object.entries(places))('a database on %s', (_name, create) => {
  const earlier = all.migrations.map(({ name }, count) => [count, name] as const)

  it.each(earlier)(
    'with %i migrations and data is migrated to this version, by two servers at once, and loses nothing',
    async (count) => {
      const place = await create()
      const [one, other] = [place.open(), place.open()]
      try {
        await one.migrate(first(count))
        const before = await fillTables(one)
        await Promise.all([one.migrate(all), other.migrate(all)])
        const lost = all.migrations.slice(count).map(({ name }) => emptied[name])
        for (const [table, row] of before) {
          expect(await readBack(one, table, row), table).toEqual(lost.includes(table) ? undefined : row)
        }
        const service = await openService(
          readConfiguration({ ...place.env, LATCHKEY_MASTER_KEYS: Keyring.generate('k1') }),
        )
        await service.adminCreation.createAdmin({ email: 'ada@example.com', password }).finally(() => service.close())
      } finally {
        await Promise.all([one.close(), other.close()])
        await place.remove()
      }
    },
  )
})

describe('the migrations', () => {
  const newest = releases.at(-1)

  it('are not changed once they are released', () => {
    for (const { version, migrations, sha256 } of releases) {
      expect([version, hashOf(first(migrations))]).toEqual([version, sha256])
    }
  })

  it('are recorded for every released version of the changelog', () => {
    const changelog = readFileSync(new URL('../../../../../CHANGELOG.md', import.meta.url), 'utf8')
    const released = [...changelog.matchAll(/^## v?(\d+\.\d+\.\d+)/gm)].map(([, version]) => version)
    const line = JSON.stringify({ version: '…', migrations: all.migrations.length, sha256: hashOf(all) })
    expect(
      releases.map(({ version }) => version),
      `add ${line}`,
    ).toEqual(released.toReversed())
  })

  it('remove nothing after the first release, and declare that older programs may run beside', () => {
    const from = releases[0]?.migrations ?? all.migrations.length
    expect(destructiveStatements(all, from)).toEqual([])
    for (const [index, { name, runsFrom }] of all.migrations.entries()) {
      if (index >= from) expect(runsFrom, name).toBeLessThanOrEqual(newest?.migrations ?? index)
    }
  })

  it.each([
    'drop table server_accounts',
    'delete from server_sessions',
    'alter table server_accounts drop column name',
    'alter table server_accounts rename column name to called',
    'alter table server_accounts alter column name set not null',
    'alter table server_accounts add column nickname text not null',
    'create unique index once on server_accounts (name)',
    'update server_accounts set name = null',
    'truncate server_audit',
    '\n  DROP\n INDEX x',
  ])('are refused with "%s"', (statement) => {
    const planted = { name: 'x', migrations: [{ name: 'y', sql: `create table z (id text); ${statement};` }] }
    expect(destructiveStatements(planted, 0)).toHaveLength(1)
    expect(destructiveStatements(planted, 1)).toEqual([])
  })

  it('may add tables, indexes, nullable columns, columns with a default, and rows', () => {
    const sql = `create table z (id text primary key, x text not null); create index zx on z (x); alter table z add column y text;
      alter table z add column w integer not null default 0; insert into z (id) values ('a')`
    expect(destructiveStatements({ name: 'x', migrations: [{ name: 'y', sql }] }, 0)).toEqual([])
  })
})
