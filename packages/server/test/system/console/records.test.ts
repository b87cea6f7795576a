import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { type Tab, TestBrowser, type VisitorOptions } from '../../../../../test/support/browser/test-browser.js'
import { openConsole } from '../../support/console.js'
import { holdLetters } from '../../support/letters.js'
import { form } from '../../support/machines.js'
import { type Person, register } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

const light: VisitorOptions = { colorScheme: 'light', viewport: { width: 1280, height: 900 }, locale: 'en' }
const dark: VisitorOptions = { colorScheme: 'dark', viewport: { width: 360, height: 740 }, locale: 'en' }

let running: TestServer
let browser: TestBrowser
let person: Person
let home: string
let release: () => void

beforeAll(async () => {
  running = await startForBrowsers()
  home = `${running.configuration.issuer}/console`
  browser = await TestBrowser.start()
  person = await register(running)
  await running.server.service.mail.outboxWorker?.deliver()
  release = await holdLetters(running)
  await register(running)
})
afterAll(async () => {
  release?.()
  await browser?.close()
  await running?.stop()
})

/** Checks a page in the light theme, wide, and in the dark theme, narrow. */
async function checkBoth(page: Page, name: string): Promise<void> {
  for (const { colorScheme = 'light', viewport } of [light, dark]) {
    await page.emulateMedia({ colorScheme })
    if (viewport) await page.setViewportSize(viewport)
    await checkAccessible(page)
    await checkLayout(page)
    await takeScreenshot(page, `${name}-${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  if (light.viewport) await page.setViewportSize(light.viewport)
}

/**
 * Fails if a token is in the URL, the history, a storage, a cookie of scripts, or the URL of a
 * request.
 */
async function checkNowhere({ page }: Tab, token: string, urls: readonly string[]): Promise<void> {
  const kept = await page.evaluate(async () => {
    const databases = (await indexedDB.databases?.()) ?? []
    const cached = await caches.keys()
    const stored = [localStorage, sessionStorage].map((storage) => JSON.stringify({ ...storage }))
    const state = JSON.stringify(history.state)
    return [location.href, document.referrer, document.cookie, state, ...stored, ...cached, JSON.stringify(databases)]
  })
  const [, payload = '', signature = token] = token.split('.')
  for (const place of [...kept, ...urls]) {
    for (const part of [token, payload, signature].filter((one) => one.length > 20)) expect(place).not.toContain(part)
  }
}

const main = (page: Page) => page.getByRole('main')

describe('the token inspector', () => {
  it('explains tokens, and leaves no trace of them in the browser', async () => {
    const exchanged = await running.api.post(
      '/oauth/token',
      form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: person.token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    )
    await browser.visit(light, async (tab) => {
      const { page } = tab
      const urls: string[] = []
      page.on('request', (request) => urls.push(request.url(), request.headers().referer ?? ''))
      await openConsole(running, page, '/inspector')
      const field = page.getByLabel('Token', { exact: true })
      const inspect = async (token: string) => {
        await field.fill(token)
        await page.getByRole('button', { name: 'Inspect' }).click()
      }
      await inspect(`  Bearer ${person.token}\n`)
      await page.getByText('Accepted now').waitFor()
      await page.getByRole('link', { name: person.email }).waitFor()
      await page.getByText('Generation 1').waitFor()
      expect(await page.getByText('Signed by its owner').count()).toBe(2)
      await page.getByText(/^in 1[45] minutes$/).waitFor()
      await checkBoth(page, 'inspector-accepted')
      await checkNowhere(tab, person.token, urls)

      const [header, , signature] = person.token.split('.')
      await inspect(
        `${header}.${Buffer.from('{"sub":"<img src=x>","role":"admin"}').toString('base64url')}.${signature}`,
      )
      await page.getByText('Refused now').waitFor()
      await page.getByText('<img src=x>').waitFor()
      expect(await page.getByText('Claimed, not verified').count()).toBe(2)
      await checkBoth(page, 'inspector-refused')

      await inspect(exchanged.body.access_token)
      await page.getByRole('heading', { name: 'A token for another service' }).waitFor()
      await inspect(person.refreshToken)
      await page.getByRole('heading', { name: 'A refresh token' }).waitFor()
      expect(await main(page).textContent()).not.toContain(person.sessionId)
      await checkNowhere(tab, person.refreshToken, urls)
      await inspect('garbage')
      await page.getByRole('heading', { name: 'Not a token of this server' }).waitFor()

      await inspect(person.token)
      await page.getByText('Accepted now').waitFor()
      await page.getByRole('link', { name: 'Settings' }).click()
      await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
      await page.goBack()
      await page.getByRole('heading', { level: 1, name: 'Token inspector' }).waitFor()
      expect([await field.inputValue(), await page.getByText('Accepted now').count()]).toEqual(['', 0])
      await inspect(person.token)
      await page.getByText('Accepted now').waitFor()
      await page.reload()
      await field.waitFor()
      expect(await field.inputValue()).toBe('')
      await checkNowhere(tab, person.token, urls)
    })
  })

  it('shows what would be issued for a user now', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/inspector')
      await page.getByLabel('Account: ID or address').fill(person.email)
      await page.getByRole('button', { name: 'Show' }).click()
      await page.getByText('Nothing is signed here').waitFor()
      expect(page.url()).toContain('?user=')
      await checkAccessible(page)
    })
  })
})

describe('the audit log', () => {
  it('is filtered by the URL, verified and exported', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/audit')
      await page.getByLabel('Event').selectOption('register')
      await page.getByLabel('About the account').fill(person.id)
      await page.getByRole('button', { name: 'Filter', exact: true }).click()
      await page.waitForURL(/event=register/)
      await expect.poll(() => page.getByRole('table').getByRole('row').count()).toBe(2)
      await page.getByText('Details').last().click()
      await page.getByText('Entry ID').waitFor()
      await page.getByRole('button', { name: 'Verify the chain' }).click()
      await page.getByText('Unchanged').waitFor()
      await checkBoth(page, 'audit')

      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Export as CSV' }).click(),
      ])
      expect(download.suggestedFilename()).toBe('latchkey-audit.csv')
      const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n')
      expect([lines[0], lines.length]).toEqual([expect.stringMatching(/^id,at,event/), 2])

      await page.goto(`${home}/audit?account=${person.id}&event=login`)
      await page.getByText('No entry matches').waitFor()
      await page.goto(`${home}/audit?since=2030-01-01T00:00`)
      await page.getByText('No entry matches').waitFor()
    })
  })
})

describe('the settings', () => {
  it('are shown with their sources, and found by words', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/settings')
      await page.getByText('LATCHKEY_MASTER_KEYS', { exact: true }).waitFor()
      await page.getByText('LATCHKEY_ISSUER', { exact: true }).click()
      await page
        .getByText(/^It must be an http or https URL/)
        .first()
        .waitFor()
      await checkBoth(page, 'settings')
      await page.getByLabel('Search').fill('smtp url')
      await expect.poll(() => page.getByText('LATCHKEY_ISSUER', { exact: true }).count()).toBe(0)
      expect(page.url()).toContain('q=smtp')
      await page.goto(`${home}/settings?source=environment`)
      await page.getByText('PORT', { exact: true }).waitFor()
    })
  })
})

const htmlLetter = (page: Page) => page.frameLocator('iframe[title="The letter as HTML"]')

describe('the letters', () => {
  it('are listed, can be dropped, and have previews in each language', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/letters')
      const drop = page.getByRole('button', { name: 'Drop' })
      await drop.first().waitFor()
      await checkBoth(page, 'letters-waiting')
      const before = await drop.count()
      await drop.first().click()
      await page.getByText('never sent').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Drop' }).click()
      await page.getByText('The letter was dropped.').waitFor()
      await page.getByRole('button', { name: 'Done' }).click()
      await expect.poll(() => drop.count()).toBe(before - 1)

      await page.getByRole('tab', { name: 'Sent' }).click()
      await page.getByText('Taken by the mail server').first().waitFor()
      await page.getByText('Dropped by an administrator').waitFor()
      await checkBoth(page, 'letters-sent')

      await page.getByRole('tab', { name: 'Templates' }).click()
      await page.getByLabel('Letter', { exact: true }).selectOption('new_device')
      await page.getByLabel('Language').selectOption('ar')
      await page.locator('article[lang=ar][dir=rtl]').waitFor()
      expect(page.url()).toContain('tab=templates&kind=new_device&locale=ar')
      await checkBoth(page, 'letters-template')
      await page.getByRole('tab', { name: 'As HTML' }).click()
      await htmlLetter(page).locator('html[lang=ar][dir=rtl] p').first().waitFor()
      await checkBoth(page, 'letters-template-html')
      await page.goto(`${home}/letters?tab=templates&kind=reset_password&locale=de`)
      await page.locator('article[lang=de]').waitFor()
      await page.goBack()
      await page.locator('article[lang=ar]').waitFor()
    })
  })

  it('have a preview of their HTML in a frame without rights, whose links lead nowhere', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/letters?tab=templates&kind=reset_password')
      await page.getByRole('tab', { name: 'As HTML' }).click()
      await page.waitForURL(/as=html/)
      const link = htmlLetter(page).locator('a[href*="/reset-password#token="]')
      await link.waitFor()
      await checkBoth(page, 'letters-html')
      expect(await page.locator('iframe').getAttribute('sandbox')).toBe('')
      const opened: string[] = []
      page.on('framenavigated', (frame) => opened.push(frame.url()))
      page.context().on('page', (other) => opened.push(other.url()))
      await link.click({ force: true })
      await link.click({ force: true, button: 'middle' })
      await page.locator('iframe').focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      // The frame is shown anew, after everything that a link could have started.
      await page.getByLabel('Language').selectOption('de')
      await htmlLetter(page).locator('html[lang=de]').waitFor()
      expect(opened.filter((url) => url.includes('/reset-password'))).toEqual([])
      expect(page.context().pages()).toHaveLength(1)
    })
  })
})
