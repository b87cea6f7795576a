import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendSignIn, sendSignOut } from '../../packages/server/test/support/page-forms.js'
import { freshEmail, password, registerVerified } from '../../packages/server/test/support/people.js'
import { startForBrowsers } from '../../packages/server/test/support/start-for-browsers.js'
import { startServer, type TestServer } from '../../packages/server/test/support/start-server.js'
import { TestBrowser } from '../support/browser/test-browser.js'
import { freePort } from '../support/free-port.js'
import { proxies, type RunningProxy, runNginx } from './support/run-proxies.js'

/** An application without code for sign-in: files, and one form. */
function startApplication(): Promise<Server> {
  const application = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    const subject = String(request.headers['x-auth-subject'] ?? '')
    response.end(`<!doctype html><html lang="en"><title>Orders</title><h1>Orders</h1>
<p id="account">${subject.replaceAll(/[^a-z0-9-]/g, '')}</p>
<form method="post" action="/written"><button>Write</button></form>`)
  })
  return new Promise((resolve) => application.listen(0, '127.0.0.1', () => resolve(application)))
}

const hostileTargets = [
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  'http://localhost.evil.example/',
  'javascript:alert(1)',
  'http://localhost:1@evil.example/',
]

describe.each(proxies)('an application without sign-in, behind deploy/forward-auth/%s, in Chromium', (_, run) => {
  let latchkey: TestServer
  let application: Server
  let proxy: RunningProxy
  let browser: TestBrowser
  let origin: string
  let person: { readonly id: string; readonly email: string }

  beforeAll(async () => {
    application = await startApplication()
    const port = await freePort()
    origin = `http://localhost:${port}`
    const configuration = { issuer: `${origin}/auth`, trustedProxies: ['127.0.0.1'] }
    latchkey = await startServer({ database: 'sqlite', configuration })
    const upstreams = {
      latchkey: new URL(latchkey.url).host,
      application: `127.0.0.1:${(application.address() as AddressInfo).port}`,
    }
    proxy = await run(upstreams, port)
    browser = await TestBrowser.start()
    person = await registerVerified(latchkey, freshEmail())
  })
  afterAll(async () => {
    await browser?.close()
    await proxy?.stop()
    application?.close()
    application?.closeAllConnections()
    await latchkey?.stop()
  })

  const shows = async (page: Page, url: string) => {
    await page.waitForURL(url)
    expect(await page.locator('h1').textContent()).toBe('Orders')
    expect(await page.locator('#account').textContent()).toBe(person.id)
  }

  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'is open after a sign-in, at the page that was asked for, and closed after a sign-out, %s',
    async (__, scripts) => {
      await browser.visit({ javaScriptEnabled: scripts }, async ({ page }) => {
        const asked = `${origin}/orders/a%20b?from=1&to=%26%23`
        await page.goto(asked)
        expect(new URL(page.url()).pathname).toBe('/auth/sign-in')
        expect(new URL(page.url()).searchParams.get('return_to')).toBe(asked)
        await sendSignIn(page, person.email)
        await shows(page, asked)
        await page.getByRole('button', { name: 'Write' }).click()
        await shows(page, `${origin}/written`)
        await page.goto(`${origin}/auth/sign-out`)
        await sendSignOut(page)
        await page.waitForURL(`${origin}/auth/sign-in**`)
        await page.goto(asked)
        expect(new URL(page.url()).pathname).toBe('/auth/sign-in')
      })
    },
  )

  it('stays open when the access token expires: the session is renewed on the way', async () => {
    await browser.visit({}, async ({ page }) => {
      await page.goto(`${origin}/orders?x=1`)
      await sendSignIn(page, person.email)
      await shows(page, `${origin}/orders?x=1`)
      for (let times = 0; times < 2; times += 1) {
        latchkey.clock.advance(1000_000)
        await page.goto(`${origin}/orders?y=2&z=3`)
        await shows(page, `${origin}/orders?y=2&z=3`)
      }
      // A link of another site: browsers do not send the refresh cookie with its navigation.
      latchkey.clock.advance(1000_000)
      await page.goto('about:blank')
      await page.setContent(`<a href="${origin}/orders?v=4">a link</a>`)
      await page.getByText('a link').click()
      await shows(page, `${origin}/orders?v=4`)
    })
  })

  it('is closed at once after a sign-out elsewhere', async () => {
    await browser.visit({}, async ({ page }) => {
      await page.goto(`${origin}/`)
      await sendSignIn(page, person.email)
      await shows(page, `${origin}/`)
      const { body } = await latchkey.api.post('/v1/login', { body: { email: person.email, password } })
      await latchkey.api.post('/v1/logout-all', { token: body.access_token })
      await page.goto(`${origin}/`)
      expect(new URL(page.url()).pathname).toBe('/auth/sign-in')
    })
  })

  it('is not left for another site by a link to the sign-in page', async () => {
    await browser.visit({}, async ({ page, context }) => {
      for (const target of hostileTargets) {
        const link = `${origin}/auth/sign-in?return_to=${encodeURIComponent(target)}`
        await page.goto(link)
        await sendSignIn(page, person.email)
        await page.waitForURL(`${origin}/auth/account`)
        // Signed in, the page leads on at once.
        await page.goto(link)
        expect(page.url()).toBe(`${origin}/auth/account`)
        await context.clearCookies()
      }
    })
  })

  it('answers a script with 401, without leading it to a page', async () => {
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/^status 401: GET .*\/data$/)
      await page.goto(`${origin}/`)
      await sendSignIn(page, person.email)
      await shows(page, `${origin}/`)
      await page.context().clearCookies()
      const status = await page.evaluate(
        'fetch("/data", { redirect: "manual" }).then(({ status, type }) => type + status)',
      )
      expect(status).toBe('basic401')
    })
  })
})

describe('an application behind nginx, with Latchkey on another port of the host, in Chromium', () => {
  it('is open after a sign-in there, for the origin that is listed', async () => {
    const application = await startApplication()
    const port = await freePort()
    const origin = `http://localhost:${port}`
    const latchkey = await startForBrowsers({ returnOrigins: [origin] })
    const upstreams = {
      latchkey: new URL(latchkey.url).host,
      application: `127.0.0.1:${(application.address() as AddressInfo).port}`,
    }
    const proxy = await runNginx(upstreams, port)
    const browser = await TestBrowser.start()
    try {
      const { id, email } = await registerVerified(latchkey, freshEmail())
      await browser.visit({}, async ({ page }) => {
        await page.goto(`${origin}/orders?a=1&b=2`)
        expect(page.url()).toMatch(`${latchkey.configuration.issuer}/sign-in?return_to=`)
        await sendSignIn(page, email)
        await page.waitForURL(`${origin}/orders?a=1&b=2`)
        expect(await page.locator('#account').textContent()).toBe(id)
      })
    } finally {
      await browser.close()
      await proxy.stop()
      await latchkey.stop()
      application.close()
      application.closeAllConnections()
    }
  })
})
