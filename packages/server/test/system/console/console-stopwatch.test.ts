import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { freePort } from '../../../../../test/support/free-port.js'
import { signInBrowser } from '../../support/console.js'
import { addDemoData } from '../../support/demo-data.js'
import { createAdmin, register, tokenState } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

const maxClicks = 4

let running: TestServer
let another: TestServer
let browser: TestBrowser

beforeAll(async () => {
  running = await startForBrowsers()
  another = await running.startAnother({ configuration: { port: await freePort() } })
  await addDemoData(running)
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await another?.stop()
  await running?.stop()
})

it('a new administrator finds a user and revokes the tokens in every process, in at most four clicks', async () => {
  const victim = await register(running, 'grace.hopper@example.com')
  const { email } = await createAdmin(running)
  expect(await tokenState(another, victim.token)).toBe(200)
  await browser.visit({}, async ({ page }) => {
    await signInBrowser(running, page, email)
    let clicks = 0
    const click = async (control: Locator) => {
      await control.click()
      clicks += 1
    }
    const begun = performance.now()
    await page.goto(`${running.configuration.issuer}/console`)
    await click(page.getByRole('navigation').getByRole('link', { name: 'Users', exact: true }))
    await searchOf(page).fill('grace.hop')
    await click(page.getByRole('main').getByRole('link', { name: victim.email }))
    await click(
      page
        .getByRole('main')
        .getByRole('button', { name: /^Revoke/ })
        .first(),
    )
    await click(page.getByRole('dialog').getByRole('button', { name: /Revoke/ }))
    const confirmed = page.getByRole('dialog').getByText(/\d+ of \d+ verifiers/)
    await confirmed.waitFor()
    const seconds = (performance.now() - begun) / 1000
    console.log(`Opened, found, revoked, confirmed: ${clicks} clicks in ${seconds.toFixed(1)} s.`)
    expect(await confirmed.textContent()).toContain('2 of 2 verifiers')
    expect(clicks).toBeLessThanOrEqual(maxClicks)
  })
  expect(await tokenState(another, victim.token)).not.toBe(200)
})

function searchOf(page: Page): Locator {
  return page.getByRole('main').getByRole('searchbox').first()
}
