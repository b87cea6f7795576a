import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { importUsers } from '../../../src/admin/import-users.js'
import { revokeAllTenants } from '../../../src/admin/revoke-all-tenants.js'
import { operator } from '../../../src/audit/operator.js'
import { currentOf } from '../../../src/config/setting-files.js'
import { pruneLetters } from '../../../src/mail/letter-log.js'
import { lockAccounts } from '../../../src/sessions/account-lock.js'
import { Authenticator } from '../../support/authenticator.js'
import { holdLetters } from '../../support/letters.js'
import { LockRecorder } from '../../support/lock-recorder.js'
import { form, Machines } from '../../support/machines.js'
import { completeMail, requestLetter, wrongCode } from '../../support/mail-sign-in.js'
import { addPasskey, signInWithPasskey } from '../../support/passkeys.js'
import { createAdmin, freshEmail, login, type Person, password, personOf, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

/**
 * Uses every route and background job that writes. Refusals do not matter: only the locks taken
 * until then count.
 */
async function useEverything(running: TestServer): Promise<void> {
  const { api, server } = running
  const { service } = server
  const { store, mail, oneTimeTokens, adminCreation, administration } = service
  const admin = await createAdmin(running)
  const next = await createAdmin(running)
  const person = await register(running)
  const machines = await Machines.with(running)
  const machine = await machines.create()
  const as = (token: string, body?: unknown) => (body === undefined ? { token } : { token, body })
  for (let i = 0; i < 4; i += 1) await login(running, person.email)
  const { token, refreshToken, sessionId } = await login(running, person.email)
  await api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
  await api.patch('/v1/me', as(token, { name: 'Ada' }))
  await api.patch('/v1/me/profile', as(token, { theme: 'dark' }))
  await api.patch(`/v1/admin/users/${person.id}/profile`, as(admin.token, { plan: 'pro' }))
  await api.patch('/v1/me', as(token, { email: freshEmail(), password }))
  await api.post('/v1/email/resend', { body: { email: person.email } })
  await api.post('/v1/password/forgot', { body: { email: person.email } })
  await mail.outboxWorker?.deliver()
  const linkFor = (purpose: 'change_email' | 'verify_email' | 'reset_password', email: string) =>
    store.transaction(async (client) => {
      await lockAccounts(client, [person.id])
      return oneTimeTokens.issue(client, { purpose, accountId: person.id, data: { email } }, 60)
    })
  const address = freshEmail()
  for (const [purpose, email] of [
    ['verify_email', person.email],
    ['change_email', address],
  ] as const)
    await api.post('/v1/email/verify', { body: { token: (await linkFor(purpose, email)).token, password } })
  await api.post('/v1/me/devices', as(token, { password }))
  const other = await login(running, address)
  const authenticator = new Authenticator()
  const keyHolder = await register(running)
  await addPasskey(running, keyHolder, authenticator)
  await signInWithPasskey(running, authenticator)
  await signInByMail(running)
  await api.post('/v1/me/step-up', as((await register(running)).token, { password }))
  await api.delete(`/v1/me/sessions/${other.sessionId}`, as(token))
  const { body } = await api.post('/v1/me/password', as(token, { current_password: password, new_password: password }))
  await api.post('/oauth/revoke', form({ token: personOf({ ...body, session_id: sessionId }).token }))
  await api.post('/v1/logout', as((await login(running, address)).token))
  await api.post('/v1/logout-all', as((await login(running, address)).token))
  const { token: link } = await linkFor('reset_password', address)
  await api.post('/v1/password/reset', { body: { token: link, new_password: password } })
  const reused = await login(running, address)
  for (let i = 0; i < 2; i += 1) {
    const { body: tokens } = await api.post('/v1/refresh', { body: { refresh_token: reused.refreshToken } })
    await api.post('/v1/refresh', { body: { refresh_token: tokens.refresh_token } })
  }
  for (const action of ['rotate', 'revoke', 'disable', 'enable'])
    await api.post(`/v1/admin/users/${person.id}/${action}`, as(admin.token))
  for (const change of [{ role: 'admin' }, { scope: 'all' }, { role: 'user' }])
    await api.patch(`/v1/admin/users/${person.id}`, as(admin.token, change))
  const clientToken = await machines.tokenOf(machine)
  await api.post('/oauth/revoke', form({ token: clientToken, client_id: machine.id, client_secret: machine.secret }))
  await machines.administer('POST', `/${machine.id}/secrets`, { grace_period: 60 })
  await machines.administer('PATCH', `/${machine.id}`, { scope: 'reports' })
  for (const action of ['rotate', 'revoke', 'disable', 'enable'])
    await machines.administer('POST', `/${machine.id}/${action}`)
  await machines.administer('DELETE', `/${machine.id}`)
  await api.post('/v1/admin/rewrap', as(admin.token))
  await api.post('/v1/admin/tasks/stop', as(admin.token))
  await api.post('/v1/admin/rotations', as(admin.token, { canary: 1 }))
  for (const step of ['pause', 'resume', 'stop']) await api.post(`/v1/admin/rotations/${step}`, as(admin.token))
  for (const delivery of ['link', 'mail', 'link']) {
    const { body: invited } = await api.post(
      '/v1/admin/invitations',
      as(admin.token, { email: freshEmail(), delivery }),
    )
    await mail.outboxWorker?.deliver()
    const opened = { token: invited.url?.split('#token=')[1] ?? '', password }
    if (delivery === 'link') await api.post('/v1/register/invited', { body: opened })
    else await api.delete(`/v1/admin/invitations/${invited.id}`, as(admin.token))
  }
  await impersonate(running, admin, await register(running))
  await useFactors(running, admin)
  await useLetters(running, admin)
  await api.post('/v1/admin/audit/verify', as(admin.token, {}))
  await endApplication(running)
  const { body: made } = await api.post('/v1/admin/users', as(admin.token, { email: freshEmail() }))
  await api.post(`/v1/admin/users/${made.id}/verify`, as(admin.token))
  const { body: handed } = await api.post(`/v1/admin/users/${made.id}/reset-link`, as(admin.token))
  const reset = { token: handed.url?.split('#token=')[1] ?? '', new_password: password }
  await api.post('/v1/password/reset', { body: reset })
  await api.post(`/v1/admin/users/${made.id}/require-new-password`, as(admin.token))
  const { sessionId: ending } = await login(running, address)
  await api.delete(`/v1/admin/users/${person.id}/sessions/${ending}`, as(admin.token))
  await api.post('/v1/admin/users/bulk', as(admin.token, { action: 'rotate', ids: [made.id, person.id] }))
  await api.delete('/v1/me', as(next.token, { password }))
  await api.delete(`/v1/admin/users/${person.id}`, as(admin.token))
  const signal = new AbortController().signal
  await importUsers(service, linesOf([freshEmail(), freshEmail()], accountHash), {
    dryRun: false,
    signal,
    onFault: () => {},
    onProgress: () => {},
  })
  await service.keys.rewrap()
  await service.auditChain.seal()
  await service.sessions.prune()
  await oneTimeTokens.prune()
  await service.invitations.prune()
  await mail.quota.prune()
  await pruneLetters(store, service.clock.now() + 100 * 86_400_000)
  await service.guesses.prune()
  await service.challenges.prune()
  await service.trustedDevices.prune()
  await service.factorResets.applyDue()
  await service.keys.prune()
  const last = await register(running)
  await administration.revoke(operator, last.id)
  await adminCreation.createAdmin({ email: last.email, password })
  await revokeAllTenants(service, { madeBefore: service.clock.now() + 1000, signal, onProgress: () => {} })
}

/** Lets an administrator hasten a waiting letter, and drop another. */
async function useLetters(running: TestServer, admin: Person): Promise<void> {
  const release = await holdLetters(running)
  await running.api.post('/v1/password/forgot', { body: { email: (await register(running)).email } })
  const { body } = await running.api.get('/v1/admin/letters', { token: admin.token })
  for (const { id } of body.letters) {
    await running.api.post(`/v1/admin/letters/${id}/retry`, { token: admin.token })
    await running.api.delete(`/v1/admin/letters/${id}`, { token: admin.token })
  }
  release()
}

/** Lets an administrator act in a session of a user, and ends it. */
async function impersonate({ api, server }: TestServer, { token }: Person, { id }: Person): Promise<void> {
  const body = { reason: 'to see what happens' }
  const { body: made } = await api.post(`/v1/admin/users/${id}/impersonate`, { token, body })
  const link = { token: made.url?.split('#token=')[1] ?? '' }
  const { body: opened } = await api.post('/v1/login/impersonation', { body: link })
  await api.post('/v1/logout', { token: opened.access_token })
  await server.service.impersonations.settle()
}

/** Adds factors, signs in with them, changes them, and lets an administrator reset them. */
async function useFactors(running: TestServer, admin: Person): Promise<void> {
  const { api } = running
  const person = await register(running)
  const { app, recoveryCodes } = await addAuthenticator(running, person)
  const [recoveryCode = ''] = recoveryCodes
  const first = await firstStep(running, person.email)
  await secondStep(running, first, { code: app.wrongCode() })
  const { body } = await secondStep(running, first, { code: app.nextCode(), trust_device: true })
  const again = await secondStep(running, await firstStep(running, person.email), { recovery_code: recoveryCode })
  await firstStep(running, person.email, { token: body.device_token })
  const token = again.body.access_token
  await api.patch(`/v1/me/factors/${app.id}`, { token, body: { name: 'Phone' } })
  await api.delete('/v1/me/trusted-devices', { token })
  await api.post('/v1/me/recovery-codes', { token, body: { end_other_sessions: true } })
  await api.delete(`/v1/admin/users/${person.id}/factors`, { token: admin.token })
  const other = await register(running)
  const { app: second } = await addAuthenticator(running, other)
  const strong = await secondStep(running, await firstStep(running, other.email), { code: second.nextCode() })
  await api.delete(`/v1/me/factors/${second.id}`, { token: strong.body.access_token })
}

/** Signs in by mail, as the first proof of an address and again, with a wrong code before. */
async function signInByMail(running: TestServer): Promise<void> {
  const { email } = await register(running)
  for (let round = 0; round < 2; round += 1) {
    const { begun, code } = await requestLetter(running, email)
    await completeMail(running, begun, { code: wrongCode(code) })
    const { status } = await completeMail(running, begun, { code })
    expect(status).toBe(200)
  }
}

/** Exchanges a token, steps up in its session, and ends the application. */
async function endApplication(running: TestServer): Promise<void> {
  const { api } = running
  const person = await register(running)
  const subject_token_type = 'urn:ietf:params:oauth:token-type:access_token'
  const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange'
  await api.post('/oauth/token', form({ grant_type, subject_token: person.token, subject_token_type }))
  const { id } = await vi.waitFor(async () => {
    const { body } = await api.get('/v1/me/applications', person)
    const [application] = body.applications
    return application ?? Promise.reject(new Error('The use is not recorded yet.'))
  })
  const { body } = await api.post('/v1/me/step-up', { token: person.token, body: { password } })
  await api.delete(`/v1/me/applications/${id}`, { token: body.access_token })
}

const accountHash = '$2b$04$abcdefghijklmnopqrstuu5Lkh1hQvLYVHCWCAzH8UFrz0Sg7B6Wa'

async function* linesOf(emails: readonly string[], passwordHash: string) {
  for (const [index, email] of emails.entries())
    yield { number: index + 1, value: { email, password_hash: passwordHash } }
}

describe('the locks of PostgreSQL', () => {
  it('are taken in one order by every transaction', async () => {
    const running = await startServer({
      database: 'postgres',
      configuration: { maxSessions: 3, mailSignIn: 'code-and-link', impersonation: 'on' },
    })
    const recorder = LockRecorder.start()
    try {
      await useEverything(running)
    } finally {
      recorder.stop()
      await running.stop()
    }
    expect(recorder.faults).toEqual([])
    expect(recorder.lockedTables).toEqual(
      expect.arrayContaining([
        'server_accounts',
        'server_clients',
        'server_sessions',
        'server_one_time_tokens',
        'server_factors',
        'server_recovery_codes',
        'server_challenges',
        'server_trusted_devices',
        'server_impersonations',
        'server_mail_counts',
        'server_invitations',
        'server_locks',
        'latchkey_tenants',
      ]),
    )
  })
})

describe('all changes that end sessions, run concurrently on two servers of one PostgreSQL,', () => {
  let first: TestServer
  let second: TestServer

  beforeAll(async () => {
    first = await startServer({
      database: 'postgres',
      configuration: { maxSessions: 6 },
    })
    second = await first.startAnother()
  })
  afterAll(() => first.stop())

  it('cause no deadlock and no answer of 500', async () => {
    const { configuration } = first
    const admins = [await createAdmin(first), await createAdmin(first)]
    const people = [await register(first), await register(first)]
    const seen = new Map<string, number>()
    const any = () => (Math.random() < 0.5 ? first : second)
    const one = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T
    const note = async (what: string, call: Promise<{ status: number; body: { code?: string } | undefined }>) => {
      const { status, body } = await call
      const key = `${what} ${status} ${body?.code ?? ''}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
    const asUser = async ({ email }: Person) => {
      const logins = [1, 2, 3].map(() => any().api.post('/v1/login', { body: { email, password } }))
      const { status, body } = (await Promise.all(logins)).find((answer) => answer.status === 200) ?? {}
      if (status === undefined || body === undefined) return
      const { token, refreshToken } = personOf(body)
      await Promise.all([
        note('refresh', any().api.post('/v1/refresh', { body: { refresh_token: refreshToken } })),
        note('refresh', any().api.post('/v1/refresh', { body: { refresh_token: refreshToken } })),
        note('rename', any().api.patch('/v1/me', { token, body: { name: `n${Math.random()}` } })),
        note('profile', any().api.patch('/v1/me/profile', { token, body: { theme: `${Math.random()}` } })),
        note('device', any().api.post('/v1/me/devices', { token, body: { password } })),
        note('address', any().api.patch('/v1/me', { token, body: { email: freshEmail(), password } })),
        note(
          'password',
          any().api.post('/v1/me/password', { token, body: { current_password: password, new_password: password } }),
        ),
        note('forgot', any().api.post('/v1/password/forgot', { body: { email } })),
        note('revocation', any().api.post('/oauth/revoke', form({ token }))),
        note('logout', any().api.post('/v1/logout', { token })),
        note('logout-all', any().api.post('/v1/logout-all', { token })),
      ])
    }
    const asAdmin = async ({ email }: Person, others: readonly Person[]) => {
      const { status, body } = await any().api.post('/v1/login', { body: { email, password } })
      if (status !== 200) return
      const { token } = personOf(body)
      const { id } = one([...people, ...others])
      await Promise.all([
        ...['revoke', 'rotate', 'disable', 'enable', 'enable'].map((action) =>
          note(action, any().api.post(`/v1/admin/users/${id}/${action}`, { token })),
        ),
        note('role', any().api.patch(`/v1/admin/users/${id}`, { token, body: { role: one(['user', 'admin']) } })),
        note('scope', any().api.patch(`/v1/admin/users/${id}`, { token, body: { scope: `s${Math.random()}` } })),
      ])
      const registered = await any().api.post('/v1/register', { body: { email: freshEmail(), password } })
      if (registered.status !== 201) return
      const gone = personOf(registered.body)
      await Promise.all([
        note('own deletion', any().api.delete('/v1/me', { token: gone.token, body: { password } })),
        note('deletion', any().api.delete(`/v1/admin/users/${gone.id}`, { token })),
        note('logout-all', any().api.post('/v1/logout-all', { token: gone.token })),
      ])
    }
    const signal = new AbortController().signal
    const asMachine = async ({ server: { service } }: TestServer) => {
      await service.mail.outboxWorker?.deliver()
      await revokeAllTenants(service, { madeBefore: service.clock.now() + 1000, signal, onProgress: () => {} })
      await Promise.all([service.sessions.prune(), service.oneTimeTokens.prune(), service.keys.prune()])
      await service.keys.rotateAll({ ratePerMinute: 600_000 }).done
    }
    // On a busy machine a statement may reach its lock timeout, which is no deadlock.
    const again = async (times: number, work: () => Promise<unknown>) => {
      for (let i = 0; i < times; i += 1) await work().catch(unlessUnavailable)
    }
    const asOperator = async () => {
      const { administration } = first.server.service
      for (const { id } of [...admins, ...people]) await administration.enable(operator, id)
      for (const { id } of admins) await administration.changeGrants(operator, id, { role: 'admin' })
    }
    await Promise.all([
      ...people.map((person) => again(8, () => asUser(person))),
      ...admins.map((admin) => again(4, () => asAdmin(admin, admins))),
      ...[first, second].map((running) => again(2, () => asMachine(running))),
      again(4, asOperator),
    ])
    await second.stop()
    await first.server.close()
    if (configuration.database.kind !== 'postgres') throw new TypeError('This is a test of PostgreSQL.')
    expect(await deadlocksOf(currentOf(configuration.database.url))).toBe(0)
    expect([...seen.keys()].filter((key) => key.includes(' 500 '))).toEqual([])
  })
})

function unlessUnavailable(error: { code?: string }): void {
  if (error.code !== 'store_unavailable') throw error
}

/**
 * Returns the number of deadlocks that PostgreSQL has broken in this database. Sessions report it
 * when they end, so it is read after all of them are closed.
 */
async function deadlocksOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const others = `select count(*) as others from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and backend_type = 'client backend'`
    while (Number((await client.query(others)).rows[0].others) > 0) await sleep(50)
    const { rows } = await client.query('select deadlocks from pg_stat_database where datname = current_database()')
    return Number(rows[0].deadlocks)
  } finally {
    await client.end()
  }
}
