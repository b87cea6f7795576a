import type { GuardOptions } from '../../http/guard-options.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier } from '../../http/take-token.js'
import { credentialsIn, withCredentials } from '../../http/with-credentials.js'

/** The parts of a `Socket` of Socket.IO that carry credentials. */
export interface HandshakeSocket {
  readonly handshake: {
    readonly headers: NodeRequest['headers']
    /** The option `auth` of the client. */
    readonly auth: Readonly<Record<string, unknown>>
    readonly query: unknown
  }
  /** The request that opened the connection. */
  readonly request: { readonly rawHeaders?: readonly string[] | undefined }
}

/** Returns the parts of a handshake that may carry a token. */
export function handshakeCarrier({ handshake, request }: HandshakeSocket, options: GuardOptions): TokenCarrier {
  const { headers, auth, query } = handshake
  const carrier = nodeCarrier({ headers, rawHeaders: request.rawHeaders }, { body: undefined, query }, options)
  // Polling opens a connection as well: the check of the site must not depend on the transport.
  return withCredentials({ ...carrier, isUpgrade: true }, credentialsIn(auth?.token))
}
