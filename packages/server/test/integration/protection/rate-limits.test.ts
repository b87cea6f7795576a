import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/support/start-redis.js'
import { startTcpProxy } from '../../../../../test/support/tcp-proxy.js'
import type { Configuration } from '../../../src/config/configuration.js'
import { readConfiguration } from '../../../src/config/configuration.js'
import type { ClassLimits, RouteClass } from '../../../src/config/limits.js'
import type { ServiceParts } from '../../../src/service.js'
import type { Answer } from '../../support/api-client.js'
import { type HeldRequest, holdRequest } from '../../support/held-request.js'
import { createAdmin, freshEmail, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const few = { requests: 3, windowSec: 60 }
const trustedProxies = ['127.0.0.1']

/** Returns wide limits for all classes but this one. */
function limited(routeClass: RouteClass, limits: ClassLimits): Partial<Configuration> {
  const roomy = { requests: 100_000, windowSec: 60 }
  const classes = Object.entries(readConfiguration({}).limits).map(([name, scopes]) => {
    const raised = Object.fromEntries(Object.keys(scopes).map((scope) => [scope, roomy]))
    return [name, name === routeClass ? { ...raised, ...limits } : raised]
  })
  return { trustedProxies, limits: Object.fromEntries(classes) }
}

const from = (address: string) => ({ 'x-forwarded-for': address })
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status)

async function times(count: number, ask: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let index = 0; index < count; index += 1) answers.push(await ask(index))
  return answers
}

describe.each(databases)('rate limits on %s', (database) => {
  let running: TestServer

  afterEach(() => running.stop())

  const start = async (configuration: Partial<Configuration>) => {
    running = await startServer({ database, configuration })
  }
  const login = (email: string, address: string) =>
    running.api.post('/v1/login', { headers: from(address), body: { email, password: 'a wrong password' } })

  it('refuse excess requests with 429, a code and the time of the next attempt, and then accept again', async () => {
    const windowSec = 3
    await start(limited('register', { address: { requests: 3, windowSec } }))
    const tryToRegister = () => running.api.post('/v1/register', { body: { email: 'nonsense', password } })
    const answers = await times(4, tryToRegister)
    expect(statuses(answers)).toEqual([400, 400, 400, 429])
    const [first, , , last] = answers
    expect(last?.body).toMatchObject({ code: 'rate_limited', type: 'urn:latchkey:problem:rate_limited' })
    const wait = Number(last?.headers.get('retry-after'))
    expect(wait).toBeGreaterThanOrEqual(1)
    expect(wait).toBeLessThanOrEqual(windowSec)
    expect(first?.headers.get('retry-after')).toBeNull()
    await sleep(wait * 1000)
    expect((await tryToRegister()).status).toBe(400)
  })

  it('report the rest of each limit in structured fields', async () => {
    await start(limited('login', { address: { requests: 9, windowSec: 60 }, pair: { requests: 5, windowSec: 300 } }))
    const email = freshEmail()
    await login(email, '203.0.113.1')
    const { headers } = await login(email, '203.0.113.1')
    expect(headers.get('ratelimit-policy')).toBe('"login-address";q=9;w=60, "login-pair";q=5;w=300')
    expect(headers.get('ratelimit')).toMatch(/^"login-address";r=7;t=(59|60), "login-pair";r=3;t=(299|300)$/)
  })

  it('count every address separately, and for IPv6 every /64', async () => {
    await start(limited('login', { address: few }))
    const addresses = ['203.0.113.1', '203.0.113.2', '2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8:0:2::1']
    for (const address of addresses.slice(0, 2)) {
      expect(statuses(await times(4, () => login(freshEmail(), address)))).toEqual([401, 401, 401, 429])
    }
    await times(2, () => login(freshEmail(), '2001:db8:0:1::1'))
    expect(statuses(await times(2, () => login(freshEmail(), '2001:db8:0:1:ffff::2')))).toEqual([401, 429])
    expect((await login(freshEmail(), '2001:db8:0:2::1')).status).toBe(401)
  })

  it('count logins per address and account, so that no client locks out an owner elsewhere', async () => {
    await start(limited('login', { pair: few }))
    const { email } = await register(running)
    expect(statuses(await times(4, () => login(` ${email.toUpperCase()}`, '203.0.113.1')))).toEqual([
      401, 401, 401, 429,
    ])
    expect((await login(freshEmail(), '203.0.113.1')).status).toBe(401)
    const owner = await running.api.post('/v1/login', { headers: from('203.0.113.2'), body: { email, password } })
    expect(owner.status).toBe(200)
  })

  it('count signed-in requests by account, whatever their address', async () => {
    await start(limited('general', { account: few }))
    const [person, other] = [await register(running), await register(running)]
    const me = (token: string, host: number) => running.api.get('/v1/me', { token, headers: from(`203.0.113.${host}`) })
    expect(statuses(await times(4, (index) => me(person.token, index)))).toEqual([200, 200, 200, 429])
    expect((await me(other.token, 1)).status).toBe(200)
  })

  it.each<[RouteClass, (running: TestServer) => Promise<Answer>]>([
    ['register', ({ api }) => api.post('/v1/register', { body: { email: 'nonsense', password } })],
    ['refresh', ({ api }) => api.post('/v1/refresh', { body: { refresh_token: 'nonsense' } })],
    ['general', ({ api }) => api.get('/nowhere', { headers: from('203.0.113.1') })],
    ['general', ({ api }) => api.get('/v1/me', { headers: from('203.0.113.1') })],
    ['login', ({ api }) => api.post('/v1/login', { raw: 'nonsense' })],
  ])('of the class %s apply to every request', async (routeClass, ask) => {
    await start(limited(routeClass, { address: few }))
    const answers = statuses(await times(4, () => ask(running)))
    expect(answers.map((status) => status === 429)).toEqual([false, false, false, true])
  })

  it('of administrators are separate', async () => {
    await start(limited('admin', { account: few }))
    const { token } = await createAdmin(running)
    expect(statuses(await times(4, () => running.api.get('/v1/admin/users', { token })))).toEqual([200, 200, 200, 429])
    expect((await running.api.get('/v1/me', { token })).status).toBe(200)
  })

  it('count every route in its class', async () => {
    await start({})
    const found = new Set<string>()
    for (const { method, path } of running.api.contract.operations) {
      const url = `${running.url}${path.replace('{id}', '00000000-0000-4000-8000-000000000000')}`
      const { headers } = await fetch(url, { method })
      const [, name = 'none'] = /^"(\w+)-address"/.exec(headers.get('ratelimit-policy') ?? '') ?? []
      found.add(`${name} ${path.startsWith('/v1/admin/') ? '/v1/admin/' : path}`)
    }
    expect([...found].toSorted()).toEqual([
      'admin /v1/admin/',
      ...[
        '/.well-known/jwks.json',
        '/.well-known/oauth-authorization-server',
        '/v1/logout',
        '/v1/logout-all',
        '/v1/me',
        '/v1/me/applications',
        '/v1/me/applications/{id}',
        '/v1/me/devices',
        '/v1/me/export',
        '/v1/me/factors',
        '/v1/me/factors/totp',
        '/v1/me/factors/totp/confirm',
        '/v1/me/factors/{id}',
        '/v1/me/passkeys',
        '/v1/me/passkeys/options',
        '/v1/me/password',
        '/v1/me/profile',
        '/v1/me/recovery-codes',
        '/v1/me/sessions',
        '/v1/me/sessions/{id}',
        '/v1/me/step-up',
        '/v1/me/step-up/options',
        '/v1/me/trusted-devices',
        '/v1/me/trusted-devices/{name}',
        '/v1/passkeys/options',
      ].map((path) => `general ${path}`),
      'introspection /oauth/introspect',
      ...['/v1/login', '/v1/login/mail/complete', '/v1/login/second-factor', '/v1/passkeys/sign-in'].map(
        (path) => `login ${path}`,
      ),
      'none /livez',
      'none /readyz',
      'none /v1/forward-auth',
      ...[
        '/v1/email/resend',
        '/v1/email/verify',
        '/v1/login/confirm',
        '/v1/login/impersonation',
        '/v1/login/mail',
        '/v1/password/forgot',
        '/v1/password/reset',
        '/v1/register/finish',
        '/v1/register/invited',
      ].map((path) => `recovery ${path}`),
      'refresh /v1/refresh',
      'register /v1/register',
      'token /oauth/revoke',
      'token /oauth/token',
    ])
  })

  it('do not apply to health checks', async () => {
    await start(limited('general', { address: { requests: 1, windowSec: 60 } }))
    const answers = await times(3, (index) => running.api.get(index === 0 ? '/readyz' : '/livez'))
    expect(statuses(answers)).toEqual([200, 200, 200])
    expect(answers[0]?.headers.get('ratelimit')).toBeNull()
  })

  it('count requests whose bodies are held back, and refuse the excess ones before their bodies', async () => {
    await start(limited('login', { address: { requests: 5, windowSec: 60 } }))
    const body = { email: freshEmail(), password: 'a wrong password' }
    const held: HeldRequest[] = []
    for (let index = 0; index < 7; index += 1) held.push(await holdRequest(running.url, 'POST', '/v1/login', { body }))
    await expect.poll(async () => (await login(freshEmail(), '127.0.0.1')).status).toBe(429)
    const answers = await Promise.all(held.map((request) => request.release()))
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(2)
  })

  it('count requests whose bodies never arrive', async () => {
    await start(limited('login', { address: { requests: 50, windowSec: 60 } }))
    for (let index = 0; index < 50; index += 1) {
      const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
      socket.write(
        'POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
      )
      await once(socket, 'connect')
      await sleep(5)
      socket.destroy()
      await once(socket, 'close')
    }
    const answers: number[] = []
    await expect
      .poll(async () => answers[answers.push((await running.api.post('/v1/login', { raw: 'nonsense' })).status) - 1])
      .toBe(429)
    // Without those it would take fifty. A slow server counts some of them later.
    expect(answers.length).toBeLessThanOrEqual(25)
  })

  it('accept exactly the stated number of concurrent requests', async () => {
    await start(limited('login', { address: { requests: 5, windowSec: 60 } }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(freshEmail(), '203.0.113.1')))
    expect(statuses(answers).filter((status) => status === 401)).toHaveLength(5)
  })
})

describe('rate limits of several servers', () => {
  const login = ({ api }: TestServer, email = freshEmail()) =>
    api.post('/v1/login', { body: { email, password: 'a wrong password' } })
  const configuration = limited('login', { address: { requests: 4, windowSec: 60 } })

  it('are shared through PostgreSQL, where the counters contain no names', async () => {
    const first = await startServer({ database: 'postgres', configuration })
    const second = await first.startAnother()
    try {
      const email = freshEmail()
      const answers = await times(5, (index) => login(index % 2 === 0 ? first : second, email))
      expect(statuses(answers)).toEqual([401, 401, 401, 401, 429])
      const { rows } = await first.server.service.store.query<{ key: string }>('select key from server_rate_limits')
      expect(rows.length).toBeGreaterThan(0)
      expect(JSON.stringify(rows)).not.toMatch(/127\.0\.0|@|example/)
    } finally {
      await second.stop()
      await first.stop()
    }
  })

  describe('through Redis', () => {
    let redis: RedisServer
    let close: () => Promise<void>

    afterEach(async () => {
      await close()
      await redis.dispose()
    })

    const start = async (parts: ServiceParts = {}) => {
      redis = await startRedis()
      const proxy = await startTcpProxy(redis.url)
      const server = await startServer({
        database: 'postgres',
        configuration: { ...configuration, redisUrl: proxy.url },
        parts,
      })
      const another = await server.startAnother()
      close = async () => {
        await another.stop()
        await server.stop()
        await proxy.close()
      }
      return { proxy, server, another }
    }

    it('are shared, and the counters contain no names', async () => {
      const { server, another } = await start()
      const email = freshEmail()
      const answers = await times(5, (index) => login(index % 2 === 0 ? server : another, email))
      expect(statuses(answers)).toEqual([401, 401, 401, 401, 429])
      const { rows } = await server.server.service.store.query('select key from server_rate_limits')
      expect(rows).toEqual([])
      const { Redis } = await import('ioredis')
      const client = new Redis(redis.url)
      const keys = await client.keys('latchkey:limit:*')
      await client.quit()
      expect(keys.length).toBeGreaterThan(0)
      expect(keys.join()).not.toMatch(/127\.0\.0|@|example/)
    })

    it.each(['block', 'freeze'] as const)(
      'still apply when Redis is unavailable (%s): each server counts in memory, reports it, and recovers',
      async (fault) => {
        const { proxy, server } = await start({ limitsTimeoutMs: 2000 })
        const warn = vi.spyOn(server.server.app.log, 'warn')
        expect((await login(server)).status).toBe(401)
        expect((await server.api.get('/readyz')).body.warnings).toBeUndefined()
        proxy[fault]()
        const answers = await times(6, () => login(server))
        expect(statuses(answers)).toEqual([401, 401, 401, 401, 429, 429])
        expect((await server.api.get('/readyz')).body.warnings).toEqual(['limits_in_memory'])
        const warnings = warn.mock.calls.filter(([, message]) => String(message).includes('rate limits'))
        expect(warnings).toHaveLength(1)
        if (fault === 'freeze') proxy.block()
        proxy.unblock()
        await expect
          .poll(
            async () => {
              server.clock.advance(1000)
              await login(server)
              return (await server.api.get('/readyz')).body.warnings
            },
            { interval: 200 },
          )
          .toBeUndefined()
      },
    )

    it('apply in a server that starts while Redis is unavailable', async () => {
      redis = await startRedis()
      await redis.kill()
      const server = await startServer({
        database: 'postgres',
        configuration: { ...configuration, redisUrl: redis.url },
        parts: { limitsTimeoutMs: 2000 },
      })
      close = () => server.stop()
      expect(statuses(await times(5, () => login(server)))).toEqual([401, 401, 401, 401, 429])
    })
  })
})
