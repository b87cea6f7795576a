import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { operator } from '../../../src/audit/operator.js'
import { openConsole, signInBrowser } from '../../support/console.js'
import { createAuditor, register } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

const desktop = { colorScheme: 'light', viewport: { width: 1280, height: 800 } } as const
const phone = { colorScheme: 'dark', viewport: { width: 360, height: 740 } } as const

let running: TestServer
let browser: TestBrowser

beforeAll(async () => {
  running = await startForBrowsers()
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

/** Returns the answer of the token endpoint to a client with this secret. */
async function tokenOf(id: string, secret: string): Promise<{ status: number; token: string }> {
  const answer = await fetch(`${running.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const body = (await answer.json()) as { access_token?: string }
  return { status: answer.status, token: body.access_token ?? '' }
}

const dialogOf = (page: Page) => page.getByRole('dialog')

/** Confirms an action in its dialog, and returns the text of its result. */
async function confirm(page: Page, label: string): Promise<string> {
  await dialogOf(page).getByRole('button', { name: label, exact: true }).click()
  const result = await dialogOf(page).getByRole('status').innerText()
  await dialogOf(page).getByRole('button', { name: 'Done' }).click()
  return result
}

/** Returns the ID and the secret that a dialog shows. */
async function secretShown(page: Page): Promise<[id: string, secret: string]> {
  const shown = dialogOf(page).getByRole('status').locator('code')
  return [await shown.nth(0).innerText(), await shown.nth(1).innerText()]
}

/** Returns the buttons of the page, except those that only copy. */
async function changesOffered(page: Page): Promise<string[]> {
  const names = await page.getByRole('main').getByRole('button').allInnerTexts()
  return names.filter((name) => !name.startsWith('Copy'))
}

describe('the page of clients', () => {
  it('creates a client, shows its secret once, and ends what has leaked', async () => {
    await browser.visit(desktop, async ({ page }) => {
      await openConsole(running, page, '/clients')
      await page.getByText('There is no client yet.').waitFor()

      await page.getByRole('button', { name: 'New client' }).click()
      await dialogOf(page).getByLabel('Name').fill('nightly report')
      await dialogOf(page).getByLabel('Scope').fill('articles:read  articles:write')
      await dialogOf(page).getByLabel('May introspect tokens').check()
      await checkAccessible(page)
      await page.keyboard.press('Enter')
      const [id, secret] = await secretShown(page)
      expect(secret).toMatch(/^lkcs_/)
      await takeScreenshot(page, 'client-secret')
      await dialogOf(page).getByRole('button', { name: 'Done' }).click()
      const { status, token } = await tokenOf(id, secret)
      expect(status).toBe(200)

      await page.getByRole('link', { name: 'nightly report' }).click()
      await page.getByRole('heading', { name: 'Client secrets' }).waitFor()
      expect(new URL(page.url()).searchParams.get('client')).toBe(id)
      expect(await page.content(), 'a secret is shown once').not.toContain(secret)
      expect(await page.getByRole('region', { name: 'nightly report' }).innerText()).toContain('articles:write')
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'clients')

      await page.getByRole('button', { name: 'New client secret' }).click()
      await dialogOf(page).getByLabel('The old secret stays valid').selectOption('0')
      await dialogOf(page).getByRole('button', { name: 'Create the secret' }).click()
      const [, renewed] = await secretShown(page)
      await dialogOf(page).getByRole('button', { name: 'Done' }).click()
      expect((await tokenOf(id, secret)).status).toBe(401)
      const { latchkey } = running.server.service
      await expect((async () => latchkey.verify(token))()).rejects.toMatchObject({ code: 'token_revoked' })
      expect((await tokenOf(id, renewed)).status).toBe(200)

      await page.getByRole('button', { name: 'Change', exact: true }).click()
      await dialogOf(page).getByLabel('Name').fill('weekly report')
      await dialogOf(page).getByRole('button', { name: 'Save' }).click()
      await page.getByRole('heading', { name: 'weekly report' }).waitFor()

      await page.getByRole('button', { name: 'Disable' }).click()
      expect(await confirm(page, 'Disable')).toContain('is disabled')
      await page.getByRole('button', { name: 'Enable' }).waitFor()
      expect((await tokenOf(id, renewed)).status).toBe(400)
      await page.getByRole('button', { name: 'Enable' }).click()
      expect(await confirm(page, 'Enable')).toContain('is enabled')
      await page.getByRole('button', { name: 'Rotate signing secret' }).click()
      expect(await confirm(page, 'Rotate')).toContain('signs from now on')
      await page.getByRole('button', { name: 'Revoke tokens' }).click()
      expect(await confirm(page, 'Revoke')).toContain('have ended')

      await page.getByRole('button', { name: 'Delete' }).click()
      expect(await confirm(page, 'Delete')).toContain('is deleted')
      await page.getByText('There is no client yet.').waitFor()
      expect(new URL(page.url()).search).toBe('')
      expect((await tokenOf(id, renewed)).status).toBe(401)
    })
  })
})

describe('the page of rotations', () => {
  const stateIs = (page: Page, state: string) => page.locator('.badge', { hasText: state }).waitFor()

  it('starts with a canary, and follows what another administrator does', async () => {
    for (let i = 0; i < 3; i += 1) await register(running)
    await browser.visit(desktop, async ({ page, problems }) => {
      await openConsole(running, page, '/rotation')
      await page.getByRole('heading', { name: 'No rotation yet' }).waitFor()
      await checkAccessible(page)

      await page.getByRole('button', { name: 'Rotate all secrets' }).click()
      await dialogOf(page).getByLabel('Canary').fill('1')
      await dialogOf(page)
        .getByText(/takes about/)
        .waitFor()
      await takeScreenshot(page, 'rotation-start')
      await dialogOf(page).getByRole('button', { name: 'Start' }).click()
      await stateIs(page, 'Paused')
      const facts = page.locator('.facts')
      expect(await facts.innerText()).toMatch(/Rotated\s+1\b/)
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'rotation-paused')
      await page.getByRole('button', { name: 'Resume' }).click()
      await stateIs(page, 'Done')
      expect(await facts.innerText()).toMatch(/Remaining\s+0\b/)

      await page.getByRole('button', { name: 'Rotate all secrets' }).click()
      await dialogOf(page).getByLabel('Rate per minute').fill('1')
      await dialogOf(page).getByRole('button', { name: 'Start' }).click()
      await stateIs(page, 'Running')
      const { rotations } = running.server.service
      await rotations.pause(operator)
      await stateIs(page, 'Paused')
      await rotations.stop(operator)
      // The page still shows the pause: the refusal is explained, and the state is read again.
      problems.expect(/status 404: POST .*\/v1\/admin\/rotations\/resume/)
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.getByText('rotation_unknown').waitFor()
      await stateIs(page, 'Stopped')
    })
  })
})

describe('an auditor in the console', () => {
  it('reads clients and rotations, and is offered no change', async () => {
    const { clientAdministration, rotations, store } = running.server.service
    const { client } = await clientAdministration.create(operator, { name: 'seen', scope: 'a:b', mayIntrospect: false })
    await rotations.start(operator, { ratePerMinute: 1 })
    await rotations.stop(operator)
    await store.query(`update server_rotations set failed = '{"tenant_inactive":2}'`)
    const { email } = await createAuditor(running)
    const home = `${running.configuration.issuer}/console`
    await browser.visit(phone, async ({ page }) => {
      await signInBrowser(running, page, email)
      await page.goto(`${home}/clients?client=${client.id}`)
      await page.getByRole('heading', { name: 'Client secrets' }).waitFor()
      await page.getByText('Auditor: read only').waitFor()
      expect(await changesOffered(page)).toEqual([])
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'clients-phone')
      await page.goto(`${home}/rotation`)
      await page.getByText('tenant_inactive').waitFor()
      expect(await changesOffered(page)).toEqual([])
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'rotation-phone')
    })
  })
})
