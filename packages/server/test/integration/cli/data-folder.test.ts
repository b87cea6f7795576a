import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { Keyring } from 'latchkey'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Configuration, readConfiguration } from '../../../src/config/configuration.js'
import { openService } from '../../../src/service.js'
import { password } from '../../support/people.js'

const email = 'ada@example.com'

describe('the data folder', () => {
  let folder: string

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'latchkey-folder-')), 'data')
    return () => rmSync(join(folder, '..'), { recursive: true, force: true })
  })

  const configured = (more: Record<string, string> = {}): Configuration =>
    readConfiguration({ LATCHKEY_DATA_DIR: folder, ...more })
  const masterKey = () => join(folder, 'master.key')
  const database = () => join(folder, 'latchkey.db')

  async function start(more?: Record<string, string>): Promise<void> {
    const service = await openService(configured(more))
    await service.close()
  }

  async function fill(): Promise<void> {
    const service = await openService(configured())
    await service.adminCreation.createAdmin({ email, password })
    await service.close()
  }

  const codeOf = async (starting: Promise<void>) =>
    starting.then(
      () => 'started',
      (error: { code?: string }) => error.code,
    )

  it('is created at the first start, readable only by its owner', async () => {
    await start()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(masterKey()).mode & 0o777).toBe(0o600)
    expect(statSync(database()).mode & 0o077).toBe(0)
    expect(readFileSync(masterKey(), 'utf8')).toMatch(/^k1:[\w-]{43}\n$/)
  })

  it('is used again at the second start, with the same key and accounts', async () => {
    await fill()
    const before = readFileSync(masterKey(), 'utf8')
    const service = await openService(configured())
    const origin = { address: '127.0.0.1', userAgent: null }
    expect((await service.signIn.login({ email, password }, origin)).account.role).toBe('admin')
    await service.close()
    expect(readFileSync(masterKey(), 'utf8')).toBe(before)
  })

  it('gets one master key when several servers create it at once', async () => {
    const services = await Promise.all(Array.from({ length: 4 }, () => openService(configured())))
    const keys = new Set(services.map((service) => service.database.masterKeys))
    await Promise.all(services.map((service) => service.close()))
    expect(keys.size).toBe(1)
  })

  it('never gets a new master key once there is a database', async () => {
    await fill()
    rmSync(masterKey())
    const bytes = readFileSync(database())
    expect(await codeOf(start())).toBe('master_key_file_missing')
    expect(existsSync(masterKey())).toBe(false)
    expect(readFileSync(database()).equals(bytes)).toBe(true)
  })

  it('is refused with the wrong master key, or with one of another name', async () => {
    await fill()
    const kept = readFileSync(masterKey(), 'utf8')
    writeFileSync(masterKey(), Keyring.generate('k1'))
    expect(await codeOf(start())).toBe('master_key_wrong')
    writeFileSync(masterKey(), Keyring.generate('k2'))
    expect(await codeOf(start())).toBe('master_key_missing')
    writeFileSync(masterKey(), kept)
    expect(await codeOf(start())).toBe('started')
  })

  it('is opened with the master keys of the environment rather than those of the file', async () => {
    await fill()
    const keys = readFileSync(masterKey(), 'utf8').trim()
    rmSync(masterKey())
    expect(await codeOf(start({ LATCHKEY_MASTER_KEYS: keys }))).toBe('started')
    expect(existsSync(masterKey())).toBe(false)
  })

  it('can hold several master keys, one a line', async () => {
    await fill()
    writeFileSync(masterKey(), `${Keyring.generate('k2')}\r\n${readFileSync(masterKey(), 'utf8')}\n`)
    expect(await codeOf(start())).toBe('started')
  })

  it('can move to a new master key: after a rewrap the old one is not needed, and every refresh token is still valid', async () => {
    const origin = { address: '127.0.0.1', userAgent: null }
    await fill()
    const before = await openService(configured())
    const { tokens } = await before.signIn.login({ email, password }, origin)
    await before.close()
    const newest = Keyring.generate('k2')
    writeFileSync(masterKey(), `${newest}\n${readFileSync(masterKey(), 'utf8')}`)
    const both = await openService(configured())
    await both.keys.rewrap()
    await both.close()
    writeFileSync(masterKey(), `${newest}\n`)
    const after = await openService(configured())
    expect((await after.sessions.refresh(tokens.refreshToken, origin)).sessionId).toBe(tokens.sessionId)
    await after.close()
  })

  it('is refused when other users may read the master key, or when there is none', async () => {
    await fill()
    chmodSync(masterKey(), 0o640)
    expect(await codeOf(start())).toBe('master_key_file_exposed')
    chmodSync(masterKey(), 0o600)
    for (const text of ['', 'nonsense', 'k1:short']) {
      writeFileSync(masterKey(), text)
      expect(await codeOf(start())).toBe('master_key_file_malformed')
      expect(readFileSync(masterKey(), 'utf8')).toBe(text)
    }
  })

  it('is refused when its database is broken, and stays unchanged', async () => {
    await fill()
    const broken = Buffer.alloc(8192, 'not a database')
    writeFileSync(database(), broken)
    expect(await codeOf(start())).toBe('data_corrupt')
    expect(readFileSync(database()).equals(broken)).toBe(true)
  })

  it('is refused when a newer version wrote it, and stays unchanged', async () => {
    await fill()
    const handle = new DatabaseSync(database())
    handle.exec(
      `insert into latchkey_migrations (set_name, number, name, applied_at) values ('server', 999, 'later', 0)`,
    )
    handle.close()
    expect(await codeOf(start())).toBe('schema_too_new')
  })

  it('is refused when its path is a file, or below one', async () => {
    writeFileSync(folder, '')
    expect(await codeOf(start())).toBe('data_folder_unusable')
    expect(await codeOf(start({ LATCHKEY_DATA_DIR: join(folder, 'below') }))).toBe('data_folder_unusable')
    rmSync(folder)
  })

  it('is refused at once where no folder can be created', async () => {
    expect(await codeOf(start({ LATCHKEY_DATA_DIR: '/dev/null/data' }))).toBe('data_folder_unusable')
    expect(await codeOf(start({ LATCHKEY_DATA_DIR: '/proc/data' }))).toBe('data_folder_unusable')
  })
})
