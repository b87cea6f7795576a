import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import { setAuth } from '../../http/auth-of.js'
import { type ConnectionOptions, type ConnectionVerifier, createConnectionGuard } from '../../http/connection-guard.js'
import { connectionRefusal } from '../../http/connection-refusal.js'
import { type ConnectionEnd, watchConnection } from '../../http/watch-connection.js'
import { checkNamespace } from './check-namespace.js'
import { type HandshakeSocket, handshakeCarrier } from './handshake-carrier.js'

/** Options of `guardNamespace`. */
export interface NamespaceOptions extends ConnectionOptions {
  /**
   * Called with each refusal. The error that it returns reaches the client as `connect_error`, with
   * its `message` and `data`. If it throws, the client receives `internal_error`, and the error
   * becomes a warning of the process.
   *
   * @defaultValue an error with the `data` of a `ConnectRefusal`
   */
  readonly onRefusal?: (error: LatchkeyError, socket: HandshakeSocket) => Error | undefined
}

/** The `data` of the `connect_error` of a refused client. */
export interface ConnectRefusal {
  /** The code of the failure, such as `token_expired`, or `internal_error`. */
  readonly code: string
  /** The HTTP status of the failure. */
  readonly status: number
  /** The next step for the client. */
  readonly hint: string
}

/**
 * The data of a socket behind `guardNamespace`: the type parameter `SocketData` of a server.
 *
 * @typeParam C The output of the schema of the Latchkey, which the types of a server cannot know.
 */
export interface AuthData<C extends object = UntypedClaims> {
  /** The identity that the token of the handshake proves. */
  auth: Auth<C>
}

/** The parts of a `Server` or `Namespace` of Socket.IO that are used. */
export interface GuardableNamespace {
  use(middleware: (socket: GuardedSocket, next: (error?: Error) => void) => void): unknown
  prependListener(event: 'connect', listener: (socket: GuardedSocket) => void): unknown
}

/** The parts of a `Socket` of Socket.IO that are used. */
export interface GuardedSocket extends HandshakeSocket {
  readonly data: object
  disconnect(close?: boolean): unknown
  once(event: 'disconnect', listener: () => void): unknown
}

/** A socket with an event that the types of a server need not list. */
interface EmittingSocket extends GuardedSocket {
  emit(event: 'auth_ended', reason: ConnectionEnd): unknown
}

/**
 * Lets a client connect to a namespace of Socket.IO only with a valid access token, and sets
 * `socket.data.auth` to its identity. Each namespace needs a guard of its own, before its other
 * middleware.
 *
 * A client sends the token as `auth.token` of its handshake, as `Authorization` header where the
 * transport has headers, or in a cookie, which another site may not use (`csrf`). A refused client
 * receives `connect_error` with the `data` of a `ConnectRefusal`.
 *
 * Once the identity is no longer valid, the client receives the event `auth_ended` with a
 * `ConnectionEnd`, whose `closeCode` is 4401, or 4503 if the token could not be checked any more.
 * The server then disconnects it from the namespace, and handles no further message.
 *
 * @param namespace A server, which stands for its namespace `/`, or a namespace, also a dynamic
 * one.
 * @throws TypeError if an argument is wrong, or if the server lets recovered connections skip
 * middleware
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { type AuthData, guardNamespace, requireRole } from 'latchkey/socketio'
 * import { type DefaultEventsMap, Server } from 'socket.io'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const io = new Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, AuthData>(3000)
 * guardNamespace(latchkey, io)
 * guardNamespace(latchkey, io.of('/admin'), { checks: [requireRole('admin')] })
 * io.on('connection', (socket) => socket.emit('hello', socket.data.auth.subject))
 * ```
 */
export function guardNamespace(
  latchkey: ConnectionVerifier<object>,
  namespace: GuardableNamespace,
  options: NamespaceOptions = {},
): void {
  checkNamespace(namespace)
  const guard = createConnectionGuard(latchkey, options)
  const admitted = new WeakMap<GuardedSocket, Auth<object> | undefined>()

  namespace.use(async (socket: GuardedSocket, next: (error?: Error) => void) => {
    try {
      const auth = await guard(handshakeCarrier(socket, options))
      admitted.set(socket, auth)
      setAuth(socket.data, auth)
    } catch (error) {
      next(connectError(error, socket, options))
      return
    }
    next()
  })

  // The first listener: one of the application may throw, or let the socket act at once. A watch
  // cannot begin in the middleware, because a socket that never connects is never disconnected.
  namespace.prependListener('connect', (socket: GuardedSocket) => {
    const auth = admitted.get(socket)
    if (auth !== undefined) watch(latchkey, auth, socket)
    else if (!admitted.has(socket)) socket.disconnect(true)
  })
}

function watch(latchkey: ConnectionVerifier<object>, auth: Auth<object>, socket: GuardedSocket): void {
  watchConnection(latchkey, auth, {
    onClosed: (stop) => socket.once('disconnect', stop),
    end: (reason) => {
      ;(socket as EmittingSocket).emit('auth_ended', reason)
      socket.disconnect()
    },
  })
}

/** Returns the error that Socket.IO sends to the client: its `message` and `data`. */
function connectError(error: unknown, socket: HandshakeSocket, { onRefusal }: NamespaceOptions): Error {
  try {
    const own = isLatchkeyError(error) ? onRefusal?.(error, socket) : undefined
    return own ?? plainError(error)
  } catch (thrown) {
    // Thrown on, it would end the process, and the client would wait for a response.
    return plainError(thrown)
  }
}

function plainError(error: unknown): Error {
  const { title, code, status, hint } = connectionRefusal(error).body
  const data: ConnectRefusal = { code, status, hint }
  return Object.assign(new Error(title), { data })
}
