import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ActingAdministrator } from '../../../src/admin/administrator.js'
import { operator } from '../../../src/audit/operator.js'
import type { Service } from '../../../src/service.js'
import type { Acting } from '../../../src/sessions/actors.js'
import { type HeldCall, type HeldRequest, holdRequest } from '../../support/held-request.js'
import { basic, Machines } from '../../support/machines.js'
import { createAdmin, freshEmail, login, type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const origin = { address: '127.0.0.1', userAgent: null }
const newPassword = 'a different password altogether'
const dayMs = 86_400_000

/**
 * The changes of an account to itself, as the routes make them once their guards have accepted the
 * request.
 */
const ownChanges: Readonly<Record<string, (service: Service, acting: Acting) => Promise<unknown>>> = {
  'a new name': ({ ownAccount }, acting) => ownAccount.update(acting, { name: 'Mallory' }, origin),
  'a new profile': ({ profiles }, acting) => profiles.change(acting, { theme: 'dark' }, origin),
  'a new address': ({ ownAccount }, acting) => ownAccount.update(acting, { email: freshEmail(), password }, origin),
  'a new password': ({ passwordChange }, acting) =>
    passwordChange.change(acting, { currentPassword: password, newPassword }, origin),
  'another device': ({ ownAccount }, acting) => ownAccount.addDevice(acting, password, origin),
  'an authenticator app': ({ ownFactors }, acting) => ownFactors.beginTotp(acting),
  'new recovery codes': ({ ownFactors }, acting) => ownFactors.replaceRecoveryCodes({ acting, origin }),
  'the end of trust in devices': ({ ownFactors }, acting) => ownFactors.endAllTrust(acting, origin),
  'a logout': ({ signOut }, acting) => signOut.logout(acting, origin),
  'the end of a session': ({ signOut }, acting) => signOut.endSession(acting, acting.sessionId, origin),
  'a logout everywhere': ({ signOut }, acting) => signOut.logoutAll(acting, origin),
  'the deletion of the account': ({ ownAccount }, acting) => ownAccount.delete(acting, password, origin),
}

/** The changes of an administrator to this account and this client. */
const adminChanges: Readonly<
  Record<string, (service: Service, by: ActingAdministrator, on: { user: string; machine: string }) => Promise<unknown>>
> = {
  'disable a user': ({ administration }, by, { user }) => administration.disable(by, user),
  'enable a user': ({ administration }, by, { user }) => administration.enable(by, user),
  'enable itself': ({ administration }, by) => administration.enable(by, by.accountId),
  'rotate a user': ({ administration }, by, { user }) => administration.rotate(by, user),
  'revoke a user': ({ administration }, by, { user }) => administration.revoke(by, user),
  'promote a user': ({ administration }, by, { user }) => administration.changeGrants(by, user, { role: 'admin' }),
  'change a scope': ({ administration }, by, { user }) => administration.changeGrants(by, user, { scope: 'all' }),
  'delete a user': ({ administration }, by, { user }) => administration.delete(by, user),
  'make an account': ({ provisioning }, by) =>
    provisioning.create(by, { email: freshEmail(), password, emailVerified: true }),
  'verify an address': ({ administration }, by, { user }) => administration.verifyEmail(by, user),
  'change a profile': ({ administration }, by, { user }) => administration.changeProfile(by, user, { plan: 'pro' }),
  'reset factors': ({ factorResets }, by, { user }) => factorResets.reset(by, user),
  'cancel a reset of factors': ({ factorResets }, by, { user }) => factorResets.cancel(by, user),
  'require a new password': ({ passwordRequirements }, by, { user }) => passwordRequirements.require(by, user),
  'make a reset link': ({ resetLinks }, by, { user }) => resetLinks.create(by, user),
  'invite an address': ({ invitationAdministration }, by) =>
    invitationAdministration.invite(by, { email: freshEmail(), delivery: 'link' }),
  'end an invitation': ({ invitationAdministration }, by) => invitationAdministration.revoke(by, randomUUID()),
  'create a client': ({ clientAdministration }, by) =>
    clientAdministration.create(by, { name: 'backdoor', scope: '', mayIntrospect: true }),
  'change a client': ({ clientAdministration }, by, { machine }) =>
    clientAdministration.change(by, machine, { mayIntrospect: true }),
  'give a client a secret': ({ clientAdministration }, by, { machine }) =>
    clientAdministration.rotateSecret(by, machine, 60),
  'rotate a client': ({ clientAdministration }, by, { machine }) => clientAdministration.rotate(by, machine),
  'revoke a client': ({ clientAdministration }, by, { machine }) => clientAdministration.revoke(by, machine),
  'disable a client': ({ clientAdministration }, by, { machine }) => clientAdministration.disable(by, machine),
  'enable a client': ({ clientAdministration }, by, { machine }) => clientAdministration.enable(by, machine),
  'delete a client': ({ clientAdministration }, by, { machine }) => clientAdministration.delete(by, machine),
  'start a rotation': ({ rotations }, by) => rotations.start(by, {}),
  'pause a rotation': ({ rotations }, by) => rotations.pause(by),
  'resume a rotation': ({ rotations }, by) => rotations.resume(by),
  'stop a rotation': ({ rotations }, by) => rotations.stop(by),
  'end all sessions': ({ tasks }, by) => tasks.start(by, 'revoke_all'),
  'replace all keys': ({ tasks }, by) => tasks.start(by, 'replace_keys'),
  'encrypt everything again': ({ tasks }, by) => tasks.start(by, 'rewrap'),
  'stop a task': ({ tasks }, by) => tasks.stop(by),
}

/** The ways in which the right to act ends during a request, with the code of the refusal. */
const endings: Readonly<Record<string, readonly [code: string, end: (running: TestServer, who: Person) => unknown]>> = {
  'it logged out': ['session_ended', ({ api }, { token }) => api.post('/v1/logout', { token })],
  'it logged out everywhere': ['session_ended', ({ api }, { token }) => api.post('/v1/logout-all', { token })],
  'another device ended the session': [
    'session_ended',
    async (running, { email, sessionId }) => {
      const { token } = await login(running, email)
      await running.api.delete(`/v1/me/sessions/${sessionId}`, { token })
    },
  ],
  'it had too many sessions': [
    'session_ended',
    async (running, { email }) => {
      for (let i = 0; i < 3; i += 1) await login(running, email)
    },
  ],
  'the password was changed on another device': [
    'session_ended',
    async (running, { email }) => {
      const { token } = await login(running, email)
      const body = { current_password: password, new_password: newPassword }
      await running.api.post('/v1/me/password', { token, body })
    },
  ],
  'the password was changed in the same session': [
    'token_revoked',
    ({ api }, { token }) =>
      api.post('/v1/me/password', { token, body: { current_password: password, new_password: newPassword } }),
  ],
  'an administrator revoked it': [
    'session_ended',
    ({ server }, { id }) => server.service.administration.revoke(operator, id),
  ],
  'it was disabled': ['token_revoked', ({ server }, { id }) => server.service.administration.disable(operator, id)],
  'it was disabled and enabled again': [
    'session_ended',
    async ({ server }, { id }) => {
      await server.service.administration.disable(operator, id)
      await server.service.administration.enable(operator, id)
    },
  ],
  'it was deleted': ['token_revoked', ({ server }, { id }) => server.service.administration.delete(operator, id)],
}

describe.each(databases)(
  'a change on %s whose author loses the right to it after the guards have accepted it',
  (database) => {
    let running: TestServer
    let standIn: Person

    beforeAll(async () => {
      running = await startServer({
        database,
        configuration: { maxSessions: 3 },
      })
      standIn = await createAdmin(running)
    })
    afterAll(() => running.stop())

    async function actingAs({ token }: Person): Promise<Acting> {
      const { subject, sessionId, kid } = await running.server.service.latchkey.verify(token)
      return { accountId: subject, sessionId: sessionId ?? '', keyId: kid }
    }

    const codeOf = (change: Promise<unknown>): Promise<string> =>
      change.then(
        () => 'done',
        (error: { code?: string }) => error.code ?? String(error),
      )

    /**
     * Holds the bodies of these requests back, and resolves once the guards have accepted all of
     * them.
     */
    async function holdAll(
      calls: readonly (readonly [method: string, path: string, call: HeldCall])[],
    ): Promise<HeldRequest[]> {
      const guard = vi.spyOn(running.server.service.administration, 'checkAdmin')
      const held = await Promise.all(calls.map(([method, path, call]) => holdRequest(running.url, method, path, call)))
      const forAdmins = calls.filter(([, path]) => path.startsWith('/v1/admin')).length
      await expect
        .poll(() => guard.mock.settledResults.filter(({ type }) => type === 'fulfilled'))
        .toHaveLength(forAdmins)
      guard.mockRestore()
      // The other guards answer from memory, so an answered request shows that the guards of
      // earlier ones are done.
      if (forAdmins < calls.length) await running.api.get('/livez')
      return held
    }

    /**
     * Reads everything that the changes could have written, without the rows that the endings
     * write.
     */
    async function worldOf(...ids: string[]): Promise<unknown> {
      const { store } = running.server.service
      const accounts = await store.query(
        'select id, name, email, role, roles, scope, profile from server_accounts order by id',
      )
      const clients = await store.query('select * from server_clients order by id')
      const secrets = await store.query('select * from server_client_secrets order by id')
      const rotations = await store.query('select state from server_rotations')
      const tasks = await store.query('select kind, state from server_tasks')
      const links = await store.query('select purpose, account_id from server_one_time_tokens order by hash')
      const invitations = await store.query('select * from server_invitations order by id')
      const versions = await store.query('select tenant_id, version from latchkey_tenants order by tenant_id')
      const disabled = await store.query('select id from server_accounts where disabled_at is not null order by id')
      const audit = await store.query(`select id from server_audit where outcome = 'done' order by id`)
      return { ids, accounts, clients, secrets, rotations, tasks, links, invitations, versions, disabled, audit }
    }

    describe.each(Object.entries(endings))('because %s', (_, [code, end]) => {
      it('is refused for every change to the own account, and writes nothing', async () => {
        const person = await register(running)
        const acting = await actingAs(person)
        await end(running, person)
        const before = await worldOf(person.id)
        for (const [name, change] of Object.entries(ownChanges)) {
          const found = await codeOf(change(running.server.service, acting))
          // The check of the password may come first, and fail because the password has changed.
          const codes = code === 'token_revoked' || code === 'session_ended' ? [code, 'password_wrong'] : [code]
          expect([name, codes], found).toEqual([name, expect.arrayContaining([found])])
        }
        expect(await worldOf(person.id)).toEqual(before)
      })

      it('is refused for every change to other accounts, and writes nothing', async () => {
        const mallory = await createAdmin(running)
        const { id: user } = await register(running)
        const machines = await Machines.with(running)
        const { id: machine } = await machines.create()
        const by = { ...(await actingAs(mallory)), address: null }
        await end(running, mallory)
        const before = await worldOf(user, machine)
        for (const [name, change] of Object.entries(adminChanges)) {
          expect([name, await codeOf(change(running.server.service, by, { user, machine }))]).toEqual([name, code])
        }
        expect(await worldOf(user, machine)).toEqual(before)
      })
    })

    it.each(['user', 'auditor'])('is refused to an administrator demoted to %s for every change', async (role) => {
      const mallory = await createAdmin(running)
      const { id: user } = await register(running)
      const { id: machine } = await (await Machines.with(running)).create()
      const by = { ...(await actingAs(mallory)), address: null }
      // Changes only the row: the secret is still the one that signed.
      await running.server.service.store.query('update server_accounts set role = $2 where id = $1', [mallory.id, role])
      for (const [name, change] of Object.entries(adminChanges)) {
        const found = await codeOf(change(running.server.service, by, { user, machine }))
        expect([name, found]).toEqual([name, 'admin_required'])
      }
    })

    it('is refused in a session that has expired', async () => {
      const mallory = await createAdmin(running)
      const by = { ...(await actingAs(mallory)), address: null }
      const { sessionTtlSec, sessionIdleTtlSec } = running.configuration
      const { store, administration } = running.server.service
      for (const [column, ageMs] of [
        ['expires_at', sessionTtlSec * 1000],
        ['last_used_at', sessionIdleTtlSec * 1000],
      ] as const) {
        await store.query(`update server_sessions set ${column} = ${column} - $2 where id = $1`, [
          mallory.sessionId,
          ageMs + dayMs,
        ])
        expect(await codeOf(administration.enable(by, mallory.id))).toBe('session_ended')
        await store.query(`update server_sessions set ${column} = ${column} + $2 where id = $1`, [
          mallory.sessionId,
          ageMs + dayMs,
        ])
      }
      expect(await codeOf(administration.enable(by, mallory.id))).toBe('done')
    })

    it('is refused when the right ends while a password is being hashed', async () => {
      const person = await register(running)
      const { passwords } = running.server.service
      const [hash] = [passwords.hash.bind(passwords)]
      const slow: typeof passwords.hash = async (turn, text) => {
        await running.api.post('/v1/logout-all', { token: person.token })
        return hash(turn, text)
      }
      Object.assign(passwords, { hash: slow })
      try {
        const body = { current_password: password, new_password: newPassword }
        const { status, body: answer } = await running.api.post('/v1/me/password', { token: person.token, body })
        expect([status, answer.code]).toEqual([401, 'session_ended'])
      } finally {
        Object.assign(passwords, { hash })
      }
      expect((await login(running, person.email)).id).toBe(person.id)
    })

    it('does not stop a rotation that already runs', async () => {
      const mallory = await createAdmin(running)
      const { rotations, administration } = running.server.service
      const by = { ...(await actingAs(mallory)), address: null }
      await rotations.start(by, { canary: 1 })
      await administration.changeGrants(operator, mallory.id, { role: 'user' })
      expect(await codeOf(rotations.stop(by))).not.toBe('done')
      expect((await rotations.stop(operator)).state).toBe('stopped')
    })

    it('is refused on every route with a body, when the body was held back', async () => {
      const mallory = await createAdmin(running)
      const { paths } = (await (await fetch(`${running.url}/openapi.json`)).json()) as {
        paths: Record<string, Record<string, { security?: readonly object[] }>>
      }
      const routes = Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods)
          .filter(([method, { security = [] }]) => method !== 'get' && security.some((way) => 'bearer' in way))
          .map(([method]) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, standIn.id)] as const),
      )
      expect(routes.length).toBeGreaterThan(25)
      const held = await holdAll(
        routes.map(([method, path]) => [method, path, { token: mallory.token, body: { a: 1 } }] as const),
      )
      await running.server.service.administration.disable(operator, mallory.id)
      for (const [index, request] of held.entries()) {
        const { status, code } = await request.release()
        // The validation of the body comes before the second run of the guards.
        const expected = code === 'validation_failed' ? [400, 'validation_failed'] : [401, 'token_revoked']
        expect([routes[index], status, code]).toEqual([routes[index], ...expected])
      }
    })

    it.each<[string, string, HeldCall]>([
      ['POST', '/v1/admin/inspect', { body: { token: 'a.b.c' } }],
      ['POST', '/v1/admin/users/{standIn}/revoke', {}],
      ['PATCH', '/v1/admin/users/{standIn}', { body: { scope: 'taken' } }],
      ['DELETE', '/v1/admin/users/{standIn}', {}],
      ['POST', '/v1/admin/clients', { body: { name: 'backdoor' } }],
      ['POST', '/v1/admin/rotations', {}],
      ['PATCH', '/v1/me', { body: { name: 'Mallory' } }],
      ['POST', '/v1/logout-all', {}],
    ])('is refused when the body of %s %s was held back', async (method, path, call) => {
      const mallory = await createAdmin(running)
      const at = path.replace('{standIn}', standIn.id)
      const demoted = await createAdmin(running)
      const requests = await holdAll([mallory, demoted].map(({ token }) => [method, at, { ...call, token }] as const))
      await running.server.service.administration.disable(operator, mallory.id)
      await running.server.service.store.query(`update server_accounts set role = 'user' where id = $1`, [demoted.id])
      const [ofDisabled, ofDemoted] = await Promise.all(requests.map((request) => request.release()))
      expect(ofDisabled).toEqual({ status: 401, code: 'token_revoked' })
      if (path.startsWith('/v1/admin')) expect(ofDemoted).toEqual({ status: 403, code: 'admin_required' })
    })

    it('is refused to a client that was disabled while it held its form back', async () => {
      const machines = await Machines.with(running)
      const token = standIn.token
      for (const [path, parameters] of [
        ['/oauth/introspect', `token=${token}`],
        ['/oauth/revoke', `token=${token}`],
        ['/oauth/token', 'grant_type=client_credentials'],
      ] as const) {
        const machine = await machines.create({ may_introspect: true })
        const headers = { ...basic(machine), 'Content-Type': 'application/x-www-form-urlencoded' }
        const held = await holdRequest(running.url, 'POST', path, { raw: parameters, headers })
        await machines.administer('POST', `/${machine.id}/disable`)
        expect([path, await held.release()]).toEqual([path, { status: 400, code: 'client_disabled' }])
      }
      expect((await running.api.get('/v1/me', { token })).status).toBe(200)
    })

    it('is refused to a mailed link when the account is disabled or deleted meanwhile', async () => {
      const { oneTimeTokens, emails, store, administration } = running.server.service
      for (const [code, end] of [
        ['account_disabled', (id: string) => administration.disable(operator, id)],
        ['link_invalid', (id: string) => administration.delete(operator, id)],
      ] as const) {
        const { id } = await register(running)
        const email = freshEmail()
        const link = await store.transaction((client) =>
          oneTimeTokens.issue(client, { purpose: 'change_email', accountId: id, data: { email } }, 60),
        )
        await end(id)
        expect(await codeOf(emails.verify({ token: link.token, password }, origin))).toBe(code)
      }
    })
  },
)
