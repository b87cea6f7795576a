import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Keyring } from 'latchkey'
import pg from 'pg'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Command } from '../../packages/server/test/support/command.js'
import { AuthClient } from '../support/auth-client.js'
import { freePort } from '../support/free-port.js'
import { requireProgram } from '../support/installed-program.js'
import { blocksLeftOut } from '../support/page.js'
import { serverUser } from '../support/postgres-binaries.js'
import { type PostgresServer, startPostgres } from '../support/start-postgres.js'
import { type RedisServer, startRedis } from '../support/start-redis.js'
import { Runbook } from './support/runbook.js'

/** A mail server over TLS that accepts letters of the logins that it knows. */
interface MailProvider {
  readonly port: number
  /** The login of each letter. */
  readonly letters: readonly string[]
  readonly refusals: number
  present(certificate: string): void
  /** Accepts only these logins, and ends the sessions of all others. */
  admit(...logins: string[]): void
  close(): Promise<void>
}

async function startMailProvider(tls: (name: string) => { key: Buffer; cert: Buffer }): Promise<MailProvider> {
  let logins: readonly string[] = ['user:old']
  const letters: string[] = []
  let refusals = 0
  const server = new SMTPServer({
    secure: true,
    ...tls('old'),
    onAuth: ({ username, password }, _session, done) => {
      const login = `${username}:${password}`
      if (logins.includes(login)) return done(null, { user: login })
      refusals += 1
      return done(Object.assign(new Error('The login is refused.'), { responseCode: 535 }))
    },
    onData: (stream, { user }, done) => {
      stream.resume()
      stream.on('end', () => {
        letters.push(String(user))
        done()
      })
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    port: (server.server.address() as AddressInfo).port,
    letters,
    admit: (...admitted) => {
      logins = admitted
      for (const connection of server.connections) connection.close()
    },
    get refusals() {
      return refusals
    },
    present: (certificate) => server.updateSecureContext(tls(certificate)),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/**
 * Verifies one token repeatedly. Returns a function that stops this, and returns the answers other
 * than 200.
 */
function startLoad(url: string, token: string): () => Promise<{ answers: number; failures: string[] }> {
  const client = new AuthClient(url)
  const failures: string[] = []
  let answers = 0
  let isEnding = false
  const verify = async (path: string) => {
    while (!isEnding) {
      const { status, body } = await client.call('GET', path, { token })
      answers += 1
      if (status !== 200) failures.push(`${path} ${status} ${body?.code}`)
      await sleep(5)
    }
  }
  const workers = ['/v1/forward-auth', '/v1/forward-auth', '/v1/me'].map(verify)
  return async () => {
    isEnding = true
    await Promise.all(workers)
    return { answers, failures }
  }
}

describe('docs/guides/runbook-credentials.md, run while tokens are verified,', () => {
  const runbook = new Runbook('runbook-credentials.md')
  let folder: string
  let postgres: PostgresServer
  let redis: RedisServer
  let mail: MailProvider
  let server: Command
  let url: string
  let env: Record<string, string>
  let token: string
  let people = 0

  const at = (name: string) => join(folder, name)
  const secret = (name: string) => readFileSync(at(name), 'utf8').trim()
  const tls = (name: string) => ({ key: readFileSync(at(`${name}.key`)), cert: readFileSync(at(`${name}.crt`)) })
  const ofPostgres = (...names: string[]) => {
    const user = serverUser()
    if (user !== undefined) for (const name of names) chownSync(at(name), user.uid, user.gid)
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-runbook-'))
    for (const name of ['old', 'new']) createCertificate(name)
    presentToPostgres('old')
    const hba = ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256', '']
    writeFileSync(at('hba.conf'), hba.join('\n'))
    ofPostgres('.', 'hba.conf')
    postgres = await startPostgres(undefined, [
      `hba_file=${at('hba.conf')}`,
      'ssl=on',
      `ssl_cert_file=${at('postgres.crt')}`,
      `ssl_key_file=${at('postgres.key')}`,
    ])
    await onPostgres(`create role latchkey login password 'old'`)
    await onPostgres('create database latchkey owner latchkey')
    const tlsPort = await freePort()
    const certificate = ['--tls-cert-file', at('old.crt'), '--tls-key-file', at('old.key'), '--tls-auth-clients', 'no']
    redis = await startRedis('--requirepass', 'old', '--tls-port', String(tlsPort), ...certificate)
    mail = await startMailProvider(tls)
    const { host } = new URL(postgres.url)
    const database = `postgres://latchkey:old@${host}/latchkey?sslmode=verify-full&sslrootcert=${at('database-ca.pem')}`
    writeFileSync(at('database-url'), `${database}\n`)
    writeFileSync(at('redis-url'), `rediss://:old@127.0.0.1:${tlsPort}\n`)
    writeFileSync(at('smtp-url'), `smtps://user:old@127.0.0.1:${mail.port}\n`)
    writeFileSync(at('metrics-token'), 'the-old-token-of-the-metrics\n')
    for (const name of ['database-ca.pem', 'extra-ca.pem']) copyFileSync(at('old.crt'), at(name))
    const { hostname, port } = new URL(redis.url)
    env = {
      PORT: '0',
      NODE_ENV: 'production',
      LATCHKEY_ISSUER: 'https://auth.test',
      LATCHKEY_MASTER_KEYS: Keyring.generate('k1'),
      LATCHKEY_MAIL_FROM: 'no-reply@auth.test',
      LATCHKEY_LIMIT_GENERAL: 'address:1000000/60,account:1000000/60',
      DATABASE_URL_FILE: at('database-url'),
      REDIS_URL_FILE: at('redis-url'),
      LATCHKEY_SMTP_URL_FILE: at('smtp-url'),
      LATCHKEY_METRICS_TOKEN_FILE: at('metrics-token'),
      NODE_EXTRA_CA_CERTS: at('extra-ca.pem'),
      SECRETS: folder,
      DATABASE_ADMIN_URL: postgres.url,
      REDIS_HOST: hostname,
      REDIS_PORT: port,
    }
    server = new Command(['serve'], env)
    url = /"url":"([^"]+)"/.exec(await server.prints(/"url":"([^"]+)".*Latchkey is up/))?.[1] ?? ''
    token = await signIn()
  })

  afterAll(async () => {
    await server?.stop()
    await mail?.close()
    await redis?.dispose()
    await postgres?.dispose()
    runbook.dispose()
    rmSync(folder, { recursive: true })
  })

  function createCertificate(name: string): void {
    requireProgram('openssl', 'openssl')
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const subject = ['-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', [...request, ...subject, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)], {
      stdio: 'pipe',
    })
  }

  function presentToPostgres(certificate: string): void {
    for (const kind of ['crt', 'key']) copyFileSync(at(`${certificate}.${kind}`), at(`postgres.${kind}`))
    ofPostgres('postgres.crt', 'postgres.key')
  }

  const onPostgres = async (text: string) => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }

  const onRedis = async <T>(password: string, ask: (client: Redis) => Promise<T>) => {
    const client = new Redis(`${redis.url.replace('//', `//:${password}@`)}`, { retryStrategy: () => null })
    client.on('error', () => {})
    return ask(client).finally(() => client.disconnect())
  }

  const passwordIn = (file: string) => new URL(secret(file)).password
  const register = async () => new AuthClient(url).register(`person-${++people}@example.com`)
  const signIn = async () => {
    const email = `person-${people + 1}@example.com`
    await register()
    return (await new AuthClient(url).login(email)).accessToken
  }

  /**
   * Runs the steps under load. Each waits until the server has logged the setting that the previous
   * step changed.
   */
  const rehearse = async (steps: readonly (() => Promise<unknown>)[]) => {
    const end = startLoad(url, token)
    try {
      for (const step of steps) await step()
      expect(await signIn()).toBeTypeOf('string')
    } finally {
      const { answers, failures } = await end()
      expect(failures).toEqual([])
      expect(answers).toBeGreaterThan(0)
    }
  }

  const step = (heading: string, more: Record<string, string> = {}) => runbook.run(heading, { ...env, ...more })

  const changesOf = (setting: string) =>
    server.printed.split(`"setting":"${setting}","msg":"The file of this`).length - 1

  /** Runs a step that changes the file of a setting, and waits until the server has logged that. */
  const change = async (setting: string, heading: string, more: Record<string, string> = {}) => {
    const before = changesOf(setting)
    await step(heading, more)
    await expect.poll(() => changesOf(setting)).toBeGreaterThan(before)
  }

  /**
   * Returns the warnings after a request that is counted: only for one does the server try Redis
   * again.
   */
  const warnings = async () => {
    await new AuthClient(url).whoIs(token)
    return (await new AuthClient(url).call('GET', '/readyz')).body?.warnings ?? []
  }

  it('rotates the password of the database', async () => {
    await rehearse([
      () => change('DATABASE_URL', '1. Put the new database password into the file'),
      () => step('2. Change it in the database'),
      () => step('3. See that the new database password works'),
    ])
    expect(passwordIn('database-url')).toMatch(/^[0-9a-f]{64}$/)
    // Connections from now on need the new password.
    await onPostgres(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'latchkey'`)
    await expect.poll(() => new AuthClient(url).whoIs(token)).not.toBe('store_unavailable')
    token = await signIn()
    const refused = new pg.Client({ connectionString: secret('database-url.old') })
    await expect(refused.connect()).rejects.toMatchObject({ code: '28P01' })
  })

  it('rotates the password of Redis', async () => {
    await rehearse([
      () => step('1. Let Redis accept both passwords'),
      () => change('REDIS_URL', '2. Put the new Redis password into the file'),
      () => step('3. Take the old Redis password away'),
    ])
    const password = passwordIn('redis-url')
    expect(password).toMatch(/^[0-9a-f]{64}$/)
    await expect(onRedis('old', (client) => client.ping())).rejects.toThrow()
    // The two connections of the server, which the last step ended, exist again.
    const connections = () => onRedis(password, async (client) => String(await client.client('LIST')).match(/^id=/gm))
    await expect.poll(async () => (await connections())?.length).toBeGreaterThan(2)
    await expect.poll(warnings).not.toContain('limits_in_memory')
  })

  it('rotates the login of the mail server', async () => {
    // A session with the old login is open.
    await expect.poll(() => mail.letters).toContain('user:old')
    mail.admit('user:old', 'user:new')
    await rehearse([
      () =>
        change('LATCHKEY_SMTP_URL', '1. Put the new mail login into the file', {
          NEW_SMTP_URL: `smtps://user:new@127.0.0.1:${mail.port}`,
        }),
      () => step('2. See that the new mail login works'),
    ])
    mail.admit('user:new')
    await register()
    await expect.poll(() => mail.letters.at(-1)).toBe('user:new')
    expect(mail.refusals).toBe(0)
  })

  it('keeps letters while the mail login is refused, until the file has the right one', async () => {
    // Every user gets one letter, and no letter of an earlier test is pending.
    await expect.poll(() => mail.letters.length).toBe(people)
    mail.admit('user:newer')
    const [letters, refusals] = [mail.letters.length, mail.refusals]
    await register()
    await server.prints(/EAUTH 535/)
    expect(mail.refusals).toBeGreaterThan(refusals)
    expect(mail.letters).toHaveLength(letters)
    await change('LATCHKEY_SMTP_URL', '1. Put the new mail login into the file', {
      NEW_SMTP_URL: `smtps://user:newer@127.0.0.1:${mail.port}`,
    })
    await expect.poll(() => mail.letters.slice(letters)).toContain('user:newer')
  })

  it('rotates the token of the metrics', async () => {
    const scrape = async (bearer: string) => {
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${bearer}` } })
      await response.arrayBuffer()
      return response.status
    }
    const old = secret('metrics-token')
    let fresh = ''
    await rehearse([
      () => change('LATCHKEY_METRICS_TOKEN', '1. Let the servers accept both tokens'),
      async () => {
        fresh = secret('metrics-token.new')
        expect(await Promise.all([old, fresh, `${old}\n${fresh}`.slice(0, 16)].map(scrape))).toEqual([200, 200, 401])
      },
      () => change('LATCHKEY_METRICS_TOKEN', '2. Take the old token away'),
    ])
    expect(await Promise.all([old, fresh].map(scrape))).toEqual([401, 200])
  })

  it('rotates the authority of the certificates', async () => {
    const certificates = {
      NEW_CA: at('new.crt'),
      REDIS_PORT: new URL(secret('redis-url')).port,
      REDIS_CERTIFICATE: at('new.crt'),
      REDIS_KEY: at('new.key'),
    }
    await rehearse([
      () => change('NODE_EXTRA_CA_CERTS', '1. Trust both authorities', certificates),
      async () => {
        presentToPostgres('new')
        mail.present('new')
        await step('2. Replace the certificates of database and Redis', certificates)
      },
      () => step('3. Trust the new authority alone', certificates),
      () => onRedis(passwordIn('redis-url'), (client) => client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
    ])
    await onPostgres(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'latchkey'`)
    await expect.poll(() => new AuthClient(url).whoIs(token)).not.toBe('store_unavailable')
    token = await signIn()
    await expect.poll(warnings).not.toContain('limits_in_memory')
    const letters = mail.letters.length
    await register()
    await expect.poll(() => mail.letters.length).toBeGreaterThan(letters)
  })

  it('continues with the last value while a file is half-written, and reports it', async () => {
    writeFileSync(at('redis-url'), 'redi')
    await server.prints(/"setting":"REDIS_URL","problem":"[^"]+"/)
    await rehearse([async () => expect((await new AuthClient(url).call('GET', '/readyz')).status).toBe(200)])
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/runbook-credentials.md')).toEqual([])
  })
})
