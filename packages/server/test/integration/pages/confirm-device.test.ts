import { afterAll, beforeAll, expect, it } from 'vitest'
import { newestLetter } from '../../support/letters.js'
import { alertOf, faultOf, PageBrowser, type ShownPage, textOf } from '../../support/page-browser.js'
import { freshEmail, password, registerVerified } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const elsewhere = { 'x-forwarded-for': '192.0.2.77' }

let running: TestServer

beforeAll(async () => {
  running = await startServer({
    database: 'sqlite',
    configuration: { trustedProxies: ['127.0.0.1'] },
  })
})
afterAll(() => running.stop())

/** Tries wrong passwords from new addresses until a device must be confirmed. */
async function guess(email: string): Promise<void> {
  for (let index = 0; index < 1000; index += 1) {
    const { status, headers, body } = await running.api.post('/v1/login', {
      headers: { 'x-forwarded-for': `203.0.${index >> 8}.${index & 255}` },
      body: { email, password: 'certainly wrong' },
    })
    if (body.code === 'device_confirmation_required') return
    if (status === 429) running.clock.advance(Number(headers.get('retry-after')) * 1000)
  }
  throw new Error('No device had to be confirmed.')
}

/** Signs in as soon as no earlier attempt delays it. */
async function signIn(browser: PageBrowser, email: string): Promise<ShownPage> {
  const page = await browser.post('/sign-in', { email, password }, elsewhere)
  if (page.status !== 429) return page
  running.clock.advance(Number(page.headers.get('retry-after')) * 1000)
  return signIn(browser, email)
}

it('after many wrong passwords, the pages confirm a device by mail, and only that device', async () => {
  const email = freshEmail()
  await registerVerified(running, email)
  await guess(email)
  const browser = new PageBrowser(running.url)
  const refused = await signIn(browser, email)
  expect([refused.status, alertOf(refused)]).toEqual([403, expect.stringContaining('this device must be confirmed')])
  const { link = '' } = await newestLetter(running, email, 'Confirm your sign-in')
  expect(link).toContain('/confirm-device#token=')
  const other = await new PageBrowser(running.url).post('/confirm-device', { link })
  expect([other.status, alertOf(other)]).toEqual([403, expect.stringContaining('another device')])
  const wrong = await browser.post('/confirm-device', { link: 'x' })
  expect([wrong.status, faultOf(wrong, 'link')]).toEqual([400, expect.stringContaining('was used before')])
  const confirmed = await browser.send(await browser.open('/confirm-device'), { link })
  expect([confirmed.path, textOf(confirmed, /<(p) class="notice"/)]).toEqual([
    '/sign-in?notice=device-confirmed',
    'This device is confirmed. Sign in again.',
  ])
  expect((await signIn(browser, email)).path).toBe('/account')
})
