import { createHmac, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretLeak } from '../../../src/admin/leak-response.js'
import { Machines, machineTokenState } from '../../support/machines.js'
import { createAdmin, login, type Person, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { stealSecret } from '../../support/steal-secret.js'

/**
 * Returns the user's token with another session, or with none, signed with the user's own secret.
 */
function forge(token: string, secret: Buffer, sid: string | null = randomUUID()): string {
  const [header, payload = ''] = token.split('.')
  const { sid: _, ...genuine } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const claims = { ...genuine, ...(sid === null ? {} : { sid }), jti: randomUUID() }
  const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

describe.each(databases)('a thief of one account’s secret, on %s', (database) => {
  let running: TestServer
  let leaks: SecretLeak[]
  let victim: Person
  let secret: Buffer

  beforeEach(async () => {
    running = await startServer({ database })
    leaks = []
    running.server.service.leaks.on('leak', (leak) => leaks.push(leak))
    victim = await register(running)
    secret = await stealSecret(running, victim.id)
  })
  afterEach(() => running.stop())

  const entries = async () => {
    const admin = await createAdmin(running)
    const { body } = await running.api.get('/v1/admin/audit?event=secret_leak', { token: admin.token })
    return body.entries.map(({ account, address, outcome, actor }) => ({ account, address, outcome, actor }))
  }
  const leakReport = () => ({ account: victim.id, address: '127.0.0.1' })

  it('is detected by the first invented session: secret and sessions end at once', async () => {
    const other = await register(running)
    expect(await tokenState(running, forge(victim.token, secret, victim.sessionId)), 'the secret is the real one').toBe(
      200,
    )
    expect(await tokenState(running, forge(victim.token, secret))).toBe('session_forged')
    await expect.poll(() => leaks).toMatchObject([leakReport()])
    await expect.poll(() => tokenState(running, victim.token)).toBe('token_revoked')
    const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: victim.refreshToken } })
    expect(refreshed.body.code).toBe('session_ended')
    expect(await tokenState(running, forge(victim.token, secret))).toBe('token_revoked')
    expect(await tokenState(running, other.token)).toBe(200)
    expect(await tokenState(running, (await login(running, victim.email)).token)).toBe(200)
    expect(await entries()).toEqual([{ ...leakReport(), outcome: 'refused', actor: null }])
  })

  it.each(['another account’s session', 'no session'])('is detected by %s', async (kind) => {
    const other = await register(running)
    const forged = forge(victim.token, secret, kind === 'no session' ? null : other.sessionId)
    expect(await tokenState(running, forged)).toBe('session_forged')
    await expect.poll(() => leaks).toMatchObject([leakReport()])
    expect(await tokenState(running, other.token)).toBe(200)
  })

  it('is detected at a token exchange, too', async () => {
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: forge(victim.token, secret),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { body } = await running.api.post('/oauth/token', { raw: form.toString(), headers })
    expect(body.code).toBe('subject_token_refused')
    await expect.poll(() => leaks).toMatchObject([leakReport()])
  })

  it('is reported with the address of its own request, whatever other requests its connection carries', async () => {
    const other = await register(running)
    const behindProxy = await running.startAnother({ configuration: { trustedProxies: ['127.0.0.1'] } })
    behindProxy.server.service.leaks.on('leak', (leak) => leaks.push(leak))
    const shown = [
      [other.token, '203.0.113.1'],
      [forge(victim.token, secret), '203.0.113.2'],
      [forge(other.token, await stealSecret(running, other.id)), '203.0.113.3'],
    ]
    const requests = shown.map(([token, address], index) => {
      const connection = index === shown.length - 1 ? 'close' : 'keep-alive'
      const headers = [`Authorization: Bearer ${token}`, `X-Forwarded-For: ${address}`, `Connection: ${connection}`]
      return `GET /v1/me HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n`
    })
    // All three in one packet, on one connection.
    const socket = connect(Number(new URL(behindProxy.url).port), '127.0.0.1')
    socket.write(requests.join(''))
    const statuses = [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    expect(statuses).toEqual(['200', '401', '401'])
    await expect
      .poll(() => Object.fromEntries(leaks.map(({ account, address }) => [account, address])))
      .toEqual({ [victim.id]: '203.0.113.2', [other.id]: '203.0.113.3' })
    await behindProxy.stop()
  })

  it('is detected when the secret is that of a client', async () => {
    const machines = await Machines.with(running)
    const machine = await machines.create()
    const token = await machines.tokenOf(machine)
    const forged = forge(token, await stealSecret(running, machine.id))
    const second = await running.startAnother()
    const states = await Promise.all([running, second].flatMap((at) => [1, 2, 3].map(() => tokenState(at, forged))))
    expect(states.every((state) => state === 'session_forged' || state === 'token_revoked')).toBe(true)
    await expect.poll(() => machineTokenState(running, token)).toBe('token_revoked')
    await expect.poll(() => machineTokenState(second, token)).toBe('token_revoked')
    await second.stop()
    expect(await machineTokenState(running, await machines.tokenOf(machine))).toBe(200)
    expect(await entries()).toMatchObject([{ account: machine.id }])
  })

  it('causes only one revocation with a flood of tokens at two servers', async () => {
    const second = await running.startAnother()
    try {
      const before = await running.server.service.keys.describe(victim.id)
      const looks = [running, second].map(({ server }) => vi.spyOn(server.service.keys, 'describe'))
      const flood = Array.from({ length: 200 }, (_, n) =>
        tokenState(n % 2 === 0 ? running : second, forge(victim.token, secret)),
      )
      const states = new Set(await Promise.all(flood))
      expect([...states].filter((state) => state !== 'session_forged' && state !== 'token_revoked')).toEqual([])
      await expect.poll(() => tokenState(second, victim.token)).toBe('token_revoked')
      const changes = await running.server.service.store.query(
        'select seq from latchkey_changes where tenant_id = $1 and seq > $2',
        [victim.id, before?.version],
      )
      expect(changes.rows).toHaveLength(1)
      // Each server queries once, however many tokens arrive.
      for (const look of looks) expect(look.mock.calls.length).toBeLessThanOrEqual(1)
      expect(await entries()).toHaveLength(1)
    } finally {
      await second.stop()
    }
  })

  it('causes no second revocation when another server reports the same token later', async () => {
    const kid = (await running.server.service.keys.describe(victim.id))?.secrets[0]?.kid ?? ''
    await tokenState(running, forge(victim.token, secret))
    await expect.poll(() => leaks).toHaveLength(1)
    const { token } = await login(running, victim.email)
    const second = await running.startAnother()
    const { service } = second.server
    service.leaks.report({ subject: victim.id, kid })
    await service.leaks.close()
    expect(await tokenState(second, token)).toBe(200)
    expect(await entries()).toHaveLength(1)
    await second.stop()
  })

  it('is detected later when the database is unavailable at that moment', async () => {
    const failures: unknown[] = []
    running.server.service.leaks.on('failure', (error) => failures.push(error))
    vi.spyOn(running.server.service.keys, 'revoke').mockRejectedValueOnce(new Error('away'))
    expect(await tokenState(running, forge(victim.token, secret))).toBe('session_forged')
    await expect.poll(() => leaks).toMatchObject([leakReport()])
    expect(failures).toHaveLength(1)
    expect(await entries()).toHaveLength(1)
  })
})

describe.each(databases)('a genuine session on %s', (database) => {
  let running: TestServer

  beforeEach(async () => {
    running = await startServer({ database })
  })
  afterEach(() => running.stop())

  it('is never taken for an invented one, whatever its age and state', async () => {
    const { service } = running.server
    const person = await register(running)
    const states: unknown[] = []
    const look = async () => states.push(await tokenState(running, person.token))
    await look()
    await service.keys.rotate(person.id)
    await look()
    await service.keys.rewrap()
    await look()
    const other = await running.startAnother()
    states.push(await tokenState(other, person.token))
    await other.stop()
    await running.api.post('/v1/logout', { token: person.token })
    await look()
    running.clock.advance(2 * 86_400_000)
    await service.sessions.prune()
    expect((await service.store.query('select id from server_sessions')).rows).toEqual([])
    await look()
    const deleted = await register(running)
    await running.api.delete('/v1/me', { token: deleted.token, body: { password: 'correct horse battery staple' } })
    states.push(await tokenState(running, deleted.token))
    expect(states).toEqual([200, 200, 200, 200, 'session_ended', 'token_expired', 'token_revoked'])
    const { rows } = await service.store.query(`select id from server_audit where event = 'secret_leak'`)
    expect(rows).toEqual([])
  })
})
