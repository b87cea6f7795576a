import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { sendSignIn } from '../../support/page-forms.js'
import { freshEmail, password, registerVerified } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

/**
 * A hostile page. Under `127.0.0.1` it is of another site than the server at `localhost`, and under
 * `localhost`, with another port, of another origin of the same site.
 */
describe('a page of another origin, in Chromium', () => {
  let running: TestServer
  let browser: TestBrowser
  let hostile: Server
  let origin: string
  let content = ''
  let email: string

  beforeAll(async () => {
    running = await startForBrowsers()
    origin = running.configuration.issuer
    email = freshEmail()
    await registerVerified(running, email)
    hostile = createServer((_, response) => response.setHeader('content-type', 'text/html').end(content))
    await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve))
    browser = await TestBrowser.start()
  })
  afterAll(async () => {
    await browser?.close()
    hostile?.close()
    hostile?.closeAllConnections()
    await running?.stop()
  })

  const openHostile = async (page: Page, host: string, html: string) => {
    content = html
    await page.goto(`http://${host}:${(hostile.address() as AddressInfo).port}/`)
  }
  const signIn = async (page: Page) => {
    await page.goto(`${origin}/sign-in`)
    await sendSignIn(page, email)
    await page.waitForURL(`${origin}/account`)
  }
  const sentForm = async (page: Page, path: string, fields: Readonly<Record<string, string>>) => {
    const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`)
    const html = `<form method="post" action="${origin}${path}">${inputs.join('')}<button>Send</button></form>`
    const response = page.waitForResponse((answer) => answer.request().method() === 'POST')
    await openHostile(page, sentFrom, html)
    await page.getByRole('button', { name: 'Send' }).click()
    return (await response).status()
  }
  let sentFrom = ''

  it.each(['127.0.0.1', 'localhost'])('cannot show a page of the server in a frame: on %s', async (host) => {
    for (const path of ['/sign-in', '/account', '/account/delete', '/sign-out']) {
      await browser.visit({}, async ({ page, problems }) => {
        problems.expect(/frame-ancestors/, /^failed: GET .*ERR_BLOCKED_BY_(CSP|RESPONSE)/, /^console: Framing/)
        await signIn(page)
        await openHostile(page, host, `<iframe src="${origin}${path}"></iframe>`)
        const [, frame] = page.frames()
        await expect.poll(() => frame?.url()).toMatch(/^chrome-error:/)
        expect(problems.found.join()).toMatch(/frame-ancestors/)
      })
    }
  })

  it.each(['127.0.0.1', 'localhost'])('cannot send a form of a page: on %s', async (host) => {
    sentFrom = host
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/^status 403: POST /)
      await signIn(page)
      for (const [path, fields] of [
        ['/account', { action: 'end-all' }],
        ['/account/name', { name: 'Mallory' }],
        ['/account/email', { email: 'mallory@example.com', password }],
        ['/account/password', { current_password: password, new_password: 'another battery staple' }],
        ['/account/delete', { password }],
        ['/sign-out', {}],
      ] as const) {
        expect([path, await sentForm(page, path, fields)]).toEqual([path, 403])
      }
      await page.goto(`${origin}/account`)
      expect(await page.getByText('Mallory').count()).toBe(0)
      await page.getByText('this device').waitFor()
    })
  })

  it.each(['127.0.0.1', 'localhost'])('cannot sign a browser in to an account of its choice: on %s', async (host) => {
    sentFrom = host
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/^status 403: POST /)
      expect(await sentForm(page, '/sign-in', { email, password })).toBe(403)
      expect(await sentForm(page, '/register', { email: freshEmail(), password })).toBe(403)
      await page.goto(`${origin}/account`)
      expect(new URL(page.url()).pathname).toBe('/sign-in')
    })
  })

  it('has no reference to the page of the server that it opens', async () => {
    await browser.visit({}, async ({ page, context }) => {
      await openHostile(page, '127.0.0.1', `<a href="${origin}/sign-in" target="_blank" rel="opener">Sign in</a>`)
      const opened = context.waitForEvent('page')
      await page.getByRole('link').click()
      const own = await opened
      await own.waitForLoadState()
      expect(await own.evaluate('window.opener')).toBeNull()
    })
  })
})
