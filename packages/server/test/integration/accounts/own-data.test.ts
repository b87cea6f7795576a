import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Authenticator } from '../../support/authenticator.js'
import { formsOf, PageBrowser } from '../../support/page-browser.js'
import { addPasskey } from '../../support/passkeys.js'
import {
  createAdmin,
  login,
  type Person,
  password,
  personOf,
  register,
  registerVerified,
  tokenState,
} from '../../support/people.js'
import { openSession } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange'
const subject_token_type = 'urn:ietf:params:oauth:token-type:access_token'

describe.each(databases)('the data of an account on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    const configuration = { serviceAudiences: ['billing', 'https://mail.example.com/api'] } as const
    running = await startServer({ database, configuration })
  })
  afterAll(() => running.stop())

  const exchange = async (token: string, audience = 'billing') => {
    const raw = new URLSearchParams({ grant_type, subject_token: token, subject_token_type, audience }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return (await running.api.post('/oauth/token', { raw, headers })).status
  }
  const listOf = async (token: string) => (await running.api.get('/v1/me/applications', { token })).body.applications
  /** The use is recorded after the answer. */
  const used = (token: string, audiences: readonly string[]) =>
    vi.waitFor(async () => {
      const list = await listOf(token)
      expect(list.map(({ audience }) => audience)).toEqual(audiences)
      return list
    })

  describe('its applications', () => {
    it('are the audiences of its live sessions, by token exchange and by forward-auth', async () => {
      const person = await register(running)
      const other = await login(running, person.email)
      expect(await listOf(person.token)).toEqual([])
      expect(await exchange(person.token)).toBe(200)
      await used(person.token, ['billing'])
      const path = `/v1/forward-auth?audience=${encodeURIComponent('https://mail.example.com/api')}`
      expect((await running.api.get(path, { token: other.token })).status).toBe(200)
      const [billing, mail] = await used(person.token, ['billing', 'https://mail.example.com/api'])
      expect([billing?.sessions, mail?.sessions]).toEqual([[person.sessionId], [other.sessionId]])
      running.clock.advance(11 * 60_000)
      const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
      const token = refreshed.body.access_token
      await exchange(token)
      await vi.waitFor(async () => {
        const [later] = await listOf(token)
        expect(later?.first_used_at).toBe(billing?.first_used_at)
        expect(Date.parse(later?.last_used_at ?? '')).toBeGreaterThan(Date.parse(billing?.last_used_at ?? ''))
      })
    })

    it('are not known after a refused exchange, nor to another account', async () => {
      const [one, other] = [await register(running), await register(running)]
      expect(await exchange(one.token, 'unknown')).toBe(400)
      expect(await exchange(other.token)).toBe(200)
      const [application] = await used(other.token, ['billing'])
      expect(await listOf(one.token)).toEqual([])
      const { status, body } = await running.api.delete(`/v1/me/applications/${application?.id}`, { token: one.token })
      expect([status, body.code]).toEqual([404, 'application_unknown'])
      expect(await exchange(other.token)).toBe(200)
    })

    it('stay in a session that its owner has renewed by another authentication', async () => {
      const person = await register(running)
      await exchange(person.token)
      await used(person.token, ['billing'])
      const { body } = await running.api.post('/v1/me/step-up', { token: person.token, body: { password } })
      const renewed = personOf(body)
      expect((await used(renewed.token, ['billing']))[0]?.sessions).toEqual([renewed.sessionId])
    })

    it('are ended with the sessions in which they were used, and no other one', async () => {
      const person = await register(running)
      const other = await login(running, person.email)
      await exchange(other.token)
      const [application] = await used(person.token, ['billing'])
      const path = `/v1/me/applications/${application?.id}`
      expect((await running.api.delete(path, { token: person.token })).status).toBe(204)
      expect(await tokenState(running, other.token)).toBe('session_ended')
      expect(await exchange(other.token)).toBe(400)
      expect([await tokenState(running, person.token), await listOf(person.token)]).toEqual([200, []])
      expect((await running.api.delete(path, { token: person.token })).body.code).toBe('application_unknown')
      const { rows } = await running.server.service.store.query<{ session: string; detail: string }>(
        `select session_id as session, detail from server_audit where event = 'session_end' and account_id = $1`,
        [person.id],
      )
      expect(rows.map(({ session, detail }) => [session, JSON.parse(detail)])).toEqual([
        [other.sessionId, { acting_session: person.sessionId, audience: 'billing' }],
      ])
    })

    it('are on the account page, which can end them', async () => {
      const person = await register(running)
      const browser = new PageBrowser(running.url)
      await browser.post('/sign-in', { email: person.email, password })
      await exchange(person.token)
      await used(person.token, ['billing'])
      const page = await browser.open('/account')
      expect(page.html).toContain('<bdi>billing</bdi>')
      const at = formsOf(page).findIndex(({ values }) => values.action === 'end-application')
      const after = await browser.send(page, {}, at)
      expect([after.path, after.html.includes('No service has received')]).toEqual([
        '/account?notice=application-ended',
        true,
      ])
      expect(await tokenState(running, person.token)).toBe('session_ended')
      // A second click on the page that is still open.
      expect((await browser.send(page, {}, at)).path).toBe('/account?notice=application-ended')
    })
  })

  describe('its export', () => {
    /** An account with something of every kind, and the secrets that the export must not have. */
    const createOwner = async (): Promise<{ person: Person; secrets: string[] }> => {
      const person = await registerVerified(running)
      const passkey = await addPasskey(running, person, new Authenticator())
      const begun = await openSession(running, person)
      const { app } = await addAuthenticator(running, begun)
      await exchange(begun.token)
      await used(begun.token, ['billing'])
      const first = await firstStep(running, person.email)
      const { body } = await secondStep(running, first, { code: app.nextCode(), trust_device: true })
      await running.api.delete(`/v1/me/sessions/${person.sessionId}`, { token: body.access_token })
      const { rows } = await running.server.service.store.query<Record<string, string>>(
        `select password_hash as one, (select max(salt) from server_sessions where account_id = server_accounts.id) as other,
           (select max(data) from server_factors where account_id = server_accounts.id and kind = 'totp') as factor
         from server_accounts where id = $1`,
        [person.id],
      )
      const { one = '', other = '', factor = '{}' } = rows[0] ?? {}
      const secrets = [
        one,
        other,
        JSON.parse(factor).sealed,
        ...passkey.body.recovery_codes,
        body.refresh_token,
        body.device_token,
      ]
      return { person: personOf(body), secrets }
    }

    it('has everything that is stored about the owner, and no secret', async () => {
      const { token: admin } = await createAdmin(running)
      const { person, secrets } = await createOwner()
      await running.api.post(`/v1/admin/users/${person.id}/rotate`, { token: admin })
      await running.api.post('/v1/password/forgot', { body: { email: person.email } })
      const { status, body } = await running.api.get('/v1/me/export', { token: person.token })
      expect(status).toBe(200)
      const data = body as unknown as Record<string, { [key: string]: unknown }[]> & { audit_complete: boolean }
      expect(body.account).toMatchObject({ id: person.id, email: person.email, roles: [], profile: {} })
      expect(data.factors?.map(({ kind }) => kind)).toEqual(['passkey', 'totp'])
      expect([body.recovery_codes_left, data.trusted_devices?.length]).toEqual([10, 1])
      expect(data.applications?.map(({ audience }) => audience)).toEqual(['billing'])
      expect(data.sessions?.map(({ end_reason: reason }) => reason).filter(Boolean)).toEqual(['ended_by_user'])
      expect(data.sessions?.length).toBe(3)
      expect(data.audit_complete).toBe(true)
      const events = data.audit?.map(({ event, actor, address }) => [event, actor, address === null])
      expect(events).toEqual(
        expect.arrayContaining([
          ['register', 'you', false],
          ['factor_add', 'you', false],
          ['secret_rotate', 'other', true],
        ]),
      )
      expect(data.letters?.every(({ to }) => to === person.email)).toBe(true)
      const text = JSON.stringify(body)
      expect(secrets.length).toBeGreaterThan(12)
      for (const secret of secrets) expect(secret.length < 10 || text.includes(secret)).toBe(false)
      const adminId = (await running.api.get('/v1/me', { token: admin })).body.id
      expect(text).not.toContain(adminId)
    })

    it('has the letters that wait, without their links, and nothing of another account', async () => {
      const [one, other] = [await registerVerified(running), await registerVerified(running)]
      await running.server.service.store.transaction(async (client) => {
        const { outbox } = running.server.service.mail
        for (const { id, email } of [one, other])
          await outbox.notify(client, { id, email, emailVerifiedAt: 1 }, { kind: 'password_changed' })
        // Not sent before the export.
        await client.query('update server_outbox set due_at = $1', [running.clock.now() + 86_400_000])
      })
      const { body } = await running.api.get('/v1/me/export', { token: one.token })
      expect(body.letters).toEqual([
        { kind: 'password_changed', to: one.email, due_at: expect.any(String), attempts: expect.any(Number) },
      ])
      expect(JSON.stringify(body)).not.toContain(other.email)
    })

    it('has the records of letters that were sent', async () => {
      const { token } = await registerVerified(running)
      // The record is written after the letter.
      await vi.waitFor(async () => {
        const { body } = await running.api.get('/v1/me/export', { token })
        expect(body.letters_sent).toEqual([{ kind: 'verify_email', at: expect.any(String), outcome: 'sent' }])
      })
    })

    it('has the invitations that an administrator has sent', async () => {
      const admin = await createAdmin(running)
      expect(
        (
          await running.api.post('/v1/admin/invitations', {
            token: admin.token,
            body: { email: 'guest@example.com', delivery: 'link' },
          })
        ).status,
      ).toBe(201)
      const { body } = await running.api.get('/v1/me/export', { token: admin.token })
      expect((body.invitations as unknown as { email: string }[]).map(({ email }) => email)).toEqual([
        'guest@example.com',
      ])
      const person = await register(running)
      expect((await running.api.get('/v1/me/export', { token: person.token })).body.invitations).toEqual([])
    })

    it('is behind the link of the account page', async () => {
      const person = await register(running)
      const browser = new PageBrowser(running.url)
      await browser.post('/sign-in', { email: person.email, password })
      const page = await browser.open('/account/export.json')
      expect(page.headers.get('content-disposition')).toBe('attachment; filename="account.json"')
      const members = Object.keys(JSON.parse(page.html))
      const { body } = await running.api.get('/v1/me/export', { token: person.token })
      expect(members).toEqual(Object.keys(body))
    })

    it('is reconsidered whenever another table names accounts', async () => {
      const { store } = running.server.service
      const columns =
        database === 'postgres'
          ? `select table_name as name from information_schema.columns
             where table_schema = current_schema() and column_name = 'account_id'`
          : `select m.name from sqlite_master m join pragma_table_info(m.name) c where c.name = 'account_id'`
      const { rows } = await store.query<{ name: string }>(columns)
      const names = rows.map(({ name }) => name).filter((name) => name !== 'server_search_rows')
      expect(names.toSorted()).toEqual([
        'server_audit',
        // Steps of a sign-in that end within minutes.
        'server_challenges',
        'server_factors',
        // Until its session ends: the session and the audit log are in the export.
        'server_impersonations',
        'server_letters',
        // Links that wait for their owner; the address is that of the account or of its letter.
        'server_one_time_tokens',
        'server_recovery_codes',
        'server_sessions',
        'server_trusted_devices',
      ])
    })
  })
})
