import type { ExecutionContext, FactoryProvider, ModuleMetadata } from '@nestjs/common'
import type { LatchkeyError } from '../../errors.js'
import { checkGuard } from '../../http/guard.js'
import type { GuardOptions } from '../../http/guard-options.js'
import type { Latchkey, LatchkeyOptions } from '../../latchkey-api.js'
import type { MaybePromise } from '../../maybe-promise.js'
import type { RequestOf } from './request-of.js'

/** Options of `LatchkeyModule.forRoot`. */
export interface LatchkeyModuleOptions extends GuardOptions {
  /** The object that `createLatchkey` returned, or its options: then the module creates one. */
  readonly latchkey: Latchkey | LatchkeyOptions
  /**
   * Guards every route of controllers and every operation of resolvers, except those with
   * `@Public()`. Gateways need `@UseGuards(AuthGuard)`, because global guards do not reach them
   * before Nest 12: the application does not start without it.
   *
   * `false` guards what has `@Roles`, `@Scopes`, `@Claims`, `@OptionalAuth()` or
   * `@UseGuards(AuthGuard)`, and nothing else.
   *
   * @defaultValue `true`
   */
  readonly global?: boolean
  /**
   * Closes `latchkey` after the application has closed its connections.
   *
   * @defaultValue `true` if the module created it, else `false`
   */
  readonly close?: boolean
  /**
   * Called with every refusal, before the exception is thrown. It may throw an exception of its
   * own, or return an `Error`, which is thrown instead. It cannot let the request pass.
   */
  readonly onRefusal?: (error: LatchkeyError, context: ExecutionContext) => unknown
  /**
   * Returns the request whose credentials count, for contexts where they are elsewhere: the
   * `connectionParams` of a GraphQL subscription, or the `auth` payload of Socket.IO.
   *
   * @defaultValue the request of the route, the `req` of the GraphQL context, or the handshake
   */
  readonly requestOf?: RequestOf
}

/** Options of `LatchkeyModule.forRootAsync`. */
export interface LatchkeyModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The providers that `useFactory` takes as arguments. */
  readonly inject?: FactoryProvider['inject']
  /** Returns the options of `forRoot`. */
  readonly useFactory: (...injected: never[]) => MaybePromise<LatchkeyModuleOptions>
}

/**
 * Returns the same options.
 *
 * @throws TypeError for wrong options
 */
export function checkModuleOptions(options: LatchkeyModuleOptions): LatchkeyModuleOptions {
  if (typeof options?.latchkey !== 'object' || options.latchkey === null) {
    throw new TypeError('latchkey is missing: pass { latchkey } with the object that createLatchkey returned.')
  }
  const { latchkey, global, close, requestOf } = options
  // The options of `createLatchkey` are checked when the module creates it.
  checkGuard(isLatchkey(latchkey) ? latchkey : { verify: neverCalled }, options)
  for (const [name, flag] of Object.entries({ global, close })) {
    if (flag !== undefined && typeof flag !== 'boolean') throw new TypeError(`${name} is true or false.`)
  }
  if (requestOf !== undefined && typeof requestOf !== 'function') throw new TypeError('requestOf is a function.')
  return options
}

/** Returns whether this is a Latchkey, and not the options of one. */
export function isLatchkey(given: Latchkey | LatchkeyOptions): given is Latchkey {
  return !('keys' in given)
}

function neverCalled(): never {
  throw new TypeError('The module has not created its Latchkey yet.')
}
