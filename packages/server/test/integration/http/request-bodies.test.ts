import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, freshEmail, login, password, register, tokenState } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'

let running: TestServer
let email: string

beforeAll(async () => {
  running = await startServer({ database: 'sqlite' })
  email = (await register(running)).email
})
afterAll(() => running.stop())

/**
 * Sends the request unchanged on a new connection; returns the status and the code of a refusal.
 */
const send = (lines: readonly string[], body: string | Uint8Array = '') =>
  new Promise<{ status: number; code: string | undefined }>((resolve, reject) => {
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1', () => {
      socket.write(`${[...lines, 'Host: a', 'Connection: close'].join('\r\n')}\r\n\r\n`)
      socket.write(body)
    })
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => {
      // An interim response before the answer asks for the body.
      const answer = Buffer.concat(chunks).toString().replace('HTTP/1.1 100 Continue\r\n\r\n', '')
      resolve({ status: Number(answer.split(' ')[1]), code: /"code":"(\w+)"/.exec(answer)?.[1] })
    })
  })

const emptyBodies: [string, readonly string[], string][] = [
  ['no length', [], ''],
  ['a length of 0', ['Content-Length: 0'], ''],
  ['no chunk but the last', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ['an expectation', ['Content-Length: 0', 'Expect: 100-continue'], ''],
  ['a coding of nothing', ['Content-Length: 0', 'Content-Encoding: gzip'], ''],
]
const types = [json, `${json}; charset=utf-8`, `${json};charset="UTF-8"`, 'Application/JSON', form, 'text/plain']

describe.each(types)('an empty body of the type %s', (type) => {
  it.each(emptyBodies)('and %s counts as no body, so that a logout works', async (_, headers, body) => {
    const { token } = await login(running, email)
    const lines = ['POST /v1/logout HTTP/1.1', `Authorization: Bearer ${token}`, `Content-Type: ${type}`, ...headers]
    const { status } = await send(lines, body)
    expect([status, await tokenState(running, token)]).toEqual([204, 'session_ended'])
  })

  it('counts as no body where the body is optional, and is refused where one is required', async () => {
    const refresh = await running.api.post('/v1/refresh', { headers: { 'content-type': type } })
    expect([refresh.status, refresh.body.code]).toEqual([401, 'refresh_token_missing'])
    const { status } = await running.api.post('/v1/login', { headers: { 'content-type': type } })
    expect(status).toBe(400)
  })
})

describe('an empty body of JSON', () => {
  it('counts as no body on every route without a body', async () => {
    const [person, doomed, admin] = [await register(running), await register(running), await createAdmin(running)]
    const other = await login(running, person.email)
    const call = { headers: { 'content-type': json } }
    const ask = async (method: string, path: string, { token }: { token: string }) =>
      (await running.api.call(method, path, { ...call, token })).status
    expect(await ask('DELETE', `/v1/me/sessions/${other.sessionId}`, person)).toBe(204)
    expect(await tokenState(running, other.token)).toBe('session_ended')
    expect(await ask('POST', `/v1/admin/users/${doomed.id}/disable`, admin)).toBe(200)
    expect(await ask('DELETE', `/v1/admin/users/${doomed.id}`, admin)).toBe(204)
    expect(await ask('POST', '/v1/logout-all', person)).toBe(204)
    expect(await ask('POST', '/nowhere', person)).toBe(404)
  })
})

describe('a body', () => {
  const credentials = () => JSON.stringify({ email: freshEmail(), password })

  it.each(['gzip', 'br', 'deflate', 'zstd', 'GZIP', 'x-unknown', 'identity, gzip'])(
    'with the content encoding %s is refused, and not parsed as plain JSON',
    async (coding) => {
      const raw = new Uint8Array(gzipSync(credentials()))
      const headers = { 'content-type': json, 'content-encoding': coding }
      const { status, body, headers: answered } = await running.api.post('/v1/login', { raw, headers })
      expect([status, body.code]).toEqual([415, 'content_encoding_unsupported'])
      expect(answered.get('accept-encoding')).toBe('identity')
      const asForm = await running.api.post('/oauth/token', { raw, headers: { ...headers, 'content-type': form } })
      expect([asForm.status, asForm.body.code, asForm.body.error]).toEqual([
        415,
        'content_encoding_unsupported',
        'invalid_request',
      ])
    },
  )

  it.each(['identity', 'Identity'])('with the content encoding %s is read', async (coding) => {
    const headers = { 'content-type': json, 'content-encoding': coding }
    const { body } = await running.api.post('/v1/login', { raw: credentials(), headers })
    expect(body.code).toBe('invalid_credentials')
  })

  it.each(['gzip, chunked', 'gzip', 'identity', 'chunked, chunked'])(
    'with the transfer encoding "%s" is refused',
    async (coding) => {
      const text = credentials()
      const { status, code } = await send(
        ['POST /v1/login HTTP/1.1', `Content-Type: ${json}`, `Transfer-Encoding: ${coding}`],
        `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
      )
      expect([status, code]).toEqual([400, 'request_malformed'])
    },
  )

  it.each(['chunked', 'Chunked'])('with the transfer encoding "%s" is read', async (coding) => {
    const text = credentials()
    const { status, code } = await send(
      ['POST /v1/login HTTP/1.1', `Content-Type: ${json}`, `Transfer-Encoding: ${coding}`, 'Expect: 100-continue'],
      `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    )
    expect([status, code]).toEqual([401, 'invalid_credentials'])
  })

  it.each([
    `${json}; charset=utf-8`,
    `${json};charset=UTF-8`,
    `${json}; charset="utf-8"`,
    `${json};`,
    'APPLICATION/json',
  ])('of the type %s is JSON', async (type) => {
    const { body } = await running.api.post('/v1/login', { raw: credentials(), headers: { 'content-type': type } })
    expect(body.code).toBe('invalid_credentials')
  })

  it('of another type is refused even where no body is needed', async () => {
    const { token } = await register(running)
    const headers = { 'content-type': 'text/plain' }
    const { status, body } = await running.api.post('/v1/logout', { token, raw: 'bye', headers })
    expect([status, body.code, await tokenState(running, token)]).toEqual([415, 'unsupported_media_type', 200])
  })
})
