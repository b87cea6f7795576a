import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDeployment } from '../../../../../test/support/server-process.js'
import { startRedis } from '../../../../../test/support/start-redis.js'
import { Command } from '../../support/command.js'
import { form, Machines } from '../../support/machines.js'
import { freshEmail, login, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const exporter = new InMemorySpanExporter()

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
})

/**
 * Returns the spans of one name, once the request that caused them has been answered and exported.
 */
async function spansOf(name: string): Promise<ReadableSpan[]> {
  const found = () => exporter.getFinishedSpans().filter((span) => span.name === name)
  await expect.poll(() => found().length).toBeGreaterThan(0)
  return found()
}

const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId

describe.each(databases)('traces of a server on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())
  beforeEach(() => exporter.reset())

  it('show a request by its route, and the operations within it', async () => {
    const { email } = await register(running)
    exporter.reset()
    await login(running, email)
    const [served] = await spansOf('POST /v1/login')
    const [signIn] = await spansOf('latchkey.login')
    expect(served?.kind).toBe(SpanKind.SERVER)
    expect(served?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/login',
      'http.response.status_code': 200,
    })
    expect(parentOf(signIn)).toBe(idOf(served))
    const queries = await spansOf('latchkey.store.query')
    expect(queries.some((query) => parentOf(query) === idOf(signIn))).toBe(true)
    expect(queries[0]?.kind).toBe(SpanKind.CLIENT)
    expect(queries[0]?.attributes).toEqual({
      'db.system.name': database === 'postgres' ? 'postgresql' : 'sqlite',
      'db.operation.name': 'query',
    })
    const [issued] = await spansOf('latchkey.issue')
    expect(issued?.spanContext().traceId).toBe(served?.spanContext().traceId)
  })

  it('show a verification within its request, and the code of its refusal', async () => {
    const { token } = await register(running)
    exporter.reset()
    await running.api.get('/v1/me', { token })
    const [served] = await spansOf('GET /v1/me')
    const [verified] = await spansOf('latchkey.verify')
    expect([parentOf(verified), verified?.attributes]).toEqual([idOf(served), {}])
    exporter.reset()
    await running.api.get('/v1/me', { token: `${token.slice(0, -5)}AAAAA` })
    const [refusal] = await spansOf('GET /v1/me')
    const [refused] = await spansOf('latchkey.verify')
    for (const span of [refusal, refused]) {
      expect(span?.attributes['error.type']).toBe('signature_invalid')
      expect(span?.status.code, 'a refusal is normal work').toBe(SpanStatusCode.UNSET)
    }
  })

  it('show every verification once, also of a remembered token and beside another server', async () => {
    const other = await running.startAnother()
    const { token } = await register(running)
    await running.api.get('/v1/me', { token })
    exporter.reset()
    await running.api.get('/v1/me', { token })
    const [served] = await spansOf('GET /v1/me')
    expect((await spansOf('latchkey.verify')).map(parentOf)).toEqual([idOf(served)])
    exporter.reset()
    await other.api.get('/v1/me', { token })
    const [verified, ...more] = await spansOf('latchkey.verify')
    expect(more).toEqual([])
    const [read] = await spansOf('latchkey.store.read_by_kid')
    expect(parentOf(read), 'the read is part of the verification').toBe(idOf(verified))
    await other.stop()
  })

  it('stay whole while a request waits for its body', async () => {
    const { email } = await register(running)
    exporter.reset()
    const headers = { 'content-type': 'application/json' }
    const outgoing = request(`${running.url}/v1/login`, { method: 'POST', headers })
    outgoing.flushHeaders()
    await new Promise((resolve) => setTimeout(resolve, 50))
    outgoing.end(JSON.stringify({ email, password }))
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.resume()
    const [served] = await spansOf('POST /v1/login')
    const [signIn] = await spansOf('latchkey.login')
    expect(parentOf(signIn)).toBe(idOf(served))
  })

  it('continue the trace of the caller', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    await running.api.get('/livez', { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } })
    const [served] = await spansOf('GET /livez')
    expect([served?.spanContext().traceId, parentOf(served)]).toEqual([traceId, 'b7ad6b7169203331'])
  })

  it('report internal failures as errors, only by their code', async () => {
    const { store } = running.server.service
    await store.query('alter table server_accounts rename to server_accounts_away')
    const email = freshEmail()
    await running.api.post('/v1/login', { body: { email, password } })
    await store.query('alter table server_accounts_away rename to server_accounts')
    const [served] = await spansOf('POST /v1/login')
    expect(served?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(served?.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': 'schema_missing' })
  })

  it('contain no token, no address and no secret', async () => {
    const machines = await Machines.with(running)
    const machine = await machines.create({ scope: 'a', may_introspect: true })
    const email = freshEmail()
    const person = await register(running, email)
    const client = { client_id: machine.id, client_secret: machine.secret }
    const machineToken = await machines.tokenOf(machine)
    await running.api.post('/oauth/introspect', form({ token: person.token, ...client }))
    await running.api.get('/v1/forward-auth?audience=services', { token: person.token })
    await running.api.get(`/v1/me?access_token=${person.token}`)
    await running.api.get(`/${person.refreshToken}`)
    await running.api.post('/v1/login', { body: { email, password: 'a wrong password' } })
    await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    await running.api.post('/oauth/revoke', form({ token: person.token }))
    await spansOf('POST /oauth/revoke')
    const exported = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, links, status }) => JSON.stringify([name, attributes, events, links, status]))
      .join('\n')
    expect(exported.split('\n').length).toBeGreaterThan(40)
    const secrets = [
      person.token,
      person.refreshToken,
      machineToken,
      machine.secret,
      email,
      password,
      'a wrong password',
    ]
    expect(secrets.filter((secret) => exported.includes(secret))).toEqual([])
    expect(exported).not.toContain('eyJ')
  })

  it('are started only by requests, and not by the change feed and background jobs', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1200))
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual([])
  })
})

describe('traces of a server with a shared cache', () => {
  it('show the calls to the cache', async () => {
    const redis = await startRedis()
    const running = await startServer({ database: 'postgres', configuration: { redisUrl: redis.url } })
    const { token } = await register(running)
    await running.api.get('/v1/me', { token })
    const other = await running.startAnother()
    exporter.reset()
    await other.api.get('/v1/me', { token })
    const [asked] = await spansOf('latchkey.cache.read')
    expect(asked?.attributes).toEqual({ 'db.system.name': 'redis', 'db.operation.name': 'read' })
    await other.stop()
    await running.stop()
    await redis.dispose()
  })
})

describe('a server without @opentelemetry/api', () => {
  it('starts and works without traces', async () => {
    const hook = `export const resolve = (name, context, next) => {
      if (name.startsWith('@opentelemetry/')) throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(name, context)
    }`
    const loader = `data:text/javascript,${encodeURIComponent(hook)}`
    const register = `import { register } from 'node:module'; register(${JSON.stringify(loader)})`
    const deployment = await createDeployment('sqlite')
    const server = new Command(['serve'], {
      ...deployment.env,
      NODE_ENV: 'production',
      NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(register)}"`,
    })
    const url = /"url":"([^"]+)"/.exec(await server.prints(/"url":"([^"]+)".*Latchkey is up/))?.[1]
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect((await server.stop()).code).toBe(0)
    await deployment.dispose()
  })
})
