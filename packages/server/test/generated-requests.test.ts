import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, freshEmail, login, type Person, password, register } from './support/people.js'
import { databases, startServer, type TestServer } from './support/start-server.js'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 2000 }),
  fc.constantFrom(
    password,
    'a@b.example',
    '\0',
    '\ud800',
    "'; drop table server_accounts; --",
    '__proto__',
    '%',
    '🔑'.repeat(12),
  ),
)
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 3 }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null))
const fields = ['email', 'password', 'name', 'current_password', 'new_password', 'refresh_token', 'role', 'token', 'x']
const body = fc.oneof(
  fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 4 }),
  fc.dictionary(fc.constantFrom(...fields), text, { maxKeys: 4 }),
  value,
)
const raw = fc.oneof(
  { weight: 4, arbitrary: body.map((sent) => JSON.stringify(sent)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)) },
)
const type = fc.oneof(
  { weight: 6, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=x'),
  },
)
const query = fc.dictionary(fc.constantFrom('search', 'limit', 'cursor', 'account', 'x'), text, { maxKeys: 2 })

/** Routes that would end what the other tries stand on are tried with nobody's token. */
const routes = [
  ['POST', '/v1/register', 'nobody'],
  ['POST', '/v1/login', 'nobody'],
  ['POST', '/v1/refresh', 'nobody'],
  ['POST', '/v1/register/finish', 'nobody'],
  ['POST', '/v1/password/forgot', 'nobody'],
  ['POST', '/v1/password/reset', 'nobody'],
  ['POST', '/v1/email/verify', 'nobody'],
  ['POST', '/v1/email/resend', 'nobody'],
  ['POST', '/v1/logout', 'nobody'],
  ['PATCH', '/v1/me', 'user'],
  ['DELETE', '/v1/me', 'victim'],
  ['POST', '/v1/me/password', 'user'],
  ['DELETE', '/v1/me/sessions/:id', 'user'],
  ['GET', '/v1/admin/users', 'admin'],
  ['GET', '/v1/admin/users/:id', 'admin'],
  ['PATCH', '/v1/admin/users/:id', 'admin'],
  ['POST', '/v1/admin/users/:id/disable', 'admin'],
  ['POST', '/v1/admin/users/:id/rotate', 'admin'],
  ['GET', '/v1/admin/users/:id/secrets', 'admin'],
  ['GET', '/v1/admin/audit', 'admin'],
  ['POST', '/oauth/token', 'nobody'],
] as const

describe.each(databases)('whatever is sent on %s', (database) => {
  let running: TestServer
  let tokens: Record<string, string | undefined>

  beforeAll(async () => {
    running = await startServer({ database })
    const user: Person = await register(running)
    const victim = await login(running, (await register(running, freshEmail())).email)
    tokens = { nobody: undefined, user: user.token, victim: victim.token, admin: (await createAdmin(running)).token }
  })
  afterAll(() => running.stop())

  // The client itself fails on an answer that /openapi.json does not promise: content type, code, hint and all.
  it.each(routes)('%s %s answers what it promises, and never that the server failed', async (method, pattern, who) => {
    const path = fc.tuple(text, query).map(([id, parameters]) => {
      const search = new URLSearchParams(parameters).toString()
      const segment = encodeURIComponent(id.toWellFormed()).slice(0, 90).replace(/%.?$/, '')
      const url = pattern.replace(':id', segment === '' || segment.startsWith('.') ? 'x' : segment)
      return search === '' ? url : `${url}?${search}`
    })
    await fc.assert(
      fc.asyncProperty(path, raw, type, async (url, sent, contentType) => {
        const token = tokens[who]
        const call = { headers: { 'content-type': contentType }, ...(token === undefined ? {} : { token }) }
        const answer = await running.api.call(
          method,
          url,
          method === 'GET' ? { ...call, headers: {} } : { ...call, raw: sent },
        )
        expect(answer.status).toBeLessThan(500)
        if (answer.status >= 400)
          expect(answer.body).toMatchObject({ code: expect.any(String), hint: expect.any(String) })
      }),
      { numRuns: 60 },
    )
  })
})
