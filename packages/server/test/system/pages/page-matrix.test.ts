import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { loadPage } from '../../../../../test/support/browser/page-load.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { Authenticator } from '../../support/authenticator.js'
import { factorPages, ownPages, publicPages, stepPages } from '../../support/page-list.js'
import { addPasskey } from '../../support/passkeys.js'
import { freshEmail, password, registerVerified } from '../../support/people.js'
import { openSession } from '../../support/second-factor.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'
import { type Authenticator as App, addAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

const maxBytes = 30_000

/** Each pair of a locale, a scheme and a width is in one of them. */
const variants = [
  { locale: 'en', colorScheme: 'light', width: 360 },
  { locale: 'en', colorScheme: 'dark', width: 1280 },
  { locale: 'de', colorScheme: 'dark', width: 360 },
  { locale: 'de', colorScheme: 'light', width: 1280 },
  { locale: 'ar', colorScheme: 'light', width: 360 },
  { locale: 'ar', colorScheme: 'dark', width: 1280 },
] as const

type Variant = (typeof variants)[number] & { readonly hasScripts?: boolean }

/** The owner of a passkey, an authenticator app, recovery codes and a trusted device. */
interface FactorOwner {
  readonly email: string
  readonly app: App
  readonly passkeyId: string
}

describe('every page of the server, in Chromium', () => {
  let running: TestServer
  let browser: TestBrowser
  let origin: string
  let email: string
  let owner: FactorOwner

  beforeAll(async () => {
    running = await startForBrowsers({ mailSignIn: 'code-and-link' })
    origin = running.configuration.issuer
    browser = await TestBrowser.start()
    email = freshEmail()
    await registerVerified(running, email)
    owner = await createFactorOwner()
  })
  afterAll(async () => {
    await browser?.close()
    await running?.stop()
  })

  const createFactorOwner = async (): Promise<FactorOwner> => {
    const person = await registerVerified(running)
    const { status: added, body } = await addPasskey(running, person, new Authenticator({ origin }))
    expect([added, body.code]).toEqual([201, undefined])
    const { app } = await addAuthenticator(running, await openSession(running, person))
    const answer = { code: app.nextCode(), trust_device: true }
    const { status } = await secondStep(running, await firstStep(running, person.email), answer)
    expect(status).toBe(200)
    return { email: person.email, app, passkeyId: body.id }
  }

  const signInByApi = async (page: Page) => {
    const answer = await page.request.post(`${origin}/v1/login`, {
      headers: { 'latchkey-mode': 'cookie', origin },
      data: { email, password },
    })
    expect(answer.status()).toBe(200)
  }

  /** Sends the password of the owner, which leads to the page of the second step. */
  const beginSecondStep = async (page: Page) => {
    await page.goto(`${origin}/sign-in`)
    await page.locator('input[name=email]').fill(owner.email)
    await page.locator('input[name=password]').fill(password)
    await page.locator('main form button[type=submit]').first().click()
    await page.locator('input[name=code]').waitFor()
  }

  /** Presses the button of the form that leads to this path. */
  const press = async (page: Page, action: string) => {
    await page.locator(`form[action="${action}"] button[type=submit]`).first().click()
  }

  /** Returns the paths of the pages that links lead to, from the account page on. */
  const crawl = async (page: Page) => {
    const found = ['/account']
    for (const path of found) {
      await page.goto(origin + path)
      const links = await page.evaluate<string[]>(
        '[...document.querySelectorAll("a[href]:not([download])")].map((a) => a.href)',
      )
      const own = links.filter((link) => link.startsWith(origin)).map((link) => new URL(link).pathname)
      for (const link of own) if (!found.includes(link)) found.push(link)
    }
    return found.filter((path) => path !== '/')
  }

  const check = async ({ page }: Tab, name: string, { locale, colorScheme, width, hasScripts = true }: Variant) => {
    await takeScreenshot(page, `${name}-${locale}-${colorScheme}-${width}${hasScripts ? '' : '-no-script'}`)
    await checkLayout(page, { hasScripts })
    await checkAccessible(page, { hasScripts })
    const document = page.locator('html')
    const language = [await document.getAttribute('lang'), await document.getAttribute('dir')]
    expect([name, ...language]).toEqual([name, locale, locale === 'ar' ? 'rtl' : 'ltr'])
  }

  const visit = async (tab: Tab, path: string, variant: Variant, prefix = '') => {
    const response = await tab.page.goto(origin + path)
    expect([path, response?.status()]).toEqual([path, 200])
    const [pathname = ''] = path.split('?')
    await check(tab, prefix + pathname.slice(1).replaceAll('/', '-'), variant)
  }

  const visitAll = (variant: Variant) => {
    const { locale, colorScheme, width, hasScripts = true } = variant
    const options = { locale, colorScheme, viewport: { width, height: 800 }, javaScriptEnabled: hasScripts }
    return browser.visit(options, async (tab) => {
      const { page, context } = tab
      for (const path of publicPages) await visit(tab, path, variant)
      await signInByApi(page)
      for (const path of ownPages) await visit(tab, path, variant)
      await page.goto(`${origin}/account`)
      await press(page, '/account/authenticator')
      await page.locator('.qr svg').waitFor()
      await check(tab, 'account-authenticator', variant)
      await context.clearCookies()
      await beginSecondStep(page)
      await page.locator('summary').click()
      await check(tab, 'second-factor', variant)
      expect(await page.locator('[name=trust_device]:visible').count()).toBe(hasScripts ? 3 : 2)
      await page.locator('input[name=code]').fill(owner.app.nextCode())
      await page.locator('main form button[type=submit]').first().click()
      await page.waitForURL(`${origin}/account`)
      for (const path of ['/account', '/step-up', ...factorPages])
        await visit(tab, path === '/account/factor' ? `${path}?factor=${owner.passkeyId}` : path, variant, 'factors-')
      await page.goto(`${origin}/account/recovery-codes`)
      await page.locator('main form button[type=submit]').click()
      await page.locator('.codes code').first().waitFor()
      await check(tab, 'recovery-codes-shown', variant)
    })
  }

  it('is in the list of pages, as far as links lead to it', async () => {
    await browser.visit({}, async ({ page, context }) => {
      await signInByApi(page)
      const ofUser = await crawl(page)
      await context.clearCookies()
      await beginSecondStep(page)
      await page.locator('input[name=code]').fill(owner.app.nextCode())
      await page.locator('main form button[type=submit]').first().click()
      await page.waitForURL(`${origin}/account`)
      const ofOwner = await crawl(page)
      const known: readonly string[] = [...publicPages, ...ownPages, ...factorPages, ...stepPages]
      expect([...ofUser, ...ofOwner].filter((path) => !known.includes(path))).toEqual([])
      expect(ofOwner).toEqual(expect.arrayContaining(['/account/password', ...factorPages]))
    })
  })

  it.each(variants)('fits and is accessible: $locale, $colorScheme, $width px', (variant) => visitAll(variant))

  it('fits and is accessible without scripts, and shows nothing that needs one', () =>
    visitAll({ locale: 'en', colorScheme: 'light', width: 360, hasScripts: false }))

  it('says on a page without scripts that a passkey needs one, and shows no field', async () => {
    await browser.visit({ locale: 'de', javaScriptEnabled: false }, async ({ page }) => {
      await signInByApi(page)
      await page.goto(`${origin}/account/passkey`)
      const alert = page.locator('noscript .alert')
      expect([await alert.isVisible(), await alert.textContent()]).toEqual([
        true,
        'Für Passkeys ist ein Browser mit JavaScript nötig.',
      ])
      expect(await page.locator('main :is(input, button):visible').count()).toBe(0)
    })
  })

  it.each([
    ['en', 'light'],
    ['de', 'dark'],
    ['ar', 'dark'],
  ] as const)('fits and is accessible after a form was refused: %s, %s', async (locale, colorScheme) => {
    const variant = { locale, colorScheme, width: 360 } as Variant
    await browser.visit({ locale, colorScheme, viewport: { width: 360, height: 800 } }, async (tab) => {
      const { page, problems } = tab
      problems.expect(/^status (400|401|403|422): POST /)
      const refuse = async (name: string) => {
        await page
          .locator('form')
          .first()
          .evaluate((form) => form.setAttribute('novalidate', ''))
        const fields = page.locator('main form >> nth=0').locator('input:visible:not([type=checkbox])')
        for (let at = 0; at < (await fields.count()); at += 1) await fields.nth(at).fill(at === 0 ? 'x@y.example' : 'x')
        await page.locator('main form button[type=submit]').first().click()
        await page.locator('.alert[role=alert]:visible').waitFor()
        await check(tab, `${name}-refused`, variant)
      }
      for (const path of ['/sign-in', '/register', '/reset-password', '/verify-email']) {
        await page.goto(origin + path)
        await refuse(path.slice(1))
      }
      await beginSecondStep(page)
      await refuse('second-factor')
    })
  })

  it(`loads at most ${maxBytes} bytes, and paints at once`, async () => {
    const lines: string[] = []
    await browser.visit({ locale: 'en' }, async ({ page, context }) => {
      const session = await context.newCDPSession(page)
      await session.send('Network.enable')
      await session.send('Network.setCacheDisabled', { cacheDisabled: true })
      const measure = async (path: string) => {
        const { bytes, firstPaintMs } = await loadPage(page, origin + path)
        lines.push(`${path}: ${bytes} bytes, first paint after ${firstPaintMs?.toFixed(0)} ms`)
        expect([path, bytes <= maxBytes, bytes > 10_000]).toEqual([path, true, true])
        expect(firstPaintMs).toBeGreaterThan(0)
      }
      for (const path of publicPages) await measure(path)
      await signInByApi(page)
      for (const path of ownPages) await measure(path)
    })
    console.log(lines.join('\n'))
  })
})
