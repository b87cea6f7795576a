import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import type { Configuration } from '../../../src/config/configuration.js'
import type { Acting } from '../../../src/sessions/actors.js'
import { lettersTo } from '../../support/letters.js'
import { form, Machines } from '../../support/machines.js'
import {
  createAdmin,
  createAuditor,
  login,
  type Person,
  password,
  personOf,
  register,
  registerVerified,
  tokenState,
} from '../../support/people.js'
import { actingAs } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { forgeClaims, stealSecret } from '../../support/steal-secret.js'

/** Returns the token in the link of an answer. */
const tokenIn = ({ url = '' }: { readonly url: string | undefined }) => url.split('#token=')[1] ?? ''

const reason = 'Ticket 4711: the list of invoices is empty'

describe.each(databases)('impersonation on %s', (database) => {
  let running: TestServer
  let admin: Person
  let user: Person

  const start = async (impersonation: Configuration['impersonation']) =>
    startServer({ database, configuration: { impersonation } })

  beforeAll(async () => {
    running = await start('on')
  })
  afterAll(() => running.stop())
  beforeEach(async () => {
    admin = await createAdmin(running)
    user = await register(running)
  })

  const order = (id = user.id, { token }: Pick<Person, 'token'> = admin, body: object = { reason }) =>
    running.api.post(`/v1/admin/users/${id}/impersonate`, { token, body })

  const linkOf = async (...wanted: Parameters<typeof order>) => {
    const { status, body } = await order(...wanted)
    expect([status, body.code]).toEqual([201, undefined])
    return tokenIn(body)
  }

  const open = (link: string) => running.api.post('/v1/login/impersonation', { body: { token: link } })

  /** Orders a session of the user, and opens it. */
  const act = async (...wanted: Parameters<typeof order>): Promise<Person> => {
    const { status, body } = await open(await linkOf(...wanted))
    expect([status, body.code]).toEqual([200, undefined])
    return personOf(body)
  }

  const settle = () => running.server.service.impersonations.settle()

  const auditOf = async (event: string, account = user.id) => {
    const { token } = await createAdmin(running)
    const path = `/v1/admin/audit?event=${event}&account=${account}`
    return (await running.api.get(path, { token })).body.entries
  }

  const refresh = async ({ refreshToken }: Person) => {
    const { status, body } = await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
    return status === 200 ? body : body.code
  }

  it('opens a session of the user that names the administrator, in tokens and in introspection', async () => {
    const acting = await act(user.id, admin, { reason, minutes: 5 })
    expect(acting.id).toBe(user.id)
    expect(decodeJwt(acting.token)).toMatchObject({ sub: user.id, act: { sub: admin.id }, acr: 'aal1', amr: [] })
    expect(decodeJwt(acting.token).auth_time, 'the user has not authenticated').toBeUndefined()
    const { authentication } = await running.server.service.latchkey.verify(acting.token)
    expect(authentication?.at, 'no application takes it for recent').toBeLessThan(86_400)

    const machines = await Machines.with(running)
    const machine = await machines.create({ may_introspect: true })
    const introspect = async (token: string) => {
      const sent = { token, client_id: machine.id, client_secret: machine.secret }
      return (await running.api.post('/oauth/introspect', form(sent))).body
    }
    const actor = { active: true, sub: user.id, act: { sub: admin.id } }
    expect(await introspect(acting.token)).toMatchObject(actor)
    expect(await introspect(acting.refreshToken)).toMatchObject(actor)
    expect(await introspect(user.token)).not.toHaveProperty('act')
    const { exchange } = running.server.service
    const exchanged = await exchange.exchange(acting.token, undefined, '127.0.0.1')
    expect(decodeJwt(exchanged.accessToken)).toMatchObject({ sub: user.id, act: { sub: admin.id } })
  })

  it('is in the list of sessions, does not end others, and its owner can end it', async () => {
    const acting = await act()
    const { body } = await running.api.get('/v1/me/sessions', { token: user.token })
    expect(body.sessions.map(({ id, impersonated }) => [id, impersonated])).toEqual(
      expect.arrayContaining([
        [acting.sessionId, true],
        [user.sessionId, false],
      ]),
    )
    await running.api.delete(`/v1/me/sessions/${acting.sessionId}`, { token: user.token })
    expect(await tokenState(running, acting.token)).toBe('session_ended')
    expect(await refresh(acting)).toBe('session_ended')
    await settle()
    expect(await auditOf('impersonation_end')).toMatchObject([{ detail: { cause: 'ended', reason } }])
  })

  it('records the order, the begin and the end with the reason, and names both in entries of the session', async () => {
    const acting = await act(user.id, admin, { reason, minutes: 20 })
    await refresh(acting)
    expect((await running.api.post('/v1/logout', { token: acting.token })).status).toBe(204)
    await settle()
    await settle()
    expect(await auditOf('impersonation_create')).toMatchObject([
      { actor: admin.id, session: admin.sessionId, detail: { reason, minutes: 20 } },
    ])
    expect(await auditOf('impersonation_begin')).toMatchObject([
      { actor: admin.id, session: acting.sessionId, detail: { reason, minutes: 20, acting_session: admin.sessionId } },
    ])
    expect(await auditOf('impersonation_end')).toMatchObject([{ actor: admin.id, session: acting.sessionId }])
    expect(await auditOf('logout')).toMatchObject([{ actor: user.id, detail: { impersonated_by: admin.id } }])
  })

  it('changes nothing of the account, on any route, and reaches no route of administrators', async () => {
    const acting = await act()
    for (const { method, path, operation } of running.api.contract.operations) {
      const name = `${method} ${path}`
      const needsToken = (operation.security ?? []).length > 0
      if (!needsToken || name === 'POST /v1/logout' || name === 'POST /v1/email/verify') continue
      const sent = method === 'GET' ? {} : { body: { '\u0001': 1 } }
      const at = path.replaceAll(/\{\w+\}/g, user.id)
      const { status, body } = await running.api.call(method, at, { token: acting.token, ...sent })
      if (path.startsWith('/v1/admin')) expect([name, status, body.code]).toEqual([name, 403, 'admin_required'])
      // The export of all data is for the owner alone.
      else if (method === 'GET' && path !== '/v1/me/export') expect([name, status]).toEqual([name, 200])
      else expect([name, status, body.code]).toEqual([name, 403, 'impersonation_read_only'])
    }
  })

  it('changes nothing in the transaction of a change that a guard has let pass, whatever the token claims', async () => {
    const acting = { ...(await actingAs(running, await act())) }
    const origin = { address: '127.0.0.1', userAgent: null }
    const { ownAccount, ownFactors, profiles, signOut, stepUp, passwordChange, administration } = running.server.service
    const codes = async (by: Acting) => {
      const calls = [
        ownAccount.update(by, { name: 'Mallory' }, origin),
        ownAccount.delete(by, password, origin),
        ownFactors.beginTotp(by),
        profiles.change(by, { plan: 'x' }, origin),
        signOut.logoutAll(by, origin),
        signOut.endSession(by, user.sessionId, origin),
        stepUp.byPassword(by, password, origin),
        passwordChange.change(by, { currentPassword: password, newPassword: 'an entirely new phrase' }, origin),
        administration.disable({ ...by, address: null }, admin.id),
      ]
      const found = await Promise.all(
        calls.map((call) =>
          call.then(
            () => 'done',
            ({ code }) => code,
          ),
        ),
      )
      return [...new Set(found)]
    }
    expect(await codes({ ...acting, impersonatorId: admin.id })).toEqual(['impersonation_read_only'])
    // A thief of the signing secret leaves the claim out, or names another account.
    expect(await codes(acting)).toEqual(['session_forged'])
    expect(await codes({ ...acting, impersonatorId: user.id })).toEqual(['session_forged'])
    expect(await codes({ ...(await actingAs(running, user)), impersonatorId: admin.id })).toEqual(['session_forged'])
  })

  it('is not accepted from a forged claim', async () => {
    const secret = await stealSecret(running, user.id)
    const forged = forgeClaims(user.token, secret, { act: { sub: admin.id } })
    const machine = await (await Machines.with(running)).create({ may_introspect: true })
    const sent = { token: forged, client_id: machine.id, client_secret: machine.secret }
    expect((await running.api.post('/oauth/introspect', form(sent))).body).toEqual({ active: false })
  })

  it('ends after its time: no refresh goes beyond it', async () => {
    const other = await start('on')
    try {
      const maker = await createAdmin(other)
      const { id } = await register(other)
      const path = `/v1/admin/users/${id}/impersonate`
      const { body } = await other.api.post(path, { token: maker.token, body: { reason, minutes: 1 } })
      const opened = await other.api.post('/v1/login/impersonation', { body: { token: tokenIn(body) } })
      expect(opened.body.expires_in).toBeLessThanOrEqual(60)
      expect(opened.body.refresh_expires_in).toBeLessThanOrEqual(60)
      other.clock.advance(30_000)
      const { body: next } = await other.api.post('/v1/refresh', { body: { refresh_token: opened.body.refresh_token } })
      expect(next.expires_in).toBeLessThanOrEqual(30)
      expect(decodeJwt(next.access_token)).toMatchObject({ act: { sub: maker.id } })
      other.clock.advance(31_000)
      const late = await other.api.post('/v1/refresh', { body: { refresh_token: next.refresh_token } })
      expect(late.body.code).toBe('refresh_token_expired')
      await other.server.service.impersonations.settle()
      expect(await tokenState(other, next.access_token), 'whatever its tolerance').toBe('session_ended')
      const { rows } = await other.server.service.store.query<{ detail: string }>(
        `select detail from server_audit where event = 'impersonation_end'`,
      )
      expect(rows.map(({ detail }) => JSON.parse(detail).cause)).toEqual(['expired'])
    } finally {
      await other.stop()
    }
  })

  it.each<[string, () => Promise<unknown>]>([
    ['is demoted', () => running.server.service.administration.changeGrants(operator, admin.id, { role: 'auditor' })],
    ['is disabled', () => running.server.service.administration.disable(operator, admin.id)],
    ['signs out', () => running.api.post('/v1/logout', { token: admin.token })],
    ['is deleted', () => running.server.service.administration.delete(operator, admin.id)],
    [
      'has impersonated a user who is made an auditor',
      () => running.server.service.administration.changeGrants(operator, user.id, { role: 'auditor' }),
    ],
  ])('ends when the administrator %s', async (_, end) => {
    const acting = await act()
    const link = await linkOf((await register(running)).id)
    await createAdmin(running)
    await end()
    expect(await refresh(acting)).toBe('session_ended')
    await settle()
    expect(await tokenState(running, acting.token)).toBe('session_ended')
    expect(await auditOf('impersonation_end')).toMatchObject([{ detail: { cause: 'right_ended', reason } }])
    if (!_.includes('auditor')) expect((await open(link)).body.code).toBe('link_invalid')
  })

  it('survives a step-up of the administrator, who gets another session ID', async () => {
    const acting = await act()
    const { body } = await running.api.post('/v1/me/step-up', { token: admin.token, body: { password } })
    expect(body.session_id).not.toBe(admin.sessionId)
    await settle()
    expect(await tokenState(running, acting.token)).toBe(200)
    await running.api.post('/v1/logout', { token: body.access_token })
    await settle()
    expect(await tokenState(running, acting.token)).toBe('session_ended')
  })

  it('needs a link that works once, for two minutes, and is replaced by a newer one', async () => {
    const older = await linkOf()
    const link = await linkOf()
    expect((await open(older)).body.code).toBe('link_invalid')
    const answers = await Promise.all([open(link), open(link), open(link)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400])
    expect((await open(link)).body.code).toBe('link_invalid')
    const late = await linkOf()
    running.clock.advance(121_000)
    expect((await open(late)).body.code).toBe('link_invalid')
    const { rows } = await running.server.service.store.query('select data, hash from server_one_time_tokens')
    expect(JSON.stringify(rows)).not.toContain(late)
  })

  it('is refused for administrators, the last one too, auditors, oneself and disabled accounts', async () => {
    const auditor = await createAuditor(running)
    const other = await createAdmin(running)
    for (const id of [auditor.id, other.id, admin.id])
      expect([id, (await order(id)).body.code]).toEqual([id, 'impersonation_refused'])
    const link = await linkOf()
    await running.server.service.administration.changeGrants(operator, user.id, { role: 'admin' })
    expect((await open(link)).body.code).toBe('impersonation_refused')
    const disabled = await register(running)
    await running.server.service.administration.disable(operator, disabled.id)
    expect((await order(disabled.id)).body.code).toBe('account_disabled')
    expect((await order('00000000-0000-7000-8000-000000000000')).body.code).toBe('account_unknown')
  })

  it('needs an administrator with a recent authentication, a reason, and at most an hour', async () => {
    expect((await order(user.id, user)).body.code).toBe('admin_required')
    expect((await order(user.id, await createAuditor(running))).body.code).toBe('admin_required')
    for (const body of [
      {},
      { reason: 'short' },
      { reason: 'x'.repeat(501) },
      { reason, minutes: 61 },
      { reason, minutes: 0 },
    ])
      expect((await order(user.id, admin, body)).body.code).toBe('validation_failed')
    running.clock.advance(601_000)
    expect((await order()).body.code).toBe('recent_authentication_required')
    expect((await order(user.id, await login(running, admin.email))).status).toBe(201)
  })

  it('is off by default, and with "notify" informs the owner', async () => {
    const off = await start('off')
    try {
      const path = `/v1/admin/users/${(await register(off)).id}/impersonate`
      const { body } = await off.api.post(path, { token: (await createAdmin(off)).token, body: { reason } })
      expect(body.code).toBe('impersonation_off')
      const opened = await off.api.post('/v1/login/impersonation', { body: { token: 'T'.repeat(43) } })
      expect(opened.body.code).toBe('impersonation_off')
    } finally {
      await off.stop()
    }
    const notifying = await start('notify')
    try {
      const owner = await registerVerified(notifying)
      const path = `/v1/admin/users/${owner.id}/impersonate`
      const { body } = await notifying.api.post(path, { token: (await createAdmin(notifying)).token, body: { reason } })
      await notifying.api.post('/v1/login/impersonation', { body: { token: tokenIn(body) } })
      const subjects = (await lettersTo(notifying, owner.email)).map(({ subject }) => subject)
      expect(subjects).toContain('An administrator has opened a session of your account')
    } finally {
      await notifying.stop()
    }
  })
})
