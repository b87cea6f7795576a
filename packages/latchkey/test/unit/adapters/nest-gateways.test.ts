import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { UseGuards } from '@nestjs/common'
import { IoAdapter } from '@nestjs/platform-socket.io'
import { WsAdapter } from '@nestjs/platform-ws'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import { io, type Socket } from 'socket.io-client'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import {
  type Auth,
  AuthGuard,
  CurrentAuth,
  keepHandshake,
  LatchkeyModule,
  type LatchkeyModuleOptions,
  Public,
  Roles,
} from '../../../src/adapters/nest/index.js'
import { createTestLatchkey } from '../../../src/testing/index.js'
import { decorate, startNest } from '../../support/nest.js'

const { latchkey, keys, tokenFor } = createTestLatchkey()
let alice = ''

beforeAll(async () => {
  alice = await tokenFor('alice')
})

class Chat {
  who({ subject }: Auth) {
    return { event: 'you', data: subject }
  }
  moderate({ subject }: Auth) {
    return { event: 'you', data: subject }
  }
  open() {
    return { event: 'you', data: 'open' }
  }
  careless(auth: Auth) {
    return { event: 'you', data: auth.subject }
  }
  handleConnection(_client: object, _request: IncomingMessage) {}
}
const identity = { parameters: [CurrentAuth()] }
const handlers = {
  who: { on: [SubscribeMessage('who')], ...identity },
  moderate: { on: [Roles('moderator'), SubscribeMessage('moderate')], ...identity },
  open: { on: [Public(), SubscribeMessage('open')] },
  careless: { on: [Public(), SubscribeMessage('careless')], ...identity },
}
const guarded = [UseGuards(AuthGuard), WebSocketGateway()]
decorate(Chat, guarded, handlers)

class ChatOfWs extends Chat {
  override handleConnection(client: object, request: IncomingMessage) {
    keepHandshake(client, request)
  }
}
decorate(ChatOfWs, guarded)

async function startGateway(gateway: new () => object, options: Partial<LatchkeyModuleOptions>, adapter: 'ws' | 'io') {
  const module = LatchkeyModule.forRoot({ latchkey, ...options })
  const started = await startNest({ imports: [module], providers: [gateway] }, undefined, (app) =>
    app.useWebSocketAdapter(adapter === 'ws' ? new WsAdapter(app) : new IoAdapter(app)),
  )
  onTestFinished(() => started.close())
  return started.port
}

describe('a gateway of Socket.IO', () => {
  /** Connects with these headers or options until the test ends. */
  async function connect(port: number, options: Parameters<typeof io>[1]): Promise<Socket> {
    const socket = io(`http://127.0.0.1:${port}`, { reconnection: false, ...options })
    onTestFinished(() => void socket.close())
    await new Promise<void>((resolve, reject) => void socket.once('connect', resolve).once('connect_error', reject))
    return socket
  }

  /** Returns the data of the answer to a message, or the exception. */
  function ask(socket: Socket, event: string): Promise<unknown> {
    return new Promise((resolve) => {
      socket.once('you', resolve).once('exception', resolve)
      socket.emit(event, {})
    })
  }

  const authorized = (token: string) => ({ extraHeaders: { authorization: `Bearer ${token}` } })

  it('checks each message by the token of the handshake', async () => {
    const port = await startGateway(Chat, {}, 'io')
    const bob = await tokenFor('bob')
    const socket = await connect(port, authorized(bob))
    expect(await ask(socket, 'who')).toBe('bob')
    expect(await ask(socket, 'moderate')).toMatchObject({ status: 'error', code: 'insufficient_role' })
    await keys.setGrants('bob', { roles: ['moderator'] })
    expect(await ask(socket, 'moderate')).toBe('bob')
    await keys.revoke('bob')
    expect(await ask(socket, 'who')).toEqual({
      status: 'error',
      code: 'token_revoked',
      message: expect.any(String),
      hint: expect.any(String),
    })
    expect(await ask(socket, 'open')).toBe('open')
  })

  it('passes no identity of an earlier message to a handler without a guard', async () => {
    const port = await startGateway(Chat, {}, 'io')
    const socket = await connect(port, authorized(alice))
    expect(await ask(socket, 'who')).toBe('alice')
    expect(await ask(socket, 'careless')).toMatchObject({ message: 'Internal server error' })
  })

  it('refuses a cookie of a handshake that another site has caused, by each transport', async () => {
    const port = await startGateway(Chat, { cookie: 'session' }, 'io')
    for (const transports of [['websocket'], ['polling']]) {
      const headers = { cookie: `session=${alice}` }
      const own = await connect(port, {
        transports,
        extraHeaders: { ...headers, origin: `http://127.0.0.1:${port}` },
      })
      expect(await ask(own, 'who')).toBe('alice')
      const other = await connect(port, { transports, extraHeaders: { ...headers, origin: 'https://evil.example' } })
      expect(await ask(other, 'who')).toMatchObject({ code: 'csrf_refused' })
    }
  })

  it('reads the token in the query, if that is a source', async () => {
    const port = await startGateway(Chat, { query: true }, 'io')
    const socket = await connect(port, { query: { access_token: alice } })
    expect(await ask(socket, 'who')).toBe('alice')
  })

  it('reads the token that requestOf finds in the auth payload', async () => {
    const requestOf: LatchkeyModuleOptions['requestOf'] = (context) => {
      const { handshake } = context.switchToWs().getClient()
      return { headers: { authorization: `Bearer ${handshake.auth.token}` } }
    }
    const port = await startGateway(Chat, { requestOf }, 'io')
    expect(await ask(await connect(port, { auth: { token: alice } }), 'who')).toBe('alice')
    expect(await ask(await connect(port, { auth: {} }), 'who')).toMatchObject({ code: 'token_malformed' })
  })
})

describe('a gateway of ws', () => {
  async function connect(port: number, headers: Readonly<Record<string, string>>): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    return socket
  }

  /** Returns the data of the answer to a message, or the exception. */
  async function ask(socket: WebSocket, event: string): Promise<unknown> {
    const answer = once(socket, 'message')
    socket.send(JSON.stringify({ event, data: {} }))
    const [text] = await answer
    return JSON.parse(String(text)).data
  }

  it('checks each message by the handshake that keepHandshake has stored', async () => {
    const port = await startGateway(ChatOfWs, {}, 'ws')
    const carol = await tokenFor('carol')
    const socket = await connect(port, { authorization: `Bearer ${carol}` })
    expect(await ask(socket, 'who')).toBe('carol')
    await keys.revoke('carol')
    expect(await ask(socket, 'who')).toMatchObject({ status: 'error', code: 'token_revoked' })
    expect(await ask(socket, 'open')).toBe('open')
    expect(await ask(await connect(port, {}), 'who')).toMatchObject({ code: 'credentials_missing' })
  })

  it('refuses messages of a client whose handshake was not stored', async () => {
    const port = await startGateway(Chat, {}, 'ws')
    const socket = await connect(port, { authorization: `Bearer ${alice}` })
    expect(await ask(socket, 'who')).toMatchObject({ message: 'Internal server error' })
  })
})

describe('a gateway without a guard', () => {
  class Unguarded {
    who() {
      return { event: 'you', data: 'open' }
    }
  }
  const unguarded = (ofClass: ClassDecorator[], ofMethod: MethodDecorator[]) =>
    decorate(
      class extends Unguarded {
        override who() {
          return super.who()
        }
      },
      [WebSocketGateway(), ...ofClass],
      { who: { on: [SubscribeMessage('who'), ...ofMethod] } },
    )

  it('stops the start, because no global guard reaches it before Nest 12', async () => {
    await expect(startGateway(unguarded([], []), {}, 'io')).rejects.toThrow(/put @UseGuards\(AuthGuard\)/)
    await expect(startGateway(unguarded([Roles('x')], []), { global: false }, 'io')).rejects.toThrow(
      /put @UseGuards\(AuthGuard\)/,
    )
    await expect(startGateway(unguarded([], [Roles('x')]), { global: false }, 'io')).rejects.toThrow(
      /put @UseGuards\(AuthGuard\)/,
    )
  })

  it('may have @Public(), a guard of its own on each message, or no decorator with global: false', async () => {
    class OwnGuard extends AuthGuard {}
    await startGateway(unguarded([Public()], []), {}, 'io')
    await startGateway(unguarded([], [UseGuards(AuthGuard)]), {}, 'io')
    await startGateway(unguarded([UseGuards(OwnGuard)], [Roles('x')]), {}, 'io')
    await startGateway(unguarded([], []), { global: false }, 'io')
  })
})
