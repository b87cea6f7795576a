import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { freePort } from '../../../../../test/support/free-port.js'
import { openConsole } from '../../support/console.js'
import { sendSignIn } from '../../support/page-forms.js'
import { freshEmail, registerVerified, tokenState } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

let running: TestServer
let second: TestServer
let browser: TestBrowser
let home: string

const wide = { colorScheme: 'light', viewport: { width: 1280, height: 900 }, locale: 'en' } as const
const narrow = { colorScheme: 'dark', viewport: { width: 360, height: 780 }, locale: 'en' } as const

beforeAll(async () => {
  running = await startForBrowsers()
  second = await running.startAnother({ configuration: { port: await freePort() } })
  home = `${running.configuration.issuer}/console`
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await second?.stop()
  await running?.stop()
})

async function check(page: Page, name: string): Promise<void> {
  await checkAccessible(page)
  await checkLayout(page)
  await takeScreenshot(page, `console-${name}-${page.viewportSize()?.width}`)
}

/** Stores a task that another server runs. */
async function runElsewhere(done: number): Promise<void> {
  await running.server.service.store.query(
    `insert into server_tasks (kind, state, started_by, started_at, ended_at, step, done, total, code, runner, runner_until)
     values ('rewrap', 'running', 'cli', $1, null, '', $2, 10000, null, 'another', $3)
     on conflict (kind) do update set state = 'running', done = excluded.done, runner_until = excluded.runner_until`,
    [Date.now(), done, Date.now() + 600_000],
  )
}

describe('the page of incidents', () => {
  it('ends the tokens of an account with two clicks, and shows which processes have acknowledged', async () => {
    const ada = await registerVerified(running, freshEmail())
    expect(await tokenState(second, ada.token)).toBe(200)
    await browser.visit(wide, async ({ page }) => {
      await openConsole(running, page, '/incident')
      await check(page, 'incident')
      await page.getByRole('link', { name: 'End the tokens of an account…' }).click()
      await page.getByLabel('Whose? Address or name').fill(ada.email)
      await page.getByRole('button', { name: ada.email }).waitFor()
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('dialog')
      await dialog.getByText('1 open session ends').waitFor()
      await check(page, 'incident-secret')
      await dialog.getByRole('button', { name: 'End them now' }).click()
      await dialog.getByText(/^2 of 2 verifiers, [0-9.]+ m?s$/).waitFor()
      for (const server of [running, second]) expect(await tokenState(server, ada.token)).toBe('token_revoked')
      await dialog.getByText('Each process').click()
      expect(await dialog.getByText(/acknowledged after [0-9]+ ms/).count()).toBe(2)
      await check(page, 'incident-acknowledged')
      // The URL names the account, so that the guide can be continued after a reload.
      await dialog.getByRole('button', { name: 'Done' }).click()
      await page.reload()
      await page.getByText('Open sessions').waitFor()
      expect(page.url()).toContain(`account=${ada.id}`)
    })
  })

  it('fits a phone, in each of its guides, and so does the page of keys', async () => {
    await browser.visit(narrow, async ({ page }) => {
      await openConsole(running, page, '/incident')
      await check(page, 'incident')
      for (const name of ['device', 'everybody', 'database', 'master-key']) {
        await page.goto(`${home}/incident?case=${name}`)
        await page.getByRole('listitem').getByRole('heading', { name: /^1\. / }).waitFor()
        await page.waitForLoadState('networkidle')
        await check(page, `incident-${name}`)
      }
      await page.goto(`${home}/keys`)
      await page.getByText('Kept keys').waitFor()
      await page.getByText('Encrypts', { exact: true }).waitFor()
      await check(page, 'keys')
    })
  })

  it('shows two administrators the same progress, and lets either of them stop it', async () => {
    await runElsewhere(2500)
    await browser.visit(wide, ({ page }) =>
      browser.visit(narrow, async ({ page: other }) => {
        await openConsole(running, page, '/keys')
        await openConsole(running, other, '/keys')
        for (const one of [page, other]) await one.getByText('2,500 of 10,000 values').waitFor()
        await check(page, 'keys-progress')
        await runElsewhere(5000)
        for (const one of [page, other]) await one.getByText('5,000 of 10,000 values').waitFor()
        await page.reload()
        await page.getByText('5,000 of 10,000 values').waitFor()
        await other.getByRole('button', { name: 'Stop the running task' }).click()
        for (const one of [page, other]) await one.getByText('Start it again to continue').waitFor()
      }),
    )
  })

  it('signs all users out with two clicks, and shows the result after the next sign-in', async () => {
    const ada = await registerVerified(running, freshEmail())
    await browser.visit(wide, async ({ page, problems }) => {
      problems.expect(/status 401/)
      const { email } = await openConsole(running, page, '/incident')
      const card = page.getByRole('region', { name: 'All users must sign in again' })
      await card.getByRole('link', { name: 'End all sessions…' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('You are signed out as well').waitFor()
      await check(page, 'incident-everybody')
      await dialog.getByRole('button', { name: 'End all sessions' }).click()
      await page.waitForURL(/\/sign-in\?return_to=/)
      await expect.poll(() => tokenState(second, ada.token)).toBe('token_revoked')
      await sendSignIn(page, email)
      await page.getByText(/^Done$/).waitFor()
      expect(new URL(page.url()).searchParams.get('case')).toBe('everybody')
      // The result of a moment ago comes with the processes that hold it.
      await page.getByText(/of 2 verifiers/).waitFor()
      await check(page, 'incident-everybody-done')
    })
  })
})
