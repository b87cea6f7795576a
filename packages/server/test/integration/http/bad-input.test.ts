import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, freshEmail, type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const json = { 'content-type': 'application/json' }

describe.each(databases)('with bad input on %s', (database) => {
  let running: TestServer
  let person: Person
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    person = await register(running)
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  it.each<[string, string, string | Uint8Array<ArrayBuffer>]>([
    ['nothing', 'body_malformed', ''],
    ['half an object', 'body_malformed', '{"email":'],
    ['two documents', 'body_malformed', '{}{}'],
    ['a trailing comma', 'body_malformed', '{"email":"a@b.c",}'],
    [
      'bytes that are no UTF-8',
      'body_malformed',
      Uint8Array.from(Buffer.from('{"email":"\xff@b.c","password":"x"}', 'latin1')),
    ],
    [
      'a poisoned prototype',
      'body_malformed',
      `{"__proto__":{"role":"admin"},"email":"a@b.c","password":"${password}"}`,
    ],
    ['an array', 'validation_failed', '[]'],
    ['a text', 'validation_failed', '"email"'],
    ['null', 'validation_failed', 'null'],
    ['deep nesting', 'validation_failed', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a number for a text', 'validation_failed', `{"email":1,"password":"${password}"}`],
    ['a list for a text', 'validation_failed', `{"email":["a@b.c"],"password":"${password}"}`],
    ['null for a text', 'validation_failed', '{"email":"a@b.c","password":null}'],
    ['an unknown field', 'validation_failed', `{"email":"a@b.c","password":"${password}","role":"admin"}`],
    ['a missing field', 'validation_failed', '{"email":"a@b.c"}'],
    ['an empty text', 'validation_failed', '{"email":"","password":""}'],
    ['an endless address', 'validation_failed', `{"email":"${'a'.repeat(321)}","password":"${password}"}`],
    ['an endless password', 'validation_failed', `{"email":"a@b.c","password":"${'a'.repeat(1025)}"}`],
    ['a NUL', 'text_malformed', `{"email":"a\\u0000@b.c","password":"${password}"}`],
    ['a NUL in a password', 'text_malformed', `{"email":"a@b.c","password":"${password}\\u0000"}`],
    ['half a surrogate pair', 'text_malformed', `{"email":"a@b.c","password":"${password}\\ud83d"}`],
    ['a NUL in the name of a field', 'text_malformed', `{"email":"a@b.c","password":"${password}","\\u0000":1}`],
    ['half a pair deep inside', 'text_malformed', '{"a":[{"b":["\\udfff"]}]}'],
  ])('%s is refused with %s', async (_, code, raw) => {
    for (const path of ['/v1/register', '/v1/login']) {
      const { status, body } = await running.api.post(path, { raw, headers: json })
      expect([status, body.code]).toEqual([400, code])
    }
  })

  it('every wrong field is named, and no value is repeated', async () => {
    const { body } = await running.api.post('/v1/register', { body: { email: 4711, extra: 'visible?', name: '' } })
    expect(body.errors.map(({ field }) => field).toSorted()).toEqual([
      'body/email',
      'body/extra',
      'body/name',
      'body/password',
    ])
    expect(JSON.stringify(body)).not.toMatch(/4711|visible\?/)
  })

  it('a hostile body gets a short answer', async () => {
    const hostile = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`field${index}`, 1]))
    const { body } = await running.api.post('/v1/login', { body: hostile })
    expect(JSON.stringify(body).length).toBeLessThan(4000)
  })

  it.each([
    ['text/plain', 415],
    ['application/xml', 415],
    ['application/x-www-form-urlencoded', 415],
    ['nonsense', 415],
    ['application/json; charset=utf-8', 401],
  ])('a login in %s is answered with %i', async (type, status) => {
    const raw = JSON.stringify({ email: freshEmail(), password })
    const answer = await running.api.post('/v1/login', { raw, headers: { 'content-type': type } })
    expect(answer.status).toBe(status)
  })

  it('a body of more than 64 KiB is refused', async () => {
    const { status, body } = await running.api.post('/v1/login', { raw: `"${'x'.repeat(65_536)}"`, headers: json })
    expect([status, body.code]).toEqual([413, 'body_too_large'])
  })

  it.each([
    ['GET', '/nowhere', 404, 'route_unknown'],
    ['GET', '/v1/nothing', 404, 'route_unknown'],
    ['GET', '/v1/me/', 404, 'route_unknown'],
    ['GET', '/V1/ME', 404, 'route_unknown'],
    ['GET', '//v1/me', 404, 'route_unknown'],
    ['GET', '/v1/%zz', 400, 'request_malformed'],
    ['GET', '/v1/%ff', 400, 'request_malformed'],
    ['GET', '/v1/login', 405, 'method_not_allowed'],
    ['PUT', '/v1/me', 405, 'method_not_allowed'],
    ['OPTIONS', '/v1/me', 405, 'method_not_allowed'],
    ['PUT', '/v1/me/sessions/x', 405, 'method_not_allowed'],
  ])('%s %s is answered with %i %s', async (method, path, status, code) => {
    const answer = await running.api.call(method, path)
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })

  it('a wrong method is refused with the list of allowed ones', async () => {
    const { headers } = await running.api.call('PUT', '/v1/me')
    expect(headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH')
  })

  it.each([
    '%00',
    'x',
    '..%2f..',
    '%F0%9F%94%91',
    "'%20or%20'1'='1",
    'a'.repeat(90),
    'urn:uuid:00000000-0000-0000-0000-000000000000',
  ])('the ID %s is refused', async (id) => {
    const own = await running.api.delete(`/v1/me/sessions/${id}`, { token: person.token })
    const managed = await running.api.get(`/v1/admin/users/${id}`, { token: admin.token })
    for (const { status, body } of [own, managed]) {
      expect(status).toBe(400)
      expect(['validation_failed', 'text_malformed']).toContain(body.code)
    }
  })

  it.each(['%00', '%ud800', '%ff'])('a search for %s is not a server error', async (search) => {
    const { status } = await running.api.get(`/v1/admin/users?search=${search}`, { token: admin.token })
    expect([200, 400]).toContain(status)
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['no token', { authorization: 'Bearer' }, 400, 'credentials_malformed'],
    ['two tokens', { authorization: 'Bearer a b' }, 400, 'credentials_malformed'],
    ['no JWT', { authorization: 'Bearer abc' }, 401, 'token_malformed'],
    [
      'a JWT without signature',
      { authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.` },
      401,
      '',
    ],
    ['an endless token', { authorization: `Bearer ${'a'.repeat(9000)}` }, 401, 'token_too_large'],
  ])('an Authorization header with %s is refused', async (_, headers, status, code) => {
    const answer = await running.api.get('/v1/me', { headers })
    expect(answer.status).toBe(status)
    if (code !== '') expect(answer.body.code).toBe(code)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer error="/)
  })

  it('a token that was altered anywhere is refused', async () => {
    for (const position of [5, person.token.length >> 1, person.token.length - 20]) {
      const other = person.token[position] === 'A' ? 'B' : 'A'
      const token = person.token.slice(0, position) + other + person.token.slice(position + 1)
      expect((await running.api.get('/v1/me', { token })).status).toBe(401)
    }
  })

  it('every answer has the security headers of an API, also one to a malformed path', async () => {
    const answers = await Promise.all(['/livez', '/nothing', '/v1/%zz'].map((path) => running.api.get(path)))
    for (const { headers } of answers) {
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})

describe('bytes that are no valid request', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
  })
  afterAll(() => running.stop())

  const send = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(running.url).port), '127.0.0.1', () => socket.end(bytes, 'latin1'))
      const chunks: Buffer[] = []
      socket.on('data', (chunk) => chunks.push(chunk))
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
      socket.on('error', reject)
    })

  it.each([
    ['garbage', 'hello\r\n\r\n', 400, 'request_malformed'],
    ['an endless header', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['an endless URL', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431, 'headers_too_large'],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400, 'request_malformed'],
    [
      'two lengths',
      'POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
      'request_malformed',
    ],
    [
      'length and chunks at once',
      'POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'request_malformed',
    ],
    [
      'a length that is no number',
      'POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
      400,
      'request_malformed',
    ],
    ['no host', 'GET /livez HTTP/1.1\r\n\r\n', 400, 'request_malformed'],
  ])('such as %s get a problem document', async (_, bytes, status, code) => {
    const answer = await send(bytes)
    expect(answer.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toMatch(/^content-type: application\/problem\+json/im)
    for (const header of ['content-security-policy', 'x-content-type-options', 'referrer-policy', 'x-request-id'])
      expect(answer).toMatch(new RegExp(`^${header}: `, 'im'))
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ status, code })
  })

  it('do not include a request with an unknown expectation, which is ignored', async () => {
    expect(await send('GET /livez HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('do not disturb the requests of others', async () => {
    await send('hello\r\n\r\n')
    expect((await running.api.get('/livez')).status).toBe(200)
  })
})
