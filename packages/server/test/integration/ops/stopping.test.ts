import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createPasswordHasher, type PasswordHasher } from '../../../src/accounts/password-hasher.js'
import { HeldHasher } from '../../support/held-hasher.js'
import { password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

/** Sends requests on one persistent connection. */
function keptConnection(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    get: async (path: string) => {
      const sent = httpRequest(`${url}${path}`, { agent }).end()
      const [answer] = await once(sent, 'response')
      return { status: answer.statusCode, connection: answer.headers.connection, body: JSON.parse(await text(answer)) }
    },
    end: () => agent.destroy(),
  }
}

describe.each(databases)('a server on %s that stops', (database) => {
  let running: TestServer

  it('reports that it is not ready, still answers during its delay, and closes connections after their responses', async () => {
    running = await startServer({ database, configuration: { stopDelaySec: 1 } })
    const { token } = await register(running)
    const connection = keptConnection(running.url)
    expect(await connection.get('/readyz')).toMatchObject({ status: 200, connection: 'keep-alive' })
    const stopped = running.stop()
    expect(await connection.get('/readyz')).toMatchObject({
      status: 503,
      connection: 'close',
      body: { reasons: ['stopping'] },
    })
    expect(await tokenState(running, token), 'on a new connection').toBe(200)
    await stopped
    await expect(fetch(`${running.url}/livez`)).rejects.toThrow()
    connection.end()
  })

  it('answers requests in progress, and commits their changes', async () => {
    const real = await createPasswordHasher()
    let begun = () => {}
    const hashing = new Promise<void>((resolve) => (begun = resolve))
    const slow: PasswordHasher = {
      hash: async (plain) => {
        begun()
        await sleep(1000)
        return real.hash(plain)
      },
      compare: (plain, hashed) => real.compare(plain, hashed),
      isOutdated: () => false,
    }
    running = await startServer({ database, parts: { passwords: slow } })
    const answer = running.api.post('/v1/register', { body: { email: 'late@example.com', password } })
    await hashing
    const begunAt = performance.now()
    await Promise.all([running.stop(), running.stop()])
    expect((await answer).status).toBe(201)
    expect(performance.now() - begunAt, 'within its patience').toBeLessThan(8000)
  })
})

describe('a server with long keep-alive', () => {
  it('closes idle connections at once when it stops', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { keepAliveSec: 620 } })
    const answer = await fetch(`${running.url}/livez`)
    expect(answer.headers.get('keep-alive')).toBe('timeout=620')
    await answer.text()
    const connections = Array.from({ length: 5 }, () => keptConnection(running.url))
    for (const connection of connections) expect((await connection.get('/livez')).connection).toBe('keep-alive')
    const begunAt = performance.now()
    await running.stop()
    expect(performance.now() - begunAt, 'within its patience').toBeLessThan(8000)
    for (const connection of connections) connection.end()
  })
})

/** Opens a connection and collects its responses. */
function rawConnection(url: string) {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  const seen = { text: '', closed: false }
  socket.on('data', (data) => (seen.text += data))
  socket.on('close', () => (seen.closed = true))
  return {
    seen,
    get: (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
    post: (path: string, body: unknown) => {
      const text = JSON.stringify(body)
      const head = `Host: x\r\nContent-Type: application/json\r\nContent-Length: ${text.length}`
      return socket.write(`POST ${path} HTTP/1.1\r\n${head}\r\n\r\n${text}`)
    },
  }
}

describe('the connections of a server that drains', () => {
  const ok = 'HTTP/1.1 200 OK'

  it('end with the current response or the next one, and at the end of the delay if they are idle', async () => {
    const passwords = new HeldHasher()
    const running = await startServer({
      database: 'sqlite',
      configuration: { keepAliveSec: 620, stopDelaySec: 6 },
      parts: { passwords },
    })
    const [idle, used, busy] = [1, 2, 3].map(() => rawConnection(running.url))
    if (idle === undefined || used === undefined || busy === undefined) throw new Error('There are three connections.')
    const ended: string[] = []
    for (const connection of [idle, used]) {
      connection.get('/livez')
      await expect.poll(() => connection.seen.text).toMatch(new RegExp(`^${ok}.*keep-alive`, 's'))
      connection.seen.text = ''
    }
    passwords.isHeld = true
    busy.post('/v1/register', { email: 'late@example.com', password })
    await expect.poll(() => passwords.running).toBe(1)

    const stopped = running.stop().then(() => ended.push('server'))
    used.get('/livez')
    await expect.poll(() => used.seen).toEqual({ text: expect.stringMatching(/connection: close/i), closed: true })
    expect(used.seen.text).toContain(ok)
    expect([idle.seen, busy.seen, ended], 'nothing is cut').toEqual([
      { text: '', closed: false },
      { text: '', closed: false },
      [],
    ])
    passwords.release()
    await expect.poll(() => busy.seen).toEqual({ text: expect.stringMatching(/connection: close/i), closed: true })
    expect(busy.seen.text).toContain('HTTP/1.1 201 Created')
    // A new connection is accepted.
    const late = rawConnection(running.url)
    late.get('/readyz')
    await expect.poll(() => late.seen.text).toContain('HTTP/1.1 503')
    expect([idle.seen.closed, ended]).toEqual([false, []])
    await stopped
    await expect.poll(() => idle.seen).toEqual({ text: '', closed: true })
  })
})

describe('a persistent connection', () => {
  it('has the longer timeout while it is idle, and the shorter one during each request', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { keepAliveSec: 620 } })
    const sockets: Socket[] = []
    const during: (number | undefined)[] = []
    running.server.app.server.on('request', ({ socket }) => {
      sockets.push(socket)
      during.push(socket.timeout)
    })
    const connection = keptConnection(running.url)
    for (const _ of [1, 2]) {
      await connection.get('/livez')
      await expect.poll(() => sockets.at(-1)?.timeout).toBeGreaterThanOrEqual(620_000)
    }
    expect([during, new Set(sockets).size]).toEqual([[60_000, 60_000], 1])
    connection.end()
    await running.stop()
  })
})

describe('a server with a request that does not end', () => {
  it('waits for it only for a bounded time', async () => {
    const stuck: PasswordHasher = {
      hash: () => new Promise(() => {}),
      compare: async () => ({ matches: false, rehash: false }),
      isOutdated: () => false,
    }
    const running = await startServer({ database: 'sqlite', parts: { passwords: stuck } })
    const answer = running.api
      .post('/v1/register', { body: { email: 'never@example.com', password } })
      .catch(() => 'cut')
    await sleep(200)
    await running.stop()
    expect(await answer).toBe('cut')
  })
})

describe('deliberately slow clients', () => {
  let running: TestServer
  const sockets: Socket[] = []

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await running.stop()
  })

  it('are disconnected, whatever part of a request they delay, and do not block other clients', async () => {
    running = await startServer({ database: 'sqlite' })
    const { token } = await register(running)
    const { port } = new URL(running.url)
    const closedAfterMs = { silent: [] as number[], headers: [] as number[], body: [] as number[] }
    const beginnings = {
      silent: '',
      headers: 'GET /v1/me HTTP/1.1\r\nHost: x\r\n',
      body: 'POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{',
    }
    const drips = { silent: '', headers: 'X: y\r\n', body: ' ' }
    for (const kind of ['silent', 'headers', 'body'] as const) {
      for (let n = 0; n < 100; n += 1) {
        const openedAt = performance.now()
        const socket = connect(Number(port), '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => closedAfterMs[kind].push(performance.now() - openedAt))
        socket.resume()
        socket.write(beginnings[kind])
        const dripping = setInterval(() => socket.write(drips[kind]), 500)
        socket.on('close', () => clearInterval(dripping))
        sockets.push(socket)
      }
    }
    const counts = () => Object.values(closedAfterMs).map(({ length }) => length)
    const answered: unknown[] = []
    while (counts().some((count) => count < 100)) {
      answered.push(await tokenState(running, token))
      await sleep(200)
    }
    expect(answered.every((state) => state === 200)).toBe(true)
    for (const durations of Object.values(closedAfterMs)) expect(Math.min(...durations)).toBeGreaterThan(8000)
  })
})
