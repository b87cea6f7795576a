import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { loadPage } from '../../../../../test/support/browser/page-load.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { freshEmail, password, registerVerified } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

/** The pages for people who are not signed in. */
const publicPaths = [
  '/sign-in',
  '/sign-in/mail',
  '/sign-in/link',
  '/register',
  '/check-mail',
  '/verify-email',
  '/confirm-device',
  '/finish-registration',
  '/accept-invitation',
  '/forgot-password',
  '/resend-email',
  '/reset-password',
]

const widths = [360, 1280]
const schemes = ['light', 'dark'] as const
const locales = ['en', 'de', 'ar']
const maxBytes = 30_000

const variants = locales.flatMap((locale) =>
  schemes.flatMap((colorScheme) => widths.map((width) => ({ locale, colorScheme, width }))),
)

describe('every page of the server, in Chromium', () => {
  let running: TestServer
  let browser: TestBrowser
  let origin: string
  let email: string
  /** The pages of a signed-in user, by the links of the account page. */
  let ownPaths: readonly string[]

  beforeAll(async () => {
    running = await startForBrowsers({ mailSignIn: 'code-and-link' })
    origin = running.configuration.issuer
    browser = await TestBrowser.start()
    email = freshEmail()
    await registerVerified(running, email)
    await browser.visit({}, async ({ page }) => {
      await signInByApi(page)
      ownPaths = await crawl(page, '/account')
    })
  })
  afterAll(async () => {
    await browser?.close()
    await running?.stop()
  })

  const signInByApi = async (page: Page) => {
    const answer = await page.request.post(`${origin}/v1/login`, {
      headers: { 'latchkey-mode': 'cookie', origin },
      data: { email, password },
    })
    expect(answer.status()).toBe(200)
  }

  /** Returns the paths of the pages that links lead to, from one page on. */
  const crawl = async (page: Page, start: string) => {
    const found = [start]
    for (const path of found) {
      await page.goto(origin + path)
      const links = await page.evaluate<string[]>(
        '[...document.querySelectorAll("a[href]:not([download])")].map((a) => a.href)',
      )
      const own = links.filter((link) => link.startsWith(origin)).map((link) => new URL(link).pathname)
      found.push(...own.filter((link) => !found.includes(link) && !publicPaths.includes(link)))
      found.splice(0, found.length, ...new Set(found))
    }
    return found.filter((path) => path !== '/')
  }

  const visit = async (tab: Tab, path: string, variant: (typeof variants)[number], hasScripts = true) => {
    const response = await tab.page.goto(origin + path)
    expect([path, response?.status()]).toEqual([path, 200])
    const { locale, colorScheme, width } = variant
    const name = `${path.slice(1).replaceAll('/', '-')}-${locale}-${colorScheme}-${width}${hasScripts ? '' : '-no-script'}`
    await takeScreenshot(tab.page, name)
    await checkLayout(tab.page, { hasScripts })
    await checkAccessible(tab.page, { hasScripts })
    const document = tab.page.locator('html')
    const language = [await document.getAttribute('lang'), await document.getAttribute('dir')]
    expect([path, ...language]).toEqual([path, locale, locale === 'ar' ? 'rtl' : 'ltr'])
  }

  it('is linked from the account page, as far as it is for a signed-in user', () => {
    expect(ownPaths).toContain('/account/password')
    expect(ownPaths.length).toBeGreaterThan(5)
  })

  it.each(variants)('fits and is accessible: $locale, $colorScheme, $width px', async (variant) => {
    const { locale, colorScheme, width } = variant
    const options = { locale, colorScheme, viewport: { width, height: 800 } }
    await browser.visit(options, async (tab) => {
      for (const path of publicPaths) await visit(tab, path, variant)
      await signInByApi(tab.page)
      for (const path of ownPaths) await visit(tab, path, variant)
    })
  })

  it.each(widths)('fits and is accessible without scripts, at %i px', async (width) => {
    const variant = { locale: 'en', colorScheme: 'light', width } as const
    const options = { locale: 'en', viewport: { width, height: 800 }, javaScriptEnabled: false }
    await browser.visit(options, async (tab) => {
      for (const path of publicPaths) await visit(tab, path, variant, false)
      await signInByApi(tab.page)
      for (const path of ownPaths) await visit(tab, path, variant, false)
    })
  })

  it.each(locales)('fits and is accessible after a form was refused: %s', async (locale) => {
    await browser.visit({ locale, viewport: { width: 360, height: 800 } }, async (tab) => {
      const { page, problems } = tab
      problems.expect(/^status (400|401|403|422): POST /)
      for (const path of ['/sign-in', '/register', '/forgot-password', '/reset-password', '/verify-email']) {
        await page.goto(origin + path)
        await page
          .locator('form')
          .first()
          .evaluate((form) => form.setAttribute('novalidate', ''))
        const fields = page.locator('main input:visible')
        for (let at = 0; at < (await fields.count()); at += 1) await fields.nth(at).fill(at === 0 ? 'x@y.example' : 'x')
        await page.locator('main form button[type=submit]').first().click()
        await page.waitForLoadState()
        await takeScreenshot(page, `${path.slice(1)}-refused-${locale}`)
        await checkLayout(page)
        await checkAccessible(page)
      }
    })
  })

  it(`loads at most ${maxBytes} bytes, and paints at once`, async () => {
    const lines: string[] = []
    for (const path of [...publicPaths, ...ownPaths]) {
      await browser.visit({ locale: 'en' }, async ({ page }) => {
        if (ownPaths.includes(path)) await signInByApi(page)
        const { bytes, firstPaintMs } = await loadPage(page, origin + path)
        lines.push(`${path}: ${bytes} bytes, first paint after ${firstPaintMs?.toFixed(0)} ms`)
        expect([path, bytes <= maxBytes, bytes > 1000]).toEqual([path, true, true])
        expect(firstPaintMs).toBeGreaterThan(0)
      })
    }
    console.log(lines.join('\n'))
  })
})
