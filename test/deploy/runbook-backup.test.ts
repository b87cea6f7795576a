import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Keyring } from 'latchkey'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { freePort } from '../support/free-port.js'
import { blocksLeftOut } from '../support/page.js'
import { postgresBinaries, serverUser } from '../support/postgres-binaries.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { type PostgresServer, startPostgres } from '../support/start-postgres.js'
import { Runbook } from './support/runbook.js'

describe('docs/guides/runbook-backup.md', () => {
  let folder: string
  let runbook: Runbook
  let postgres: PostgresServer | undefined
  let running: ServerProcess[]
  let common: Record<string, string>

  beforeEach(() => {
    runbook = new Runbook('runbook-backup.md')
    folder = mkdtempSync(join(tmpdir(), 'latchkey-runbook-'))
    running = []
    const backups = own(join(folder, 'backups'))
    const keys = own(join(folder, 'keys'))
    own(folder)
    common = { PORT: '0', LATCHKEY_ISSUER: 'https://auth.test', BACKUPS: backups, KEYS: keys }
  })

  afterEach(async () => {
    for (const server of running) await server.kill()
    await postgres?.dispose()
    postgres = undefined
    runbook.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Creates a folder of the user that runs PostgreSQL. */
  const own = (path: string) => {
    mkdirSync(path, { recursive: true })
    const user = serverUser()
    if (user !== undefined) chownSync(path, user.uid, user.gid)
    return path
  }

  const serve = async (env: Record<string, string>) => {
    const server = await startServer({ env })
    running.push(server)
    return { server, client: new AuthClient(server.url) }
  }

  /**
   * Registers two users, one of them after the backup, and ends the token of the other one after
   * it.
   */
  const live = async (env: Record<string, string>, backUp: () => Promise<unknown>) => {
    const { server, client } = await serve(env)
    const { accessToken } = await client.register('ada@example.com')
    await backUp()
    await client.call('POST', '/v1/logout-all', { token: accessToken })
    await client.register('bob@example.com')
    await server.stop()
    return accessToken
  }

  const statusOfLogin = async (client: AuthClient, email: string) =>
    (await client.call('POST', '/v1/login', { body: { email, password: 'correct horse battery staple' } })).status

  it('restores the embedded database, without changes after the backup, and without the tokens that ended then', async () => {
    const env = { ...common, LATCHKEY_DATA_DIR: join(folder, 'data') }
    const ended = await live(env, () => runbook.run('Back up', env))
    expect(await runbook.run('Restore', env)).toMatch(/^head \d+:/m)
    const { client } = await serve(env)
    expect(await client.whoIs(ended)).toBe('token_revoked')
    expect(await statusOfLogin(client, 'ada@example.com')).toBe(200)
    expect(await statusOfLogin(client, 'bob@example.com')).toBe(401)
  })

  it('restores PostgreSQL from a dump in the same way', async () => {
    postgres = await startPostgres()
    const keys = { ...common, LATCHKEY_MASTER_KEYS: Keyring.generate('k1') }
    const env = { ...keys, DATABASE_URL: postgres.url }
    const ended = await live(env, () => runbook.run('Back up with pg_dump', env))
    const restored = new URL(postgres.url)
    restored.pathname = '/latchkey_restored'
    const places = { SERVER_URL: postgres.url, RESTORED_URL: restored.href }
    await runbook.run('Restore with pg_restore', { ...env, ...places })
    const { client } = await serve({ ...keys, DATABASE_URL: restored.href })
    expect(await client.whoIs(ended)).toBe('token_revoked')
    expect(await statusOfLogin(client, 'ada@example.com')).toBe(200)
    expect(await statusOfLogin(client, 'bob@example.com')).toBe(401)
  })

  it('restores PostgreSQL to its last moment from a base backup and the WAL archive, after the loss of its disk', async () => {
    const archive = own(join(folder, 'archive'))
    postgres = await startPostgres(postgresBinaries, [
      'wal_level=replica',
      'archive_mode=on',
      `archive_command=cp "%p" "${archive}/%f"`,
    ])
    const keys = { ...common, LATCHKEY_MASTER_KEYS: Keyring.generate('k1') }
    const env = { ...keys, DATABASE_URL: postgres.url }
    const ended = await live(env, () => runbook.run('Take a base backup', env, serverUser()))
    // A fast shutdown archives the rest of the log; then the disk is lost.
    await postgres.dispose()
    postgres = undefined
    const port = await freePort()
    const recovered = {
      ...env,
      ARCHIVE: archive,
      RECOVERED: join(folder, 'recovered'),
      RECOVERED_URL: `postgres://postgres@127.0.0.1:${port}/postgres`,
      RECOVERED_OPTIONS: `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200`,
    }
    await runbook.run('Recover', recovered, serverUser())
    try {
      await runbook.run('Finish the recovery', recovered)
      const { client, server } = await serve({ ...keys, DATABASE_URL: recovered.RECOVERED_URL })
      expect(await client.whoIs(ended)).toBe('token_revoked')
      expect(await statusOfLogin(client, 'ada@example.com')).toBe(200)
      expect(await statusOfLogin(client, 'bob@example.com')).toBe(200)
      await server.stop()
    } finally {
      await stopPostgres(recovered.RECOVERED)
    }
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/runbook-backup.md')).toEqual([])
  })
})

/** Stops the server on a data folder, and waits for its end. */
async function stopPostgres(data: string): Promise<void> {
  const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
  process.kill(pid, 'SIGQUIT')
  while (existsSync(join(data, 'postmaster.pid')) && isRunning(pid)) await sleep(25)
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
