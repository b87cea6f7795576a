import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import { freshEmail, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

describe('Chromium', () => {
  let browser: TestBrowser
  /** Its scripts are those of any page: the policy of the pages here forbids them. */
  let tab: Tab
  let running: TestServer
  let app: ReturnType<typeof createServer>
  /** The port is the same under both names of this machine, which are two sites. */
  let serverPort: string
  let appPort: number

  beforeAll(async () => {
    app = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>an application'))
    await new Promise<void>((resolve) => void app.listen(0, 'localhost', resolve))
    appPort = (app.address() as AddressInfo).port
    running = await startServer({ database: 'sqlite', configuration: { corsOrigins: [`http://localhost:${appPort}`] } })
    serverPort = new URL(running.url).port
    browser = await TestBrowser.start()
    tab = await browser.open({ bypassCSP: true })
  })
  afterAll(async () => {
    await browser?.close()
    await running?.stop()
    app?.close()
  })

  /**
   * Returns the answer that a script in the open page gets: the status and the code, or that the
   * browser blocks the answer.
   */
  const call = async (
    base: string,
    method: string,
    path: string,
    { body, mode = 'cookie' }: { body?: object; mode?: string } = {},
  ) => {
    const headers = {
      ...(mode === '' ? {} : { 'Latchkey-Mode': mode }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    }
    const options = {
      method,
      headers,
      credentials: 'include',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    return tab.page.evaluate(`fetch(${JSON.stringify(base + path)}, ${JSON.stringify(options)})
      .then(async (answer) => [answer.status, (await answer.json().catch(() => ({}))).code ?? '', answer.headers.has('ratelimit')].join(' ').trim())
      .catch(() => 'kept from it')`)
  }

  const newAccount = () => ({ body: { email: freshEmail(), password } })

  it.each(['127.0.0.1', 'localhost'])(
    'stores the cookies of a page on http://%s, and exposes them to no script',
    async (host) => {
      const base = `http://${host}:${serverPort}`
      await tab.page.goto(`${base}/docs`)
      expect(await call(base, 'POST', '/v1/register', newAccount())).toBe('201  true')
      expect(await call(base, 'GET', '/v1/me')).toBe('200  true')
      expect(await call(base, 'PATCH', '/v1/me', { body: { name: 'Ada' } })).toBe('200  true')
      expect(await call(base, 'PATCH', '/v1/me', { body: { name: 'Eve' }, mode: '' })).toBe('403 csrf_refused true')
      expect(await call(base, 'POST', '/v1/refresh')).toBe('200  true')
      expect(await tab.page.evaluate('document.cookie')).toBe('')
      expect(await call(base, 'POST', '/v1/logout')).toBe('204  true')
      expect(await call(base, 'GET', '/v1/me')).toBe('401 credentials_missing true')
    },
  )

  it('runs the script of docs/guides/browser.md in a page', async () => {
    const base = `http://localhost:${serverPort}`
    await tab.page.goto(`${base}/docs`)
    const email = freshEmail()
    expect(await call(base, 'POST', '/v1/register', { body: { email, password } })).toBe('201  true')
    const [script = ''] = Page.at('docs/guides/browser.md').take('js')
    const setting = `const email = ${JSON.stringify(email)}, password = ${JSON.stringify(password)}`
    const ended = `return (await fetch('/v1/me', { credentials: 'include', headers: { 'Latchkey-Mode': 'cookie' } })).status`
    expect(await tab.page.evaluate(`(async () => { ${setting}\n${script}\n${ended} })()`)).toBe(401)
    expect(blocksLeftOut('docs/guides/browser.md')).toEqual([])
  })

  it('allows pages of a listed origin to use the server, with cookies only on the same site', async () => {
    await tab.page.goto(`http://localhost:${appPort}/`)
    const sameSite = `http://localhost:${serverPort}`
    expect(await call(sameSite, 'POST', '/v1/register', newAccount())).toBe('201  true')
    expect(await call(sameSite, 'PATCH', '/v1/me', { body: { name: 'Ada' } })).toBe('200  true')
    expect(await call(sameSite, 'POST', '/v1/refresh')).toBe('200  true')
    const crossSite = `http://127.0.0.1:${serverPort}`
    expect(await call(crossSite, 'POST', '/v1/register', newAccount())).toBe('403 csrf_refused true')
    expect(await call(crossSite, 'POST', '/v1/register', { ...newAccount(), mode: '' })).toBe('201  true')
  })

  it('blocks all answers to pages of other origins', async () => {
    await tab.page.goto(`http://127.0.0.1:${serverPort}/docs`)
    const other = `http://localhost:${serverPort}`
    expect(await call(other, 'POST', '/v1/register', newAccount())).toBe('kept from it')
    expect(await call(other, 'GET', '/v1/me', { mode: '' })).toBe('kept from it')
  })

  it('shows the reference without a violation of its policy', async () => {
    await browser.visit({}, async ({ page }) => {
      await page.goto(`http://127.0.0.1:${serverPort}/docs?#login`)
      expect(await page.evaluate('getComputedStyle(document.querySelector(".method")).fontWeight')).toBe('700')
      expect(await page.evaluate('document.getElementById("login").closest("details").open')).toBe(true)
    })
  })
})
