import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signInLetters, wrongCode } from '../../support/mail-sign-in.js'
import { alertOf, faultOf, PageBrowser, textOf } from '../../support/page-browser.js'
import { freshEmail, registerVerified } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator } from '../../support/totp-app.js'

const app = 'https://app.example.com'
const cookie = '__Host-latchkey-mail-sign-in'

describe('the pages of a sign-in by mail', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({
      database: 'sqlite',
      configuration: { mailSignIn: 'code-and-link', returnOrigins: [app] },
    })
  })
  afterAll(() => running.stop())

  const browse = () => new PageBrowser(running.url)
  const letterTo = async (email: string) => {
    const letter = (await signInLetters(running, email)).at(-1)
    if (letter === undefined) throw new Error('No letter was sent.')
    return letter
  }
  /** Asks for a letter, from the sign-in page on. */
  const ask = async (browser: PageBrowser, email: string, returnTo?: string) => {
    const query = returnTo === undefined ? '' : `?return_to=${encodeURIComponent(returnTo)}`
    const signIn = await browser.open(`/sign-in${query}`)
    const [, path = ''] = /href="(\/sign-in\/mail[^"]*)">Send me a code by e-mail</.exec(signIn.html) ?? []
    const page = await browser.send(await browser.open(path.replaceAll('&amp;', '&')), { email })
    return { page, ...(await letterTo(email)) }
  }

  it('sign in by the code, in the browser that has asked for it', async () => {
    const { email } = await registerVerified(running)
    const browser = browse()
    const { page, code } = await ask(browser, email, '/account/password')
    expect(page.path).toMatch(/^\/sign-in\/code\?/)
    expect(page.html).toMatch(/name="code"[^>]* autocomplete="one-time-code" inputmode="numeric"/)
    const wrong = await browser.send(page, { code: wrongCode(code) })
    expect([wrong.status, faultOf(wrong, 'code')]).toEqual([403, 'This code is wrong.'])
    const done = await browser.send(wrong, { code })
    expect([done.status, done.path]).toEqual([200, '/account/password'])
    expect(browser.cookies.has(cookie)).toBe(false)
    expect(page.traffic + wrong.traffic + done.traffic).not.toContain(code)
  })

  it('sign in by the link, and lead back to the application', async () => {
    const { email } = await registerVerified(running)
    const browser = browse()
    const { token, letter } = await ask(browser, email, `${app}/inbox`)
    // A program that checks links opens it first, in another browser.
    const [path = ''] = letter.link?.replace('http://issuer.test', '').split('#') ?? []
    await browse().open(path)
    const page = await browser.open(path, { site: 'cross-site' })
    expect(page.path).toBe(`/sign-in/link?return_to=${encodeURIComponent(`${app}/inbox`)}`)
    expect(page.headers.get('content-security-policy')).toContain(`form-action 'self' ${app};`)
    const done = await browser.send(page, { link: token })
    expect([done.status, done.redirects.at(-1)]).toEqual([303, `${app}/inbox`])
    expect((await browser.open('/account')).path).toBe('/account')
  })

  it('sign no browser in that has not asked for the letter', async () => {
    const { email } = await registerVerified(running)
    const { token } = await ask(browse(), email)
    const other = browse()
    const page = await other.open('/sign-in/link')
    expect(textOf(page, /<(p)>/)).toContain('This browser has not asked for the e-mail.')
    expect(page.html).not.toContain('<form')
    const sent = await other.post('/sign-in/link', { link: token })
    expect([sent.status, other.cookies.has('__Host-latchkey')]).toEqual([403, false])
    await ask(other, (await registerVerified(running)).email)
    const login = await other.post('/sign-in/link', { link: token })
    expect([login.status, faultOf(login, 'link')]).toEqual([403, expect.stringContaining('belongs to another browser')])
    expect(other.cookies.has('__Host-latchkey')).toBe(false)
  })

  it('look alike for an address without an account', async () => {
    const browser = browse()
    const page = await browser.send(await browser.open('/sign-in/mail'), { email: freshEmail() })
    expect([page.status, page.path]).toEqual([200, '/sign-in/code'])
    const wrong = await browser.send(page, { code: '12345 67890' })
    expect([wrong.status, faultOf(wrong, 'code')]).toEqual([403, 'This code is wrong.'])
  })

  it('lead to no place outside that the cookie names', async () => {
    const { email } = await registerVerified(running)
    const browser = browse()
    const { token } = await ask(browser, email)
    const kept = browser.cookies.get(cookie)
    const place = Buffer.from('https://evil.example/').toString('base64url')
    if (kept !== undefined) browser.cookies.set(cookie, { ...kept, value: `${kept.value}.${place}` })
    const page = await browser.open('/sign-in/link')
    expect(page.path).toBe('/sign-in/link')
    expect((await browser.send(page, { link: token })).path).toBe('/account')
  })

  it('ask for the second factor of the account', async () => {
    const person = await registerVerified(running)
    const authenticator = await addAuthenticator(running, person)
    const browser = browse()
    const { page, code } = await ask(browser, person.email)
    const second = await browser.send(page, { code })
    expect([second.status, textOf(second, /<(h1)>/)]).toEqual([200, 'Confirm that it is you'])
    const done = await browser.send(second, { code: authenticator.app.nextCode() })
    expect([done.status, done.path]).toEqual([200, '/account'])
    // A step-up by a code says why it cannot help, and does not lead in a circle.
    const stepUp = await browser.open('/step-up?return_to=/account')
    const refused = await browser.send(stepUp, { code: authenticator.app.nextCode() })
    expect([refused.status, alertOf(refused)]).toEqual([403, expect.stringContaining('Sign in with your password')])
  })

  it('say in which browser a link works where letters have only a link, and are not there where it is off', async () => {
    const byLink = await startServer({ database: 'sqlite', configuration: { mailSignIn: 'link' } })
    const off = await startServer({ database: 'sqlite' })
    const browser = new PageBrowser(byLink.url)
    expect((await browser.open('/sign-in')).html).toContain('Send me a link by e-mail')
    const page = await browser.send(await browser.open('/sign-in/mail'), { email: freshEmail() })
    expect([page.path, page.html]).toEqual([
      '/check-mail?notice=same-browser',
      expect.stringContaining('Open the link in this browser.'),
    ])
    expect((await browser.open('/sign-in/code')).status).toBe(404)
    const none = new PageBrowser(off.url)
    expect((await none.open('/sign-in')).html).not.toContain('/sign-in/mail')
    for (const path of ['/sign-in/mail', '/sign-in/code', '/sign-in/link'])
      expect((await none.open(path)).status).toBe(404)
    await Promise.all([byLink.stop(), off.stop()])
  })
})
