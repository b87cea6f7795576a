import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { freshEmail, type Person, password, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const domain = 'Domain=site.localhost; Secure'

/**
 * Latchkey at auth.site.localhost, and a hostile application at evil.site.localhost. Both are one
 * site, so that cookies of their common domain reach both. Browsers resolve every name below
 * localhost to this machine.
 */
describe('a sibling host, in Chromium', () => {
  let browser: TestBrowser
  /** Its scripts are those of any page: the policy of /docs forbids them. */
  let tab: Tab
  let latchkey: TestServer
  let sibling: ReturnType<typeof createServer>
  let auth: string
  let siblingPort: number
  let mallory: Person
  /** The cookies that the sibling host sets. */
  let setCookie: readonly string[] = []
  /** The status of forward-auth for each WebSocket handshake. */
  const handshakes: number[] = []

  beforeAll(async () => {
    latchkey = await startServer({ database: 'sqlite' })
    auth = `http://auth.site.localhost:${new URL(latchkey.url).port}`
    mallory = await register(latchkey)
    sibling = createServer((incoming, response) => {
      response.setHeader('content-type', 'text/html; charset=iso-8859-1')
      if (incoming.url === '/plant') response.setHeader('set-cookie', setCookie)
      // The body is bytes, because Node.js sends the headers in UTF-8 with a text body.
      response.end(Buffer.from(incoming.url === '/cookies' ? (incoming.headers.cookie ?? '') : 'a page', 'latin1'))
    })
    sibling.on('upgrade', async (incoming: IncomingMessage, socket) => {
      handshakes.push(await askForwardAuth(incoming))
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
    await new Promise<void>((resolve) => void sibling.listen(0, '127.0.0.1', resolve))
    siblingPort = (sibling.address() as AddressInfo).port
    browser = await TestBrowser.start()
    tab = await browser.open({ bypassCSP: true })
  })
  afterAll(async () => {
    await browser?.close()
    sibling?.close()
    sibling?.closeAllConnections()
    await latchkey?.stop()
  })

  /** Asks forward-auth as a proxy does that forwards all headers except hop-by-hop ones. */
  const askForwardAuth = ({ headers, method = '' }: IncomingMessage) =>
    new Promise<number>((resolve, reject) => {
      const { connection: _, upgrade: __, ...passed } = headers
      const options = { headers: { ...passed, 'x-forwarded-method': method } }
      const sent = request(`${latchkey.url}/v1/forward-auth`, options, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end()
    })

  const call = (method: string, path: string, body?: object) => {
    const headers = { 'Latchkey-Mode': 'cookie', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }
    const options = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    return tab.page.evaluate(`fetch(${JSON.stringify(path)}, ${JSON.stringify(options)}).then(async (answer) => {
      const { email, code } = await answer.json().catch(() => ({}))
      return [answer.status, email ?? code ?? ''].join(' ').trim()
    })`)
  }
  const openAuth = () => tab.page.goto(`${auth}/docs`)
  const plant = async (lines: readonly string[]) => {
    setCookie = lines
    await tab.page.goto(`http://evil.site.localhost:${siblingPort}/plant`)
  }
  /**
   * Returns the cookies for auth.site.localhost. Cookies go to every port of a host, so the server
   * of the sibling receives them as well.
   */
  const sentToAuth = async () => {
    await tab.page.goto(`http://auth.site.localhost:${siblingPort}/cookies`)
    return String(await tab.page.evaluate('document.body.textContent'))
  }
  const forgetAll = async (lines: readonly string[]) => {
    await plant(lines.map((line) => `${line}; Max-Age=0`))
    await openAuth()
    await call('POST', '/v1/logout')
  }

  const access = (token: string) => [
    `\u00a0__Host-latchkey=${token}; Path=/; ${domain}`,
    `__Host-latchkey\u00a0=${token}; Path=/; ${domain}`,
    `\u0085__Host-latchkey=${token}; Path=/; ${domain}`,
    `\u00ef\u00bb\u00bf__Host-latchkey=${token}; Path=/; ${domain}`,
    `__Host-latchkey=${token}; Path=/; ${domain}`,
    `__Host-latchkey=${token}; Path=/v1/; ${domain}`,
    ` \t__Host-latchkey\t =${token}; Path=/; ${domain}`,
    `__host-latchkey=${token}; Path=/; ${domain}`,
    `__HOST-LATCHKEY=${token}; Path=/; ${domain}`,
    `=__Host-latchkey=${token}; Path=/; ${domain}`,
    ` = __Host-latchkey=${token}; Path=/v1; ${domain}`,
    `"__Host-latchkey"=${token}; Path=/; ${domain}`,
    `a=1, __Host-latchkey=${token}; Path=/; ${domain}`,
    `$Version=1, __Host-latchkey=${token}; Path=/; ${domain}`,
  ]
  const scripts = (token: string) =>
    ['\u00a0', '\ufeff', '\u2003', '\u3000', '\u180e', ''].flatMap((space) => [
      `${space}__Host-latchkey=${token}; path=/; domain=site.localhost; secure`,
      `=${space}__Host-latchkey=${token}; path=/v1; domain=site.localhost; secure`,
    ])
  const plantByScript = async (lines: readonly string[]) => {
    await tab.page.goto(`http://evil.site.localhost:${siblingPort}/`)
    for (const line of lines) await tab.page.evaluate(`document.cookie = ${JSON.stringify(line)}`)
  }
  const removed = (lines: readonly string[]) => lines.map((line) => `${line}; max-age=0`)

  it('cannot plant a session, whatever the name of its cookie', async () => {
    await plant(access(mallory.token))
    await plantByScript(scripts(mallory.token))
    const sent = await sentToAuth()
    expect(sent, 'some of them do arrive').toContain(`\u00a0__Host-latchkey=${mallory.token}`)
    await openAuth()
    expect(await call('GET', '/v1/me')).toBe('401 credentials_missing')
    await forgetAll(access(mallory.token))
    await plantByScript(removed(scripts(mallory.token)))
  })

  it('does not prevent a user from using, refreshing or ending a session', async () => {
    const email = freshEmail()
    await openAuth()
    expect(await call('POST', '/v1/register', { email, password })).toMatch(/^201/)
    const refresh = ['/', '/v1', '/v1/refresh', '/v1/refresh/'].flatMap((path) => [
      `__Secure-latchkey-refresh=${mallory.refreshToken}; Path=${path}; ${domain}`,
      `=__Secure-latchkey-refresh=${mallory.refreshToken}; Path=${path}; ${domain}`,
    ])
    const planted = [...access(mallory.token), ...refresh]
    await plant(planted)
    await plantByScript(scripts(mallory.token))
    await openAuth()
    expect(await call('GET', '/v1/me')).toBe(`200 ${email}`)
    for (let times = 0; times < 2; times += 1) {
      expect(await call('POST', '/v1/refresh')).toBe('200')
      expect(await call('GET', '/v1/me')).toBe(`200 ${email}`)
    }
    await plant(access(''))
    await openAuth()
    expect(await call('PATCH', '/v1/me', { name: 'Ada' })).toBe(`200 ${email}`)
    expect(await call('POST', '/v1/refresh')).toBe('200')
    await plant(access(mallory.token))
    await openAuth()
    expect(await call('POST', '/v1/logout')).toBe('204')
    expect(await call('GET', '/v1/me')).toBe('401 credentials_missing')
    expect(await call('POST', '/v1/refresh')).toBe('401 refresh_token_invalid')
    expect(await call('POST', '/v1/login', { email, password })).toMatch(/^200/)
    expect(await call('GET', '/v1/me')).toBe(`200 ${email}`)
    await forgetAll(planted)
    await plantByScript(removed(scripts(mallory.token)))
  })

  it('cannot open a WebSocket with the cookie of auth.site.localhost, whose own pages can', async () => {
    await openAuth()
    expect(await call('POST', '/v1/register', { email: freshEmail(), password })).toMatch(/^201/)
    const connect = async (from: string) => {
      await tab.page.goto(from)
      const target = `ws://auth.site.localhost:${siblingPort}/`
      await tab.page.evaluate(
        `new Promise((resolve) => (new WebSocket(${JSON.stringify(target)}).onerror = resolve)).then(() => 0)`,
      )
      return handshakes.at(-1)
    }
    expect(await connect(`http://evil.site.localhost:${siblingPort}/`)).toBe(403)
    const listed = await latchkey.startAnother({
      configuration: { corsOrigins: [`http://auth.site.localhost:${siblingPort}`] },
    })
    const before = latchkey
    latchkey = listed
    try {
      expect(await connect(`http://auth.site.localhost:${siblingPort}/`)).toBe(200)
      expect(await connect(`http://evil.site.localhost:${siblingPort}/`)).toBe(403)
    } finally {
      latchkey = before
      await listed.stop()
    }
  })
})
