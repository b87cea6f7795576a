import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../../support/start-server.js'

const assets = new URL('../../../data/console/assets/', import.meta.url)
const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'))
const [script = ''] = scripts

let running: TestServer
beforeAll(async () => {
  running = await startServer({ database: 'sqlite' })
})
afterAll(() => running?.stop())

const inject = (url: string, headers: Record<string, string> = {}, { server } = running) =>
  server.app.inject({ url, headers })

/** Sends a path as it is; `fetch` and `inject` would remove its dots. */
async function send(path: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const { port } = new URL(running.url)
  return new Promise((resolve, reject) => {
    request({ port, path }, (answer) => {
      void text(answer).then((body) => resolve({ status: answer.statusCode, body }), reject)
    })
      .on('error', reject)
      .end()
  })
}

describe('a file of the console', () => {
  it('is for ever in the cache of browsers, because its name changes with its content', async () => {
    const { statusCode, headers } = await inject(`/console/assets/${script}`)
    expect(statusCode).toBe(200)
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it('is compressed for browsers that accept it, and the same for others', async () => {
    const plain = await inject(`/console/assets/${script}`)
    expect(plain.headers['content-encoding']).toBeUndefined()
    for (const accepted of ['br', 'gzip, deflate, br', 'gzip;q=1.0, br;q=0.5, identity;q=0.1']) {
      const packed = await inject(`/console/assets/${script}`, { 'accept-encoding': accepted })
      expect([accepted, packed.headers['content-encoding'], packed.headers.vary]).toEqual([
        accepted,
        'br',
        'Accept-Encoding',
      ])
      expect(brotliDecompressSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
    }
    for (const accepted of ['gzip', 'identity', 'br;q=0', '*;q=0, identity'])
      expect((await inject(`/console/assets/${script}`, { 'accept-encoding': accepted })).rawPayload).toEqual(
        plain.rawPayload,
      )
  })

  it('that the build does not have is a problem, which no cache keeps', async () => {
    for (const name of ['index-00000000.js', `${script}.map`, `${script}.br`, 'constructor', '__proto__']) {
      const { statusCode, headers } = await inject(`/console/assets/${name}`)
      expect([name, statusCode]).toEqual([name, 404])
      expect(headers['content-type']).toContain('application/problem+json')
      expect(headers['cache-control'] ?? '').not.toContain('immutable')
    }
  })

  it('is never one of another folder', async () => {
    for (const path of [
      '/console/assets/../index.html',
      '/console/assets/..%2findex.html',
      '/console/assets/%2e%2e%2f%2e%2e%2fcommon-passwords.bin',
      '/console/assets/..%5c..%5cpackage.json',
      '/console/assets/%00.js',
      '/console/assets//etc/passwd',
      '/console/../package.json',
      '/console/%2e%2e/package.json',
    ]) {
      const { status, body } = await send(path)
      const isRefused = status === 404 || status === 400
      // Any other path below the console is its document, which holds no data.
      expect([path, isRefused || body.includes('<div id="console">')]).toEqual([path, true])
      expect(body).not.toMatch(/"version"|root:/)
    }
  })
})

describe('the document of the console', () => {
  it('is the same at every path, with a policy that allows files of this origin alone', async () => {
    for (const path of ['/console', '/console/', '/console/users/1', '/console/assets']) {
      const { statusCode, headers, body } = await inject(path)
      expect([path, statusCode]).toEqual([path, 200])
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(headers['cache-control'] ?? '').not.toContain('immutable')
      // Nothing inline, nothing from elsewhere.
      expect(body).not.toMatch(/<script(?![^>]*src=)|style=|<style|https?:\/\//)
    }
  })

  it('has the path of the issuer before all addresses', async () => {
    const issuer = 'http://issuer.test/auth'
    const prefixed = await startServer({ database: 'sqlite', configuration: { issuer } })
    try {
      const { body } = await inject('/console', {}, prefixed)
      expect(body).toContain('data-base="/auth"')
      const addresses = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
      expect(addresses.filter((address) => !/^(data:,|\/auth\/console\/assets\/)/.test(address))).toEqual([])
      expect(addresses.length).toBeGreaterThanOrEqual(3)
    } finally {
      await prefixed.stop()
    }
  })
})

describe('a server without the console', () => {
  it.each([
    ['LATCHKEY_CONSOLE', { console: 'off' }],
    ['LATCHKEY_PAGES', { pages: 'off' }],
  ] as const)('by %s=off has none of its paths', async (_name, configuration) => {
    const without = await startServer({ database: 'sqlite', configuration })
    try {
      for (const path of ['/console', '/console/users', `/console/assets/${script}`])
        expect([path, (await inject(path, {}, without)).statusCode]).toEqual([path, 404])
    } finally {
      await without.stop()
    }
  })
})
