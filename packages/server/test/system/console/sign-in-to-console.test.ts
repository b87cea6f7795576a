import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { openConsole, signInBrowser } from '../../support/console.js'
import { sendSignIn } from '../../support/page-forms.js'
import { createAdmin, freshEmail, registerVerified } from '../../support/people.js'
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

describe('the console', () => {
  it('leads to the sign-in page, and from there back to the page that was asked for', async () => {
    const { email } = await createAdmin(running)
    await browser.visit({ locale: 'en' }, async ({ page, problems }) => {
      problems.expect(/status 401: GET .*\/v1\/me/)
      await page.goto(`${home}/users`)
      await page.waitForURL(/\/sign-in\?return_to=/)
      await sendSignIn(page, email)
      await page.getByRole('heading', { level: 1, name: 'Users' }).waitFor()
      expect(page.url()).toBe(`${home}/users`)
    })
  })

  it('shows nothing to an account that is no administrator', async () => {
    const email = freshEmail()
    await registerVerified(running, email)
    await browser.visit({}, async ({ page }) => {
      await signInBrowser(running, page, email)
      await page.goto(home)
      await page.getByRole('heading', { name: 'The console is for administrators' }).waitFor()
      expect(await page.getByRole('navigation').count()).toBe(0)
    })
  })

  it('has a page for each link of the navigation', async () => {
    await browser.visit({}, async ({ page }) => {
      await openConsole(running, page)
      const links = page.getByRole('navigation').getByRole('link')
      const titles = await links.allTextContents()
      expect(titles.length).toBeGreaterThan(5)
      for (const title of titles) {
        await links.filter({ hasText: new RegExp(`^${title}$`) }).click()
        await page.getByRole('heading', { level: 1, name: title }).waitFor()
      }
    })
  })
})
