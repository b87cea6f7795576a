import type { ExecutionContext } from '@nestjs/common'
import type { NodeRequest } from '../../http/node-request.js'

/** The request whose credentials count, and the object that the identity is stored with. */
export interface Origin {
  readonly request: ArrivedRequest
  /** The request, the context of a GraphQL operation, or the client of a gateway. */
  readonly holder: object
  /** Whether the request opened a connection on which messages arrive. */
  readonly isHandshake: boolean
}

/** A request as Express, Fastify or `node:http` presents it. */
export interface ArrivedRequest extends NodeRequest {
  readonly body?: unknown
  readonly query?: unknown
  /** The request of `node:http` below that of Fastify. */
  readonly raw?: { readonly rawHeaders?: readonly string[] }
}

/**
 * Returns the request of an execution context: of a route, of a GraphQL operation, or the handshake
 * of a gateway's client.
 *
 * @param requestOf The option of that name.
 * @throws TypeError for contexts without an HTTP request, such as a message of a microservice
 */
export function originOf(context: ExecutionContext, requestOf: RequestOf | undefined): Origin {
  const type = context.getType<string>()
  const find = finders[type]
  if (find === undefined) throw new TypeError(unknownContext(context, type))
  const { holder, found, missing } = find(context)
  const request = requestOf?.(context) ?? found
  if (!isRequest(request)) throw new TypeError(missing)
  return { request, holder, isHandshake: type === 'ws' }
}

/** Returns the request whose credentials count, or `undefined` for the usual one. */
export type RequestOf = (context: ExecutionContext) => NodeRequest | undefined

/** Returns the object that the identity of this execution is stored with. */
export function holderOf(context: ExecutionContext): object | undefined {
  return finders[context.getType<string>()]?.(context).holder
}

interface Found {
  readonly holder: object
  readonly found: unknown
  /** The message if nothing was found. */
  readonly missing: string
}

const finders: Readonly<Record<string, (context: ExecutionContext) => Found>> = {
  http(context) {
    const request = context.getArgByIndex<object>(0)
    return { holder: request, found: request, missing: 'The first argument of an HTTP context must be its request.' }
  },
  graphql(context) {
    // The resolver of a reference has no arguments of a field, so that its context is the second.
    const holder = context.getArgByIndex<object>(context.getArgs().length === 3 ? 1 : 2)
    return { holder, found: requestIn(holder), missing: noGraphqlRequest }
  },
  ws(context) {
    const holder = context.getArgByIndex<object>(0)
    return { holder, found: handshakeOf(holder), missing: noHandshake }
  },
}

const noGraphqlRequest =
  'The GraphQL context has no request: return { req } from the option context of GraphQLModule, or set requestOf in LatchkeyModule.'
const noHandshake =
  'The client of the gateway has no handshake request: call keepHandshake(client, request) in handleConnection.'

/** Returns the request of an operation, or the one that opened the socket of a subscription. */
function requestIn(context: object): unknown {
  const { req } = context as { readonly req?: { readonly extra?: { readonly request?: unknown } } }
  return req?.extra?.request ?? req
}

const handshake = Symbol.for('latchkey.handshake')

/** Clients of Socket.IO have their request. Those of `ws` have it after `keepHandshake`. */
function handshakeOf(client: object): unknown {
  const { request, [handshake]: kept } = client as { readonly request?: unknown; readonly [handshake]?: unknown }
  return kept ?? request
}

/**
 * Stores the handshake request with a client of `WsAdapter`, so that guards can read its
 * credentials. Clients of Socket.IO have it already.
 *
 * @example
 * ```ts
 * import type { IncomingMessage } from 'node:http'
 * import type { OnGatewayConnection } from '@nestjs/websockets'
 * import { keepHandshake } from 'latchkey/nest'
 *
 * export class ChatGateway implements OnGatewayConnection {
 *   handleConnection(client: object, request: IncomingMessage) {
 *     keepHandshake(client, request)
 *   }
 * }
 * ```
 */
export function keepHandshake(client: object, request: NodeRequest): void {
  Object.assign(client, { [handshake]: request })
}

function isRequest(value: unknown): value is ArrivedRequest {
  return typeof value === 'object' && value !== null && 'headers' in value && typeof value.headers === 'object'
}

function unknownContext(context: ExecutionContext, type: string): string {
  const place = `${context.getClass().name}.${context.getHandler().name}`
  return `${place} has no HTTP request whose token could be verified (context "${type}"): put @Public() on it and authenticate its messages yourself.`
}
