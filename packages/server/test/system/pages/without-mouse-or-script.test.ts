import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { VirtualAuthenticator } from '../../../../../test/support/browser/virtual-authenticator.js'
import { lettersTo } from '../../support/letters.js'
import { sendRegistration, sendSignIn, sendSignOut } from '../../support/page-forms.js'
import { freshEmail, password, registerVerified } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

let running: TestServer
let browser: TestBrowser
let origin: string

beforeAll(async () => {
  running = await startForBrowsers()
  origin = running.configuration.issuer
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

const arrive = (page: Page, path: string) => page.waitForURL((url) => url.pathname === path)
const newestLink = async (email: string) => (await lettersTo(running, email)).at(-1)?.link ?? ''

describe('the pages without a script, in Chromium', () => {
  it('register, verify and recover an account, by links that are pasted', async () => {
    const email = freshEmail()
    await browser.visit({ javaScriptEnabled: false }, async ({ page }) => {
      await page.goto(`${origin}/register`)
      await sendRegistration(page, email)
      await arrive(page, '/account')
      const link = await newestLink(email)
      await page.goto(link)
      await page.getByLabel('Link from the e-mail').fill(link)
      await page.getByRole('button', { name: 'Confirm address' }).click()
      await page.getByText('This address is confirmed.').waitFor()

      await page.goto(`${origin}/sign-out`)
      await sendSignOut(page)
      await page.getByRole('link', { name: 'Forgot your password?' }).click()
      await page.getByLabel('E-mail address').fill(email)
      await page.getByRole('button', { name: 'Send link' }).click()
      await arrive(page, '/check-mail')
      const reset = await newestLink(email)
      await page.goto(reset)
      await page.getByLabel('Link from the e-mail').fill(reset)
      await page.getByLabel('New password').fill('another battery staple')
      await page.getByRole('button', { name: 'Set password' }).click()
      await arrive(page, '/sign-in')
      await sendSignIn(page, email, 'another battery staple')
      await arrive(page, '/account')
    })
  })
})

describe('the pages with a keyboard alone, in Chromium', () => {
  /** Returns the name of the element that has the focus. It throws if a user cannot see it. */
  const focused = async (page: Page) => {
    const found = await page.evaluate<{ name: string; isVisible: boolean; outline: string }>(`(() => {
      const element = document.activeElement
      const { left, right, top, bottom } = element.getBoundingClientRect()
      const name = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent
      return {
        name: name.trim(),
        isVisible: left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight,
        outline: getComputedStyle(element).outlineStyle,
      }
    })()`)
    expect(found).toMatchObject({ isVisible: true, outline: 'solid' })
    return found.name
  }

  it('sign in and out', async () => {
    const email = freshEmail()
    await registerVerified(running, email)
    await browser.visit({}, async ({ page }) => {
      await page.goto(`${origin}/sign-in`)
      expect(await focused(page)).toBe('E-mail address')
      await page.keyboard.type(email)
      await page.keyboard.press('Tab')
      expect(await focused(page)).toBe('Password')
      await page.keyboard.type(password)
      await page.keyboard.press('Enter')
      await arrive(page, '/account')
      await page.keyboard.press('Tab')
      expect(await focused(page)).toBe('Skip to content')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      const names = [await focused(page)]
      while (!names.includes('Sign out')) {
        await page.keyboard.press('Tab')
        names.push(await focused(page))
      }
      expect(names.slice(0, 4)).toEqual(['Change name', 'Change language', 'Change e-mail address', 'Change password'])
      await page.keyboard.press('Space')
      await arrive(page, '/sign-in')
      await page.getByText('You are signed out.').waitFor()
    })
  })

  it('begin with the fault after a form was refused', async () => {
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/^status 4\d\d: POST /)
      await page.goto(`${origin}/register`)
      await sendRegistration(page, freshEmail(), 'short')
      await page.getByText('This password is too short.').waitFor()
      const field = page.getByLabel('Password', { exact: true })
      expect(await field.getAttribute('aria-invalid')).toBe('true')
      expect(await field.getAttribute('aria-describedby')).toContain('password-error')
      expect(await focused(page)).toBe('Password')
      await page.goto(`${origin}/sign-in`)
      await sendSignIn(page, freshEmail())
      await page.getByRole('alert').waitFor()
      expect(await page.title()).toMatch(/^Error: /)
      expect(await page.evaluate('document.activeElement.getAttribute("role")')).toBe('alert')
    })
  })
})

describe('the pages of passkeys, in Chromium', () => {
  it('trust a device after a passkey was the second step', async () => {
    const email = freshEmail()
    await registerVerified(running, email)
    await browser.visit({}, async ({ page }) => {
      const authenticator = await VirtualAuthenticator.add(page)
      await page.goto(`${origin}/sign-in`)
      await sendSignIn(page, email)
      await arrive(page, '/account')
      await page.goto(`${origin}/account/passkey`)
      await page.getByLabel('Name of the passkey').fill('Phone')
      await page.getByRole('button', { name: 'Add a passkey' }).click()
      await page.getByText('Your recovery codes').waitFor()

      const signInAgain = async () => {
        // Else the sign-in page uses the passkey at once.
        await authenticator.setPresent(false)
        await page.goto(`${origin}/sign-out`)
        await sendSignOut(page)
        await arrive(page, '/sign-in')
        await sendSignIn(page, email)
      }
      await signInAgain()
      const usePasskey = page.getByRole('button', { name: 'Use a passkey' })
      await usePasskey.waitFor()
      await page.getByLabel('Do not ask for this on this device for a while').first().check()
      await authenticator.setPresent(true)
      await usePasskey.click()
      await page.getByText('Trusted devices').waitFor()
      await signInAgain()
      await arrive(page, '/account')
    })
  })
})
