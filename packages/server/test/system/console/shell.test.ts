import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { openConsole, signInBrowser } from '../../support/console.js'
import { sendSignIn } from '../../support/page-forms.js'
import { createAdmin, freshEmail, register } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

let running: TestServer
let browser: TestBrowser
let home: string

beforeAll(async () => {
  running = await startForBrowsers()
  home = `${running.configuration.issuer}/console`
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true })
const palette = (page: Page) => page.getByRole('combobox', { name: 'A page, a user or an action' })

/** Asks the palette for users, which is a request to the API. */
async function searchUsers(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+k')
  await palette(page).fill(text)
}

describe('the palette', () => {
  it('opens pages, users and actions by the keyboard alone', async () => {
    const ada = await register(running, `ada-${freshEmail()}`)
    await browser.visit({}, async ({ page }) => {
      await openConsole(running, page)
      await page.keyboard.press('Control+k')
      await page.keyboard.type('token insp')
      await page.keyboard.press('Enter')
      await title(page, 'Token inspector').waitFor()

      await page.keyboard.press('Control+k')
      await page.keyboard.type(ada.email.slice(0, 12))
      const option = page.getByRole('option', { name: ada.email })
      await option.waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL(`${home}/users/${ada.id}`)

      await page.keyboard.press('Control+k')
      await page.keyboard.type('keys')
      const selected = (text: string) =>
        expect.poll(() => page.getByRole('option', { selected: true }).textContent()).toBe(text)
      await selected('Keys')
      await page.keyboard.press('ArrowDown')
      await selected('Show all keys')
      await page.keyboard.press('ArrowDown')
      await selected('Keys')
      await page.keyboard.press('ArrowUp')
      await selected('Show all keys')
      await page.keyboard.press('Enter')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    })
  })

  it('is accessible and fits a phone, with results and without', async () => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 360],
    ] as const) {
      await browser.visit({ colorScheme, viewport: { width, height: 800 } }, async ({ page }) => {
        await openConsole(running, page)
        await page.getByRole('button', { name: /Go to/ }).click()
        await page.getByRole('option').first().waitFor()
        await checkAccessible(page)
        await checkLayout(page)
        await takeScreenshot(page, `palette-${colorScheme}-${width}`)
        await palette(page).fill('qqqq')
        await page.getByText('Nothing found.').waitFor()
        await checkAccessible(page)
        await page.keyboard.press('Escape')
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keys' }).waitFor()
        await checkAccessible(page)
        await checkLayout(page)
        await takeScreenshot(page, `keys-${colorScheme}-${width}`)
      })
    }
  })
})

describe('the keyboard', () => {
  it('has keys for pages, which do nothing in a field, and can be turned off', async () => {
    await browser.visit({}, async ({ page }) => {
      await openConsole(running, page)
      await page.keyboard.type('ga')
      await title(page, 'Audit log').waitFor()
      await page.keyboard.type('gu')
      await title(page, 'Users').waitFor()

      // In a field they are text.
      await page.keyboard.press('Control+k')
      await page.keyboard.type('ga?/')
      expect(await palette(page).inputValue()).toBe('ga?/')
      await page.keyboard.press('Escape')

      await page.keyboard.press('?')
      await page.getByRole('checkbox', { name: /shortcuts/ }).uncheck()
      await page.keyboard.press('Escape')
      await page.reload()
      await title(page, 'Users').waitFor()
      await page.keyboard.type('?ga')
      await page.keyboard.press('Control+k')
      await palette(page).waitFor()
      expect(await page.getByRole('dialog').count()).toBe(1)
      expect(page.url()).toBe(`${home}/users`)
    })
  })

  it('undoes that keys were turned off', async () => {
    await browser.visit({}, async ({ page }) => {
      await openConsole(running, page)
      await page.keyboard.press('?')
      await page.getByRole('checkbox', { name: /shortcuts/ }).uncheck()
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.keyboard.type('gc')
      await title(page, 'Clients').waitFor()
    })
  })
})

describe('a navigation', () => {
  it('moves the focus to the title of the page and announces it', async () => {
    await browser.visit({}, async ({ page }) => {
      await openConsole(running, page)
      const focused = () => page.evaluate(() => document.activeElement?.textContent)
      expect(await focused()).not.toBe('Overview')
      await page.getByRole('link', { name: 'Audit log' }).click()
      await expect.poll(focused).toBe('Audit log')
      expect(await page.locator('[aria-live="polite"]', { hasText: 'Audit log' }).count()).toBe(1)
      expect(await page.title()).toBe('Audit log – Latchkey console')
      await page.goBack()
      await expect.poll(focused).toBe('Overview')
    })
  })

  it('is a menu on a phone, which closes when a page was chosen', async () => {
    await browser.visit({ viewport: { width: 360, height: 800 } }, async ({ page }) => {
      await openConsole(running, page)
      const links = page.getByRole('navigation').getByRole('link')
      expect(await links.count()).toBe(0)
      await page.getByText('Menu', { exact: true }).click()
      await checkLayout(page)
      await takeScreenshot(page, 'menu-light-360')
      await links.filter({ hasText: 'Letters' }).click()
      await title(page, 'Letters').waitFor()
      expect(await links.count()).toBe(0)
    })
  })
})

describe('while a page is open', () => {
  it('and the session ends, the console leads to sign-in and back', async () => {
    await browser.visit({ locale: 'en' }, async ({ page, problems }) => {
      problems.expect(/status 401/)
      const { email, token } = await openConsole(running, page, '/audit')
      await page.locator('main:not(:has(.loading)) table').first().waitFor()
      await running.api.post('/v1/logout-all', { token })
      await searchUsers(page, 'somebody')
      await page.waitForURL(/\/sign-in\?return_to=/)
      await sendSignIn(page, email)
      await title(page, 'Audit log').waitFor()
    })
  })

  it('and the right ends, the page says so', async () => {
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/status 40[13]/)
      const { id } = await openConsole(running, page)
      const other = await createAdmin(running)
      const demotion = { token: other.token, body: { role: 'user' } }
      expect((await running.api.patch(`/v1/admin/users/${id}`, demotion)).status).toBe(200)
      await title(page, 'Your right to use the console has ended').waitFor()
      await checkAccessible(page)
      await takeScreenshot(page, 'right-ended-light-1280')
    })
  })

  it('and the server does not answer, a banner says so until it does', async () => {
    await browser.visit({}, async ({ page, context, problems }) => {
      problems.expect(/ERR_INTERNET_DISCONNECTED/)
      await openConsole(running, page)
      await context.setOffline(true)
      await searchUsers(page, 'somebody')
      const banner = page.getByText('This page may be out of date.')
      await banner.waitFor()
      await page.keyboard.press('Escape')
      await checkAccessible(page)
      await takeScreenshot(page, 'away-light-1280')
      await context.setOffline(false)
      await page.getByText('The server answers again.').waitFor()
      expect(await banner.count()).toBe(0)
    })
  })

  it('and the server gets a new version, a page that is missing offers to reload', async () => {
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/status 404: GET .*audit-page/)
      await openConsole(running, page)
      await page.route(/audit-page/, (route) => route.fulfill({ status: 404 }))
      await page.getByRole('link', { name: 'Audit log' }).click()
      await title(page, 'This page could not be loaded').waitFor()
      await page.unroute(/audit-page/)
      await page.getByRole('button', { name: 'Reload' }).click()
      await title(page, 'Audit log').waitFor()
    })
  })

  it('and the console itself fails, it says so', async () => {
    await browser.visit({}, async ({ page, problems }) => {
      problems.expect(/console: TypeError/)
      await openConsole(running, page)
      await page.route(/\/v1\/admin\/users\?search=/, (route) => route.fulfill({ json: { users: 'none' } }))
      await searchUsers(page, 'somebody')
      await title(page, 'The console has failed').waitFor()
      await checkAccessible(page)
      await page.unroute(/users/)
      await page.getByRole('button', { name: 'Reload' }).click()
      await title(page, 'Overview').waitFor()
    })
  })
})

it('an administrator signs out in the console', async () => {
  await browser.visit({}, async ({ page, problems }) => {
    problems.expect(/status 401/)
    await openConsole(running, page)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/\/sign-in$/)
    await page.goto(home)
    await page.waitForURL(/\/sign-in\?return_to=/)
  })
})

describe('a server that demands a second factor of administrators', () => {
  let strict: TestServer

  beforeAll(async () => {
    strict = await startForBrowsers({ adminSecondFactor: 'require' })
    return () => strict.stop()
  })

  it('leads an administrator without one to the account', async () => {
    await browser.visit({ colorScheme: 'dark', viewport: { width: 360, height: 800 } }, async ({ page, problems }) => {
      problems.expect(/status 403: (GET|POST) .*\/v1\/admin\//)
      const { email } = await createAdmin(strict)
      await signInBrowser(strict, page, email)
      await page.goto(`${strict.configuration.issuer}/console`)
      await title(page, 'Add a second factor first').waitFor()
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'second-factor-dark-360')
      await page.getByRole('link', { name: 'Open your account' }).click()
      await page.waitForURL(/\/account$/)
    })
  })
})
