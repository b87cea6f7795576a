import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Auth } from '../../auth.js'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import { setAuth } from '../../http/auth-of.js'
import { type ConnectionOptions, type ConnectionVerifier, createConnectionGuard } from '../../http/connection-guard.js'
import { type ConnectionEnd, watchConnection } from '../../http/watch-connection.js'
import { clearTimeout, setTimeout } from '../../timers.js'
import { refuseUpgrade } from './refuse-upgrade.js'
import { upgradeCarrier } from './upgrade-carrier.js'

/** Options of `guardUpgrades`. */
export interface UpgradeOptions extends ConnectionOptions {
  /**
   * Called with each refusal. It may send a response of its own and must then end the socket; else
   * the response is `application/problem+json`. If it throws, the status is 500, and its error
   * becomes a warning of the process.
   */
  readonly onRefusal?: (error: LatchkeyError, request: IncomingMessage, socket: Duplex) => void
}

/** The parts of a `WebSocketServer` of `ws` that are used. */
export interface UpgradingServer {
  readonly options: { readonly noServer?: boolean | undefined }
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: GuardedSocket, request: IncomingMessage) => void,
  ): void
  emit(event: 'connection', client: GuardedSocket, request: IncomingMessage): boolean
}

/** The parts of a `WebSocket` of `ws` that are used. */
export interface GuardedSocket {
  close(code: number, reason: string): void
  terminate(): void
  once(event: 'close', listener: () => void): unknown
  removeAllListeners(event: 'message'): unknown
}

/** A listener for the event `upgrade` of a server of `node:http` or `node:https`. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Milliseconds that a client has to answer a close frame. */
const closeTimeoutMs = 1000

/**
 * Returns a listener for `upgrade` that opens a WebSocket only for a handshake with a valid access
 * token. `authOf(request)` returns the identity in the listener for `connection`.
 *
 * Clients other than browsers send the token as `Authorization` header. A page sends it as the
 * subprotocol after `latchkey.bearer`, or in a cookie, which another site may not use (`csrf`). The
 * server never selects the token as its subprotocol. A refusal is an HTTP response before the
 * upgrade.
 *
 * The socket is closed once the identity is no longer valid: with the code 4401 and the code of the
 * failure as reason, or with 4503 if the token could not be checked any more. From then on no
 * listener for messages is called, and after one second the connection is cut.
 *
 * @param sockets A `WebSocketServer` of `ws` with `noServer: true`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authOf, guardUpgrades } from 'latchkey/ws'
 * import { WebSocketServer } from 'ws'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const sockets = new WebSocketServer({ noServer: true })
 * sockets.on('connection', (socket, request) => socket.send(`Hello ${authOf(request).subject}`))
 * createServer().on('upgrade', guardUpgrades(latchkey, sockets)).listen(3000)
 * ```
 */
export function guardUpgrades(
  latchkey: ConnectionVerifier<object>,
  sockets: UpgradingServer,
  options: UpgradeOptions = {},
): UpgradeListener {
  checkServer(sockets)
  const guard = createConnectionGuard(latchkey, options)

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    let auth: Auth<object> | undefined
    try {
      auth = await guard(upgradeCarrier(request, options))
    } catch (error) {
      refuse(error, request, socket)
      return
    }
    open(request, socket, head, auth)
  }

  function open(request: IncomingMessage, socket: Duplex, head: Buffer, auth: Auth<object> | undefined): void {
    if (socket.destroyed) return
    setAuth(request, auth)
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (auth !== undefined) watch(auth, client)
      sockets.emit('connection', client, request)
    })
  }

  function watch(auth: Auth<object>, client: GuardedSocket): void {
    watchConnection(latchkey, auth, {
      onClosed: (stop) => client.once('close', stop),
      end: (reason) => end(client, reason),
    })
  }

  function refuse(error: unknown, request: IncomingMessage, socket: Duplex): void {
    if (socket.destroyed) return
    let reason = error
    try {
      if (isLatchkeyError(error)) options.onRefusal?.(error, request, socket)
    } catch (thrown) {
      // Thrown on, it would be a rejection that nothing handles, which ends the process.
      reason = thrown
    }
    refuseUpgrade(reason, socket)
  }

  return (request, socket, head) => {
    // Without a listener, a client that resets its connection during the check ends the process.
    socket.on('error', () => socket.destroy())
    void admit(request, socket, head)
  }
}

/**
 * Closes the socket. Its messages are no longer handled at once, because `ws` goes on delivering
 * them until the client answers the close frame.
 */
function end(client: GuardedSocket, { closeCode, code }: ConnectionEnd): void {
  client.removeAllListeners('message')
  client.close(closeCode, code)
  const timer = setTimeout(() => client.terminate(), closeTimeoutMs).unref()
  client.once('close', () => clearTimeout(timer))
}

/** A server with a port or a server of its own opens WebSockets without asking the guard. */
function checkServer(sockets: UpgradingServer): void {
  if (typeof sockets?.handleUpgrade !== 'function' || sockets.options?.noServer !== true) {
    throw new TypeError('guardUpgrades needs a WebSocketServer that was created with noServer: true.')
  }
}
