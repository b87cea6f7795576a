import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { refusal } from '../../errors.js'
import type { Decorated } from './access.js'
import { httpException } from './refusal-exception.js'
import { holderOf } from './request-of.js'

/** Options of `@CurrentAuth()`. */
export interface CurrentAuthOptions {
  /**
   * Passes `undefined` for a request without credentials, instead of refusing it. For handlers with
   * `@OptionalAuth()`.
   *
   * @defaultValue `false`
   */
  readonly optional?: boolean
}

/**
 * Passes the identity that the guard has verified to a parameter of the handler.
 *
 * The parameter has the type `Auth`, or `Auth<Claims>` with the output of the schema of the option
 * `claims`.
 *
 * The request fails with 500 if no guard has run for this handler, as on one with `@Public()`.
 *
 * @example
 * ```ts
 * import { type Auth, CurrentAuth } from 'latchkey/nest'
 *
 * export class MeController {
 *   me(@CurrentAuth() { subject, grants }: Auth) {
 *     return { id: subject, roles: grants.roles }
 *   }
 * }
 * ```
 */
export function CurrentAuth(options: CurrentAuthOptions = {}): ParameterDecorator {
  return currentAuth(options)
}

const currentAuth = createParamDecorator(({ optional }: CurrentAuthOptions, context: ExecutionContext) =>
  optional === true ? optionalAuthOf(context) : authOf(context),
)

/**
 * Returns the identity that the guard has verified for this execution. For guards and interceptors
 * of your own, and for parameter decorators.
 *
 * @typeParam C The output of the schema of the module's Latchkey, which the types cannot know here.
 * @throws TypeError if no guard of Latchkey has run for this handler
 * @throws HttpException 401 if the guard let a request without credentials pass
 * @example
 * ```ts
 * import type { CanActivate, ExecutionContext } from '@nestjs/common'
 * import { authOf } from 'latchkey/nest'
 *
 * export class OwnerGuard implements CanActivate {
 *   canActivate(context: ExecutionContext): boolean {
 *     return context.switchToHttp().getRequest().params.user === authOf(context).subject
 *   }
 * }
 * ```
 */
export function authOf<C extends object = UntypedClaims>(context: ExecutionContext): Auth<C> {
  const auth = optionalAuthOf<C>(context)
  if (auth === undefined) throw httpException(refusal('credentials_missing'))
  return auth
}

/**
 * Returns the identity of this execution; `undefined` for a request without credentials, which
 * `@OptionalAuth()` lets pass.
 *
 * @typeParam C See `authOf`.
 * @throws TypeError if no guard of Latchkey has run for this handler
 * @example
 * ```ts
 * import { createParamDecorator } from '@nestjs/common'
 * import { optionalAuthOf } from 'latchkey/nest'
 *
 * export const Reader = createParamDecorator((_, context) => optionalAuthOf(context)?.subject)
 * ```
 */
export function optionalAuthOf<C extends object = UntypedClaims>(context: ExecutionContext): Auth<C> | undefined {
  const holder = holderOf(context)
  const entry = holder === undefined ? undefined : entriesOf(holder).find((one) => isOf(one, context))
  if (entry === undefined) throw new TypeError(noGuard(context))
  return entry.auth as Auth<C> | undefined
}

/** An identity, and the handler that the guard verified it for. */
interface StoredAuth {
  readonly controller: Decorated
  readonly handler: Decorated
  readonly auth: Auth | undefined
}

const stored = Symbol.for('latchkey.auths')

/**
 * Stores the identity of this execution. It is stored by handler: the client of a gateway lives
 * longer than a message, and a handler without a guard must not see what a guard verified earlier.
 */
export function storeAuth(context: ExecutionContext, holder: object, auth: Auth | undefined): void {
  const entry = { controller: context.getClass(), handler: context.getHandler(), auth }
  const others = entriesOf(holder).filter((other) => !isOf(other, context))
  Object.assign(holder, { [stored]: [...others, entry] })
}

function entriesOf(holder: object): readonly StoredAuth[] {
  return (holder as { readonly [stored]?: readonly StoredAuth[] })[stored] ?? []
}

function isOf({ controller, handler }: StoredAuth, context: ExecutionContext): boolean {
  return controller === context.getClass() && handler === context.getHandler()
}

function noGuard(context: ExecutionContext): string {
  const place = `${context.getClass().name}.${context.getHandler().name}`
  return `No guard of latchkey/nest has run for ${place}: put @UseGuards(AuthGuard) or @OptionalAuth() on it, or remove @Public().`
}
