import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../../../../test/support/free-port.js'
import { createTestDatabase } from '../../../../../test/support/test-database.js'
import { ApiClient } from '../../support/api-client.js'
import { Command, type Finished } from '../../support/command.js'
import { password } from '../../support/people.js'

const email = 'ada@example.com'

describe('the command line', () => {
  let folder: string
  let env: Record<string, string>
  let url: string
  let running: Command[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'))
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    env = { LATCHKEY_DATA_DIR: join(folder, 'data'), PORT: String(port), LATCHKEY_MAX_STALENESS: '250' }
    running = []
    return async () => {
      for (const command of running) await command.stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  })

  const run = (args: readonly string[], more: Record<string, string> = {}, input = '') => {
    const command = new Command(args, { ...env, ...more }, input)
    running.push(command)
    return command
  }

  const serve = async (more?: Record<string, string>) => {
    const command = run(['serve'], more)
    await command.prints(/is up/)
    return command
  }

  const createAdmin = (secret = password) => run(['admin', 'create', email], {}, `${secret}\n`).finished

  const codeIn = ({ stderr }: Finished) => /^latchkey: (\w+):/.exec(stderr)?.[1]

  /** Expects the error with a hint below it, and no stack trace. */
  function expectFailure(finished: Finished, exitCode: number, code: string): void {
    expect([finished.code, codeIn(finished)]).toEqual([exitCode, code])
    expect(finished.stderr).not.toMatch(/^\s+at /m)
    expect(finished.stderr).toMatch(/\n {2}\S/)
  }

  describe('serve', () => {
    it('prints the URLs and the next steps for a new user', async () => {
      const { printed } = await serve()
      expect(printed).toContain(url)
      expect(printed).toContain(join(folder, 'data', 'latchkey.db'))
      expect(printed).toContain(join(folder, 'data', 'master.key'))
      expect(printed).toMatch(/npx latchkey admin create/)
      expect(printed).not.toMatch(/^\{/m)
    })

    it('names no npm program in production, because an image has none', async () => {
      const server = await serve({ NODE_ENV: 'production' })
      const { stdout } = await server.stop()
      expect(stdout).toContain('run \\"latchkey admin create\\"')
      expect(stdout).not.toContain('npx')
    })

    it('prints a curl command that registers an account', async () => {
      const { printed } = await serve()
      const [, address, type, body] = /curl (\S+) -H '([^']+)' \\\n\s+-d '([^']+)'/.exec(printed) ?? []
      const [name, value] = (type ?? '').split(': ')
      const response = await fetch(address ?? '', {
        method: 'POST',
        headers: { [name ?? '']: value ?? '' },
        body: body ?? '',
      })
      expect(response.status).toBe(201)
    })

    it('keeps the accounts at the second start, and no longer suggests a first administrator', async () => {
      const first = await serve()
      await createAdmin()
      expect((await first.stop()).code).toBe(0)
      const second = await serve()
      expect(second.printed).not.toMatch(/admin create/)
      const api = await ApiClient.connect(url)
      expect((await api.post('/v1/login', { body: { email, password } })).body.account.role).toBe('admin')
    })

    it('hashes passwords on no more threads than there are processors, unless a setting says otherwise', async () => {
      const threadsOf = async (more?: Record<string, string>) => {
        const server = await serve(more)
        const count = server.threads
        await server.stop()
        return count
      }
      const usual = Math.min(availableParallelism(), 4)
      const one = await threadsOf({ UV_THREADPOOL_SIZE: '1' })
      expect(await threadsOf()).toBe(one + usual - 1)
      expect(await threadsOf({ UV_THREADPOOL_SIZE: '7' })).toBe(one + 6)
    })

    it.each(['SIGINT', 'SIGTERM'] as const)('exits with 0 on %s, with connections open', async (signal) => {
      const server = await serve()
      const idle = connect(Number(env.PORT), '127.0.0.1')
      await fetch(`${url}/livez`)
      const { code, stderr } = await server.stop(signal)
      expect([code, stderr]).toEqual([0, ''])
      idle.destroy()
    })

    it('answers requests in progress when it stops, and accepts no new connections', async () => {
      const server = await serve()
      const body = JSON.stringify({ email, password })
      const slow = request(`${url}/v1/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      })
      const answered = new Promise<number | undefined>((resolve, reject) => {
        slow.on('response', (response) => resolve(response.resume().statusCode))
        slow.on('error', reject)
      })
      await new Promise((resolve) => slow.write(body.slice(0, 10), resolve))
      // The server has read the beginning once it has answered a later request.
      await (await fetch(`${url}/livez`)).text()
      const stopped = server.stop('SIGTERM')
      const isListening = () =>
        fetch(`${url}/livez`).then(
          () => true,
          () => false,
        )
      await expect.poll(isListening).toBe(false)
      slow.end(body.slice(10))
      expect(await answered).toBe(201)
      expect((await stopped).code).toBe(0)
    })

    it('writes only JSON lines in production, and never a password or a token', async () => {
      const server = await serve({ NODE_ENV: 'production', LOG_LEVEL: 'trace' })
      const api = await ApiClient.connect(url)
      const { body } = await api.post('/v1/register', { body: { email, password } })
      await api.get('/v1/me?access_token=hidden', { token: body.access_token, headers: { cookie: 'session=hidden' } })
      await api.post('/v1/refresh', { body: { refresh_token: body.refresh_token } })
      await api.post('/v1/login', { raw: `{"password":"${password}"`, headers: { 'content-type': 'application/json' } })
      const { stdout, stderr } = await server.stop()
      expect(stderr).toBe('')
      for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level')
      expect(stdout).toContain('/v1/register')
      for (const secret of [password, body.access_token, body.refresh_token, 'hidden']) {
        expect(stdout).not.toContain(secret)
      }
    })

    it('reports every faulty setting at once, and exits with 78', async () => {
      const finished = await run(['serve'], { PORT: 'x', LOG_LEVEL: 'loud', LATCHKEY_GRACE_PERIOD: '-1' }).finished
      expectFailure(finished, 78, 'configuration_invalid')
      for (const name of ['PORT', 'LOG_LEVEL', 'LATCHKEY_GRACE_PERIOD']) expect(finished.stderr).toContain(`${name}:`)
    })

    it('reports that the port is taken, and does not disturb the other server', async () => {
      await serve()
      expectFailure(await run(['serve']).finished, 1, 'port_in_use')
      expect((await fetch(`${url}/livez`)).status).toBe(200)
    })

    it('reports that the address is not of this machine', async () => {
      expectFailure(await run(['serve'], { HOST: '192.0.2.1' }).finished, 1, 'address_unusable')
    })

    it('reports an unusable data folder, a broken database and a missing master key', async () => {
      const file = join(folder, 'file')
      writeFileSync(file, '')
      expectFailure(await run(['serve'], { LATCHKEY_DATA_DIR: file }).finished, 1, 'data_folder_unusable')
      await createAdmin()
      rmSync(join(folder, 'data', 'master.key'))
      expectFailure(await run(['serve']).finished, 1, 'master_key_file_missing')
      writeFileSync(join(folder, 'data', 'latchkey.db'), 'x'.repeat(5000))
      for (const extra of readdirSync(join(folder, 'data')).filter((name) => /-(wal|shm)$/.test(name))) {
        rmSync(join(folder, 'data', extra))
      }
      const key = `k1:${Buffer.alloc(32, 1).toString('base64url')}`
      expectFailure(await run(['serve'], { LATCHKEY_MASTER_KEYS: key }).finished, 1, 'data_corrupt')
    })

    it('reports that PostgreSQL cannot be reached, without its password', async () => {
      const more = {
        DATABASE_URL: `postgres://user:hunter2@127.0.0.1:${await freePort()}/x`,
        LATCHKEY_MASTER_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64url')}`,
      }
      const finished = await run(['serve'], more).finished
      expectFailure(finished, 1, 'database_unavailable')
      expect(finished.stderr).toContain('ECONNREFUSED')
      expect(finished.stderr).not.toContain('hunter2')
    })
  })

  describe('admin create', () => {
    it('creates an administrator beside a running server', async () => {
      await serve()
      const { code, stdout } = await createAdmin()
      expect(code).toBe(0)
      expect(stdout).toContain(email)
      const api = await ApiClient.connect(url)
      const { body } = await api.post('/v1/login', { body: { email, password } })
      expect((await api.get('/v1/admin/users', { token: body.access_token })).status).toBe(200)
    })

    it('creates one before the first start of the server', async () => {
      expect((await createAdmin()).code).toBe(0)
      expect((await serve()).printed).not.toMatch(/admin create/)
    })

    it('promotes an existing account of a running server, and its tokens have the new role at once', async () => {
      await serve()
      const api = await ApiClient.connect(url)
      const { body } = await api.post('/v1/register', { body: { email, password } })
      expectFailure(await createAdmin('a wrong password'), 1, 'password_wrong')
      expect((await createAdmin()).code).toBe(0)
      const statusOf = async (path: string) => (await api.get(path, { token: body.access_token })).status
      await expect.poll(() => statusOf('/v1/admin/users')).toBe(200)
      expect(await statusOf('/v1/me')).toBe(200)
    })

    it('refuses an invalid address and a password that is too short, and creates nothing', async () => {
      expectFailure(await createAdmin('short'), 1, 'password_too_short')
      expectFailure(await run(['admin', 'create', 'nobody'], {}, password).finished, 1, 'email_invalid')
      expect((await serve()).printed).toMatch(/admin create/)
    })
  })

  describe('migrate', () => {
    const tablesOf = async (connectionString: string) => {
      const client = new pg.Client({ connectionString })
      await client.connect()
      try {
        const { rows } = await client.query('select set_name, number from latchkey_migrations order by 1, 2')
        return rows
      } finally {
        await client.end()
      }
    }

    it('creates the tables once, also when several run at the same time, and exits', async () => {
      const database = await createTestDatabase()
      const more = {
        DATABASE_URL: database.url,
        LATCHKEY_MASTER_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64url')}`,
      }
      try {
        const all = await Promise.all([1, 2, 3].map(() => run(['migrate'], more).finished))
        expect(all.map(({ code, stderr }) => [code, stderr])).toEqual([1, 2, 3].map(() => [0, '']))
        const made = await tablesOf(database.url)
        expect(made).toContainEqual({ set_name: 'server', number: 1 })
        const server = await serve(more)
        expect(await tablesOf(database.url)).toEqual(made)
        await server.stop()
      } finally {
        await database.drop()
      }
    })

    it('reports that the database cannot be reached', async () => {
      const more = {
        DATABASE_URL: `postgres://user@127.0.0.1:${await freePort()}/x`,
        LATCHKEY_MASTER_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64url')}`,
      }
      expectFailure(await run(['migrate'], more).finished, 1, 'database_unavailable')
    })
  })

  it('prints help, and refuses unknown commands and options', async () => {
    const help = await run(['--help']).finished
    expect(help.code).toBe(0)
    expect(help.stdout).toMatch(/serve[\s\S]*migrate[\s\S]*admin/)
    expect((await run(['sing']).finished).code).not.toBe(0)
  })
})
