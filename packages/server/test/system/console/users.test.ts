import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { openConsole } from '../../support/console.js'
import { freshEmail, login, type Person, register, registerVerified, tokenState } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'
import { addAuthenticator, firstStep } from '../../support/totp-app.js'

const light = { colorScheme: 'light', viewport: { width: 1280, height: 800 }, locale: 'en' } as const
const dark = { colorScheme: 'dark', viewport: { width: 360, height: 740 }, locale: 'en' } as const

let running: TestServer
let browser: TestBrowser
let people: readonly Person[]

beforeAll(async () => {
  running = await startForBrowsers()
  browser = await TestBrowser.start()
  people = [await registerVerified(running), await register(running), await register(running)]
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

const person = (index: number): Person => {
  const found = people[index]
  if (found === undefined) throw new RangeError(`There is no person ${index}.`)
  return found
}
const rows = (page: Page) => page.getByRole('table', { name: 'Users' }).getByRole('row')
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
const dialog = (page: Page) => page.getByRole('dialog')
const confirm = (page: Page, name: string) => dialog(page).getByRole('button', { name, exact: true }).click()
const done = (page: Page) => dialog(page).getByRole('button', { name: 'Done' })

async function check(page: Page, name: string): Promise<void> {
  await checkAccessible(page)
  await checkLayout(page)
  await takeScreenshot(page, name)
}

describe('the list of users', () => {
  it('searches while one types, keeps the focus, and is in the address', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/users')
      const { email } = person(0)
      const search = page.getByRole('searchbox', { name: 'Search' })
      await search.pressSequentially(email.slice(0, 12))
      await page.waitForURL(new RegExp(`search=${email.slice(0, 12)}`))
      await page.getByRole('status').getByText('1 account', { exact: true }).waitFor()
      expect(await search.evaluate((field) => field === document.activeElement)).toBe(true)
      expect(await rows(page).count()).toBe(2)
      await page.reload()
      await rows(page).nth(1).getByText(email).waitFor()
      await search.fill('no such name')
      await page.getByText('No account matches.').waitFor()
      await page.getByRole('link', { name: 'Show all accounts' }).click()
      await rows(page).nth(3).waitFor()
      expect(await search.inputValue()).toBe('')
      await check(page, 'console-users-light')
    })
  })

  it('shows the accounts of a filter in the address, and creates and invites people', async () => {
    await addAuthenticator(running, person(2))
    await browser.visit(dark, async ({ page }) => {
      await openConsole(running, page, '/users?second_factor=with')
      await page.getByRole('link', { name: person(2).email }).waitFor()
      expect(await page.getByRole('link', { name: person(0).email }).count()).toBe(0)
      await page.getByRole('combobox', { name: 'Second factor' }).selectOption('')
      await page.getByRole('link', { name: person(0).email }).waitFor()
      expect(new URL(page.url()).search).toBe('')
      await check(page, 'console-users-dark')
      await button(page, 'Create an account…').click()
      await dialog(page).getByLabel('E-mail address').fill(freshEmail())
      await confirm(page, 'Create the account')
      await dialog(page).getByText('has been created').waitFor()
      await done(page).click()
      await button(page, 'Invite…').click()
      await dialog(page).getByLabel('E-mail address').fill(freshEmail())
      await dialog(page).getByLabel('Delivery').selectOption('link')
      await confirm(page, 'Invite')
      await dialog(page).getByText('#token=').waitFor()
      await checkAccessible(page)
      await done(page).click()
      await page.getByRole('button', { name: /^Revoke the invitation of/ }).click()
      await confirm(page, 'Revoke the invitation')
      await dialog(page).getByText('The invitation is revoked.').waitFor()
      await done(page).click()
      await page.getByRole('heading', { name: 'Open invitations' }).waitFor({ state: 'detached' })
    })
  })

  it('previews an action on the selected accounts, and says what it has done with each', async () => {
    const mark = crypto.randomUUID().slice(0, 8)
    const chosen = [await register(running, `${mark}-a@example.com`), await register(running, `${mark}-b@example.com`)]
    await running.server.service.store.query('update server_accounts set email_verified_at = 1 where id = $1', [
      chosen[1]?.id,
    ])
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, `/users?search=${mark}`)
      for (const { email } of chosen) await page.getByRole('checkbox', { name: `Select ${email}` }).check()
      await page.getByText('2 accounts selected').waitFor()
      await button(page, 'Verify…').click()
      await dialog(page).getByText('1 account: will change; 1 account: is so already.').waitFor()
      await confirm(page, 'Verify 2 accounts')
      await dialog(page).getByText('1 account: done; 1 account: was so already.').waitFor()
      await done(page).click()
      await button(page, 'Disable…').click()
      await dialog(page).getByText('2 accounts: will change.').waitFor()
      await checkAccessible(page)
      await takeScreenshot(page, 'console-bulk-light')
      expect(await tokenState(running, chosen[0]?.token ?? '')).toBe(200)
      await confirm(page, 'Disable 2 accounts')
      await dialog(page).getByText('2 accounts: done.').waitFor()
      expect(await tokenState(running, chosen[0]?.token ?? '')).toBe('token_revoked')
    })
  })
})

describe('the page of one user', () => {
  it('is three clicks from the list to a revoked account, and shows what has ended', async () => {
    const { email } = person(0)
    const { token } = await login(running, email)
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/users')
      await page.getByRole('searchbox', { name: 'Search' }).fill(email)
      await page.getByRole('link', { name: email }).click()
      await button(page, 'Revoke…').click()
      await dialog(page).getByText('Every session and every token ends now').waitFor()
      await confirm(page, 'Revoke')
      await dialog(page).getByText('Every session and token of the account has ended.').waitFor()
      expect(await tokenState(running, token)).toBe('token_revoked')
      await done(page).click()
      await page.getByText('No session of this account lives now.').waitFor()
      await page.getByText('An earlier secret was revoked by an administrator').waitFor()
      await page.getByText('Sessions that have ended within the last day').click()
      await page.getByRole('cell', { name: 'ended by an administrator' }).first().waitFor()
      await page.getByRole('table', { name: 'Newest entries' }).getByText('Secret revoked').waitFor()
      await check(page, 'console-user-light')
    })
  })

  it('carries out every other action, and ends a single session', async () => {
    const { email, id } = await registerVerified(running)
    const { token } = await login(running, email)
    await addAuthenticator(running, { token })
    await browser.visit(dark, async ({ page }) => {
      await openConsole(running, page, `/users/${id}`)
      const act = async (name: string, label: string, result: string) => {
        await button(page, `${name}…`).click()
        await confirm(page, label)
        await dialog(page).getByText(result).waitFor()
        await done(page).click()
      }
      await page.getByText('Version 1 signs and verifies tokens').waitFor()
      await check(page, 'console-user-dark')
      await page
        .getByRole('button', { name: /^End the session of/ })
        .first()
        .click()
      await confirm(page, 'End the session')
      await dialog(page).getByText('The session has ended.').waitFor()
      await done(page).click()
      await act('Rotate', 'Rotate', 'A new secret signs')
      await page.getByText('verifies until its grace period ends').waitFor()
      await button(page, 'Change…').click()
      await dialog(page).getByLabel('Roles in applications').fill('editor reviewer')
      await dialog(page).getByText('editor, reviewer').waitFor()
      await confirm(page, 'Change the grants')
      await done(page).click()
      await page.getByText('editor, reviewer').waitFor()
      await act('Reset link', 'Create the link', 'Hand this link to the owner.')
      await act('Reset factors', 'Reset the factors', 'The factors are removed')
      await act('Require a new password', 'Require a new password', 'the letter is on its way')
      await act('Disable', 'Disable', 'The account is disabled')
      await act('Enable', 'Enable', 'The account can sign in again.')
      await button(page, 'Delete…').click()
      await confirm(page, 'Delete the account')
      await dialog(page).getByText('This is not the address of the account.').waitFor()
      await dialog(page).getByLabel('Type the address').fill(email)
      await confirm(page, 'Delete the account')
      await dialog(page).getByText('The account is deleted.').waitFor()
      await done(page).click()
      await page.getByRole('heading', { level: 1, name: 'Users' }).waitFor()
      expect(await page.getByRole('link', { name: email }).count()).toBe(0)
    })
  })

  it('stops a reset of the factors that waits for its delay', async () => {
    const { email, id, token } = await registerVerified(running)
    await addAuthenticator(running, { token })
    const delaying = await running.startAnother({ configuration: { port: 0, factorResetDelaySec: 86_400 } })
    await browser.visit(dark, async ({ page }) => {
      const admin = await openConsole(running, page, `/users/${id}`)
      await button(page, 'Reset factors…').waitFor()
      await delaying.api.delete(`/v1/admin/users/${id}/factors`, { token: admin.token })
      await page.reload()
      await page.getByText('A reset was requested').waitFor()
      expect(await button(page, 'Reset factors…').count()).toBe(0)
      await check(page, 'console-factor-reset')
      await button(page, 'Stop the factor reset…').click()
      await dialog(page).getByText('The account keeps its factors').waitFor()
      await check(page, 'console-factor-reset-stop')
      await confirm(page, 'Stop the reset')
      await dialog(page).getByText('The reset is stopped').waitFor()
      await done(page).click()
      await button(page, 'Reset factors…').waitFor()
      expect(await page.getByText('A reset was requested').count()).toBe(0)
      await page.getByRole('table', { name: 'Newest entries' }).getByText('Removal of factors canceled').waitFor()
    })
    await delaying.stop()
    expect((await firstStep(running, email)).body.code).toBe('second_factor_required')
  })

  it('refuses a change of grants that another administrator has changed meanwhile', async () => {
    const { id, email } = await register(running)
    await browser.visit(light, async (first) => {
      await openConsole(running, first.page, `/users/${id}`)
      await button(first.page, 'Change…').click()
      await dialog(first.page).getByLabel('Scope in applications').fill('all')
      await browser.visit(light, async ({ page }) => {
        await openConsole(running, page, `/users/${id}`)
        await button(page, 'Change…').click()
        await dialog(page).getByLabel('Scope in applications').fill('some')
        await confirm(page, 'Change the grants')
        await dialog(page)
          .getByText(/verifier/)
          .waitFor()
      })
      first.problems.expect(/status 409: /)
      await confirm(first.page, 'Change the grants')
      await dialog(first.page).getByText('grants_changed_meanwhile').waitFor()
      await confirm(first.page, 'Cancel')
      await first.page.getByText('some', { exact: true }).waitFor()
      const { rows: stored } = await running.server.service.store.query<{ scope: string }>(
        'select scope from server_accounts where email = $1',
        [email],
      )
      expect(stored).toEqual([{ scope: 'some' }])
    })
  })
})
