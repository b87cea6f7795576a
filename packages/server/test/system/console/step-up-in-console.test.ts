import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { VirtualAuthenticator } from '../../../../../test/support/browser/virtual-authenticator.js'
import { openConsole } from '../../support/console.js'
import { type Person, password, register, tokenState } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'
import { Authenticator } from '../../support/totp-app.js'

let running: TestServer
let browser: TestBrowser
let issuer: string

beforeAll(async () => {
  running = await startForBrowsers({ impersonation: 'on' })
  issuer = running.configuration.issuer
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const confirmation = (page: Page) => page.getByRole('dialog', { name: 'Confirm that it is you' })
const stepUp = /\/v1\/me\/step-up(\/options)?$/

/** Calls the API as the page does, and returns the answer. */
async function call(page: Page, path: string, data: object = {}): Promise<{ readonly id: string; secret: string }> {
  const headers = { 'latchkey-mode': 'cookie', origin: issuer }
  const answer = await page.request.post(issuer + path, { headers, data })
  if (!answer.ok()) throw new Error(`POST ${path} was refused: ${await answer.text()}`)
  return answer.json()
}

/** Adds an authenticator app to the administrator of the page. */
async function addApp(page: Page): Promise<Authenticator> {
  const app = new Authenticator(running, await call(page, '/v1/me/factors/totp'))
  await call(page, '/v1/me/factors/totp/confirm', { code: app.code() })
  return app
}

/** Adds a passkey of a virtual authenticator to the administrator of the page. */
async function addPasskey(page: Page): Promise<VirtualAuthenticator> {
  const authenticator = await VirtualAuthenticator.add(page)
  await page.evaluate(async () => {
    const send = async (path: string, body: object) => {
      const headers = { 'Latchkey-Mode': 'cookie', 'Content-Type': 'application/json' }
      const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
      if (!answer.ok) throw new Error(await answer.text())
      return answer.json()
    }
    const { challenge_token, options } = await send('/v1/me/passkeys/options', {})
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
    const passkey = await navigator.credentials.create({ publicKey })
    await send('/v1/me/passkeys', { challenge_token, passkey })
  })
  return authenticator
}

/** Lets time pass until an authentication of now is not recent any more. */
function grow(): void {
  running.clock.advance(running.configuration.recentSec * 1000 + 1000)
}

/** Opens the console at an account, whose tokens the administrator revokes after `grow`. */
async function visit(test: (tab: Tab & { readonly target: Person; readonly sent: string[] }) => Promise<void>) {
  const target = await register(running)
  await browser.visit({ locale: 'en', viewport: { width: 1280, height: 800 } }, async (tab) => {
    tab.problems.expect(/status 401: POST .*\/v1\/admin\/users\//)
    await openConsole(running, tab.page, `/users/${target.id}`)
    // A new factor would make the requests of the page ask for a step-up as well.
    await tab.page.waitForLoadState('networkidle')
    await button(tab.page, 'Revoke…').waitFor()
    const sent: string[] = []
    tab.page.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (request.method() === 'POST') sent.push(pathname.replace(target.id, ':id'))
    })
    await test({ ...tab, target, sent })
  })
}

/** Asks for the revocation of every token of the account, and waits for the step-up. */
async function revoke(page: Page): Promise<void> {
  await button(page, 'Revoke…').click()
  await button(page, 'Revoke').click()
  await confirmation(page).waitFor()
}

const revoked = (page: Page) => page.getByText('Every session and token of the account has ended.')

describe('an administrator who has not authenticated recently', () => {
  it('confirms an action with the password, after a wrong one', async () => {
    await visit(async ({ page, problems }) => {
      problems.expect(/status 40[13]: POST .*\/v1\/me\/step-up$/)
      grow()
      await button(page, 'Act as this user…').click()
      await page.getByLabel('Reason').fill('Support request 4711')
      await page.keyboard.press('Enter')
      await confirmation(page).getByLabel('Password').waitFor()
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'step-up-password')
      await page.keyboard.type('not the password')
      await page.keyboard.press('Enter')
      await confirmation(page).getByText('password_wrong').waitFor()
      expect(await confirmation(page).getByLabel('Password').inputValue()).toBe('')
      await page.keyboard.type(password)
      await page.keyboard.press('Enter')
      await page.getByText('Open this link in a private window').waitFor()
      expect(await confirmation(page).count()).toBe(0)
    })
  })

  it('confirms an action with a code, after a wrong one', async () => {
    await visit(async ({ page, problems, target }) => {
      problems.expect(/status 40[0-9]: POST .*\/v1\/me\/step-up$/)
      const app = await addApp(page)
      grow()
      await revoke(page)
      await checkAccessible(page)
      await page.keyboard.type(app.wrongCode())
      await page.keyboard.press('Enter')
      await confirmation(page).getByText('factor_wrong').waitFor()
      expect(await tokenState(running, target.token)).toBe(200)
      expect(await confirmation(page).getByLabel('Code').inputValue()).toBe('')
      await page.keyboard.type(app.nextCode())
      await page.keyboard.press('Enter')
      await revoked(page).waitFor()
      expect(await confirmation(page).count()).toBe(0)
      expect(await tokenState(running, target.token)).toBe('token_revoked')
      // The next action needs no further proof.
      await button(page, 'Done').click()
      await button(page, 'Rotate…').click()
      await button(page, 'Rotate').click()
      await page.getByText('A new secret signs').waitFor()
    })
  })

  it('confirms an action with a passkey, after its prompt was cancelled', async () => {
    await visit(async ({ page, target }) => {
      const authenticator = await addPasskey(page)
      grow()
      await revoke(page)
      await authenticator.setUserVerified(false)
      await button(page, 'Use a passkey').press('Enter')
      await confirmation(page).getByText('passkey_not_given').waitFor()
      expect(await tokenState(running, target.token)).toBe(200)
      await authenticator.setUserVerified(true)
      await button(page, 'Use a passkey').press('Enter')
      await revoked(page).waitFor()
      expect(await tokenState(running, target.token)).toBe('token_revoked')
    })
  })

  it('chooses between a code and a passkey', async () => {
    await visit(async ({ page, target }) => {
      const app = await addApp(page)
      await call(page, '/v1/me/step-up', { code: app.nextCode() })
      await addPasskey(page)
      grow()
      await revoke(page)
      await button(page, 'Use a passkey').waitFor()
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, 'step-up-choice')
      await confirmation(page).getByLabel('Code').fill(app.nextCode())
      await page.keyboard.press('Enter')
      await revoked(page).waitFor()
      expect(await tokenState(running, target.token)).toBe('token_revoked')
    })
  })

  it('leaves the action undone by Escape or Cancel, which sends nothing', async () => {
    await visit(async ({ page, target, sent }) => {
      const app = await addApp(page)
      grow()
      await revoke(page)
      for (const leave of ['Escape', 'Cancel']) {
        const before = sent.length
        if (leave === 'Escape') await page.keyboard.press('Escape')
        else await confirmation(page).getByRole('button', { name: 'Cancel' }).click()
        await page.getByText('step_up_cancelled').waitFor()
        expect(await confirmation(page).count()).toBe(0)
        expect(sent.slice(before), leave).toEqual([])
        expect(await tokenState(running, target.token)).toBe(200)
        await button(page, 'Revoke').click()
        await confirmation(page).waitFor()
      }
      expect(sent.filter((path) => stepUp.test(path))).toEqual([])
      await page.keyboard.type(app.nextCode())
      await page.keyboard.press('Enter')
      await revoked(page).waitFor()
    })
  })

  it('is asked although the access token has expired as well', async () => {
    await visit(async ({ page, problems }) => {
      problems.expect(/status 401/)
      const app = await addApp(page)
      grow()
      running.clock.advance(running.configuration.accessTokenTtlSec * 1000)
      await revoke(page)
      await page.keyboard.type(app.nextCode())
      await page.keyboard.press('Enter')
      await revoked(page).waitFor()
    })
  })
})
