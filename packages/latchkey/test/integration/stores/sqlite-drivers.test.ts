import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isUniqueViolation } from '../../../src/stores/sql/index.js'
import { hasWalResetFault, type SqliteHandle, sqliteStore } from '../../../src/stores/sqlite/index.js'
import { addSecret } from '../../../src/testing/store-contract/fixtures.js'

describe('the WAL-reset fault of SQLite', () => {
  it.each(['3.7.0', '3.44.5', '3.45.1', '3.50.6', '3.51.0', '3.51.2', '', 'unknown'])('is in %j', (version) => {
    expect(hasWalResetFault(version)).toBe(true)
  })

  it.each(['3.6.23', '3.44.6', '3.50.7', '3.51.3', '3.53.0', '3.53.4', '4.0.0'])('is not in %s', (version) => {
    expect(hasWalResetFault(version)).toBe(false)
  })
})

const drivers: Readonly<Record<string, (path: string) => SqliteHandle>> = {
  '@photostructure/sqlite': (path) => new DatabaseSync(path),
  libsql: (path) => new Database(path),
}

describe.each(Object.entries(drivers))('an SQLite store over %s', (name, open) => {
  let folder: string
  let path: string
  const warnings: unknown[] = []
  const remember = (warning: unknown) => warnings.push(warning)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-driver-'))
    path = join(folder, 'latchkey.db')
    warnings.length = 0
    process.on('warning', remember)
  })

  afterEach(() => {
    process.off('warning', remember)
    rmSync(folder, { recursive: true })
  })

  const openMigrated = async () => {
    const store = sqliteStore({ open: () => open(path) })
    await store.migrate()
    return store
  }

  it('binds values by their number, in any order and more than once, and returns what was stored', async () => {
    const store = await openMigrated()
    await store.query('create table things (id text primary key, size integer, data blob)')
    const insert = 'insert into things (data, id, size) values ($3, $1, $2) returning id'
    expect((await store.query(insert, ['a', 1, new Uint8Array([1, 2])])).rows).toEqual([{ id: 'a' }])
    await store.query('update things set size = $1 + $1 where id = $2', [21, 'a'])
    const { rows } = await store.query('select id, size, hex(data) as data from things')
    expect(rows).toEqual([{ id: 'a', size: 42, data: '0102' }])
    await store.close()
  })

  it('recognises a key that exists already, whether the statement returns rows or not', async () => {
    const store = await openMigrated()
    await store.query('create table things (id text primary key, name text unique)')
    await store.query(`insert into things values ('a', 'x')`)
    for (const insert of [
      `insert into things values ('a', 'y')`,
      `insert into things values ('a', 'y') returning id`,
      `insert into things values ('b', 'x')`,
      `insert into things values ('b', 'x') returning id`,
    ]) {
      const error = await store.query(insert).catch((error: unknown) => error)
      expect(isUniqueViolation(error)).toBe(true)
    }
    const other = await store.query('insert into nothing values (1)').catch((error: unknown) => error)
    expect(isUniqueViolation(other)).toBe(false)
    await store.close()
  })

  it('waits for another connection that writes, then is unavailable, and loses nothing', async () => {
    const store = await openMigrated()
    const another = open(path)
    another.exec('begin immediate')
    await expect(store.change('alice', addSecret)).rejects.toMatchObject({ code: 'store_busy' })
    another.exec('rollback')
    another.close()
    expect((await store.change('alice', addSecret))?.secrets.length).toBe(1)
    await store.close()
  })

  it('warns where its SQLite can lose committed changes, and only there', async () => {
    const store = await openMigrated()
    const { rows } = await store.query<{ version: string }>('select sqlite_version() as version')
    expect(hasWalResetFault(rows[0]?.version ?? '')).toBe(name === 'libsql')
    await expect
      .poll(() => warnings)
      .toEqual(name === 'libsql' ? [expect.objectContaining({ code: 'LATCHKEY_SQLITE_WAL_RESET' })] : [])
    await store.close()
  })
})
