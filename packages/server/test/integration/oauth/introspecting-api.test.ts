import { createLatchkey, type Latchkey } from 'latchkey'
import { introspection } from 'latchkey/introspection'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Machine, Machines } from '../../support/machines.js'
import { login, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

/** Of the API: with the `maxStaleness` of the server, it bounds the time of every poll below. */
const cacheTtl = 500

describe.each(databases)('an API that introspects at a server on %s', (database) => {
  let running: TestServer
  let machines: Machines
  let asker: Machine
  let latchkey: Latchkey

  const createApi = ({ id, secret }: Machine) => {
    const { issuer, audience } = running.configuration
    const url = `${running.url}/oauth/introspect`
    const keys = introspection({ url, clientId: id, clientSecret: secret, cacheTtl })
    return createLatchkey({ issuer, audience, keys })
  }
  const codeOf = async (token: string, api = latchkey) => {
    try {
      await api.verify(token)
      return 'accepted'
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  beforeAll(async () => {
    running = await startServer({ database })
    machines = await Machines.with(running)
    asker = await machines.create({ may_introspect: true })
    latchkey = createApi(asker)
  })
  afterAll(async () => {
    await latchkey.close()
    await running.stop()
  })

  it('accepts the tokens of users and of clients, with their stored grants', async () => {
    const person = await register(running)
    const auth = await latchkey.verify(person.token)
    expect(auth).toMatchObject({
      subject: person.id,
      sessionId: person.sessionId,
      grants: { roles: [], scope: '' },
      claims: { role: 'user', aud: running.configuration.audience },
    })
    const change = { roles: ['editor'], scope: 'posts:write' }
    await running.api.patch(`/v1/admin/users/${person.id}`, { token: machines.admin.token, body: change })
    await expect.poll(async () => (await latchkey.verify(person.token)).grants).toEqual(change)
    const machine = await machines.create({ scope: 'a b' })
    const token = await machines.tokenOf(machine, { scope: 'a' })
    expect(await latchkey.verify(token)).toMatchObject({
      subject: machine.id,
      grants: { roles: [], scope: 'a' },
      claims: { client_id: machine.id },
    })
  })

  it.each<[how: string, end: (person: Awaited<ReturnType<typeof register>>) => Promise<{ status: number }>]>([
    ['a logout', ({ token }) => running.api.post('/v1/logout', { token })],
    ['a logout everywhere', ({ token }) => running.api.post('/v1/logout-all', { token })],
    [
      'an administrator who disables the account',
      ({ id }) => running.api.post(`/v1/admin/users/${id}/disable`, { token: machines.admin.token }),
    ],
  ])('refuses a token after %s, although it has accepted it before', async (_, end) => {
    const person = await register(running)
    expect(await codeOf(person.token)).toBe('accepted')
    expect((await end(person)).status).toBeLessThan(300)
    await expect.poll(() => codeOf(person.token)).toBe('token_inactive')
  })

  it('ends a connection of a user who has signed out', async () => {
    const person = await register(running)
    const reasons: string[] = []
    latchkey.watch(await latchkey.verify(person.token), ({ code }) => reasons.push(code))
    await running.api.post('/v1/logout', { token: person.token })
    await expect.poll(() => reasons).toEqual(['token_inactive'])
  })

  it('accepts tokens of a session that was refreshed, and of a second sign-in', async () => {
    const person = await register(running)
    const { body } = await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    const again = await login(running, person.email)
    for (const token of [person.token, body.access_token, again.token]) {
      expect(await latchkey.verify(token)).toMatchObject({ subject: person.id })
    }
  })

  it('refuses a token that was altered anywhere', async () => {
    const { token } = await register(running)
    const parts = token.split('.')
    for (const index of [0, 1, 2]) {
      const part = parts[index] ?? ''
      const altered = parts.with(index, (part.startsWith('A') ? 'B' : 'A') + part.slice(1)).join('.')
      expect(await codeOf(altered)).not.toBe('accepted')
    }
    expect(await codeOf(token)).toBe('accepted')
  })

  it('answers 503, never 401, when its own credentials are wrong or its right was withdrawn', async () => {
    const { token } = await register(running)
    const machine = await machines.create()
    for (const credentials of [machine, { ...asker, secret: 'wrong' }, { id: 'none', secret: 'wrong' }]) {
      const api = createApi(credentials)
      expect(await codeOf(token, api)).toBe('introspection_unavailable')
      await api.close()
    }
    await machines.administer('PATCH', `/${machine.id}`, { may_introspect: true })
    const api = createApi(machine)
    expect(await codeOf(token, api)).toBe('accepted')
    await machines.administer('POST', `/${machine.id}/disable`)
    await expect.poll(() => codeOf(token, api)).toBe('introspection_unavailable')
    await api.close()
  })

  it('answers 503 while the server has no database, and while there is no server', async () => {
    const own = await startServer({ database })
    const by = await (await Machines.with(own)).create({ may_introspect: true })
    const { token } = await register(own)
    const { issuer, audience } = own.configuration
    const url = `${own.url}/oauth/introspect`
    const keys = introspection({ url, clientId: by.id, clientSecret: by.secret, cacheTtl: 0 })
    const api = createLatchkey({ issuer, audience, keys })
    expect(await codeOf(token, api)).toBe('accepted')
    await own.loseDatabase()
    await expect.poll(() => codeOf(token, api)).toBe('introspection_unavailable')
    await own.stop().catch(() => {})
    await expect.poll(() => codeOf(token, api)).toBe('introspection_unavailable')
    await api.close()
  })
})
