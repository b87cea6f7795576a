import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PageBrowser } from '../../support/page-browser.js'
import { freshEmail, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const access = '__Host-latchkey'
const refresh = '__Secure-latchkey-refresh'
/** Longer than a token is valid, with the tolerance for clocks. */
const tokenMs = 1_200_000

describe('a page whose access token has expired', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
  })
  afterAll(() => running.stop())

  const signedIn = async () => {
    const browser = new PageBrowser(running.url)
    const email = freshEmail()
    await browser.send(await browser.open('/register'), { email, password, name: 'Ada' })
    return { browser, email }
  }

  it('renews the session and shows the page', async () => {
    const { browser, email } = await signedIn()
    const before = browser.cookies.get(access)?.value
    running.clock.advance(tokenMs)
    const page = await browser.open('/account')
    expect(page.redirects).toEqual(['/v1/refresh/page?return_to=%2Faccount', '/account'])
    expect([page.status, page.html]).toEqual([200, expect.stringContaining(email)])
    expect(browser.cookies.get(access)?.value).not.toBe(before)
  })

  it('sends a form on with its content', async () => {
    const { browser } = await signedIn()
    const form = await browser.open('/account/name')
    running.clock.advance(tokenMs)
    const page = await browser.send(form, { name: 'Grace' })
    expect(page.redirects).toEqual([
      '/v1/refresh/page?return_to=%2Faccount%2Fname',
      '/account/name',
      '/account?notice=name-changed',
    ])
    expect(page.html).toContain('Grace')
  })

  it('continues by a page of its own when another site began the navigation', async () => {
    const { browser, email } = await signedIn()
    running.clock.advance(tokenMs)
    const page = await browser.open('/account', { site: 'cross-site' })
    const next = '/v1/refresh/page?return_to=%2Faccount&again=1'
    expect([page.status, page.path]).toEqual([200, '/v1/refresh/page?return_to=%2Faccount'])
    expect(page.html).toContain(`<meta http-equiv="refresh" content="0; url=${next.replace('&', '&amp;')}">`)
    const account = await browser.open(next, { site: 'same-origin' })
    expect([account.path, account.html]).toEqual(['/account', expect.stringContaining(email)])
  })

  it('leads to the sign-in page when the session has ended, without a loop', async () => {
    const { browser } = await signedIn()
    const other = new PageBrowser(running.url)
    for (const [name, cookie] of browser.cookies) other.cookies.set(name, cookie)
    const account = await browser.open('/account')
    await browser.post('/account', { action: 'end-all' })
    expect(account.status).toBe(200)
    running.clock.advance(tokenMs)
    const page = await other.open('/account')
    expect([page.status, page.path]).toEqual([200, '/sign-in?return_to=%2Faccount'])
    expect((await other.open('/v1/refresh/page?again=1')).path).toBe('/sign-in?return_to=%2Faccount')
  })

  it('is signed out by no link of another site', async () => {
    const { browser, email } = await signedIn()
    running.clock.advance(tokenMs)
    for (const path of ['/v1/refresh/page?again=1', '/v1/refresh/page', '/sign-in', '/sign-out'])
      expect((await browser.open(path, { site: 'cross-site' })).headers.getSetCookie()).toEqual([])
    expect((await browser.open('/account')).html).toContain(email)
  })

  it('does not use a refresh token of another session', async () => {
    const { browser } = await signedIn()
    const { browser: mallory } = await signedIn()
    running.clock.advance(tokenMs)
    const planted = mallory.cookies.get(refresh)
    if (planted !== undefined) browser.cookies.set(refresh, planted)
    const page = await browser.open('/account')
    expect(page.path).toBe('/sign-in?return_to=%2Faccount')
  })

  it('renews the session once for several tabs', async () => {
    const { browser } = await signedIn()
    running.clock.advance(tokenMs)
    const tabs = await Promise.all([1, 2, 3].map(() => browser.open('/account')))
    expect(tabs.map(({ status, path }) => [status, path])).toEqual(tabs.map(() => [200, '/account']))
  })
})
