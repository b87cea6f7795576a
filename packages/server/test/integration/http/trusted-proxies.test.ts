import { afterEach, describe, expect, it, vi } from 'vitest'
import { freshEmail, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

describe('the address of a client', () => {
  let running: TestServer

  afterEach(() => running.stop())

  const start = async (trustedProxies: readonly string[], issuer = 'http://issuer.test') => {
    running = await startServer({ database: 'sqlite', configuration: { trustedProxies, issuer } })
  }

  /** Signs in with these headers, and returns the address that the session has. */
  const addressOf = async (headers: Record<string, string>) => {
    const { body } = await running.api.post('/v1/register', { headers, body: { email: freshEmail(), password } })
    const { sessions } = (await running.api.get('/v1/me/sessions', { token: body.access_token })).body
    return sessions[0]?.address
  }

  const warnings = async () => (await running.api.get('/readyz')).body.warnings

  it('is the address of the peer, whatever the headers say, as long as no proxy is trusted', async () => {
    await start([])
    expect(await addressOf({ 'x-forwarded-for': '203.0.113.9' })).toBe('127.0.0.1')
    expect(await addressOf({ forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' })).toBe('127.0.0.1')
  })

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['203.0.113.9, 10.1.2.3, 198.51.100.1', '198.51.100.1'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::9]:4711, 10.1.2.3', '2001:db8::9'],
    ['2001:0DB8:0::9', '2001:db8::9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['nonsense', '127.0.0.1'],
    ['203.0.113.9, unknown, 10.1.2.3', '10.1.2.3'],
    ['', '127.0.0.1'],
  ])('is the last one before the trusted proxies: %j is %s', async (header, address) => {
    await start(['127.0.0.0/8', '10.0.0.0/8'])
    expect(await addressOf({ 'x-forwarded-for': header })).toBe(address)
  })

  it('is never taken from headers that only other proxies write', async () => {
    await start(['127.0.0.1'])
    expect(await addressOf({ forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' })).toBe('127.0.0.1')
  })

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip'])(
    'makes readyz warn once an untrusted peer has sent %s, and the server stays ready',
    async (header) => {
      await start(['192.0.2.1'])
      expect(await warnings()).toBeUndefined()
      await running.api.get('/livez', { headers: { [header]: '203.0.113.9' } })
      expect(await warnings()).toEqual(['forwarding_untrusted'])
    },
  )

  it('causes one warning in the log, not one for every request', async () => {
    await start([])
    const warn = vi.spyOn(running.server.app.log, 'warn')
    for (let count = 0; count < 3; count += 1) await addressOf({ 'x-forwarded-for': '203.0.113.9' })
    // There may also be warnings about letters, at any time.
    const calls = warn.mock.calls.filter(([, message]) => String(message).includes('TRUSTED_PROXIES'))
    expect(calls).toEqual([[{ peer: '127.0.0.1' }, expect.any(String)]])
  })

  it('causes no warning where the proxy is trusted', async () => {
    await start(['127.0.0.1'], 'https://issuer.test')
    await running.api.get('/livez', { headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect(await warnings()).toBeUndefined()
  })

  it('makes readyz warn where TLS must end at a proxy that is not declared', async () => {
    await start([], 'https://issuer.test')
    expect(await warnings()).toEqual(['proxies_undeclared'])
  })
})
