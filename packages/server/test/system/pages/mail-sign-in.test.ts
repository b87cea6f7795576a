import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { signInLetters } from '../../support/mail-sign-in.js'
import { freshEmail, registerVerified } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

let running: TestServer
let browser: TestBrowser
let origin: string

beforeAll(async () => {
  running = await startForBrowsers({ mailSignIn: 'code-and-link' })
  origin = running.configuration.issuer
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

const arrive = (page: Page, path: string) => page.waitForURL((url) => url.pathname === path)

/** Asks for a letter, from the sign-in page on, and returns it. */
async function ask(page: Page, email: string) {
  await page.goto(`${origin}/sign-in?return_to=/account/password`)
  await page.locator('a[href*="/sign-in/mail"]').click()
  await page.locator('input[name=email]').fill(email)
  await page.locator('main form button[type=submit]').click()
  await arrive(page, '/sign-in/code')
  const letter = (await signInLetters(running, email)).at(-1)
  if (letter === undefined) throw new Error('No letter was sent.')
  return letter
}

const check = async (page: Page, name: string, hasScripts = true) => {
  await takeScreenshot(page, name)
  await checkLayout(page, { hasScripts })
  await checkAccessible(page, { hasScripts })
}

describe('a sign-in by mail, in Chromium', () => {
  it('works by the code, without a script', async () => {
    const { email } = await registerVerified(running, freshEmail())
    await browser.visit({ javaScriptEnabled: false, locale: 'en' }, async ({ page, problems }) => {
      const { code } = await ask(page, email)
      await check(page, 'mail-code-no-script', false)
      problems.expect(/^status 403: POST /)
      await page.locator('input[name=code]').fill('00000 00000')
      await page.locator('main form button[type=submit]').click()
      await page.getByText('This code is wrong.').waitFor()
      await page.locator('input[name=code]').fill(code)
      await page.locator('main form button[type=submit]').click()
      await arrive(page, '/account/password')
    })
  })

  it('works by the link in a new tab, by one button, and leaves no token in the address', async () => {
    const { email } = await registerVerified(running, freshEmail())
    const variant = { locale: 'ar', colorScheme: 'dark', viewport: { width: 360, height: 800 } } as const
    await browser.visit(variant, async ({ page, context }) => {
      const letters = (await signInLetters(running, email)).length
      await page.goto(`${origin}/sign-in?return_to=/account/password`)
      await check(page, 'mail-sign-in-ar')
      await page.locator('a[href*="/sign-in/mail"]').click()
      await page.locator('input[name=email]').fill(email)
      await page.locator('main form button[type=submit]').click()
      await arrive(page, '/sign-in/code')
      await check(page, 'mail-code-ar')
      const [letter] = (await signInLetters(running, email)).slice(letters)
      await browser.visit({ locale: 'en' }, async (other) => {
        await other.page.goto(`${origin}/sign-in/link#token=${'x'.repeat(43)}`)
        await check(other.page, 'mail-link-elsewhere')
        expect(await other.page.locator('form').count()).toBe(0)
      })
      const tab = await context.newPage()
      await tab.goto(letter?.letter.link ?? '')
      await check(tab, 'mail-link-ar')
      expect(tab.url()).toBe(`${origin}/sign-in/link?return_to=%2Faccount%2Fpassword`)
      await tab.locator('main form button[type=submit]').click()
      await arrive(tab, '/account/password')
    })
  })
})
