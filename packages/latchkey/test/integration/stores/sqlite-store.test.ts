import { closeSync, copyFileSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runTypeScript } from '../../../../../test/support/run-typescript.js'
import { type SqliteHandle, sqliteStore } from '../../../src/stores/sqlite/index.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { type Acknowledged, Recorder } from '../../../src/testing/store-contract/recorder.js'
import { emptySqlite } from '../../support/databases.js'

const writer = new URL('./sqlite-writer.ts', import.meta.url)

describe('an SQLite store', () => {
  let database: Awaited<ReturnType<typeof emptySqlite>>

  beforeEach(async () => {
    database = await emptySqlite()
  })

  afterEach(() => database.remove())

  const openMigrated = async () => {
    const store = database.open()
    await store.migrate()
    return store
  }

  it('has every acknowledged change and no partial one after its process was killed', async () => {
    for (const round of range(3)) {
      const process = runTypeScript(writer, [database.path, `round-${round}`, '100000'])
      await process.line('2 ')
      await sleep(50 + Math.random() * 150)
      process.child.kill('SIGKILL')
      expect(await process.ended).toBe('SIGKILL')
      const store = await openMigrated()
      const left = await read(store, `round-${round}-left`)
      const right = await read(store, `round-${round}-right`)
      const acknowledged = Number(process.lines.at(-1)?.split(' ')[0])
      expect(acknowledged).toBeGreaterThan(1)
      expect(left?.secrets.length).toBe(right?.secrets.length)
      expect([acknowledged, acknowledged + 1]).toContain(left?.secrets.length)
      expect((await store.query('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }])
    }
  })

  it('receives the changes of another process, and loses none when both write', async () => {
    const store = await openMigrated()
    const { recorder, feed } = await Recorder.on(store)
    const process = runTypeScript(writer, [database.path, 'shared', '40'])
    for (const _ of range(40)) {
      await store.change('shared-left', addSecret)
      await sleep(5)
    }
    expect(await process.ended).toBe(0)
    expect((await read(store, 'shared-left'))?.secrets.length).toBe(80)
    const versions = process.lines.map((line) => Number(line.split(' ')[1]))
    await recorder.delivered({ tenant: 'shared-right', version: versions.at(-1) ?? 0 })
    await feed.close()
    const delivered = new Set(recorder.changes.map((change) => change.version))
    expect(versions.filter((version) => !delivered.has(version))).toEqual([])
    expect(recorder.changes.length).toBe(120)
  })

  it('keeps every acknowledged change while three processes write and checkpoint at the same time', async () => {
    await openMigrated()
    const writers = range(3).map((number) => runTypeScript(writer, [database.path, `writer-${number}`, '120', '4']))
    const endings = await Promise.all(writers.map(({ ended }) => ended))
    expect(endings).toEqual([0, 0, 0])
    const store = await openMigrated()
    for (const number of range(3)) {
      expect(writers[number]?.lines.length).toBe(120)
      expect((await read(store, `writer-${number}-left`))?.secrets.length).toBe(120)
      expect((await read(store, `writer-${number}-right`))?.secrets.length).toBe(120)
    }
    expect((await store.query('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }])
  })

  it('proves no change that is committed during the check', async () => {
    await openMigrated()
    const another = new DatabaseSync(database.path)
    const acknowledged: Acknowledged[] = []
    const commitMeanwhile = () => {
      another.exec("insert into latchkey_changes (tenant_id, at) values ('alice', 0)")
      acknowledged.push({ version: acknowledged.length + 1, atMs: performance.now() })
    }
    const store = sqliteStore({ open: () => afterEachCheck(new DatabaseSync(database.path), commitMeanwhile) })
    const { recorder, feed } = await Recorder.on(store, 5)
    await recorder.until(
      'twenty proofs arrived',
      () => recorder.events.filter((event) => event.kind === 'proved').length > 20,
    )
    await feed.close()
    await store.close()
    another.close()
    expect(recorder.brokenProof(acknowledged.slice(1))).toBeUndefined()
    expect(recorder.changes.length).toBeGreaterThan(10)
  })

  it.each(['begin; select count(*) from theirs', 'begin exclusive'])(
    'opens a new file that another process has locked with "%s"',
    async (lock) => {
      const another = new DatabaseSync(database.path)
      another.exec(`create table theirs (id integer); ${lock}`)
      setTimeout(() => another.exec('commit'), 300)
      const store = await openMigrated()
      expect((await store.query('pragma journal_mode')).rows).toEqual([{ journal_mode: 'wal' }])
      await store.close()
      another.close()
    },
  )

  it('creates files that only their owner may read, and keeps the mode of an existing one', async () => {
    const store = await openMigrated()
    await store.change('alice', addSecret)
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(database.path + suffix).mode & 0o777).toBe(0o600)
    const shared = join(database.folder, 'shared.db')
    copyFileSync(database.path, shared)
    writeFileSync(shared, readFileSync(database.path), { mode: 0o640 })
    const before = statSync(shared).mode
    const another = sqliteStore({ open: () => new DatabaseSync(shared) })
    await another.query('select 1 as one')
    await another.close()
    expect(statSync(shared).mode).toBe(before)
  })

  it('waits for the disk at every commit, and enforces foreign keys', async () => {
    const store = await openMigrated()
    await store.transaction(async (client) => {
      expect((await client.query('pragma synchronous')).rows).toEqual([{ synchronous: 2 }])
      expect((await client.query('pragma foreign_keys')).rows).toEqual([{ foreign_keys: 1 }])
      expect((await client.query('pragma journal_mode')).rows).toEqual([{ journal_mode: 'wal' }])
    })
  })

  it('reports that a file is no database, and leaves it unchanged', async () => {
    const text = 'These are notes and no database.\n'.repeat(200)
    writeFileSync(database.path, text)
    const store = database.open()
    await expect(store.migrate()).rejects.toMatchObject({ code: 'data_corrupt' })
    await expect(store.readTenants(['alice'])).rejects.toMatchObject({ code: 'data_corrupt' })
    expect(readFileSync(database.path, 'utf8')).toBe(text)
  })

  it('leaves all data in one file when it is closed', async () => {
    const store = await openMigrated()
    await store.change('alice', addSecret)
    await store.close()
    const copy = join(database.folder, 'copy.db')
    copyFileSync(database.path, copy)
    const copied = sqliteStore({ open: () => new DatabaseSync(copy) })
    expect(await read(copied, 'alice')).toBeDefined()
    await copied.close()
  })

  it('reports a damaged file', async () => {
    const store = await openMigrated()
    for (const number of range(40)) await store.change(`tenant-${number}`, addSecret)
    await store.close()
    const file = openSync(database.path, 'r+')
    for (const page of range(statSync(database.path).size / 4096 - 1))
      writeSync(file, Buffer.alloc(4000, 7), 0, 4000, (page + 1) * 4096)
    closeSync(file)
    await expect(database.open().readTenants(['tenant-7'])).rejects.toMatchObject({ code: 'data_corrupt' })
  })

  it('is unavailable, with the cause, where no file can be opened', async () => {
    const store = sqliteStore({ open: () => new DatabaseSync(join(database.folder, 'missing', 'latchkey.db')) })
    const error = await store.readTenants(['alice']).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'store_unavailable', cause: expect.any(Error) })
    await store.close()
  })

  it('refuses a database in memory, which each handle would have for itself', async () => {
    const store = sqliteStore({ open: () => new DatabaseSync(':memory:') })
    await expect(store.migrate()).rejects.toThrow(TypeError)
    await store.close()
  })

  it('refuses values that the driver cannot store, before the driver sees them', async () => {
    const store = await openMigrated()
    for (const value of [true, Number.NaN, new Date(), {}, ['a'], Symbol('a')]) {
      await expect(store.query('select $1 as value', [value])).rejects.toThrow(TypeError)
    }
    expect((await store.query('select $2 as b, $1 as a, $2 as c', ['x', null])).rows).toEqual([
      { b: null, a: 'x', c: null },
    ])
  })

  it('keeps reading while another process locks the file, and neither blocks its process nor waits for ever', async () => {
    const store = await openMigrated()
    await store.change('alice', addSecret)
    const another = new DatabaseSync(database.path)
    another.exec('begin immediate')
    const change = store.change('alice', addSecret).then(
      () => 'changed',
      (error: unknown) => error,
    )
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 10)
    expect((await read(store, 'alice'))?.secrets.length).toBe(1)
    expect(await change).toMatchObject({ code: 'store_busy' })
    clearInterval(timer)
    expect(turns).toBeGreaterThan(100)
    another.exec('rollback')
    another.close()
    expect((await store.change('alice', addSecret))?.secrets.length).toBe(2)
  })
})

/** A handle that calls `happens` after each statement by which the feed reads the log. */
function afterEachCheck(handle: SqliteHandle, happens: () => void): SqliteHandle {
  return {
    prepare: (text) => {
      const statement = handle.prepare(text)
      if (!text.includes('snapshot')) return statement
      return {
        all: (values) => {
          const rows = statement.all(values)
          happens()
          return rows
        },
      }
    },
    exec: (script) => handle.exec(script),
    close: () => handle.close(),
  }
}
