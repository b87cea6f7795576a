import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient, type Device, password } from './support/auth-client.js'
import {
  createDeployment,
  type Deployment,
  databases,
  runCommand,
  type ServerProcess,
  startServer,
} from './support/server-process.js'
import { startRedis } from './support/start-redis.js'

const gracePeriodSec = 2

describe.each(databases)('from register to forget, over HTTP, on %s', (database) => {
  let deployment: Deployment
  let server: ServerProcess
  let client: AuthClient
  let admin: Device
  let ada: { phone: Device; laptop: Device }
  let bob: { phone: Device; laptop: Device }

  beforeAll(async () => {
    deployment = await createDeployment(database, { LATCHKEY_GRACE_PERIOD: String(gracePeriodSec) })
    await start()
  })

  afterAll(async () => {
    await server?.stop()
    await deployment?.dispose()
  })

  async function start(): Promise<void> {
    server = await startServer(deployment)
    client = new AuthClient(server.url)
  }

  async function expectTokens(expected: Readonly<Record<string, string>>, devices: Readonly<Record<string, Device>>) {
    for (const [name, device] of Object.entries(devices)) {
      expect(await client.whoIs(device.accessToken), name).toBe(expected[name] ?? device.accountId)
    }
  }

  const everyone = () => ({ adaPhone: ada.phone, adaLaptop: ada.laptop, bobPhone: bob.phone, bobLaptop: bob.laptop })

  it('creates the first administrator with a command beside the running server', async () => {
    const made = await runCommand(deployment, ['admin', 'create', 'root@example.com'], `${password}\n`)
    expect(made).toMatchObject({ code: 0 })
    admin = await client.login('root@example.com')
  })

  it('registers two users and signs both in on two devices', async () => {
    ada = { phone: await client.register('ada@example.com'), laptop: await client.login('ada@example.com') }
    bob = { phone: await client.register('bob@example.com'), laptop: await client.login('Bob@Example.com') }
    expect(ada.phone.accountId).not.toBe(bob.phone.accountId)
    await expectTokens({}, everyone())
  })

  it('has the same users, secrets and tokens after a restart', async () => {
    expect(await server.stop()).toBe(0)
    await start()
    await expectTokens({}, everyone())
  })

  it('rotates a secret: old and new tokens work, and the old ones stop at the end of the grace period', async () => {
    const path = `/v1/admin/users/${ada.phone.accountId}/rotate`
    expect(await client.call('POST', path, { token: admin.accessToken })).toMatchObject({ status: 200 })
    const fresh = await client.login('ada@example.com')
    await expectTokens({}, { ...everyone(), fresh })
    await wait(gracePeriodSec * 1000 + 100)
    await expectTokens({ adaPhone: 'reissue_required', adaLaptop: 'reissue_required' }, { ...everyone(), fresh })
  })

  it('signs no user out by the rotation: a refresh returns a valid token', async () => {
    for (const device of ['phone', 'laptop'] as const) {
      const body = { refresh_token: ada[device].refreshToken }
      const answer = await client.call('POST', '/v1/refresh', { body })
      expect(answer.status).toBe(200)
      ada[device] = { ...ada[device], accessToken: answer.body.access_token, refreshToken: answer.body.refresh_token }
    }
    await expectTokens({}, everyone())
  })

  it('ends one session, and the other device stays signed in', async () => {
    const path = `/v1/me/sessions/${ada.phone.sessionId}`
    expect((await client.call('DELETE', path, { token: ada.laptop.accessToken })).status).toBe(204)
    await expectTokens({ adaPhone: 'session_ended' }, everyone())
    const refused = await client.call('POST', '/v1/refresh', { body: { refresh_token: ada.phone.refreshToken } })
    expect(refused).toMatchObject({ status: 401, body: { code: 'session_ended' } })
  })

  it('revokes all tokens of one user, and the tokens of the other user stay valid', async () => {
    const path = `/v1/admin/users/${ada.phone.accountId}/revoke`
    expect(await client.call('POST', path, { token: admin.accessToken })).toMatchObject({ status: 200 })
    await expectTokens({ adaPhone: 'token_revoked', adaLaptop: 'token_revoked' }, everyone())
    ada.laptop = await client.login('ada@example.com')
    await expectTokens({ adaPhone: 'token_revoked' }, everyone())
  })

  it('keeps this state over another restart', async () => {
    await server.stop()
    await start()
    await expectTokens({ adaPhone: 'token_revoked' }, everyone())
  })

  it('forgets a user: every token is refused, the address is free, and the other user is not affected', async () => {
    const path = `/v1/admin/users/${ada.phone.accountId}`
    expect((await client.call('DELETE', path, { token: admin.accessToken })).status).toBe(204)
    await expectTokens({ adaPhone: 'token_revoked', adaLaptop: 'token_revoked' }, everyone())
    const body = { email: 'ada@example.com', password }
    expect(await client.call('POST', '/v1/login', { body })).toMatchObject({ body: { code: 'invalid_credentials' } })
    const again = await client.register('ada@example.com')
    expect(again.accountId).not.toBe(ada.phone.accountId)
    await expectTokens({ adaPhone: 'token_revoked', adaLaptop: 'token_revoked' }, { ...everyone(), again })
  })
})

describe('servers that share a Redis', () => {
  it('return the same answers while it works, while it hangs, and after it is emptied', async () => {
    const redis = await startRedis()
    const deployment = await createDeployment('postgres', { REDIS_URL: redis.url })
    const servers = await Promise.all([startServer(deployment), startServer(deployment)])
    try {
      const [one, other] = servers.map(({ url }) => new AuthClient(url))
      if (one === undefined || other === undefined) throw new Error('Two servers were started.')
      for (const trouble of ['none', 'hangs', 'emptied'] as const) {
        if (trouble === 'hangs') redis.freeze()
        if (trouble === 'emptied') {
          await redis.kill()
          await redis.restart()
        }
        const ada = await one.register(`ada-${trouble}@example.com`)
        expect(await other.whoIs(ada.accessToken), trouble).toBe(ada.accountId)
        expect((await one.call('POST', '/v1/logout-all', { token: ada.accessToken })).status, trouble).toBe(204)
        await expect.poll(() => other.whoIs(ada.accessToken), { timeout: 2000 }).toBe('token_revoked')
      }
    } finally {
      redis.thaw()
      await Promise.all(servers.map((server) => server.stop()))
      await redis.dispose()
      await deployment.dispose()
    }
  })
})

describe.each(databases)('two servers on one %s', (database) => {
  it('apply each other’s changes within max staleness', async () => {
    const deployment = await createDeployment(database, { LATCHKEY_MAX_STALENESS: '1000' })
    const servers = await Promise.all([startServer(deployment), startServer(deployment)])
    try {
      const [one, other] = servers.map(({ url }) => new AuthClient(url))
      if (one === undefined || other === undefined) throw new Error('Two servers were started.')
      const ada = await one.register('ada@example.com')
      expect(await other.whoIs(ada.accessToken)).toBe(ada.accountId)
      expect((await one.call('POST', '/v1/logout-all', { token: ada.accessToken })).status).toBe(204)
      expect(await one.whoIs(ada.accessToken)).toBe('token_revoked')
      await wait(1000)
      expect(await other.whoIs(ada.accessToken)).toBe('token_revoked')
      const again = await other.login('ada@example.com')
      expect(await one.whoIs(again.accessToken)).toBe(ada.accountId)
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
      await deployment.dispose()
    }
  })
})
