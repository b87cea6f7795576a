import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { Keyring } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { sqliteStore } from 'latchkey/sqlite'
import { beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../../test/support/start-redis.js'
import { createTestDatabase } from '../../../../../test/support/test-database.js'
import type { DatabaseConfiguration } from '../../../src/config/configuration.js'
import { recordBackup } from '../../../src/ops/last-backup.js'
import { Command } from '../../support/command.js'
import { lettersTo, newestLetter } from '../../support/letters.js'
import { freshEmail, login, password, register, tokenState } from '../../support/people.js'
import { runPostgresProgram } from '../../support/postgres-programs.js'
import { startServer, type TestServer } from '../../support/start-server.js'

/** Returns the exit code, and the error code on standard error. */
const outcome = ({ code, stderr }: { code: number | null; stderr: string }) => [
  code,
  /^latchkey: (\w+):/.exec(stderr)?.[1],
]

describe('latchkey backup and restore', () => {
  let folder: string
  let masterKeys: string
  let running: TestServer[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-backup-'))
    masterKeys = Keyring.generate('k1')
    running = []
    return async () => {
      for (const server of running) await server.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })

  const at = (name: string) => join(folder, name)

  const serve = async (data: string, more: { redisUrl?: string; metricsTokens?: string[] } = {}) => {
    const database: DatabaseConfiguration = { kind: 'embedded', folder: at(data), masterKeys }
    const server = await startServer({ database: 'sqlite', configuration: { database, ...more } })
    running.push(server)
    return server
  }

  const run = (data: string, args: readonly string[], env: Record<string, string> = {}) => {
    const common = { LATCHKEY_DATA_DIR: at(data), LATCHKEY_MASTER_KEYS: masterKeys }
    return new Command(args, { ...common, ...env }).finished
  }

  it('copy the database of a running server, and the copy holds every write that was acknowledged before', async () => {
    const server = await serve('data')
    const before = await Promise.all([1, 2, 3, 4].map(() => register(server)))
    let writing = true
    const busy = (async () => {
      while (writing) await register(server)
    })()
    const finished = await run('data', ['backup', 'create', at('copy.db'), '--json'])
    writing = false
    await busy
    // On a slow machine the command may print lines of progress.
    expect(finished.code).toBe(0)
    expect(finished.stderr).not.toMatch(/^latchkey:|not recorded/m)
    expect(JSON.parse(finished.stdout)).toMatchObject({ master_key_ids: ['k1'], master_key_file: null })
    expect(JSON.parse(finished.stdout).accounts).toBeGreaterThanOrEqual(4)
    expect(statSync(at('copy.db')).mode & 0o777).toBe(0o600)
    expect((await run('new', ['backup', 'restore', at('copy.db'), '--yes'])).code).toBe(0)
    const restored = await serve('new')
    for (const { email } of before) expect(await tokenState(restored, (await login(restored, email)).token)).toBe(200)
  })

  it('revoke everything on restore, so that tokens revoked after the backup stay revoked', async () => {
    const server = await serve('data')
    const [stolen, other] = [await register(server), await register(server)]
    expect((await run('data', ['backup', 'create', at('copy.db')])).code).toBe(0)
    await server.api.post('/v1/logout-all', { token: stolen.token })
    expect(await tokenState(server, stolen.token)).toBe('token_revoked')
    const { stdout } = await run('new', ['backup', 'restore', at('copy.db'), '--yes', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ kept_tokens: false, revoked: 2 })
    const restored = await serve('new')
    for (const { token, refreshToken } of [stolen, other]) {
      expect(await tokenState(restored, token)).toBe('token_revoked')
      const { body } = await restored.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
      expect(body.code).toBe('session_ended')
    }
  })

  it('keep tokens valid only with the option for it', async () => {
    const server = await serve('data')
    const stolen = await register(server)
    await run('data', ['backup', 'create', at('copy.db')])
    await server.api.post('/v1/logout-all', { token: stolen.token })
    expect((await run('new', ['backup', 'restore', at('copy.db'), '--yes', '--keep-tokens'])).code).toBe(0)
    expect(await tokenState(await serve('new'), stolen.token)).toBe(200)
  })

  it('end mailed links, used and unused, and send no letter twice', async () => {
    const server = await serve('data')
    const { email } = await register(server)
    await server.api.post('/v1/password/forgot', { body: { email } })
    const { token } = await newestLetter(server, email, 'Reset your password')
    // Letters requested from now on stay in the outbox.
    await server.server.service.mail.outboxWorker?.close()
    const waiting = await register(server)
    await run('data', ['backup', 'create', at('copy.db')])
    await run('new', ['backup', 'restore', at('copy.db'), '--yes', '--keep-tokens'])
    const restored = await serve('new')
    expect(await lettersTo(restored, waiting.email)).toEqual([])
    const answer = await restored.api.post('/v1/password/reset', { body: { token, new_password: `${password}!` } })
    expect(answer.body.code).toBe('link_invalid')
  })

  it('number new changes above all that were delivered before, so that no cache takes old entries for newer ones', async () => {
    const server = await serve('data')
    const person = await register(server)
    await run('data', ['backup', 'create', at('copy.db')])
    for (let change = 0; change < 5; change += 1) await server.server.service.keys.requireReissue(person.id)
    const newest = (await server.server.service.keys.describe(person.id))?.version ?? 0
    await run('new', ['backup', 'restore', at('copy.db'), '--yes', '--keep-tokens'])
    const restored = await serve('new')
    await restored.server.service.keys.requireReissue(person.id)
    expect((await restored.server.service.keys.describe(person.id))?.version).toBeGreaterThan(newest)
  })

  it('empty the shared cache, which holds accounts that are not in the backup', async () => {
    const redis = await startRedis()
    try {
      const server = await serve('data', { redisUrl: redis.url })
      await register(server)
      await run('data', ['backup', 'create', at('copy.db')])
      const later = await register(server)
      const reader = await serve('data', { redisUrl: redis.url })
      expect(await tokenState(reader, later.token)).toBe(200)
      const { code } = await run('new', ['backup', 'restore', at('copy.db'), '--yes', '--keep-tokens'], {
        REDIS_URL: redis.url,
      })
      expect(code).toBe(0)
      const restored = await serve('new', { redisUrl: redis.url })
      const verified = Promise.resolve(restored.server.service.latchkey.verify(later.token))
      await expect(verified).rejects.toMatchObject({ code: 'token_revoked' })
    } finally {
      await redis.dispose()
    }
  })

  describe('the age of the last backup in /metrics', () => {
    const metricsToken = 'a-token-for-the-scraper'

    /** Returns the age from a scrape, in seconds. */
    const ageOf = async ({ url }: TestServer): Promise<number> => {
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
      const value = /^latchkey_backup_age_seconds (\S+)$/m.exec(await response.text())?.[1]
      return Number(value?.replace('+Inf', 'Infinity'))
    }

    /**
     * Records only a backup from two days ago, runs the command, and waits until the age is that of
     * a new backup.
     */
    const becomesYoung = async (server: TestServer, args: readonly string[], env: Record<string, string> = {}) => {
      await expect.poll(() => ageOf(server)).toBe(Number.POSITIVE_INFINITY)
      await recordBackup(server.server.service.store, server.clock.now() - 172_800_000)
      await expect.poll(() => ageOf(server)).toBeGreaterThanOrEqual(172_800)
      expect(outcome(await run('data', args, env))).toEqual([0, undefined])
      await expect.poll(() => ageOf(server)).toBeLessThan(3600)
    }

    it('is that of the last one made by the command line', async () => {
      await becomesYoung(await serve('data', { metricsTokens: [metricsToken] }), ['backup', 'create', at('copy.db')])
    })

    it('is that of the last one recorded with record-backup', async () => {
      await becomesYoung(await serve('data', { metricsTokens: [metricsToken] }), ['backup', 'record'])
    })

    it('is recorded on PostgreSQL, where other programs make the backup', async () => {
      const { url, drop } = await createTestDatabase()
      const database: DatabaseConfiguration = { kind: 'postgres', url, masterKeys }
      const server = await startServer({
        database: 'postgres',
        configuration: { database, metricsTokens: [metricsToken] },
      })
      try {
        await becomesYoung(server, ['backup', 'record'], { DATABASE_URL: url })
      } finally {
        await server.stop()
        await drop()
      }
    })
  })

  describe('the master key', () => {
    const withKeyFile = (data: string, args: readonly string[]) =>
      new Command(args, { LATCHKEY_DATA_DIR: at(data) }).finished

    it('is copied only on request, to a separate file', async () => {
      await new Command(['migrate'], { LATCHKEY_DATA_DIR: at('data') }).finished
      expect(
        (await withKeyFile('data', ['backup', 'create', at('copy.db'), '--with-master-key', at('copy.key')])).code,
      ).toBe(0)
      expect(readFileSync(at('copy.key'), 'utf8')).toBe(readFileSync(join(at('data'), 'master.key'), 'utf8'))
      expect(statSync(at('copy.key')).mode & 0o777).toBe(0o600)
      const key = readFileSync(at('copy.key'), 'utf8').trim().slice(3)
      expect(readFileSync(at('copy.db')).includes(key)).toBe(false)
    })

    it('must be present and right, or nothing is restored', async () => {
      const make = await withKeyFile('data', ['migrate'])
      expect(make.code).toBe(0)
      await new Command(['admin', 'create', 'a@example.com'], { LATCHKEY_DATA_DIR: at('data') }, password).finished
      await withKeyFile('data', ['backup', 'create', at('copy.db'), '--with-master-key', at('copy.key')])
      expect(outcome(await withKeyFile('new', ['backup', 'restore', at('copy.db'), '--yes']))).toEqual([
        1,
        'master_key_file_missing',
      ])
      const restore = ['backup', 'restore', at('copy.db'), '--yes', '--with-master-key']
      for (const [id, code] of [['k2', 'backup_unusable'] as const, ['k1', 'master_key_wrong'] as const]) {
        writeFileSync(at(`${id}.key`), `${Keyring.generate(id)}\n`, { mode: 0o600 })
        expect(outcome(await withKeyFile('new', [...restore, at(`${id}.key`)]))).toEqual([1, code])
      }
      expect(readdirSync(at('new'))).toEqual([])
      expect((await withKeyFile('new', [...restore, at('copy.key')])).code).toBe(0)
      expect(readdirSync(at('new')).toSorted()).toEqual(['latchkey.db', 'master.key'])
    })
  })

  it('overwrite nothing, and ask for confirmation before they end sessions', async () => {
    await run('data', ['migrate'])
    await run('data', ['backup', 'create', at('copy.db')])
    expect(outcome(await run('data', ['backup', 'create', at('copy.db')]))).toEqual([1, 'backup_exists'])
    expect(outcome(await run('data', ['backup', 'restore', at('copy.db'), '--yes']))).toEqual([
      1,
      'restore_target_exists',
    ])
    expect(outcome(await run('new', ['backup', 'restore', at('copy.db')]))).toEqual([2, 'command_refused'])
    expect(existsSync(at('new'))).toBe(false)
  })

  it('restore nothing from a file that is truncated, damaged, no backup or of a newer version', async () => {
    await run('data', ['migrate'])
    await run('data', ['backup', 'create', at('copy.db')])
    const whole = readFileSync(at('copy.db'))
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 8192, 12_288)
    const cases = { cut: whole.subarray(0, whole.length / 2), damaged, text: Buffer.from('no backup'), empty: '' }
    for (const [name, bytes] of Object.entries(cases)) writeFileSync(at(name), bytes)
    const names = [...Object.keys(cases), 'absent']
    const attempts = await Promise.all(names.map((name) => run('new', ['backup', 'restore', at(name), '--yes'])))
    expect(attempts.map(outcome)).toEqual(names.map(() => [1, 'backup_unusable']))
    const newer = sqliteStore({ open: () => new DatabaseSync(at('copy.db')) })
    await newer.query(
      `insert into latchkey_migrations (set_name, number, name, applied_at) values ('server', 999, 'of the future', 0)`,
    )
    await newer.close()
    expect(outcome(await run('new', ['backup', 'restore', at('copy.db'), '--yes']))).toEqual([1, 'schema_too_new'])
    expect(readdirSync(at('new'))).toEqual([])
  })

  /** Ends the leases, as if a minute had passed since the dump was made. */
  const endLeases = async (url: string) => {
    const store = postgresStore({ connectionString: url })
    await store.query('update latchkey_verifiers set listed_until = 0')
    await store.close()
  }

  it('wait until the verifier leases of a dump have ended, and refuse while a server renews its own', async () => {
    const { url, drop } = await createTestDatabase()
    try {
      const database: DatabaseConfiguration = { kind: 'postgres', url, masterKeys }
      const server = await startServer({ database: 'postgres', configuration: { database } })
      const { store } = server.server.service
      const renewing = setInterval(() => void store.renewLease({ id: 'one', maxStalenessMs: 2000 }, 60_000), 50)
      const refused = await run('data', ['backup', 'restore', '--yes'], { DATABASE_URL: url })
      clearInterval(renewing)
      expect(outcome(refused)).toEqual([1, 'server_running'])
      await server.stop()
      await endLeases(url)
      const another = postgresStore({ connectionString: url })
      await another.renewLease({ id: 'from a dump', maxStalenessMs: 2000 }, 1500)
      expect(outcome(await run('data', ['backup', 'restore', '--yes'], { DATABASE_URL: url }))).toEqual([0, undefined])
      expect(await another.verifiers()).toEqual([])
      await another.close()
    } finally {
      await drop()
    }
  })

  it('leave PostgreSQL to its own programs, and finish a restore that pg_restore began', async () => {
    const [old, fresh] = [await createTestDatabase(), await createTestDatabase()]
    try {
      const server = await startServer({
        database: 'postgres',
        configuration: { database: { kind: 'postgres', url: old.url, masterKeys } },
      })
      running.push(server)
      const person = await register(server, freshEmail())
      const onPostgres = (url: string) => ({ DATABASE_URL: url })
      expect(outcome(await run('data', ['backup', 'create', at('copy.db')], onPostgres(old.url)))).toEqual([
        2,
        'command_refused',
      ])
      await runPostgresProgram('pg_dump', ['--format=custom', '--no-owner', '--file', at('dump'), old.url])
      await server.api.post('/v1/logout-all', { token: person.token })
      await runPostgresProgram('pg_restore', [
        '--no-owner',
        '--single-transaction',
        '--exit-on-error',
        '--dbname',
        fresh.url,
        at('dump'),
      ])
      const refused = await run('data', ['backup', 'restore', at('dump'), '--yes'], onPostgres(fresh.url))
      expect(outcome(refused)).toEqual([2, 'command_refused'])
      await endLeases(fresh.url)
      const { stdout } = await run('data', ['backup', 'restore', '--yes', '--json'], onPostgres(fresh.url))
      expect(JSON.parse(stdout)).toMatchObject({ revoked: 1 })
      const restored = await startServer({
        database: 'postgres',
        configuration: { database: { kind: 'postgres', url: fresh.url, masterKeys } },
      })
      running.push(restored)
      expect(await tokenState(restored, person.token)).toBe('token_revoked')
      expect(await tokenState(restored, (await login(restored, person.email)).token)).toBe(200)
    } finally {
      for (const server of running.splice(0)) await server.stop()
      for (const database of [old, fresh]) await database.drop()
    }
  })
})
