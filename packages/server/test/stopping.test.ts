import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createPasswordHasher, type PasswordHasher } from '../src/accounts/password-hasher.js'
import { password, register, tokenState } from './support/people.js'
import { databases, startServer, type TestServer } from './support/start-server.js'

/** Asks on one connection that is kept. */
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

describe.each(databases)('a server on %s that is told to stop', (database) => {
  let running: TestServer

  it('says that it is not ready, still answers for its delay, and sends its clients elsewhere', async () => {
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

  it('answers what is under way, and keeps what it did', async () => {
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
    expect(performance.now() - begunAt, 'far within its patience').toBeLessThan(6000)
  })
})

describe('a server that keeps connections for long', () => {
  it('closes those that are not used at once when it stops', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { keepAliveSec: 620 } })
    const answer = await fetch(`${running.url}/livez`)
    expect(answer.headers.get('keep-alive')).toBe('timeout=620')
    await answer.text()
    const connections = Array.from({ length: 5 }, () => keptConnection(running.url))
    for (const connection of connections) expect((await connection.get('/livez')).connection).toBe('keep-alive')
    const begunAt = performance.now()
    await running.stop()
    expect(performance.now() - begunAt, 'far within its patience').toBeLessThan(6000)
    for (const connection of connections) connection.end()
  })
})

describe('a server with a request that does not end', () => {
  it('does not wait for it for ever', async () => {
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

describe('clients that are slow on purpose', () => {
  let running: TestServer
  const sockets: Socket[] = []

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await running.stop()
  })

  it('are let go of, whatever they are slow with, and keep nobody from being answered meanwhile', async () => {
    running = await startServer({ database: 'sqlite' })
    const { token } = await register(running)
    const { port } = new URL(running.url)
    const begunAt = performance.now()
    const ended = { silent: 0, headers: 0, body: 0 }
    const beginnings = {
      silent: '',
      headers: 'GET /v1/me HTTP/1.1\r\nHost: x\r\n',
      body: 'POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{',
    }
    const drips = { silent: '', headers: 'X: y\r\n', body: ' ' }
    for (const kind of ['silent', 'headers', 'body'] as const) {
      for (let n = 0; n < 100; n += 1) {
        const socket = connect(Number(port), '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => {
          ended[kind] += 1
        })
        socket.resume()
        socket.write(beginnings[kind])
        const dripping = setInterval(() => socket.write(drips[kind]), 500)
        socket.on('close', () => clearInterval(dripping))
        sockets.push(socket)
      }
    }
    const answered: unknown[] = []
    while (performance.now() - begunAt < 8000) {
      answered.push(await tokenState(running, token))
      await sleep(200)
    }
    expect(answered.every((state) => state === 200)).toBe(true)
    expect(ended).toEqual({ silent: 0, headers: 0, body: 0 })
    await expect.poll(() => ended).toEqual({ silent: 100, headers: 100, body: 100 })
    expect(performance.now() - begunAt).toBeLessThan(20_000)
  })
})
