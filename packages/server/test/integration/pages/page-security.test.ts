import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/config/configuration-error.js'
import { defaultTheme } from '../../../src/config/theme.js'
import { lettersTo } from '../../support/letters.js'
import { alertOf, formsOf, PageBrowser, type ShownPage, textOf } from '../../support/page-browser.js'
import { factorPages, ownPages, publicPages, stepPages } from '../../support/page-list.js'
import { freshEmail, login, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const access = '__Host-latchkey'
const refresh = '__Secure-latchkey-refresh'
const hostile = `"><script>alert(1)</script><img src=x onerror=alert('1')>`

/** Every form, with values that its rules accept. */
const forms: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/sign-in': { email: 'a@example.com', password },
  '/sign-in/mail': { email: 'a@example.com' },
  '/sign-in/code': { code: '1' },
  '/sign-in/link': { link: 'x' },
  '/register': { email: 'a@example.com', password },
  '/verify-email': { link: 'x', password },
  '/confirm-device': { link: 'x' },
  '/finish-registration': { link: 'x', password },
  '/accept-invitation': { link: 'x', password },
  '/forgot-password': { email: 'a@example.com' },
  '/resend-email': { email: 'a@example.com' },
  '/reset-password': { link: 'x', new_password: password },
  '/impersonate': { link: 'x' },
  '/account': { action: 'end-all' },
  '/account/name': { name: 'Mallory' },
  '/account/email': { email: 'm@example.com', password },
  '/account/password': { current_password: password, new_password: 'another long password' },
  '/account/delete': { password },
  '/account/language': { language: 'de' },
  '/account/authenticator': {},
  '/account/factor': { factor: 'x', action: 'remove' },
  '/account/passkey': {},
  '/account/recovery-codes': {},
  '/sign-in/second-factor': { challenge_token: 'x', methods: 'totp', code: '1' },
  '/step-up': { password },
  '/sign-out': {},
  '/v1/refresh/page': {},
}

describe('the pages', () => {
  let running: TestServer
  let ada: PageBrowser
  let email: string

  beforeAll(async () => {
    const mailSignIn = 'code-and-link' as const
    const configuration = {
      mailSignIn,
      returnOrigins: ['https://app.example.com'],
      corsOrigins: ['https://spa.example.com'],
    }
    running = await startServer({ database: 'sqlite', configuration })
    email = freshEmail()
    ada = browse()
    await ada.send(await ada.open('/register'), { email, password })
  })
  afterAll(() => running.stop())

  const browse = () => new PageBrowser(running.url)

  it.each([...publicPages, ...ownPages, ...factorPages, '/nowhere'])(
    'cannot be framed, cached or scripted: %s',
    async (path) => {
      const { headers, html } = await ada.open(path)
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; " +
          "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
      )
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('referrer-policy')).toBe('same-origin')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      // No inline script or style, and nothing of other origins.
      expect(html).not.toMatch(
        /<script(?![^>]* src="\/pages\/)|<style| style=| on\w+=|(?:src|href|action)="(?:https?:)?\/\//,
      )
      expect(html).toMatch(/^<!doctype html>\n<html lang="en" dir="ltr">/)
      expect(html.match(/<main /g)?.length).toBe(1)
      expect(html.match(/<h1>/g)?.length).toBe(1)
      expect(textOf({ html }, /<(title)>/)).toMatch(/ – Latchkey$/)
    },
  )

  it('mask every field for a password, and name it to password managers', async () => {
    const fields: string[] = []
    for (const path of [...publicPages, ...ownPages, ...factorPages]) {
      const { html } = await (publicPages.some((one) => one === path) ? browse() : ada).open(path)
      fields.push(
        ...[...html.matchAll(/<input [^>]*>/g)].map(([field]) => field).filter((field) => /password/.test(field)),
      )
    }
    expect(fields.length).toBeGreaterThan(8)
    for (const field of fields)
      expect(field).toMatch(/^(?=.* type="password")(?=.* autocomplete="(current|new)-password")/)
  })

  it('load less than 30 kB, with files that browsers keep', async () => {
    const { html } = await ada.open('/account')
    const files = [...html.matchAll(/(?:src|href)="(\/pages\/[^"]+)"/g)].map(([, path = '']) => path)
    const loaded = await Promise.all(files.map((path) => fetch(running.url + path)))
    expect(loaded.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
      [200, 'text/css; charset=utf-8'],
      [200, 'text/javascript; charset=utf-8'],
    ])
    expect(loaded[0]?.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const sizes = await Promise.all(loaded.map(async (response) => (await response.arrayBuffer()).byteLength))
    expect(html.length + sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(30_000)
  })

  it('have every form in the table of forms', () => {
    // This page shows a text alone.
    const withForms = [...publicPages, ...ownPages, ...factorPages, ...stepPages].filter(
      (path) => path !== '/check-mail',
    )
    expect(withForms.filter((path) => forms[path] === undefined)).toEqual([])
  })

  it.each(Object.entries(forms))('refuse a form of another site, before it does anything: %s', async (path, values) => {
    const foreign = [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: 'http://evil.issuer.test' },
      { 'sec-fetch-site': '', origin: 'https://evil.example' },
      { 'sec-fetch-site': '', origin: 'null' },
      { 'sec-fetch-site': '', origin: '' },
      { 'sec-fetch-site': 'none', origin: '' },
      // Its pages may use the API, but not send these forms.
      { 'sec-fetch-site': 'cross-site', origin: 'https://spa.example.com' },
    ]
    const sessions = async () =>
      (await running.server.service.store.query('select id, ended_at from server_sessions')).rows
    const before = await sessions()
    for (const headers of foreign) {
      const page = await ada.post(path, values, headers)
      expect([page.status, headers, page.redirects]).toEqual([403, headers, []])
      expect(page.html).toContain('sent from another site')
      expect(page.headers.getSetCookie()).toEqual([])
    }
    expect(await sessions()).toEqual(before)
    expect((await ada.open('/account')).path).toBe('/account')
  })

  it('accept a form by its origin where the browser sends no Sec-Fetch-Site', async () => {
    const page = await browse().post('/sign-in', { email, password }, { 'sec-fetch-site': '' })
    expect([page.status, page.path]).toEqual([200, '/account'])
  })

  it('give each sign-in a session of its own, whatever cookies the browser had (session fixation)', async () => {
    const mallory = browse()
    await mallory.send(await mallory.open('/register'), { email: freshEmail(), password })
    const victim = browse()
    for (const [name, cookie] of mallory.cookies) victim.cookies.set(name, cookie)
    const planted = victim.cookies.get(access)?.value
    const page = await victim.post('/sign-in', { email, password })
    expect([page.path, page.html]).toEqual(['/account', expect.stringContaining(email)])
    expect(victim.cookies.get(access)?.value).not.toBe(planted)
    expect((await mallory.open('/account')).html).not.toContain(email)
  })

  it('answer the same whether or not an address has an account', async () => {
    const shown = ({ status, path, html, headers }: ShownPage, address: string) => {
      const text = html.replaceAll(address, 'ADDRESS')
      return [status, path, text, [...headers.keys()].toSorted()]
    }
    for (const path of ['/forgot-password', '/resend-email']) {
      const unknown = freshEmail()
      expect(shown(await browse().post(path, { email: unknown }), unknown)).toEqual(
        shown(await browse().post(path, { email }), email),
      )
    }
    const unknown = freshEmail()
    const wrong = 'certainly wrong'
    expect(shown(await browse().post('/sign-in', { email: unknown, password: wrong }), unknown)).toEqual(
      shown(await browse().post('/sign-in', { email, password: wrong }), email),
    )
    const byMail = await running.startAnother({ configuration: { registration: 'by-mail' } })
    try {
      const register = async (address: string) =>
        shown(await new PageBrowser(byMail.url).post('/register', { email: address, password }), address)
      expect(await register(freshEmail())).toEqual(await register(email))
    } finally {
      await byMail.server.close()
    }
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'https://app.example.com@evil.example/',
    '/\t/evil.example',
  ])('never lead to another site: %j', async (target) => {
    const query = `return_to=${encodeURIComponent(target)}`
    const browser = browse()
    const signIn = await browser.open(`/sign-in?${query}`)
    expect(signIn.html).not.toContain('evil')
    const page = await browser.send(signIn, { email, password })
    expect(page.path).toBe('/account')
    for (const path of ['/sign-in', '/v1/refresh/page']) {
      const { path: reached } = await browser.open(`${path}?${query}`)
      expect(reached).toBe('/account')
    }
  })

  it('lead back to a path, and to a listed origin that the policy of the page then names', async () => {
    const browser = browse()
    const here = await browser.open(`/sign-in?return_to=${encodeURIComponent('/account/name?a=1')}`)
    expect((await browser.send(here, { email, password })).path).toBe('/account/name?a=1')
    const other = browse()
    const there = await other.open(`/sign-in?return_to=${encodeURIComponent('https://app.example.com/x?y=1')}`)
    expect(there.headers.get('content-security-policy')).toContain("form-action 'self' https://app.example.com;")
    const left = await other.send(there, { email, password })
    expect([left.status, left.redirects.at(-1)]).toEqual([303, 'https://app.example.com/x?y=1'])
  })

  it('put no token into a page or a redirect', async () => {
    const browser = browse()
    const page = await browser.send(await browser.open('/sign-in'), { email, password })
    const account = await browser.open('/account')
    for (const name of [access, refresh, '__Host-latchkey-device']) {
      const value = browser.cookies.get(name)?.value ?? ''
      expect(value.length).toBeGreaterThan(20)
      expect(page.traffic + account.traffic).not.toContain(value)
    }
  })

  it('escape everything that people and programs chose', async () => {
    const mallory = browse()
    const own = freshEmail()
    await mallory.post('/register', { email: own, password, name: hostile }, { 'user-agent': 'x' })
    await mallory.post('/sign-in', { email: own, password }, { 'user-agent': `${hostile}/1.0` })
    const pages = [
      await mallory.open('/account'),
      await mallory.open('/account/name'),
      await browse().post('/sign-in', { email: hostile, password }),
      await browse().post('/register', { email: hostile, name: hostile, password: 'short' }),
      await browse().post('/reset-password', { link: hostile, new_password: hostile }),
      await browse().open(
        `/sign-in?return_to=${encodeURIComponent(`/${hostile}`)}&notice=${encodeURIComponent(hostile)}`,
      ),
      await browse().open(`/${encodeURIComponent(hostile)}`),
    ]
    for (const { html } of pages) expect(html).not.toMatch(/<script>|<img|onerror=alert\('/)
    expect(formsOf(pages[2] ?? { html: '' })[0]?.values.email).toBe(hostile)
  })

  it('show no notice that another site asks for', async () => {
    const notice = async (site: 'cross-site' | 'same-origin') =>
      (await ada.open('/sign-out?notice=account-deleted', { site })).html.includes('Your account was deleted.')
    expect([await notice('cross-site'), await notice('same-origin')]).toEqual([false, true])
    // Nor again beside a refused form.
    const refused = await browse().post('/sign-in?notice=signed-out', { email, password: 'certainly wrong' })
    expect(refused.html).not.toContain('You are signed out.')
  })

  it('do nothing when a link is only opened, and do it once when the form is sent twice', async () => {
    const address = freshEmail()
    const browser = browse()
    await browser.post('/register', { email: address, password })
    const [letter] = await lettersTo(running, address)
    for (const path of ['/verify-email', '/reset-password', '/confirm-device', '/finish-registration'])
      await browser.open(`${path}?link=${letter?.token}&token=${letter?.token}`)
    const sent = await Promise.all([1, 2, 3].map(() => browser.post('/verify-email', { link: letter?.link ?? '' })))
    expect(sent.map(({ status }) => status).toSorted()).toEqual([200, 400, 400])
  })

  it('refuse what is no form of them, with a page for browsers', async () => {
    const post = (body: string, type: string) =>
      fetch(`${running.url}/sign-in`, {
        method: 'POST',
        body,
        headers: { accept: 'text/html', 'content-type': type, 'sec-fetch-site': 'same-origin' },
      })
    const form = 'application/x-www-form-urlencoded'
    const cases = [
      [post(`email=${'x'.repeat(70_000)}`, form), 413],
      [post('{"email":"a","password":"b"}', 'application/json'), 415],
      [post('email=a&password=b', 'text/plain'), 415],
      [post('email=a&email=b&password=c', form), 400],
      [post('email=a&password=b&role=admin', form), 400],
      [post(`email=${'x'.repeat(400)}&password=b`, form), 400],
      [post('email=%00&password=b', form), 400],
      [post('', form), 400],
    ] as const
    for (const [sent, status] of cases) {
      const response = await sent
      expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8'])
    }
  })

  it('answer browsers with pages, and programs with problem documents', async () => {
    const answer = async (method: string, path: string, accept: string) => {
      const { status, headers } = await fetch(running.url + path, { method, headers: { accept } })
      return [status, headers.get('content-type')]
    }
    const html = 'text/html; charset=utf-8'
    const problem = 'application/problem+json; charset=utf-8'
    expect(await answer('GET', '/nowhere', 'text/html')).toEqual([404, html])
    expect(await answer('GET', '/nowhere', '*/*')).toEqual([404, problem])
    expect(await answer('GET', '/v1/nowhere', 'text/html')).toEqual([404, problem])
    expect(await answer('GET', '/v1/me', 'text/html')).toEqual([401, problem])
    expect(await answer('DELETE', '/sign-in', 'text/html')).toEqual([405, html])
    expect(await answer('DELETE', '/v1/login', 'text/html')).toEqual([405, problem])
    expect(await answer('HEAD', '/sign-in', 'text/html')).toEqual([200, html])
  })

  it('are not in the reference of the API, and can be turned off', async () => {
    const paths = Object.keys(running.api.contract.document.paths)
    const pages: readonly string[] = [
      ...publicPages,
      ...ownPages,
      ...factorPages,
      ...stepPages,
      '/',
      '/v1/refresh/page',
    ]
    expect(paths.filter((path) => pages.includes(path))).toEqual([])
    const api = await running.startAnother({ configuration: { pages: 'off' } })
    try {
      const response = await fetch(`${api.url}/sign-in`, { headers: { accept: 'text/html' } })
      expect([response.status, response.headers.get('content-type')]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ])
    } finally {
      await api.server.close()
    }
  })

  it('count attempts in the same limits as the API', async () => {
    const limited = await running.startAnother({
      configuration: {
        limits: { ...running.configuration.limits, login: { pair: { requests: 2, windowSec: 60 } } },
      },
    })
    try {
      const browser = new PageBrowser(limited.url)
      const address = freshEmail()
      const statuses: number[] = []
      await limited.api.post('/v1/login', { body: { email: address, password } })
      for (let attempt = 0; attempt < 3; attempt += 1)
        statuses.push((await browser.post('/sign-in', { email: address, password })).status)
      expect(statuses).toEqual([401, 429, 429])
    } finally {
      await limited.server.close()
    }
  })

  it('are in the language that the browser asks for', async () => {
    const page = await browse().open('/sign-in', { headers: { 'accept-language': 'ar' } })
    expect(page.html).toMatch(/<html lang="ar" dir="rtl">/)
    expect(page.headers.get('content-language')).toBe('ar')
  })

  it('have the look of the theme', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-theme-'))
    const logo = join(folder, 'logo.svg')
    await writeFile(logo, '<svg xmlns="http://www.w3.org/2000/svg"/>')
    const theme = {
      ...defaultTheme,
      name: 'Books & Söhne',
      logo,
      light: { ...defaultTheme.light, accent: '#7a1fa2' },
      links: { terms: 'https://example.com/terms?a=1&b=2' },
    }
    const themed = await running.startAnother({ configuration: { theme } })
    try {
      const { html } = await new PageBrowser(themed.url).open('/sign-in')
      expect(textOf({ html }, /<(title)>/)).toBe('Sign in – Books & Söhne')
      expect(html).toContain('<a href="https://example.com/terms?a=1&amp;b=2">Terms</a>')
      const load = async (pattern: RegExp) => fetch(themed.url + (pattern.exec(html)?.[1] ?? ''))
      expect(await (await load(/href="([^"]+\.css)"/)).text()).toContain('--accent:#7a1fa2;')
      const image = await load(/<img src="([^"]+)"/)
      expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/svg+xml'])
      // An SVG that is opened by itself runs no script.
      expect(image.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    } finally {
      await themed.server.close()
      await rm(folder, { recursive: true })
    }
    const missing = { theme: { ...defaultTheme, logo: join(folder, 'none.svg') } }
    await expect(running.startAnother({ configuration: missing })).rejects.toThrow(ConfigurationError)
  })

  it('work below the path of the issuer', async () => {
    const below = await running.startAnother({ configuration: { issuer: 'http://issuer.test/auth' } })
    try {
      const browser = new PageBrowser(below.url)
      const page = await browser.open('/sign-in')
      const paths = [...page.html.matchAll(/(?:href|src|action)="(\/[^"]*)"/g)].map(([, path = '']) => path)
      expect(paths.filter((path) => !path.startsWith('/auth/'))).toEqual([])
      const sent = await browser.post('/sign-in', { email, password: 'certainly wrong' })
      expect([sent.status, alertOf(sent)]).toEqual([401, 'The e-mail address or the password is wrong.'])
      const { redirects } = await browser.post('/sign-in', { email, password })
      expect(redirects[0]).toBe('/auth/account')
    } finally {
      await below.server.close()
    }
  })

  it('sign in at the API as well: both use one account', async () => {
    await login(running, email)
  })
})
