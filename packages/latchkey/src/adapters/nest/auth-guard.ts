import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { Auth } from '../../auth.js'
import { isLatchkeyError, type LatchkeyError, refusal } from '../../errors.js'
import { setAuth } from '../../http/auth-of.js'
import { createGuard, type Guard, type Verifier } from '../../http/guard.js'
import { problemAnswer } from '../../http/problem.js'
import { isPromise, type MaybePromise } from '../../maybe-promise.js'
import { type Access, accessOf } from './access.js'
import { carrierOf } from './carrier-of.js'
import { storeAuth } from './current-auth.js'
import { LATCHKEY, MODULE_OPTIONS } from './inject-latchkey.js'
import type { LatchkeyModuleOptions } from './module-options.js'
import { graphqlException, httpException, wsException } from './refusal-exception.js'
import { type Origin, originOf } from './request-of.js'

/**
 * Lets a request pass only with a valid access token and with the rights that `@Roles`, `@Scopes`
 * and `@Claims` demand. The module uses it for every route. Put it on gateways yourself, and on
 * routes if the option `global` is `false`.
 *
 * A message of a gateway is checked by the token of its handshake, each time: a client whose token
 * has been revoked or has expired is refused at its next message.
 *
 * A refusal of a route is an `HttpException` with a problem document (RFC 9457) as its response,
 * and with its `WWW-Authenticate` challenge already set. A refusal of a gateway is a `WsException`.
 * The `cause` of both is the LatchkeyError.
 *
 * @example
 * ```ts
 * import { applyDecorators, UseGuards } from '@nestjs/common'
 * import { WebSocketGateway } from '@nestjs/websockets'
 * import { AuthGuard } from 'latchkey/nest'
 *
 * export const GuardedGateway = () => applyDecorators(WebSocketGateway(), UseGuards(AuthGuard))
 * ```
 */
export class AuthGuard implements CanActivate {
  readonly #options: LatchkeyModuleOptions
  readonly #adapterHost: HttpAdapterHost
  readonly #guard: Guard
  readonly #optionalGuard: Guard

  constructor(latchkey: Verifier, options: LatchkeyModuleOptions, adapterHost: HttpAdapterHost) {
    this.#options = options
    this.#adapterHost = adapterHost
    this.#guard = createGuard(latchkey, options)
    this.#optionalGuard = createGuard(latchkey, { ...options, optional: true })
  }

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const access = accessOf(context.getHandler(), context.getClass())
    if (access?.kind === 'public') return true
    // A token that is in memory is verified without a promise.
    try {
      const origin = originOf(context, this.#options.requestOf)
      const guard = access?.kind === 'optional' ? this.#optionalGuard : this.#guard
      const auth = guard(carrierOf(origin, this.#options))
      if (!isPromise(auth)) return admit(auth, access, context, origin)
      return auth
        .then((read) => admit(read, access, context, origin))
        .catch((error: unknown) => this.#refuse(error, context))
    } catch (error) {
      return this.#refuse(error, context)
    }
  }

  async #refuse(error: unknown, context: ExecutionContext): Promise<never> {
    if (!isLatchkeyError(error)) throw error
    const type = context.getType<string>()
    const own = await this.#replace(error, context)
    if (type === 'http') this.#setHeaders(context, own === undefined ? problemAnswer(error).headers : error.headers)
    if (own !== undefined) throw own.exception
    if (type === 'ws') throw await wsException(error)
    throw type === 'graphql' ? graphqlException(error) : httpException(error)
  }

  /** Returns the exception of `onRefusal`; `undefined` if it has none of its own. */
  async #replace(
    error: LatchkeyError,
    context: ExecutionContext,
  ): Promise<{ readonly exception: unknown } | undefined> {
    try {
      const returned = await this.#options.onRefusal?.(error, context)
      return returned instanceof Error ? { exception: returned } : undefined
    } catch (exception) {
      return { exception }
    }
  }

  #setHeaders(context: ExecutionContext, headers: Readonly<Record<string, string>>): void {
    const response: unknown = context.switchToHttp().getResponse()
    const adapter = this.#adapterHost.httpAdapter
    if (adapter.isHeadersSent(response)) return
    for (const [name, value] of Object.entries(headers)) adapter.setHeader(response, name, value)
  }
}

const mark = Symbol.for('latchkey.nest.AuthGuard')
Object.defineProperty(AuthGuard.prototype, mark, { value: true })

/** Returns whether this is an `AuthGuard` or its class, of any copy of the package. */
export function isAuthGuard(guard: unknown): boolean {
  const object: unknown = typeof guard === 'function' ? guard.prototype : guard
  return typeof object === 'object' && object !== null && mark in object
}

// Decorators as functions: the library is compiled without the compiler's option for them.
Injectable()(AuthGuard)
for (const [index, token] of [LATCHKEY, MODULE_OPTIONS, HttpAdapterHost].entries()) {
  Inject(token)(AuthGuard, undefined, index)
}

/** Throws unless the identity passes the checks, and stores it for the handler. */
function admit(
  auth: Auth | undefined,
  access: Access | undefined,
  context: ExecutionContext,
  { request, holder, isHandshake }: Origin,
): true {
  if (access?.kind === 'required') {
    if (auth === undefined) throw refusal('credentials_missing')
    for (const check of access.checks) check(auth)
  }
  storeAuth(context, holder, auth)
  // The request of a gateway is its handshake, which outlives the message.
  if (!isHandshake) setAuth(request, auth)
  return true
}
