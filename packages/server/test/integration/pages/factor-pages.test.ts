import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertOf, faultOf, formsOf, PageBrowser, type ShownPage, textOf } from '../../support/page-browser.js'
import { freshEmail, password } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const access = '__Host-latchkey'
const stepMs = 30_000

describe.each(databases)('the pages of factors, without a script, on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const browse = () => new PageBrowser(running.url)
  const formAt = (page: ShownPage, action: string, index = 0) => {
    const found = formsOf(page).flatMap((form, at) => (form.action?.startsWith(action) === true ? [at] : []))
    return found[index] ?? -1
  }
  /** Each code works once, so that time passes before the next one. */
  const codeOf = (secret: string) => {
    running.clock.advance(stepMs)
    return new TOTP({ secret }).generate({ timestamp: running.clock.now() })
  }

  /** Registers an account, and adds an authenticator app on its pages. */
  const withApp = async () => {
    const browser = browse()
    const email = freshEmail()
    const account = await browser.send(await browser.open('/register'), { email, password })
    const page = await browser.send(account, {}, formAt(account, '/account/authenticator'))
    const secret = formsOf(page)[0]?.values.secret ?? ''
    expect([page.status, secret]).toEqual([200, expect.stringMatching(/^[A-Z2-7]{32}$/)])
    expect(page.html).toMatch(/<div class="qr" role="img" aria-label="[^"]+"><svg /)
    const wrong = await browser.send(page, { code: '000000' })
    expect([wrong.status, faultOf(wrong, 'code')]).toEqual([403, 'This code is wrong, or was used before.'])
    expect(formsOf(wrong)[0]?.values).toMatchObject({ secret, code: '' })
    const shown = await browser.send(wrong, { code: codeOf(secret) })
    const codes = [...shown.html.matchAll(/<li><code>([0-9A-Z-]+)<\/code>/g)].map(([, code = '']) => code)
    expect([shown.status, textOf(shown, /<(h1)>/), codes.length]).toEqual([200, 'Your recovery codes', 10])
    return { browser, email, secret, codes }
  }

  const firstStep = async (email: string, browser = browse(), path = '/sign-in') => {
    const page = await browser.send(await browser.open(path), { email, password })
    expect([page.status, textOf(page, /<(h1)>/)]).toEqual([200, 'Confirm that it is you'])
    expect([browser.cookies.has(access), page.redirects]).toEqual([false, []])
    return { browser, page }
  }

  it('add an app, and ask for its code at the next sign-in', async () => {
    const { email, secret } = await withApp()
    const { browser, page } = await firstStep(email, browse(), '/sign-in?return_to=%2Faccount%2Fname')
    const wrong = await browser.send(page, { code: '000000' })
    expect([wrong.status, faultOf(wrong, 'code')]).toEqual([403, 'This code is wrong, or was used before.'])
    expect(browser.cookies.has(access)).toBe(false)
    const signedIn = await browser.send(wrong, { code: codeOf(secret) })
    expect(signedIn.path).toBe('/account/name')
    const again = await browser.send(page, { code: codeOf(secret) })
    expect([again.status, alertOf(again)]).toEqual([400, 'This step has expired. Begin again.'])
  })

  it('accept each recovery code once', async () => {
    const { email, codes } = await withApp()
    const use = async () => {
      const { browser, page } = await firstStep(email)
      return browser.send(page, { recovery_code: codes[0] ?? '' }, 1)
    }
    expect((await use()).path).toBe('/account')
    const second = await use()
    expect([second.status, faultOf(second, 'recovery_code')]).toEqual([403, 'This code is wrong, or was used before.'])
    expect(formsOf(second)[1]?.values.recovery_code).toBe('')
  })

  it('complete the second step only on the device of the first', async () => {
    const { email, secret } = await withApp()
    const { page } = await firstStep(email)
    const elsewhere = await browse().send(page, { code: codeOf(secret) })
    expect([elsewhere.status, alertOf(elsewhere)]).toEqual([400, 'This step has expired. Begin again.'])
  })

  it('trust a device for a while, and no longer on request', async () => {
    const { email, secret } = await withApp()
    const { browser, page } = await firstStep(email)
    const account = await browser.send(page, { code: codeOf(secret), trust_device: 'on' })
    expect(account.html).toContain('Trusted devices')
    await browser.send(account, {}, formAt(account, '/sign-out'))
    const trusted = await browser.send(await browser.open('/sign-in'), { email, password })
    expect(trusted.path).toBe('/account')
    const untrust = formsOf(trusted).findIndex(({ values }) => values.action === 'untrust')
    const after = await browser.send(trusted, {}, untrust)
    expect([after.path, after.html.includes('Trusted devices')]).toEqual(['/account?notice=device-untrusted', false])
    await browser.send(after, {}, formAt(after, '/sign-out'))
    await firstStep(email, browser)
  })

  it('make new recovery codes, and remove the app', async () => {
    const { email, secret, codes } = await withApp()
    const { browser, page } = await firstStep(email)
    await browser.send(page, { code: codeOf(secret) })
    const shown = await browser.send(await browser.open('/account/recovery-codes'))
    const made = [...shown.html.matchAll(/<li><code>([0-9A-Z-]+)<\/code>/g)].map(([, code = '']) => code)
    expect([shown.status, made.length, made.filter((code) => codes.includes(code))]).toEqual([200, 10, []])
    const account = await browser.open('/account')
    expect(account.html).not.toContain(made[0] ?? '')
    const removed = await browser.send(account, {}, formAt(account, '/account/factor'))
    expect([removed.path, removed.html]).toEqual([
      '/account?notice=factor-removed',
      expect.stringContaining('Only your password protects this account.'),
    ])
    const back = browse()
    expect((await back.send(await back.open('/sign-in'), { email, password })).path).toBe('/account')
  })

  it('ask the owner to authenticate again before a change', async () => {
    const { browser } = await withApp()
    const page = await browser.send(await browser.open('/account/recovery-codes'))
    expect(page.redirects.at(-1)).toBe('/step-up?return_to=%2Faccount%2Frecovery-codes')
  })

  it('begin nothing when they are only opened', async () => {
    const { browser } = await withApp()
    expect((await browser.open('/account/authenticator')).path).toBe('/account')
    expect((await browser.open('/sign-in/second-factor')).path).toBe('/account')
    expect((await browse().open('/sign-in/second-factor')).path).toBe('/sign-in')
  })
})
