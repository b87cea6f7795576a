import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireAuth } from '../../../src/adapters/fastify/index.js'
import type { LatchkeyError } from '../../../src/errors.js'
import type { IntrospectionFailure } from '../../../src/introspection/report-introspection-failure.js'
import { client, listen, respond, startIssuer, type World } from '../../support/introspection-endpoint.js'
import { failureOf } from '../../support/issuer.js'
import { outcomeOf } from '../../support/setup.js'

type Answer = NonNullable<World['answer']>

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end()
const oauthError =
  (error: string): Answer =>
  (_, response) => {
    response.statusCode = 400
    respond(response, { error })
  }
const json = (response: ServerResponse) => response.setHeader('content-type', 'application/json')

/** Failures of one request: other tokens are still sent. */
const single: readonly [what: string, answer: Answer, reason: RegExp][] = [
  ['status 500', status(500), /status 500/],
  ['status 400', status(400), /status 400/],
  ['status 400 about the request', oauthError('invalid_request'), /status 400/],
  ['status 404', status(404), /status 404/],
  ['no content', status(204), /status 204/],
  ['a redirect', status(302, { location: '/oauth/introspect' }), /status 302, a redirect/],
  ['a redirect that keeps the method', status(307, { location: '/other' }), /status 307, a redirect/],
  ['a page', (_, response) => response.setHeader('content-type', 'text/html').end('<html>'), /content type/],
  ['JSON without a type', (_, response) => response.end('{"active":true}'), /content type/],
  [
    'JSON of another type',
    (_, response) => response.setHeader('content-type', 'application/jsonp').end('{}'),
    /content type/,
  ],
  ['malformed JSON', (_, response) => json(response).end('{"active":tr'), /no JSON object/],
  ['nothing', (_, response) => json(response).end(), /no JSON object/],
  ['no verdict', (_, response) => json(response).end('{}'), /"active"/],
  [
    '64 KiB and more',
    (_, response) => json(response).end(`{"active":true,"x":"${'x'.repeat(65_536)}"}`),
    /65536 bytes/,
  ],
]

/** Failures of the endpoint: it is not asked again until a pause has passed. */
const outages: readonly [what: string, answer: Answer, reason: RegExp, pauseSec: number][] = [
  ['nothing within the time', () => {}, /no answer within 1500 ms/, 1],
  ['a body that stops', (_, response) => json(response).write('{"active":'), /no answer within 1500 ms/, 1],
  ['a cut connection', (_, __, raw) => raw.socket.destroy(), /./, 1],
  ['status 502', status(502), /status 502/, 1],
  ['status 503', status(503), /status 503/, 1],
  ['status 503 with Retry-After', status(503, { 'retry-after': '7' }), /status 503/, 7],
  ['status 504', status(504), /status 504/, 1],
  ['status 429', status(429), /status 429/, 1],
  ['status 429 with Retry-After', status(429, { 'retry-after': '20' }), /status 429/, 20],
  ['status 429 with a long Retry-After', status(429, { 'retry-after': '86400' }), /status 429/, 60],
  ['status 429 with a malformed Retry-After', status(429, { 'retry-after': 'soon' }), /status 429/, 1],
  ['status 401', status(401, { 'www-authenticate': 'Basic' }), /status 401: the issuer refuses the credentials/, 10],
  ['status 400 for a disabled client', oauthError('unauthorized_client'), /status 400: the issuer refuses/, 10],
  ['status 400 for an unknown client', oauthError('invalid_client'), /status 400: the issuer refuses/, 10],
  ['status 403', status(403), /status 403: the issuer refuses the credentials/, 10],
]

/** `timeout` is short where no answer comes, but long enough for an answer on a busy machine. */
async function failing(answer: Answer, timeout = 1500) {
  const world = await startIssuer()
  const latchkey = world.verifier({ timeout })
  const tokens = await Promise.all(['a', 'b', 'c', 'd'].map((subject) => world.issue({ subject })))
  const verify = (index: number) => failureOf(() => latchkey.verify(tokens[index] ?? '')) as Promise<LatchkeyError>
  world.answer = answer
  return { world, latchkey, tokens, verify }
}

describe('an introspection without a usable answer', () => {
  it.each(single)('is 503, and the next token is sent: %s', async (_, answer, reason) => {
    const { world, verify } = await failing(answer, 60_000)
    for (const index of [0, 1]) {
      const error = await verify(index)
      expect(error).toMatchObject({ code: 'introspection_unavailable', status: 503, headers: { 'Retry-After': '1' } })
      expect((error.cause as Error).message).toMatch(reason)
    }
    expect(world.requests).toHaveLength(2)
  })

  it.each(outages)('is 503, and a pause follows: %s', async (_, answer, reason, pauseSec) => {
    const { world, latchkey, tokens, verify } = await failing(answer)
    const first = await verify(0)
    expect(first).toMatchObject({
      code: 'introspection_unavailable',
      status: 503,
      headers: { 'Retry-After': String(pauseSec) },
    })
    expect((first.cause as Error).message).toMatch(reason)
    const { length } = world.requests
    world.answer = undefined
    world.clock.advance(pauseSec * 1000 - 1)
    const during = await verify(1)
    expect(during).toMatchObject({ code: 'introspection_unavailable', headers: { 'Retry-After': '1' } })
    expect((during.cause as Error).message, 'the reason of the outage').toMatch(reason)
    expect(world.requests).toHaveLength(length)
    world.clock.advance(1)
    expect(await latchkey.verify(tokens[2] ?? '')).toMatchObject({ subject: 'c' })
    expect(await latchkey.verify(tokens[3] ?? '')).toMatchObject({ subject: 'd' })
  })

  it('honours a Retry-After that is a date', async () => {
    const { world, verify } = await failing((_, response) => {
      const date = new Date(world.clock.now() + 30_500).toUTCString()
      response.writeHead(503, { 'retry-after': date }).end()
    })
    const { headers } = await verify(0)
    expect(Number(headers['Retry-After'])).toBeGreaterThan(28)
    expect(Number(headers['Retry-After'])).toBeLessThan(32)
  })

  it('sends neither credentials nor the token to the target of a redirect', async () => {
    const world = await startIssuer()
    let received = 0
    const other = await listen((_, response) => {
      received += 1
      respond(response, { active: true })
    })
    for (const code of [301, 302, 303, 307, 308]) {
      world.answer = status(code, { location: `${other}/oauth/introspect` })
      expect(await outcomeOf(async () => world.verifier().verify(await world.issue()))).toBe(
        'introspection_unavailable',
      )
    }
    expect(received).toBe(0)
  })

  it('is 503 for a host that cannot be reached', async () => {
    const world = await startIssuer()
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const latchkey = world.verifier({ url: `http://127.0.0.1:${port}/introspect?key=hidden` })
    const error = (await failureOf(async () => latchkey.verify(await world.issue()))) as LatchkeyError
    expect([error.code, (error.cause as Error).message]).toEqual([
      'introspection_unavailable',
      expect.stringMatching(/ECONNREFUSED/),
    ])
    expect((error.cause as Error).message).not.toContain('hidden')
  })

  it('is no failure if only an idle connection was closed', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier()
    await latchkey.verify(await world.issue())
    let cut = 0
    world.answer = (_, __, raw) => {
      cut += 1
      world.answer = undefined
      raw.socket.destroy()
    }
    expect(await latchkey.verify(await world.issue({ subject: 'bob' }))).toMatchObject({ subject: 'bob' })
    expect(cut).toBe(1)
  })

  it('is never an acceptance of an answer that is read after a suspension of the process', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ timeout: 2000 })
    world.edit = (answer) => {
      world.clock.step(3_600_000)
      return answer
    }
    const token = await world.issue({ expiresIn: 86_400 })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('introspection_unavailable')
  })

  it('says so in its response, without the reason', async () => {
    const world = await startIssuer()
    world.answer = status(418)
    const app = fastify()
    const causes: unknown[] = []
    app.addHook('onError', async (_request, _reply, { cause }) => void causes.push(String(cause)))
    app.get('/', { onRequest: requireAuth(world.verifier()) }, async () => ({}))
    const headers = { authorization: `Bearer ${await world.issue()}` }
    const { statusCode, body, headers: sent } = await app.inject({ url: '/', headers })
    expect([statusCode, sent['retry-after'], sent['www-authenticate']]).toEqual([503, '1', undefined])
    expect(JSON.stringify([body, sent])).not.toContain('418')
    expect(causes).toEqual([expect.stringContaining('418')])
  })
})

describe('an endpoint that is away', () => {
  it('is sent no request during the pause, so that none waits for the time limit', async () => {
    const { world, latchkey, verify } = await failing(() => {})
    await verify(0)
    for (let count = 0; count < 100; count += 1) {
      const token = await world.issue({ subject: `user-${count}` })
      expect(await outcomeOf(() => latchkey.verify(token))).toBe('introspection_unavailable')
    }
    expect(world.requests).toHaveLength(1)
  })

  it('is probed by one request at a time', async () => {
    const { world, tokens, latchkey, verify } = await failing(status(503))
    await verify(0)
    world.answer = () => {}
    world.clock.advance(1000)
    const outcomes = tokens.map((token) => outcomeOf(() => latchkey.verify(token)))
    expect(await Promise.all(outcomes)).toEqual(tokens.map(() => 'introspection_unavailable'))
    expect(world.requests).toHaveLength(2)
  })

  it('does not affect answers in memory', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ cacheTtl: 60_000 })
    const token = await world.issue()
    await latchkey.verify(token)
    world.answer = status(503)
    expect(await outcomeOf(async () => latchkey.verify(await world.issue({ subject: 'b' })))).toBe(
      'introspection_unavailable',
    )
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('is not assumed after one slow answer beside others', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ timeout: 1500 })
    const slow = await world.issue({ subject: 'slow' })
    world.answer = () => {}
    const waiting = outcomeOf(() => latchkey.verify(slow))
    await expect.poll(() => world.requests).toHaveLength(1)
    world.answer = undefined
    world.clock.advance(1)
    expect(await latchkey.verify(await world.issue())).toMatchObject({ subject: 'alice' })
    expect(await waiting).toBe('introspection_unavailable')
    expect(await latchkey.verify(await world.issue({ subject: 'bob' }))).toMatchObject({ subject: 'bob' })
  })
})

describe('the number of requests at once', () => {
  it('is at most maxConcurrent: the others wait for a place', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ maxConcurrent: 3, timeout: 30_000 })
    const held: (() => void)[] = []
    world.answer = (_, response) => held.push(() => respond(response, { active: false }))
    const tokens = await Promise.all(
      Array.from({ length: 10 }, (_, index) => world.issue({ subject: `user-${index}` })),
    )
    const outcomes = Promise.all(tokens.map((token) => outcomeOf(() => latchkey.verify(token))))
    for (let answered = 0; answered < 10; answered += 1) {
      await expect.poll(() => held.length).toBe(Math.min(answered + 3, 10))
      held[answered]?.()
    }
    expect(await outcomes).toEqual(tokens.map(() => 'token_inactive'))
  })

  it('refuses with 503 when no place becomes free, and when too many wait', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier({ maxConcurrent: 1, timeout: 300 }, { verifyTimeout: 60_000 })
    world.answer = () => {}
    const tokens = await Promise.all(
      Array.from({ length: 30 }, (_, index) => world.issue({ subject: `user-${index}` })),
    )
    const outcomes = await Promise.all(tokens.map((token) => failureOf(() => latchkey.verify(token))))
    expect(outcomes).toMatchObject(tokens.map(() => ({ code: 'introspection_unavailable', status: 503 })))
    const causes = outcomes.map((error) => String((error as Error).cause))
    expect(causes.filter((cause) => cause.includes('Too many'))).toHaveLength(9)
    expect(world.requests.length).toBeLessThan(3)
  })
})

describe('the reason of a failure', () => {
  it('is published, without the query, the token or the credentials', async () => {
    const world = await startIssuer()
    const published = listenToFailures()
    world.answer = status(401)
    const token = await world.issue()
    const latchkey = world.verifier({ url: `${world.url}?key=hidden` })
    await outcomeOf(() => latchkey.verify(token))
    expect(published).toMatchObject([{ url: world.url, error: { message: expect.stringContaining('401') } }])
    const shown = JSON.stringify(published) + String(published[0]?.error.stack)
    for (const hidden of ['hidden', token, client.clientSecret]) expect(shown).not.toContain(hidden)
  })

  it('is published for an answer about another token, with the name of the claim', async () => {
    const world = await startIssuer()
    const published = listenToFailures()
    world.edit = (answer) => ({ ...answer, sub: 'bob' })
    await outcomeOf(async () => world.verifier().verify(await world.issue()))
    expect(published.map(({ error }) => error.message)).toEqual([expect.stringContaining('"sub"')])
    expect(published[0]?.error.message).not.toContain('bob')
  })

  it('is one warning without a subscriber, until the endpoint was away and has recovered', async () => {
    const world = await startIssuer()
    const latchkey = world.verifier()
    const warnings = listenToWarnings()
    let users = 0
    const attempt = async (answer: Answer | undefined) => {
      users += 1
      world.answer = answer
      world.clock.advance(10_000)
      await outcomeOf(async () => latchkey.verify(await world.issue({ subject: `user-${users}` })))
      await new Promise(setImmediate)
      return warnings.splice(0).map(({ message }) => /\d{3}/.exec(message.replace(/127\.0\.0\.1:\d+/, ''))?.[0])
    }
    expect(channel('latchkey:introspection:failure').hasSubscribers).toBe(false)
    expect(await attempt(status(500))).toEqual(['500'])
    expect(await attempt(status(500))).toEqual([])
    expect(await attempt(undefined)).toEqual([])
    // A token that makes the endpoint fail cannot fill the log.
    expect(await attempt(status(500))).toEqual([])
    expect(await attempt(status(503))).toEqual(['503'])
    expect(await attempt(status(503))).toEqual([])
    expect(await attempt(undefined)).toEqual([])
    expect(await attempt(status(503))).toEqual(['503'])
  })
})

function listenToFailures(): IntrospectionFailure[] {
  const published: IntrospectionFailure[] = []
  const listener = (failure: unknown) => void published.push(failure as IntrospectionFailure)
  subscribe('latchkey:introspection:failure', listener)
  onTestFinished(() => void unsubscribe('latchkey:introspection:failure', listener))
  return published
}

function listenToWarnings(): Error[] {
  const warnings: Error[] = []
  const listener = (warning: Error) => {
    if (warning.name === 'LatchkeyWarning') warnings.push(warning)
  }
  process.on('warning', listener)
  onTestFinished(() => void process.off('warning', listener))
  return warnings
}
