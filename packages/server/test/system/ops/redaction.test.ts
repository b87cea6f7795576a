import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createDeployment, openStore, runCommand } from '../../../../../test/support/server-process.js'
import { ApiClient, type Call } from '../../support/api-client.js'
import { Command } from '../../support/command.js'
import { startMailbox } from '../../support/mailbox.js'
import { databases } from '../../support/start-server.js'

/** All secrets of the test, by the name that a failure reports. */
class Secrets {
  readonly #known = new Map<string, string>()

  /** Creates a secret that resembles no other text. */
  make(name: string): string {
    return this.add(name, `${name}-${randomBytes(18).toString('base64url')}`)
  }

  add(name: string, secret: string): string {
    this.#known.set(`${name} ${this.#known.size}`, secret)
    // Of a token also the signature, which makes it usable.
    const last = secret.split('.').at(-1) ?? ''
    if (last !== secret && last.length > 20) this.#known.set(`${name} ${this.#known.size}, its end`, last)
    return secret
  }

  foundIn(text: string): string[] {
    return [...this.#known].flatMap(([name, secret]) => {
      const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64url')]
      return spellings.some((spelling) => text.includes(spelling)) ? [name] : []
    })
  }

  get size(): number {
    return this.#known.size
  }
}

const tokenNames = ['access_token', 'refresh_token', 'device_token', 'client_secret'] as const

describe.each(databases)('a server on %s that logs all it can', (database) => {
  it('writes no used secret to its log, its metrics, its audit log or a refusal', async () => {
    const secrets = new Secrets()
    const metricsToken = secrets.make('metrics')
    const mailbox = await startMailbox()
    const mailPassword = secrets.make('mail')
    const env = {
      LOG_LEVEL: 'trace',
      NODE_ENV: 'production',
      LATCHKEY_METRICS_TOKEN: metricsToken,
      LATCHKEY_SMTP_URL: `smtp://latchkey:${mailPassword}@127.0.0.1:${mailbox.port}`,
      LATCHKEY_MAIL_FROM: 'no-reply@auth.test',
    }
    const deployment = await createDeployment(database, env)
    for (const key of deployment.masterKeys.split(':').slice(1)) secrets.add('master key', key)
    const server = new Command(['serve'], { ...deployment.env })
    const printed = await server.prints(/"url":"([^"]+)".*Latchkey is up/)
    const url = /"url":"([^"]+)"/.exec(printed)?.[1] ?? ''
    const api = await ApiClient.connect(url)
    const refusals: string[] = []

    const call = async (method: string, path: string, options: Call = {}) => {
      const answer = await api.call(method, path, options)
      for (const name of tokenNames) {
        const token: unknown = (answer.body as unknown as Record<string, unknown> | undefined)?.[name]
        if (typeof token === 'string') secrets.add(name, token)
      }
      const keepers = [...answer.headers.entries()].filter(([name]) => name !== 'set-cookie')
      if (answer.status >= 400) refusals.push(JSON.stringify([keepers, answer.body]))
      return answer
    }
    const json = { 'content-type': 'application/json' }

    const adminPassword = secrets.make('password')
    await runCommand(deployment, ['admin', 'create', 'root@example.com'], `${adminPassword}\n`)
    const root = await call('POST', '/v1/login', { body: { email: 'root@example.com', password: adminPassword } })
    const admin = root.body.access_token

    const password = secrets.make('password')
    const email = 'ada@example.com'
    const registered = await call('POST', '/v1/register', { body: { email, password, name: 'Ada' } })
    const { id } = registered.body.account
    await call('POST', '/v1/register', { body: { email, password: secrets.make('password') } })
    await call('POST', '/v1/login', { body: { email, password: secrets.make('wrong password') } })
    await call('POST', '/v1/login', { raw: `{"email":"x","password":"${secrets.make('password')}"`, headers: json })
    await call('POST', '/v1/login', { body: { email, password, pin: secrets.make('unknown member') } })
    await call('POST', '/v1/login', { body: { email: { [secrets.make('name of a member')]: 1 }, password } })
    await call('POST', '/v1/login', { raw: secrets.make('text'), headers: { 'content-type': 'text/plain' } })
    const { body: signedIn } = await call('POST', '/v1/login', { body: { email, password } })
    await call('GET', '/v1/me', {
      token: signedIn.access_token,
      headers: { cookie: `session=${secrets.make('cookie')}` },
    })
    await call('GET', `/v1/me?access_token=${signedIn.access_token}`)
    await call('GET', `/${signedIn.refresh_token}`)
    await call('GET', '/v1/me', { headers: { authorization: `Basic ${secrets.make('basic')}` } })
    await call('GET', '/v1/me', { token: secrets.make('made-up token') })
    await call('GET', '/v1/me', { token: secrets.add('broken token', `${signedIn.access_token.slice(0, -4)}AAAA`) })
    await call('GET', '/v1/me/sessions', { token: signedIn.access_token })
    const { body: refreshed } = await call('POST', '/v1/refresh', { body: { refresh_token: signedIn.refresh_token } })
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: refreshed.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    const formType = { 'content-type': 'application/x-www-form-urlencoded' }
    await call('POST', '/oauth/token', { raw: form.toString(), headers: formType })
    form.set('subject_token', secrets.make('subject token'))
    await call('POST', '/oauth/token', { raw: form.toString(), headers: formType })
    const clients = '/v1/admin/clients'
    const made = await call('POST', clients, { token: admin, body: { name: 'a machine', may_introspect: true } })
    const machine = { client_id: made.body.id, client_secret: made.body.client_secret }
    const basicOf = (secret: string) => `Basic ${secrets.add('basic', btoa(`${machine.client_id}:${secret}`))}`
    const oauth = (path: string, parameters: Record<string, string>, authorization?: string) =>
      call('POST', `/oauth/${path}`, {
        raw: new URLSearchParams(parameters).toString(),
        headers: { ...formType, ...(authorization === undefined ? {} : { authorization }) },
      })
    const grant = { grant_type: 'client_credentials' }
    const { body: granted } = await oauth('token', { ...grant, ...machine })
    await oauth('token', grant, basicOf(machine.client_secret))
    await oauth('token', grant, basicOf(secrets.make('wrong secret')))
    await oauth('token', { ...grant, ...machine }, basicOf(machine.client_secret))
    await oauth('token', { ...grant, ...machine, client_secret: secrets.make('wrong secret') })
    await oauth('token', { ...grant, ...machine, scope: secrets.make('scope') })
    await call('POST', '/oauth/token', { body: machine, headers: json })
    await call('GET', `/oauth/token?${new URLSearchParams({ ...grant, ...machine })}`)
    for (const token of [granted.access_token, refreshed.access_token, secrets.make('introspected')]) {
      await oauth('introspect', { ...machine, token })
    }
    await oauth('introspect', { token: secrets.make('introspected without a client') })
    await oauth('revoke', { token: granted.access_token })
    await oauth('revoke', { ...machine, token: granted.access_token })
    await call('GET', '/v1/me', { token: granted.access_token })
    const passed = await call('GET', '/v1/forward-auth?audience=services', { token: refreshed.access_token })
    secrets.add('exchanged token', passed.headers.get('x-auth-token') ?? '')
    await call('GET', `/v1/forward-auth/${refreshed.access_token}`, { token: refreshed.access_token })
    await call('GET', '/v1/forward-auth', { token: secrets.make('forwarded token') })
    await call('POST', `${clients}/${machine.client_id}/secrets`, { token: admin, body: { grace_period: 60 } })
    await call('POST', `${clients}/${machine.client_id}/secrets`, { token: admin, body: {} })
    await call('GET', `${clients}/${machine.client_id}`, { token: admin })
    await call('PATCH', '/v1/me', { token: refreshed.access_token, body: { email: 'ada@example.org', password } })
    await call('POST', '/v1/password/forgot', { body: { email } })
    const links = new Map<string, string>()
    // The letters of the registration, the change of address, the administrator's login and the
    // password reset.
    for (const { subject, token } of await mailbox.received(4)) {
      if (token === '') continue
      secrets.add(`token to ${subject}`, token)
      links.set(subject, token)
    }
    expect(links.size).toBe(3)
    mailbox.refuse({ responseCode: 550, at: 'recipient' })
    await call('POST', '/v1/password/forgot', { body: { email } })
    const reset = links.get('Reset your password') ?? ''
    // A page, which must not show what a link has by mistake in its query.
    refusals.push(await (await fetch(`${url}/reset-password?token=${reset}`)).text())
    await call('GET', `/verify-email/${reset}`)
    await call('POST', '/v1/email/verify', { body: { token: reset } })
    await call('POST', '/v1/password/reset', { body: { token: reset, new_password: 'short' } })
    await call('POST', '/v1/password/reset', { body: { token: reset, password: secrets.make('password') } })
    const verify = { token: links.get('Verify your e-mail address'), password }
    expect((await call('POST', '/v1/email/verify', { body: verify })).status).toBe(204)
    await call('POST', '/v1/email/verify', { body: verify })
    await server.prints(/An e-mail was given up/)
    mailbox.refuse(undefined)
    const next = secrets.make('password')
    const changed = await call('POST', '/v1/me/password', {
      token: refreshed.access_token,
      body: { current_password: password, new_password: next },
    })
    await call('POST', '/v1/refresh', { body: { refresh_token: registered.body.refresh_token } })
    for (const action of ['rotate', 'disable', 'enable', 'revoke']) {
      await call('POST', `/v1/admin/users/${id}/${action}`, { token: admin })
    }
    await call('GET', `/v1/admin/users/${id}/secrets`, { token: admin })
    const { body: later } = await call('POST', '/v1/login', { body: { email, password: next } })
    const inspected = [later.access_token, later.refresh_token, granted.access_token, secrets.make('inspected text')]
    for (const token of [...inspected, passed.headers.get('x-auth-token') ?? '', `${later.access_token}x`]) {
      await call('POST', '/v1/admin/inspect', { token: admin, body: { token } })
      await call('POST', '/v1/admin/inspect', { token: admin, body: { token, also: token } })
    }
    await call('GET', `/v1/admin/users/${randomUUID()}`, { token: admin })
    await call('GET', '/metrics', { token: secrets.make('metrics') })

    // Internal errors are logged with all their details.
    const store = openStore(deployment)
    const outage = ['server_sessions', 'server_audit', 'server_client_secrets']
    for (const table of outage) await store.query(`alter table ${table} rename to ${table}_away`)
    const failed = [
      await call('POST', '/v1/login', { body: { email: 'ada@example.com', password: next } }),
      await call('POST', '/v1/register', { body: { email: 'eve@example.com', password: secrets.make('password') } }),
      await call('POST', '/v1/refresh', { body: { refresh_token: changed.body.refresh_token } }),
    ]
    failed.push(await oauth('token', { ...grant, ...machine }))
    expect(failed.map(({ status }) => status)).toEqual([503, 503, 503, 503])
    for (const table of outage) await store.query(`alter table ${table}_away rename to ${table}`)
    await store.close()

    const audit = JSON.stringify((await call('GET', '/v1/admin/audit?limit=100', { token: admin })).body)
    const scrape = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
    const metrics = await scrape.text()
    await call('DELETE', '/v1/me', { token: admin, body: { password: adminPassword } })
    const { code, stdout, stderr } = await server.stop()
    await deployment.dispose()
    await mailbox.close()

    expect(code).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.length).toBeGreaterThan(60)
    expect(lines.filter(({ level }) => level >= 50).length).toBeGreaterThanOrEqual(failed.length)
    expect(lines.filter(({ msg }) => msg === 'incoming request').every(({ reqId }) => typeof reqId === 'string')).toBe(
      true,
    )
    expect(refusals.length).toBeGreaterThan(12)
    expect(secrets.size).toBeGreaterThan(35)
    expect(secrets.foundIn(stdout + stderr), 'in the log').toEqual([])
    expect(secrets.foundIn(refusals.join('\n')), 'in a refusal').toEqual([])
    expect(secrets.foundIn(metrics), 'in the metrics').toEqual([])
    expect(secrets.foundIn(audit), 'in the audit log').toEqual([])
    expect(stdout).not.toMatch(/\$argon2/)
  })
})
