import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../support/answer-contract.js'
import { createAdmin, freshEmail, login, type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const runsPerRoute = 40

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
    '00000000-0000-7000-8000-000000000000',
  ),
)
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 3 }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null))

/** Texts that HTTP allows in a header. */
const headerText = fc.oneof(
  text.map((sent) => sent.replaceAll(/[^\x20-\x7e\x80-\xff]/g, '')),
  fc.constantFrom(
    'cookie',
    'null',
    'same-origin',
    'cross-site',
    'http://issuer.test',
    'Bearer',
    'Bearer a b',
    'Basic !',
    'x'.repeat(2500),
  ),
)
const cookieName = fc.constantFrom('__Host-latchkey', '__Secure-latchkey-refresh', '__Host-latchkey-device', '', 'a')
const cookies = fc
  .array(fc.tuple(cookieName, headerText), { minLength: 1, maxLength: 3 })
  .map((pairs) => pairs.map(([name, content]) => `${name}=${content}`).join('; '))

/** Headers that are not in the document, because they belong to the protocol or to browsers. */
const commonHeaders = [
  'authorization',
  'origin',
  'sec-fetch-site',
  'user-agent',
  'accept',
  'x-forwarded-for',
  'latchkey-mode',
]

function headersFor({ parameters = [] }: Operation) {
  const declared = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name)
  const some = fc.dictionary(fc.constantFrom(...declared, ...commonHeaders), headerText, { maxKeys: 2 })
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<Record<string, string>>({}) },
    { weight: 2, arbitrary: some },
    { weight: 1, arbitrary: fc.tuple(some, cookies).map(([headers, cookie]) => ({ ...headers, cookie })) },
  )
}

function pathFor(pattern: string, { parameters = [] }: Operation, ids: readonly string[]) {
  const names = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
  const query = fc.dictionary(fc.constantFrom(...names, 'x'), text, { maxKeys: 2 })
  return fc.tuple(fc.oneof(text, fc.constantFrom(...ids)), query).map(([id, asked]) => {
    const segment = encodeURIComponent(id.toWellFormed()).slice(0, 90).replace(/%.?$/, '')
    const url = pattern.replace(/\{\w+\}/, segment === '' || segment.startsWith('.') ? 'x' : segment)
    const search = new URLSearchParams(asked).toString()
    return search === '' ? url : `${url}?${search}`
  })
}

function bodyFor({ requestBody }: Operation) {
  const [[type, media] = ['application/json', undefined]] = Object.entries(requestBody?.content ?? {})
  const names = Object.keys(media?.schema?.properties ?? {})
  const texts = fc.dictionary(fc.constantFrom(...names, 'x'), text, { maxKeys: 5 })
  const structured =
    type === 'application/json'
      ? fc
          .oneof(texts, fc.dictionary(fc.constantFrom(...names, 'x'), value, { maxKeys: 4 }), value)
          .map((sent) => JSON.stringify(sent))
      : texts.map((sent) => new URLSearchParams(sent).toString())
  const raw = fc.oneof(
    { weight: 4, arbitrary: structured },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)) },
  )
  const types = fc.oneof(
    { weight: 6, arbitrary: fc.constant(type) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=x'),
    },
  )
  return fc.tuple(raw, types)
}

/**
 * Operations that end a session or change a password. They run with an account that no other
 * request uses.
 */
const endings = /^(POST \/v1\/(logout|logout-all|me\/password)|DELETE \/v1\/me)$/

describe.each(databases)('for generated requests on %s', (database) => {
  let running: TestServer
  let user: Person
  let victim: Person
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    user = await register(running)
    victim = await login(running, (await register(running, freshEmail())).email)
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const tokenFor = (method: string, path: string, { security = [] }: Operation) => {
    if (security.length === 0) return {}
    if (endings.test(`${method} ${path}`)) return { token: victim.token }
    return { token: path.startsWith('/v1/admin') ? admin.token : user.token }
  }

  // The client itself fails on an answer that /openapi.json does not declare, on a missing answer,
  // and on cookies that the request does not ask for.
  it('every route answers as declared, and never with a server error', async () => {
    const ids = [victim.id, victim.sessionId]
    for (const { method, path, operation } of running.api.contract.operations) {
      const request = fc.tuple(pathFor(path, operation, ids), headersFor(operation), bodyFor(operation))
      await fc.assert(
        fc.asyncProperty(request, async ([url, headers, [raw, contentType]]) => {
          const sent = method === 'GET' ? { headers } : { raw, headers: { ...headers, 'content-type': contentType } }
          const answer = await running.api.call(method, url, { ...tokenFor(method, path, operation), ...sent })
          expect(answer.status).toBeLessThan(500)
          if (answer.status < 400) return
          expect(answer.body).toMatchObject({ code: expect.any(String), hint: expect.any(String) })
        }),
        { numRuns: runsPerRoute },
      )
    }
  })
})
