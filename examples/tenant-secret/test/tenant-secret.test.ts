import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExampleProcess, startExample } from '../../../test/support/example-process.js'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-example-'))
const env = { DATABASE: join(folder, 'example.db'), LATCHKEY_MASTER_KEYS: Keyring.generate('example') }

describe('the tenant-secret example', () => {
  let example: ExampleProcess

  beforeAll(async () => {
    example = await startExample('tenant-secret/server.js', env)
  })

  afterAll(async () => {
    await example?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function login(): Promise<string> {
    const response = await fetch(`${example.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery staple' }),
    })
    return ((await response.json()) as { access_token: string }).access_token
  }

  function listen(process: ExampleProcess, token: string): Promise<Response> {
    return fetch(`${process.url}/events`, { headers: { authorization: `Bearer ${token}` } })
  }

  async function call(method: string, path: string, token: string): Promise<string | number> {
    const response = await fetch(example.url + path, { method, headers: { authorization: `Bearer ${token}` } })
    if (response.ok) return response.status
    return ((await response.json()) as { code: string }).code
  }

  it('logs out one device and not the other', async () => {
    const [phone, laptop] = [await login(), await login()]
    expect(await call('POST', '/logout', phone)).toBe(204)
    expect(await call('GET', '/me', phone)).toBe('session_ended')
    expect(await call('GET', '/me', laptop)).toBe(200)
  })

  it('rotates the user’s secret while earlier tokens stay valid', async () => {
    const before = await login()
    expect(await call('POST', '/rotate', before)).toBe(204)
    expect(await call('GET', '/me', before)).toBe(200)
    expect(await call('GET', '/me', await login())).toBe(200)
  })

  it('logs out all devices at once and lets the user sign in again', async () => {
    const [phone, laptop] = [await login(), await login()]
    expect(await call('POST', '/logout-all', laptop)).toBe(204)
    expect(await call('GET', '/me', phone)).toBe('token_revoked')
    expect(await call('GET', '/me', laptop)).toBe('token_revoked')
    expect(await call('GET', '/me', await login())).toBe(200)
  })

  it('removes a role on all devices at once without a new sign-in', async () => {
    const [phone, laptop] = [await login(), await login()]
    expect(await call('GET', '/audit', phone)).toBe(200)
    const events = await listen(example, phone)
    expect(await call('POST', '/resign', laptop)).toBe(204)
    expect(await call('GET', '/audit', phone)).toBe('insufficient_role')
    expect(await call('GET', '/me', phone)).toBe(200)
    expect(await events.text()).toContain('event: end\ndata: grants_changed')
  })

  it('ends only the streams of a device that logs out, in every process', async () => {
    const other = await startExample('tenant-secret/server.js', env)
    try {
      const [phone, laptop] = [await login(), await login()]
      const [phoneEvents, laptopEvents] = [await listen(example, phone), await listen(other, laptop)]
      expect(await call('POST', '/logout', phone)).toBe(204)
      expect(await phoneEvents.text()).toContain('event: end\ndata: session_ended')
      expect(await call('GET', '/me', laptop)).toBe(200)
      expect(await call('POST', '/logout-all', laptop)).toBe(204)
      expect(await laptopEvents.text()).toContain('event: end\ndata: token_revoked')
    } finally {
      await other.stop()
    }
  })

  it('reads its secrets again after a restart', async () => {
    const token = await login()
    await example.stop()
    example = await startExample('tenant-secret/server.js', env)
    expect(await call('GET', '/me', token)).toBe(200)
  })
})
