import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseLetter, type ReceivedLetter } from '../packages/server/test/support/letters.js'
import { sendRegistration, sendSignIn, sendSignOut } from '../packages/server/test/support/page-forms.js'
import { checkAccessible } from './support/browser/check-accessible.js'
import { checkLayout } from './support/browser/check-layout.js'
import { takeScreenshot } from './support/browser/take-screenshot.js'
import { TestBrowser } from './support/browser/test-browser.js'
import { VirtualAuthenticator } from './support/browser/virtual-authenticator.js'
import { freePort } from './support/free-port.js'
import { type ServerProcess, startServer } from './support/server-process.js'

const email = 'ada@example.com'

let folder: string
let browser: TestBrowser
let server: ServerProcess | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-new-user-'))
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Measures the steps of a walk. */
class StopWatch {
  readonly #lines: string[] = []
  #totalMs = 0

  async time<T>(step: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now()
    const result = await work()
    const tookMs = performance.now() - begun
    this.#totalMs += tookMs
    this.#lines.push(`${tookMs.toFixed(0).padStart(6)} ms  ${step}`)
    return result
  }

  get report(): string {
    return [...this.#lines, `${this.#totalMs.toFixed(0).padStart(6)} ms  in total`].join('\n')
  }
}

/** Waits for the letter with this subject in the folder that a fresh server writes to. */
async function receive(subject: RegExp): Promise<ReceivedLetter> {
  const mail = join(folder, 'mail')
  const giveUpAt = Date.now() + 60_000
  while (Date.now() < giveUpAt) {
    const files = existsSync(mail) ? readdirSync(mail).filter((file) => file.endsWith('.eml')) : []
    const letters = await Promise.all(files.map((file) => parseLetter(readFileSync(join(mail, file)))))
    const found = letters.find((letter) => letter.to === email && subject.test(letter.subject))
    if (found !== undefined) return found
    await sleep(20)
  }
  throw new Error(`No letter has arrived whose subject matches ${subject}.`)
}

it('a new user of a fresh server registers, verifies the address, adds a passkey and signs in with it', async () => {
  const watch = new StopWatch()
  const port = await freePort()
  const env = { PORT: String(port), LATCHKEY_DATA_DIR: folder }
  server = await watch.time('start the server, on an empty folder', () => startServer({ env }))
  // The default of LATCHKEY_ISSUER, which the banner prints.
  const home = `http://localhost:${port}`
  await browser.visit({ locale: 'en', viewport: { width: 360, height: 800 } }, async ({ page }) => {
    const authenticator = await VirtualAuthenticator.add(page)
    const arrive = async (path: string) => {
      await page.waitForURL((url) => url.pathname === path)
      await page.waitForLoadState()
    }

    await watch.time('open the front page', async () => {
      await page.goto(`${home}/`)
      await arrive('/sign-in')
    })
    await watch.time('register', async () => {
      await page.getByRole('link', { name: 'Create an account' }).click()
      await arrive('/register')
      await sendRegistration(page, email)
      await arrive('/account')
      await page.getByText('This address is not confirmed yet.').waitFor()
    })
    const { link = '' } = await watch.time('receive the letter', () => receive(/verify|confirm/i))
    await watch.time('open its link and confirm the address', async () => {
      await page.goto(link)
      await page.getByRole('button', { name: 'Confirm address' }).click()
      await page.getByText('Your e-mail address is confirmed.').waitFor()
    })
    await watch.time('sign out', async () => {
      await page.goto(`${home}/sign-out`)
      await sendSignOut(page)
      await arrive('/sign-in')
    })
    await watch.time('sign in with the password', async () => {
      await sendSignIn(page, email)
      await arrive('/account')
    })
    await watch.time('add a passkey', async () => {
      await page.getByRole('link', { name: 'Add a passkey' }).click()
      await arrive('/account/passkey')
      await page.getByLabel('Name of the passkey').fill('Telephone')
      await page.getByRole('button', { name: 'Add a passkey' }).click()
      await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
      expect(await page.getByRole('main').getByRole('listitem').count()).toBe(10)
      await page.getByRole('link', { name: 'I have saved the codes' }).click()
      await page.getByRole('region', { name: 'Two-step sign-in' }).getByText('Telephone').waitFor()
    })
    const [passkey] = await authenticator.passkeys()
    expect(passkey).toMatchObject({ rpId: 'localhost', isResident: true })
    // Otherwise the authenticator accepts the offer of the sign-in page at once.
    await authenticator.setPresent(false)
    await watch.time('sign out again', async () => {
      await page.goto(`${home}/sign-out`)
      await sendSignOut(page)
      await arrive('/sign-in')
    })
    await watch.time('sign in with the passkey, without a name', async () => {
      await authenticator.setPresent(true)
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
      await arrive('/account')
    })
    await watch.time('see the devices', async () => {
      const sessions = page.getByRole('region', { name: 'Devices and sessions' })
      await sessions.getByText('this device').waitFor()
      expect(await sessions.getByRole('listitem').count()).toBe(1)
    })
    await takeScreenshot(page, 'new-user-account')
    await checkLayout(page)
    await checkAccessible(page)
  })
  console.log(watch.report)
})
