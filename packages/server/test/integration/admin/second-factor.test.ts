import { describe, expect, it, onTestFinished } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { createAdmin, password, register } from '../../support/people.js'
import { actingAs, addSecondFactor, openSession } from '../../support/second-factor.js'
import { databases, type StartOptions, startServer, type TestServer } from '../../support/start-server.js'
import { forgeClaims, stealSecret } from '../../support/steal-secret.js'

const needed = [403, 'second_factor_required_for_admin']
const stale = [401, 'recent_authentication_required']

describe.each(databases)('administration on %s', (database) => {
  const start = async (adminSecondFactor: 'require' | 'allow-without') => {
    const options: StartOptions = { database, configuration: { adminSecondFactor } }
    const running = await startServer({ ...options })
    onTestFinished(() => running.stop())
    return running
  }

  const read = async ({ api }: TestServer, token: string) => {
    const { status, body } = await api.get('/v1/admin/users', { token })
    return status === 200 ? 200 : [status, body.code]
  }

  const change = async (running: TestServer, token: string) => {
    const { id } = await register(running)
    const { status, body } = await running.api.patch(`/v1/admin/users/${id}`, { token, body: { scope: 'posts:read' } })
    return status === 200 ? 200 : [status, body.code]
  }

  it('needs a second factor, which its administrator can add: the own account and the command line work', async () => {
    const running = await start('require')
    const admin = await createAdmin(running)
    expect([await read(running, admin.token), await change(running, admin.token)]).toEqual([needed, needed])
    expect((await running.api.get('/v1/me', { token: admin.token })).status).toBe(200)
    expect((await running.api.post('/v1/me/step-up', { token: admin.token, body: { password } })).status).toBe(200)
    const { id } = await register(running)
    await running.server.service.administration.changeGrants(operator, id, { role: 'admin' })

    await addSecondFactor(running, admin.id)
    const strong = await openSession(running, admin)
    expect([await read(running, strong.token), await change(running, strong.token)]).toEqual([200, 200])
  })

  it('takes no session from before the factor, and none that was opened without it', async () => {
    const running = await start('require')
    const admin = await createAdmin(running)
    await addSecondFactor(running, admin.id)
    expect([await read(running, admin.token), await change(running, admin.token)]).toEqual([stale, stale])
    const trustedDevice = await openSession(running, admin, ['pwd'])
    expect([await read(running, trustedDevice.token), await change(running, trustedDevice.token)]).toEqual([
      stale,
      stale,
    ])
  })

  it('changes nothing without a recent second factor, and reads on', async () => {
    const running = await start('require')
    const admin = await createAdmin(running)
    await addSecondFactor(running, admin.id)
    const strong = await openSession(running, admin)
    expect(await change(running, strong.token)).toBe(200)
    running.clock.advance(601_000)
    expect([await read(running, strong.token), await change(running, strong.token)]).toEqual([200, stale])
  })

  it('checks the session again in the transaction of each change (C5)', async () => {
    const running = await start('require')
    const admin = await createAdmin(running)
    const { id } = await register(running)
    const { administration, clientAdministration } = running.server.service
    const by = { ...(await actingAs(running, admin)), address: null }
    const codes = async (acting: typeof by) => {
      const calls = [
        administration.disable(acting, id),
        clientAdministration.create(acting, { name: 'backdoor', scope: '', mayIntrospect: true }),
      ]
      return Promise.all(
        calls.map((call) =>
          call.then(
            () => 'done',
            (error: { code: string }) => error.code,
          ),
        ),
      )
    }
    expect(await codes(by)).toEqual(['second_factor_required_for_admin', 'second_factor_required_for_admin'])
    await addSecondFactor(running, admin.id)
    expect(await codes(by)).toEqual(['recent_authentication_required', 'recent_authentication_required'])
    const strong = await openSession(running, admin)
    const acting = { ...(await actingAs(running, strong)), address: null }
    running.clock.advance(601_000)
    expect(await codes(acting)).toEqual(['recent_authentication_required', 'recent_authentication_required'])
  })

  it('is not reached by auth_time, acr and amr that the thief of the secret has signed', async () => {
    const running = await start('require')
    const admin = await createAdmin(running)
    await addSecondFactor(running, admin.id)
    const secret = await stealSecret(running, admin.id)
    const now = Math.floor(running.clock.now() / 1000)
    const forged = forgeClaims(admin.token, secret, { auth_time: now, acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
    expect((await running.api.get('/v1/me', { token: forged })).status, 'the secret is the real one').toBe(200)
    expect([await read(running, forged), await change(running, forged)]).toEqual([stale, stale])
  })

  it('may be allowed without a factor; one that exists is needed all the same', async () => {
    const running = await start('allow-without')
    const admin = await createAdmin(running)
    expect([await read(running, admin.token), await change(running, admin.token)]).toEqual([200, 200])
    running.clock.advance(601_000)
    expect(await change(running, admin.token)).toBe(200)
    await addSecondFactor(running, admin.id)
    expect([await read(running, admin.token), await change(running, admin.token)]).toEqual([stale, stale])
  })

  it('records the refused request', async () => {
    const running = await start('require')
    const admin = await createAdmin(running)
    await read(running, admin.token)
    await addSecondFactor(running, admin.id)
    const strong = await openSession(running, admin)
    await expect
      .poll(async () => {
        const path = `/v1/admin/audit?event=admin_access&actor=${admin.id}`
        return (await running.api.get(path, { token: strong.token })).body.entries.map(({ detail }) => detail?.reason)
      })
      .toContain('second_factor_required_for_admin')
  })
})
