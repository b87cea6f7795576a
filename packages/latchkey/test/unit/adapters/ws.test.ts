import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'
import {
  authOf,
  guardUpgrades,
  optionalAuthOf,
  requireRole,
  sameOrigin,
  type UpgradeOptions,
} from '../../../src/adapters/ws/index.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { countWatches } from '../../support/count-watches.js'
import { nextUnhandled } from '../../support/next-unhandled.js'
import { setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

const cleanUps = cleanUpsOfEachTest()

/** Starts a server whose WebSockets greet their subject, and records what they receive. */
async function start(latchkey: Latchkey, options?: UpgradeOptions) {
  const sockets = new WebSocketServer({ noServer: true })
  const messages: string[] = []
  const requests: IncomingMessage[] = []
  sockets.on('connection', (socket, request) => {
    requests.push(request)
    socket.on('message', (data) => messages.push(String(data)))
    socket.send(optionalAuthOf(request)?.subject ?? 'guest')
  })
  const counted = countWatches(latchkey)
  const server = createServer().on('upgrade', guardUpgrades(counted, sockets, options))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(async () => {
    for (const client of sockets.clients) client.terminate()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await latchkey.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, host: `127.0.0.1:${port}`, sockets, messages, requests, counted }
}

interface Refused {
  readonly status: number | undefined
  readonly code: string
  readonly challenge: string | undefined
  readonly retryAfter: string | undefined
}

/** Opens a WebSocket: the client with its greeting and its later close, or the refusal. */
async function open(port: number, protocols: readonly string[] = [], options: ClientOptions & { path?: string } = {}) {
  const client = new WebSocket(`ws://127.0.0.1:${port}${options.path ?? '/'}`, [...protocols], options)
  cleanUps.push(async () => client.terminate())
  const closed = new Promise<string>((resolve) => {
    client.on('close', (code, reason) => resolve(`${code} ${reason}`))
  })
  client.on('error', () => {})
  return new Promise<{ client: WebSocket; greeting: string; closed: Promise<string> } | Refused>((resolve) => {
    client.once('message', (data) => resolve({ client, greeting: String(data), closed }))
    client.once('unexpected-response', (_request, response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => (text += part))
      response.on('end', () => {
        const { headers, statusCode: status } = response
        const { code } = JSON.parse(text)
        resolve({ status, code, challenge: headers['www-authenticate'], retryAfter: headers['retry-after'] })
      })
    })
  })
}

async function opened(...request: Parameters<typeof open>) {
  const answer = await open(...request)
  if ('status' in answer) throw new Error(`The handshake was refused with ${answer.code}.`)
  return answer
}

const tokenOf = async (latchkey: Latchkey, subject = 'alice') => (await latchkey.issue({ subject })).token
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const inCookie = (token: string, origin?: string) => ({
  headers: { cookie: `session=${token}`, ...(origin === undefined ? {} : { origin }) },
})

describe('a WebSocket behind guardUpgrades', () => {
  it('opens with a token in the header, in the query, in a cookie and as a subprotocol', async () => {
    const { latchkey } = setUp()
    const { port, host } = await start(latchkey, { cookie: 'session', query: true })
    const token = await tokenOf(latchkey)
    expect(await open(port, [], bearer(token))).toMatchObject({ greeting: 'alice' })
    expect(await open(port, [], { path: `/?access_token=${token}` })).toMatchObject({ greeting: 'alice' })
    expect(await open(port, [], inCookie(token, `http://${host}`))).toMatchObject({ greeting: 'alice' })
    expect(await open(port, ['latchkey.bearer', token])).toMatchObject({ greeting: 'alice' })
  })

  it('never selects the token as its subprotocol, and does not show it to the application', async () => {
    const { latchkey } = setUp()
    const { port, requests } = await start(latchkey)
    const token = await tokenOf(latchkey)
    expect((await opened(port, ['chat', 'latchkey.bearer', token])).client.protocol).toBe('chat')
    expect((await opened(port, ['latchkey.bearer', token, 'chat'])).client.protocol).toBe('latchkey.bearer')
    expect(requests.map(({ headers }) => headers['sec-websocket-protocol'])).toEqual([
      'chat, latchkey.bearer',
      'latchkey.bearer, chat',
    ])
  })

  it('is refused with an HTTP response before the upgrade', async () => {
    const { latchkey, clock, keys } = setUp()
    const { port, host, requests } = await start(latchkey, { cookie: 'session' })
    const expired = (await latchkey.issue({ subject: 'alice', expiresIn: 1 })).token
    clock.advance(10_000)
    const token = await tokenOf(latchkey)
    const revoked = await tokenOf(latchkey, 'bob')
    await keys.revoke('bob')
    const codeOf = async (...request: Parameters<typeof open>) => {
      const answer = await open(...request)
      return 'code' in answer ? `${answer.status} ${answer.code}` : 'opened'
    }
    expect(await open(port)).toEqual({
      status: 401,
      code: 'credentials_missing',
      challenge: 'Bearer',
      retryAfter: undefined,
    })
    expect(await codeOf(port, [], bearer(expired))).toBe('401 token_expired')
    expect(await codeOf(port, [], bearer(revoked))).toBe('401 token_revoked')
    expect(await codeOf(port, ['latchkey.bearer', revoked])).toBe('401 token_revoked')
    expect(await codeOf(port, ['latchkey.bearer'])).toBe('400 credentials_malformed')
    expect(await codeOf(port, ['latchkey.bearer', token], bearer(token))).toBe('400 credentials_ambiguous')
    expect(await codeOf(port, ['latchkey.bearer', token], inCookie(token, `http://${host}`))).toBe(
      '400 credentials_ambiguous',
    )
    expect(await codeOf(port, [], { path: `/?access_token=${token}` })).toBe('401 credentials_missing')
    expect(requests).toEqual([])
  })

  it('is refused if another site has caused the handshake with the cookie', async () => {
    const { latchkey } = setUp()
    const csrf = sameOrigin({ trusted: ['https://app.example.com'] })
    const { port, host } = await start(latchkey, { cookie: 'session', csrf })
    const token = await tokenOf(latchkey)
    const refused = { status: 403, code: 'csrf_refused' }
    expect(await open(port, [], inCookie(token, 'https://evil.example'))).toMatchObject(refused)
    expect(await open(port, [], inCookie(token))).toMatchObject(refused)
    expect(await open(port, [], inCookie(token, `http://${host}`))).toMatchObject({ greeting: 'alice' })
    expect(await open(port, [], inCookie(token, 'https://app.example.com'))).toMatchObject({ greeting: 'alice' })
    const ownToken = { headers: { ...bearer(token).headers, origin: 'https://evil.example' } }
    expect(await open(port, [], ownToken)).toMatchObject({ greeting: 'alice' })
  })

  it('opens for a guest where a token is optional, and is refused with a wrong token', async () => {
    const { latchkey } = setUp()
    const { port, counted } = await start(latchkey, { optional: true })
    expect(await open(port)).toMatchObject({ greeting: 'guest' })
    expect(counted.watches).toBe(0)
    expect(await open(port, [], bearer('garbage'))).toMatchObject({ status: 401, code: 'token_malformed' })
  })

  it('is refused with 403 if a check of its identity fails, and closed when the grants change later', async () => {
    const { latchkey, keys } = setUp()
    const { port } = await start(latchkey, { checks: [requireRole('editor')] })
    const token = await tokenOf(latchkey)
    expect(await open(port, [], bearer(token))).toMatchObject({ status: 403, code: 'insufficient_role' })
    await keys.setGrants('alice', { roles: ['editor'] })
    const { closed } = await opened(port, [], bearer(token))
    await keys.setGrants('alice', { roles: [] })
    expect(await closed).toBe('4401 grants_changed')
    const guests = await start(setUp().latchkey, { checks: [requireRole('editor')], optional: true })
    expect(await open(guests.port)).toMatchObject({ status: 401, code: 'credentials_missing' })
  })

  it('lets the application respond to a refusal, or does so itself', async () => {
    const { latchkey } = setUp()
    const seen: string[] = []
    const { port } = await start(latchkey, {
      onRefusal: ({ code }, request, socket) => {
        seen.push(code)
        if (request.url === '/own') socket.end('HTTP/1.1 418 Refused\r\nContent-Length: 15\r\n\r\n{"code":"mine"}')
      },
    })
    expect(await open(port, [], { path: '/own' })).toMatchObject({ status: 418, code: 'mine' })
    expect(await open(port)).toMatchObject({ status: 401, code: 'credentials_missing' })
    expect(seen).toEqual(['credentials_missing', 'credentials_missing'])
  })
})

describe('a mistake of an application of ws', () => {
  it('in onRefusal is a refusal with 500 and a warning, whether or not it has responded', async () => {
    const { latchkey } = setUp()
    const { port } = await start(latchkey, {
      onRefusal: (_error, request, socket) => {
        if (request.url === '/own') socket.end('HTTP/1.1 418 Refused\r\nContent-Length: 15\r\n\r\n{"code":"mine"}')
        throw new Error(`a mistake of onRefusal at ${request.url}`)
      },
    })
    for (const [path, refused] of Object.entries({ '/': 'internal_error', '/own': 'mine' })) {
      const warned = new Promise<Error>((resolve) => void process.once('warning', resolve))
      expect(await open(port, [], { path })).toMatchObject({ code: refused })
      expect((await warned).message).toBe(`a mistake of onRefusal at ${path}`)
    }
    expect(await open(port, [], bearer(await tokenOf(latchkey)))).toMatchObject({ greeting: 'alice' })
  })

  it('in the listener for connections leaves no WebSocket unwatched', async () => {
    const { latchkey, keys } = setUp()
    const { port, sockets } = await start(latchkey)
    sockets.on('connection', () => {
      throw new Error('a mistake of the listener')
    })
    const unhandled = nextUnhandled()
    const { closed } = await opened(port, [], bearer(await tokenOf(latchkey)))
    expect(await unhandled).toMatchObject({ message: 'a mistake of the listener' })
    await keys.revoke('alice')
    expect(await closed).toBe('4401 token_revoked')
  })
})

describe('an open WebSocket', () => {
  it('is closed with 4401 when its identity is revoked in this process, and others stay open', async () => {
    const { latchkey, keys } = setUp()
    const { port, counted } = await start(latchkey)
    const alice = await opened(port, [], bearer(await tokenOf(latchkey)))
    const bob = await opened(port, [], bearer(await tokenOf(latchkey, 'bob')))
    expect(counted.watches).toBe(2)
    await keys.revoke('alice')
    expect(await alice.closed).toBe('4401 token_revoked')
    expect(bob.client.readyState).toBe(WebSocket.OPEN)
    expect(counted.watches).toBe(1)
  })

  it('is closed with 4401 when another process revokes its identity', async () => {
    const store = memoryStore()
    const there = setUp({ store })
    const { latchkey } = setUp({ store })
    const { port } = await start(latchkey)
    const { closed } = await opened(port, [], bearer(await tokenOf(there.latchkey)))
    await there.keys.revoke('alice')
    expect(await closed).toBe('4401 token_revoked')
  })

  it('is closed with 4401 when its session ends and when its grants change', async () => {
    const { latchkey, keys } = setUp()
    const { port } = await start(latchkey)
    const issued = await latchkey.issue({ subject: 'alice' })
    const ended = await opened(port, [], bearer(issued.token))
    const changed = await opened(port, [], bearer(await tokenOf(latchkey, 'bob')))
    await keys.revokeSession('alice', issued.sessionId)
    await keys.setGrants('bob', { roles: ['editor'] })
    expect(await ended.closed).toBe('4401 session_ended')
    expect(await changed.closed).toBe('4401 grants_changed')
  })

  it('is closed with 4401 when its token expires', async () => {
    const { latchkey, clock } = setUp({ latchkey: { clockTolerance: 0 } })
    const { port } = await start(latchkey)
    const { token } = await latchkey.issue({ subject: 'alice', expiresIn: 1 })
    const { closed } = await opened(port, [], bearer(token))
    clock.advance(1001)
    expect(await closed).toBe('4401 token_expired')
  })

  it('is closed with 4503 when its token cannot be checked any more', async () => {
    const steered = steer()
    const { latchkey, clock, keys } = setUp({ store: steered.store })
    const { port } = await start(latchkey)
    const { closed } = await opened(port, [], bearer(await tokenOf(latchkey)))
    clock.advance(60_000)
    steered.setReachable(false)
    for (const listener of steered.listeners) listener.lost()
    expect(await closed).toBe('4503 store_unavailable')
    await keys.close()
  })

  it('handles no further message of a client that does not answer the close frame', async () => {
    const { latchkey, keys } = setUp()
    const { port, sockets, messages } = await start(latchkey)
    const { client } = await opened(port, [], bearer(await tokenOf(latchkey)))
    client.send('before')
    await expect.poll(() => messages).toEqual(['before'])
    client.pause()
    await keys.revoke('alice')
    await expect.poll(() => [...sockets.clients].map(({ readyState }) => readyState)).toEqual([WebSocket.CLOSING])
    client.send('after')
    await expect.poll(() => sockets.clients.size).toBe(0)
    expect(messages).toEqual(['before'])
  })

  it('is not watched after it has closed', async () => {
    const { latchkey } = setUp()
    const { port, counted } = await start(latchkey)
    const { client } = await opened(port, [], bearer(await tokenOf(latchkey)))
    expect(counted.watches).toBe(1)
    client.close()
    await expect.poll(() => counted.watches).toBe(0)
    const lost = await opened(port, [], bearer(await tokenOf(latchkey)))
    lost.client.terminate()
    await expect.poll(() => counted.watches).toBe(0)
  })
})

/** A server whose store the test holds, and a token that it must read. */
async function startSlow(options?: UpgradeOptions) {
  const store = memoryStore()
  const steered = steer(store)
  const issuer = setUp({ store })
  const token = await tokenOf(issuer.latchkey)
  const other = await tokenOf(issuer.latchkey, 'bob')
  await issuer.latchkey.close()
  const { latchkey, clock } = setUp({ store: steered.store })
  return { steered, token, other, clock, latchkey, ...(await start(latchkey, options)) }
}

describe('a handshake whose token must be read', () => {
  it('waits for a slow store', async () => {
    const { port, steered, token } = await startSlow()
    steered.holdReads()
    const opening = open(port, [], bearer(token))
    await expect.poll(() => steered.held.length).toBeGreaterThan(0)
    steered.release()
    expect(await opening).toMatchObject({ greeting: 'alice' })
  })

  it('is refused with 503 and Retry-After while the store is away', async () => {
    const { port, steered, token } = await startSlow()
    steered.setReachable(false)
    expect(await open(port, [], bearer(token))).toEqual({
      status: 503,
      code: 'store_unavailable',
      challenge: undefined,
      retryAfter: '1',
    })
    steered.setReachable(true)
    expect(await open(port, [], bearer(token))).toMatchObject({ greeting: 'alice' })
  })

  it('is refused with 503 if too many others wait, and those are opened', async () => {
    const { port, steered, token, other } = await startSlow({ maxPending: 1 })
    steered.holdReads()
    const opening = open(port, [], bearer(token))
    await expect.poll(() => steered.held.length).toBeGreaterThan(0)
    expect(await open(port, [], bearer(other))).toMatchObject({ status: 503, code: 'store_unavailable' })
    steered.release()
    expect(await opening).toMatchObject({ greeting: 'alice' })
    expect(await open(port, [], bearer(other))).toMatchObject({ greeting: 'bob' })
  })

  it.each(['closes', 'resets'] as const)('leaves nothing behind if the client %s the connection', async (how) => {
    const { port, steered, token, sockets, counted } = await startSlow()
    steered.holdReads()
    const raw = connect(port, '127.0.0.1').on('error', () => {})
    const lines = [
      'GET / HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Authorization: Bearer ${token}`,
    ]
    raw.write(`${lines.join('\r\n')}\r\n\r\n`)
    await expect.poll(() => steered.held.length).toBeGreaterThan(0)
    if (how === 'closes') raw.destroy()
    else raw.resetAndDestroy()
    await once(raw, 'close')
    await settle()
    steered.release()
    await settle()
    await expect.poll(() => [sockets.clients.size, counted.watches]).toEqual([0, 0])
    expect(await open(port, [], bearer(token))).toMatchObject({ greeting: 'alice' })
  })
})

describe('guardUpgrades', () => {
  const { latchkey } = setUp()
  const sockets = new WebSocketServer({ noServer: true })

  it('refuses wrong arguments when it is called', async () => {
    const server = createServer()
    const call = (...args: readonly unknown[]) => Reflect.apply(guardUpgrades, undefined, args)
    expect(() => call(undefined, sockets)).toThrow(TypeError)
    expect(() => call({ verify: latchkey.verify }, sockets)).toThrow(TypeError)
    expect(() => call(latchkey, undefined)).toThrow(TypeError)
    expect(() => call(latchkey, sockets, { cookie: 'a b' })).toThrow(TypeError)
    expect(() => call(latchkey, sockets, { maxPending: 0 })).toThrow(TypeError)
    expect(() => call(latchkey, sockets, { checks: ['editor'] })).toThrow(TypeError)
    // Its own listener would open a WebSocket for everyone.
    expect(() => call(latchkey, new WebSocketServer({ server }))).toThrow('noServer: true')
  })

  it('lets authOf fail for a guest, who has no identity', async () => {
    const { port, requests } = await start(latchkey, { optional: true })
    await opened(port)
    expect(() => requests.map(authOf)).toThrow('no access token')
  })
})
