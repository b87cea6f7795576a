import { afterAll, beforeAll, expect, it } from 'vitest'
import { PageBrowser, textOf } from '../../support/page-browser.js'
import { createAdmin, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

let running: TestServer

beforeAll(async () => {
  const configuration = { impersonation: 'on' } as const
  running = await startServer({ database: 'sqlite', configuration })
})
afterAll(() => running.stop())

it('an administrator opens a session by its link, sees whose it is on every page, changes nothing, and ends it', async () => {
  const user = await register(running)
  const { token } = await createAdmin(running)
  const path = `/v1/admin/users/${user.id}/impersonate`
  const { body } = await running.api.post(path, { token, body: { reason: 'Ticket 4711: wrong name on the page' } })
  const link = body.url ?? ''
  expect(link).toMatch(/^http:\/\/issuer\.test\/impersonate#token=/)

  const browser = new PageBrowser(running.url)
  const account = await browser.send(await browser.open('/impersonate'), { link })
  expect([account.status, account.path]).toEqual([200, '/account'])
  expect(account.traffic, 'the link is in no address').not.toContain(link.split('=')[1])
  const banner = /<(aside) class="impersonation"/
  for (const page of [account, await browser.open('/account/name'), await browser.open('/sign-out')])
    expect([page.path, textOf(page, banner)]).toEqual([page.path, expect.stringContaining(user.email)])
  expect(account.html).toContain('an administrator acts here')

  const refused = [
    await browser.post('/account/name', { name: 'Mallory' }),
    await browser.post('/account', { action: 'end-all' }),
    await browser.open('/account/export.json'),
  ]
  for (const page of refused) {
    expect([page.path, page.status]).toEqual([page.path, 403])
    expect(page.html).toContain('It can change nothing of the account.')
  }
  const ended = await browser.send(account)
  expect(ended.path).toBe('/sign-in?notice=signed-out')
  expect(textOf(await browser.send(await browser.open('/impersonate'), { link }), /<(p) class="error"/)).toContain(
    'was used before',
  )
  const own = await running.api.get('/v1/me/sessions', { token: user.token })
  expect(own.body.sessions.map(({ id }) => id)).toEqual([user.sessionId])
})
