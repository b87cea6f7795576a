import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasWalResetFault, type SqliteHandle, sqliteStore } from 'latchkey/sqlite'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSqlite, loadSqlite, readSqliteVersion } from '../../../src/database/sqlite-driver.js'
import { checkDatabase } from '../../../src/ops/checks/check-database.js'

describe('the SQLite of the embedded database', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-driver-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  const storeOver = (open: (path: string) => SqliteHandle) =>
    sqliteStore({ open: () => open(join(folder, 'latchkey.db')) })

  it('is a version that loses no committed change, and doctor names it', async () => {
    const DatabaseSync = await loadSqlite()
    const store = storeOver((path) => new DatabaseSync(path))
    const version = await readSqliteVersion(store)
    expect(hasWalResetFault(version)).toBe(false)
    await checkSqlite(store)
    const findings = await checkDatabase(store, 'here')
    expect(findings).toContainEqual({ check: 'database version', level: 'ok', detail: `SQLite ${version}` })
    await store.close()
  })

  it('is refused at the start if it can lose committed changes, and doctor fails', async () => {
    const store = storeOver((path) => new Database(path))
    await expect(checkSqlite(store)).rejects.toMatchObject({ code: 'sqlite_faulty' })
    const findings = await checkDatabase(store, 'here')
    expect(findings).toContainEqual(expect.objectContaining({ check: 'database version', level: 'fail' }))
    await store.close()
  })
})
