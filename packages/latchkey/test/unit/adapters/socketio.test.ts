import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DefaultEventsMap, Server, type ServerOptions } from 'socket.io'
import { connect, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import {
  type AuthData,
  type ConnectRefusal,
  guardNamespace,
  type NamespaceOptions,
  requireRole,
} from '../../../src/adapters/socketio/index.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { countWatches } from '../../support/count-watches.js'
import { nextUnhandled } from '../../support/next-unhandled.js'
import { setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

const cleanUps = cleanUpsOfEachTest()

type TestServer = Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, AuthData>

/** Starts a server that greets each subject, and records the messages that it handles. */
async function start(latchkey: Latchkey, options?: NamespaceOptions, serverOptions: Partial<ServerOptions> = {}) {
  const server = createServer()
  const io: TestServer = new Server(server, serverOptions)
  const counted = countWatches(latchkey)
  guardNamespace(counted, io, options)
  const messages: string[] = []
  io.on('connection', (socket) => {
    socket.on('say', (text) => messages.push(text))
    socket.emit('hello', socket.data.auth?.subject ?? 'guest')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(async () => {
    await io.close()
    await latchkey.close()
  })
  const { port } = server.address() as AddressInfo
  return { io, counted, messages, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}` }
}

interface Connected {
  readonly client: Socket
  readonly greeting: string
  /** The end as the client sees it: the event before it, and the reason. */
  readonly ended: Promise<readonly unknown[]>
}

interface Refused extends ConnectRefusal {
  readonly message: string
}

/** Connects: the client with its greeting and its later end, or the refusal. */
function open(url: string, options: Partial<ManagerOptions & SocketOptions> = {}): Promise<Connected | Refused> {
  const client = connect(url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options })
  cleanUps.push(async () => client.disconnect())
  const events: unknown[] = []
  client.on('auth_ended', (end) => events.push(end))
  const ended = new Promise<readonly unknown[]>((resolve) => {
    client.on('disconnect', (reason) => resolve([...events, reason]))
  })
  return new Promise((resolve, reject) => {
    client.on('hello', (greeting) => resolve({ client, greeting, ended }))
    client.on('connect_error', (error) => {
      if ('data' in error) resolve({ ...(error.data as ConnectRefusal), message: error.message })
      else reject(error)
    })
  })
}

async function opened(url: string, options?: Partial<ManagerOptions & SocketOptions>): Promise<Connected> {
  const answer = await open(url, options)
  if ('code' in answer) throw new Error(`The client was refused with ${answer.code}.`)
  return answer
}

const tokenOf = async (latchkey: Latchkey, subject = 'alice') => (await latchkey.issue({ subject })).token

describe('a client of a guarded namespace of Socket.IO', () => {
  it('connects with the token of its handshake, a header, a query or a cookie', async () => {
    const { latchkey } = setUp()
    const { url, host } = await start(latchkey, { cookie: 'session', query: true })
    const token = await tokenOf(latchkey)
    const alice = { greeting: 'alice' }
    expect(await open(url, { auth: { token } })).toMatchObject(alice)
    expect(await open(url, { auth: { token }, transports: ['polling'] })).toMatchObject(alice)
    expect(await open(url, { extraHeaders: { authorization: `Bearer ${token}` } })).toMatchObject(alice)
    expect(await open(url, { query: { access_token: token } })).toMatchObject(alice)
    const extraHeaders = { cookie: `session=${token}`, origin: `http://${host}` }
    expect(await open(url, { extraHeaders })).toMatchObject(alice)
  })

  it('is refused by connect_error with code and status', async () => {
    const { latchkey, keys } = setUp()
    const { url } = await start(latchkey)
    const token = await tokenOf(latchkey)
    const revoked = await tokenOf(latchkey, 'bob')
    await keys.revoke('bob')
    expect(await open(url)).toEqual({
      code: 'credentials_missing',
      status: 401,
      hint: expect.any(String),
      message: expect.any(String),
    })
    expect(await open(url, { auth: { token: '' } })).toMatchObject({ code: 'credentials_missing', status: 401 })
    expect(await open(url, { auth: { token: revoked } })).toMatchObject({ code: 'token_revoked', status: 401 })
    expect(await open(url, { auth: { token: 7 } })).toMatchObject({ code: 'credentials_malformed', status: 400 })
    expect(await open(url, { query: { access_token: token } })).toMatchObject({ code: 'credentials_missing' })
    const extraHeaders = { authorization: `Bearer ${token}` }
    expect(await open(url, { auth: { token }, extraHeaders })).toMatchObject({ code: 'credentials_ambiguous' })
  })

  it.each(['websocket', 'polling'])('is refused if another site uses the cookie, over %s', async (transport) => {
    const { latchkey } = setUp()
    const { url, host } = await start(latchkey, { cookie: 'session' })
    const cookie = `session=${await tokenOf(latchkey)}`
    const askFrom = (origin: string) => open(url, { extraHeaders: { cookie, origin }, transports: [transport] })
    expect(await askFrom('https://evil.example')).toMatchObject({ code: 'csrf_refused', status: 403 })
    expect(await askFrom(`http://${host}`)).toMatchObject({ greeting: 'alice' })
  })

  it('is refused with 503 while the store is away, and when too many others wait', async () => {
    const store = memoryStore()
    const steered = steer(store)
    const issuer = setUp({ store })
    const token = await tokenOf(issuer.latchkey)
    const other = await tokenOf(issuer.latchkey, 'bob')
    await issuer.latchkey.close()
    const { url } = await start(setUp({ store: steered.store }).latchkey, { maxPending: 1 })
    const unavailable = { code: 'store_unavailable', status: 503 }
    steered.setReachable(false)
    expect(await open(url, { auth: { token } })).toMatchObject(unavailable)
    steered.setReachable(true)
    steered.holdReads()
    const opening = open(url, { auth: { token } })
    await expect.poll(() => steered.held.length).toBeGreaterThan(0)
    expect(await open(url, { auth: { token: other } })).toMatchObject(unavailable)
    steered.release()
    expect(await opening).toMatchObject({ greeting: 'alice' })
  })

  it('is refused with 403 if a check of its identity fails', async () => {
    const { latchkey, keys } = setUp()
    const { url } = await start(latchkey, { checks: [requireRole('editor')] })
    const auth = { token: await tokenOf(latchkey) }
    expect(await open(url, { auth })).toMatchObject({ code: 'insufficient_role', status: 403 })
    await keys.setGrants('alice', { roles: ['editor'] })
    expect(await open(url, { auth })).toMatchObject({ greeting: 'alice' })
  })

  it('connects as a guest where a token is optional', async () => {
    const { latchkey } = setUp()
    const { url, counted } = await start(latchkey, { optional: true })
    expect(await open(url)).toMatchObject({ greeting: 'guest' })
    expect(await open(url, { auth: { token: 'garbage' } })).toMatchObject({ code: 'token_malformed' })
    expect(counted.watches).toBe(0)
  })

  it('receives the error of onRefusal, and no detail of an unexpected one', async () => {
    const { latchkey } = setUp()
    const onRefusal: NamespaceOptions['onRefusal'] = ({ code }) =>
      code === 'credentials_missing' ? Object.assign(new Error('no'), { data: { code: 'mine' } }) : undefined
    const { url } = await start(latchkey, { onRefusal })
    expect(await open(url)).toMatchObject({ code: 'mine' })
    expect(await open(url, { auth: { token: 'garbage' } })).toMatchObject({ code: 'token_malformed' })
    const broken = setUp().latchkey
    broken.verify = () => {
      throw new Error('the password of the database')
    }
    const warnings: string[] = []
    const listener = ({ message }: Error) => void warnings.push(message)
    process.on('warning', listener)
    cleanUps.push(async () => void process.off('warning', listener))
    const other = await start(broken)
    const refused = await open(other.url, { auth: { token: 'a.b.c' } })
    expect(refused).toMatchObject({ code: 'internal_error', status: 500 })
    expect(JSON.stringify(refused)).not.toContain('password')
    await expect.poll(() => warnings).toContain('the password of the database')
  })

  it('needs a guard for each namespace, also for dynamic ones', async () => {
    const { latchkey, keys } = setUp()
    const { io, url } = await start(latchkey)
    const admins = io.of('/admin')
    const rooms = io.of(/^\/room-\d+$/)
    for (const namespace of [admins, rooms]) {
      guardNamespace(latchkey, namespace)
      namespace.on('connection', (socket) => socket.emit('hello', `${socket.nsp.name} ${socket.data.auth.subject}`))
    }
    const auth = { token: await tokenOf(latchkey) }
    for (const name of ['/admin', '/room-7']) {
      expect(await open(url + name)).toMatchObject({ code: 'credentials_missing' })
      const { greeting, ended } = await opened(url + name, { auth })
      expect(greeting).toBe(`${name} alice`)
      if (name === '/room-7') {
        await keys.revoke('alice')
        expect(await ended).toMatchObject([{ code: 'token_revoked' }, 'io server disconnect'])
      }
    }
  })
})

describe('a mistake of an application of Socket.IO', () => {
  it('in onRefusal is a refusal without its detail, and a warning', async () => {
    const { latchkey } = setUp()
    const { url } = await start(latchkey, {
      onRefusal: () => {
        throw new Error('the password of the database')
      },
    })
    const warned = new Promise<Error>((resolve) => void process.once('warning', resolve))
    const refused = await open(url)
    expect(refused).toMatchObject({ code: 'internal_error', status: 500 })
    expect(JSON.stringify(refused)).not.toContain('password')
    expect((await warned).message).toBe('the password of the database')
    expect(await open(url, { auth: { token: await tokenOf(latchkey) } })).toMatchObject({ greeting: 'alice' })
  })

  it('in the listener for connections leaves no client unwatched', async () => {
    const { latchkey, keys } = setUp()
    const { io, url } = await start(latchkey)
    io.on('connection', () => {
      throw new Error('a mistake of the listener')
    })
    const unhandled = nextUnhandled()
    const { ended } = await opened(url, { auth: { token: await tokenOf(latchkey) } })
    expect(await unhandled).toMatchObject({ message: 'a mistake of the listener' })
    await keys.revoke('alice')
    expect(await ended).toMatchObject([{ code: 'token_revoked' }, 'io server disconnect'])
  })
})

describe('a client of Socket.IO that leaves while its token is verified', () => {
  it('leaves nothing behind', async () => {
    const store = memoryStore()
    const issuer = setUp({ store })
    const auth = { token: await tokenOf(issuer.latchkey) }
    await issuer.latchkey.close()
    const steered = steer(store)
    const { io, url, counted } = await start(setUp({ store: steered.store }).latchkey)
    steered.holdReads()
    const client = connect(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth })
    await expect.poll(() => steered.held.length).toBeGreaterThan(0)
    client.disconnect()
    await expect.poll(() => io.engine.clientsCount).toBe(0)
    steered.release()
    await settle()
    expect([io.sockets.sockets.size, counted.watches]).toEqual([0, 0])
    expect(await open(url, { auth })).toMatchObject({ greeting: 'alice' })
  })
})

describe('a connected client of Socket.IO', () => {
  it('receives auth_ended with 4401 and is disconnected when its identity is revoked', async () => {
    const { latchkey, keys } = setUp()
    const { url, counted } = await start(latchkey)
    const alice = await opened(url, { auth: { token: await tokenOf(latchkey) } })
    const bob = await opened(url, { auth: { token: await tokenOf(latchkey, 'bob') } })
    expect(counted.watches).toBe(2)
    await keys.revoke('alice')
    expect(await alice.ended).toEqual([
      { closeCode: 4401, code: 'token_revoked', status: 401, hint: expect.any(String) },
      'io server disconnect',
    ])
    expect(bob.client.connected).toBe(true)
    expect(counted.watches).toBe(1)
  })

  it('is disconnected when another process revokes its identity', async () => {
    const store = memoryStore()
    const there = setUp({ store })
    const { url } = await start(setUp({ store }).latchkey)
    const { ended } = await opened(url, { auth: { token: await tokenOf(there.latchkey) } })
    await there.keys.revoke('alice')
    expect(await ended).toMatchObject([{ closeCode: 4401, code: 'token_revoked' }, 'io server disconnect'])
  })

  it('is disconnected when its token expires', async () => {
    const { latchkey, clock } = setUp({ latchkey: { clockTolerance: 0 } })
    const { url } = await start(latchkey)
    const { token } = await latchkey.issue({ subject: 'alice', expiresIn: 1 })
    const { ended } = await opened(url, { auth: { token } })
    clock.advance(1001)
    expect(await ended).toMatchObject([{ closeCode: 4401, code: 'token_expired' }, 'io server disconnect'])
  })

  it('causes no further message to be handled after its end', async () => {
    const { latchkey, keys } = setUp()
    const { io, url, messages } = await start(latchkey)
    const { client } = await opened(url, { auth: { token: await tokenOf(latchkey) } })
    client.emit('say', 'before')
    await expect.poll(() => messages).toEqual(['before'])
    // Another namespace keeps the connection open, and a client may write what it likes on it.
    io.of('/other').on('connection', (socket) => socket.on('ask', (answer) => answer()))
    const other = client.io.socket('/other', {})
    other.connect()
    await expect.poll(() => other.connected).toBe(true)
    await keys.revoke('alice')
    await expect.poll(() => io.sockets.sockets.size).toBe(0)
    client.io.engine.write('2["say","after"]')
    // The server has read it once it answers the next message, or has cut the connection.
    await new Promise<unknown>((resolve) => {
      other.once('disconnect', resolve)
      other.emit('ask', () => resolve('answered'))
    })
    await settle()
    expect(messages).toEqual(['before'])
  })

  it('is not watched after it has left, or if later middleware refuses it', async () => {
    const { latchkey } = setUp()
    const { io, url, counted } = await start(latchkey)
    const auth = { token: await tokenOf(latchkey) }
    const { client } = await opened(url, { auth })
    expect(counted.watches).toBe(1)
    client.disconnect()
    await expect.poll(() => counted.watches).toBe(0)
    io.use((_socket, next) => next(Object.assign(new Error('full'), { data: { code: 'full' } })))
    expect(await open(url, { auth })).toMatchObject({ code: 'full' })
    expect(counted.watches).toBe(0)
  })

  it('must pass the guard again to recover its state', async () => {
    const { latchkey, keys } = setUp()
    const connectionStateRecovery = { skipMiddlewares: false }
    const { url } = await start(latchkey, undefined, { connectionStateRecovery })
    const auth = { token: await tokenOf(latchkey) }
    const { client } = await opened(url, { auth })
    const recovered = (reconnecting: Socket) =>
      new Promise<unknown>((resolve) => {
        reconnecting.once('connect', () => resolve(reconnecting.recovered))
        reconnecting.once('connect_error', (error) => resolve('data' in error ? error.data : error))
        reconnecting.connect()
      })
    client.io.engine.close()
    expect(await recovered(client)).toBe(true)
    client.io.engine.close()
    await keys.revoke('alice')
    expect(await recovered(client)).toMatchObject({ code: 'token_revoked' })
  })
})

describe('guardNamespace', () => {
  const { latchkey } = setUp()

  it('refuses wrong arguments when it is called', () => {
    const io = new Server()
    const call = (...args: readonly unknown[]) => Reflect.apply(guardNamespace, undefined, args)
    expect(() => call(undefined, io)).toThrow(TypeError)
    expect(() => call({ verify: latchkey.verify }, io)).toThrow(TypeError)
    expect(() => call(latchkey, undefined)).toThrow(TypeError)
    expect(() => call(latchkey, io, { header: 'Authorization' })).toThrow(TypeError)
    expect(() => call(latchkey, io, { maxPending: 1.5 })).toThrow(TypeError)
  })

  it('refuses a server that lets recovered connections skip the guard', () => {
    const io = new Server({ connectionStateRecovery: {} })
    expect(() => guardNamespace(latchkey, io)).toThrow('skipMiddlewares: false')
    expect(() => guardNamespace(latchkey, io.of('/admin'))).toThrow('skipMiddlewares: false')
  })
})
