import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestLetter } from '../../support/letters.js'
import { alertOf, faultOf, formsOf, PageBrowser, textOf } from '../../support/page-browser.js'
import { createAdmin, freshEmail, login, password } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const access = '__Host-latchkey'
const newPassword = 'eleven purple violins at noon'

describe.each(databases)('the pages, without a script, on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const browse = ({ url } = running) => new PageBrowser(url)
  const heading = (page: { html: string }) => textOf(page, /<(h1)>/)
  const noticeOf = (page: { html: string }) => textOf(page, /<(p) class="notice"/)

  const registered = async (email = freshEmail()) => {
    const browser = browse()
    const page = await browser.send(await browser.open('/register'), { email, password, name: 'Ada' })
    expect([page.status, page.path, heading(page)]).toEqual([200, '/account', 'Your account'])
    return { browser, email, page }
  }

  it('lead from / to the sign-in page, and from there to the account', async () => {
    const { email } = await registered()
    const browser = browse()
    const page = await browser.open('/')
    expect([page.status, page.path]).toEqual([200, '/sign-in?return_to=%2Faccount'])
    const account = await browser.send(page, { email, password })
    expect([account.status, account.path]).toEqual([200, '/account'])
    expect(account.html).toContain(email)
    expect((await browser.open('/sign-in')).path).toBe('/account')
  })

  it('sign out, on this device and on all', async () => {
    const { browser, email, page } = await registered()
    const out = formsOf(page).findIndex(({ action }) => action === '/sign-out')
    const signIn = await browser.send(page, {}, out)
    expect([signIn.path, noticeOf(signIn)]).toEqual(['/sign-in?notice=signed-out', 'You are signed out.'])
    expect(browser.cookies.has(access)).toBe(false)
    const phone = browse()
    await phone.send(await phone.open('/sign-in'), { email, password })
    const account = await browser.send(signIn, { email, password })
    const all = formsOf(account).findIndex(({ values }) => values.action === 'end-all')
    expect((await browser.send(account, {}, all)).path).toBe('/sign-in?notice=signed-out')
    expect((await phone.open('/account')).path).toBe('/sign-in?return_to=%2Faccount')
  })

  it('show the sessions, and end one of them', async () => {
    const { browser, email } = await registered()
    const phone = browse()
    await phone.open('/sign-in', { headers: { 'user-agent': 'x' } })
    await phone.post('/sign-in', { email, password }, { 'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0' })
    const page = await browser.open('/account')
    expect(page.html).toContain('Firefox on Linux')
    expect(page.html.match(/this device/g)?.length).toBe(1)
    const sessions = formsOf(page).filter(({ values }) => values.action === 'end-session')
    expect(sessions.length).toBe(2)
    // The newest is first.
    const index = formsOf(page).findIndex(({ values }) => values.session === sessions[0]?.values.session)
    const after = await browser.send(page, {}, index)
    expect([after.path, noticeOf(after)]).toEqual(['/account?notice=session-ended', 'The session was ended.'])
    expect((await phone.open('/account')).path).toBe('/sign-in?return_to=%2Faccount')
    // A second click changes nothing.
    expect((await browser.send(page, {}, index)).status).toBe(200)
  })

  it('verify an address with the mailed link, by the session or by the password', async () => {
    const { browser, email } = await registered()
    const { token, link = '' } = await newestLetter(running, email, 'Verify your e-mail address')
    expect(link).toBe(`http://issuer.test/verify-email#token=${token}`)
    const elsewhere = browse()
    const page = await elsewhere.open('/verify-email')
    expect(formsOf(page)[0]?.names).toEqual(['link', 'password'])
    const refused = await elsewhere.send(page, { link })
    expect([refused.status, faultOf(refused, 'password')]).toEqual([400, 'Enter the password of the account.'])
    expect(formsOf(refused)[0]?.values).toEqual({ link, password: '' })
    const own = await browser.open('/verify-email')
    expect(formsOf(own)[0]?.names).toEqual(['link'])
    const account = await browser.send(own, { link })
    expect([account.path, noticeOf(account)]).toEqual([
      '/account?notice=email-verified',
      'Your e-mail address is confirmed.',
    ])
    const again = await browser.send(own, { link })
    expect([again.status, faultOf(again, 'link')]).toEqual([400, expect.stringContaining('was used before')])
  })

  it('set a forgotten password with the mailed link', async () => {
    const { browser, email } = await registered()
    const elsewhere = browse()
    const sent = await elsewhere.send(await elsewhere.open('/forgot-password'), { email })
    expect([sent.status, sent.path, heading(sent)]).toEqual([200, '/check-mail', 'Check your mail'])
    const { token } = await newestLetter(running, email, 'Reset your password')
    const page = await elsewhere.open('/reset-password')
    const short = await elsewhere.send(page, { link: token, new_password: 'short' })
    expect([short.status, faultOf(short, 'new_password')]).toEqual([400, 'This password is too short.'])
    expect(short.html).not.toContain('"short"')
    const done = await elsewhere.send(short, { new_password: newPassword })
    expect([done.path, noticeOf(done)]).toEqual([
      '/sign-in?notice=password-reset',
      'Your new password is set. Sign in with it.',
    ])
    expect((await browser.open('/account')).path).toBe('/sign-in?return_to=%2Faccount')
    await login(running, email, newPassword)
  })

  it('change the name, and remove it', async () => {
    const { browser } = await registered()
    const page = await browser.open('/account/name')
    expect(formsOf(page)[0]?.values).toEqual({ name: 'Ada' })
    const account = await browser.send(page, { name: 'Ada <b>Lovelace</b>' })
    expect(noticeOf(account)).toBe('Your name was changed.')
    expect(account.html).toContain('Ada &lt;b&gt;Lovelace&lt;/b&gt;')
    await browser.send(page, { name: '' })
    expect(formsOf(await browser.open('/account/name'))[0]?.values).toEqual({ name: '' })
  })

  it('change the language, for all browsers of the account', async () => {
    const { browser, email } = await registered()
    const page = await browser.open('/account/language')
    expect(page.html).toContain('<option value="de">Deutsch</option>')
    const account = await browser.send(page, { language: 'de' })
    expect([account.path, account.headers.get('content-language')]).toEqual(['/account?notice=language-changed', 'de'])
    const phone = browse()
    await phone.post('/sign-in', { email, password })
    const english = { 'accept-language': 'en' }
    expect((await phone.open('/account', { headers: english })).html).toContain('<html lang="de"')
    await browser.send(page, { language: '' })
    expect((await phone.open('/account', { headers: english })).html).toContain('<html lang="en"')
  })

  it('change the address, with the password and the link in the letter', async () => {
    const { browser } = await registered()
    const next = freshEmail()
    const page = await browser.open('/account/email')
    const wrong = await browser.send(page, { email: next, password: 'certainly wrong' })
    expect([wrong.status, faultOf(wrong, 'password')]).toEqual([403, 'This password is wrong.'])
    expect(formsOf(wrong)[0]?.values).toMatchObject({ email: next, password: '' })
    expect((await browser.send(page, { email: next, password })).path).toBe('/account?notice=email-requested')
    const { token } = await newestLetter(running, next, 'Confirm your new e-mail address')
    const account = await browser.send(await browser.open('/verify-email'), { link: token })
    expect(account.html).toContain(next)
  })

  it('change the password, and stay signed in here only', async () => {
    const { browser, email } = await registered()
    const phone = browse()
    await phone.send(await phone.open('/sign-in'), { email, password })
    const page = await browser.open('/account/password')
    const account = await browser.send(page, { current_password: password, new_password: newPassword })
    expect([account.path, noticeOf(account)]).toEqual([
      '/account?notice=password-changed',
      'Your password was changed.',
    ])
    expect((await phone.open('/account')).path).toBe('/sign-in?return_to=%2Faccount')
  })

  it('export the data of the account, and delete it', async () => {
    const { browser, email } = await registered()
    const file = await browser.open('/account/export.json')
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="account.json"')
    expect(JSON.parse(file.html)).toMatchObject({
      account: { email, name: 'Ada' },
      sessions: [{ session: { current: true, address: '127.0.0.1' }, ended_at: null }],
    })
    const page = await browser.open('/account/delete')
    expect((await browser.send(page, { password: 'certainly wrong' })).status).toBe(403)
    const gone = await browser.send(page, { password })
    expect([gone.path, noticeOf(gone)]).toEqual(['/sign-in?notice=account-deleted', 'Your account was deleted.'])
    const refused = await browser.send(gone, { email, password })
    expect([refused.status, alertOf(refused)]).toEqual([401, 'The e-mail address or the password is wrong.'])
  })

  it('keep the last administrator', async () => {
    const admin = await createAdmin(running)
    const browser = browse()
    await browser.send(await browser.open('/sign-in'), { email: admin.email, password })
    const page = await browser.send(await browser.open('/account/delete'), { password })
    expect([page.status, alertOf(page)]).toEqual([409, expect.stringContaining('last administrator')])
  })

  it('register by mail, and finish with the link and the chosen password', async () => {
    const byMail = await running.startAnother({ configuration: { registration: 'by-mail' } })
    try {
      const browser = browse(byMail)
      const email = freshEmail()
      const sent = await browser.send(await browser.open('/register'), { email, password })
      expect([sent.status, sent.path]).toEqual([200, '/check-mail'])
      const { link = '' } = await newestLetter(byMail, email, 'Finish your registration')
      const page = await browser.open('/finish-registration')
      const wrong = await browser.send(page, { link, password: 'certainly wrong' })
      expect([wrong.status, faultOf(wrong, 'password')]).toEqual([403, 'This password is wrong.'])
      expect((await browser.send(page, { link, password })).path).toBe('/account')
    } finally {
      await byMail.server.close()
    }
  })

  it('accept invitations, and refuse other registrations where they are needed', async () => {
    const invited = await running.startAnother({ configuration: { registration: 'invited' } })
    try {
      const browser = browse(invited)
      const page = await browser.open('/register')
      expect([page.status, formsOf(page).length]).toEqual([200, 0])
      const refused = await browser.post('/register', { email: freshEmail(), password })
      expect([refused.status, formsOf(refused).length]).toEqual([403, 0])
      const admin = await createAdmin(invited)
      const email = freshEmail()
      const { body } = await invited.api.post('/v1/admin/invitations', {
        token: admin.token,
        body: { email, delivery: 'link' },
      })
      const form = await browser.open('/accept-invitation')
      const account = await browser.send(form, { link: body.url ?? '', password, name: 'Ada' })
      expect([account.path, account.html]).toEqual(['/account', expect.stringContaining(email)])
    } finally {
      await invited.server.close()
    }
  })

  it('ask for an address to be verified where that comes first', async () => {
    const strict = await running.startAnother({ configuration: { unverifiedSignIn: 'refuse' } })
    try {
      const browser = browse(strict)
      const email = freshEmail()
      expect((await browser.send(await browser.open('/register'), { email, password })).path).toBe('/check-mail')
      const refused = await browser.send(await browser.open('/sign-in'), { email, password })
      expect([refused.status, alertOf(refused)]).toEqual([403, expect.stringContaining('Confirm your e-mail address')])
      expect(refused.html).toContain('href="/resend-email"')
      await browser.send(await browser.open('/resend-email'), { email })
      const { link = '' } = await newestLetter(strict, email, 'Verify your e-mail address')
      const verified = await browser.send(await browser.open('/verify-email'), { link, password })
      expect(verified.path).toBe('/sign-in?notice=email-verified')
      expect((await browser.send(verified, { email, password })).path).toBe('/account')
    } finally {
      await strict.server.close()
    }
  })
})
