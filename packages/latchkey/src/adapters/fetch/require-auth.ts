import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import { checkGuard, type Verifier } from '../../http/guard.js'
import type { GuardOptions, RequiredGuardOptions } from '../../http/guard-options.js'
import { problemResponse } from '../../http/web-request.js'
import type { MaybePromise } from '../../maybe-promise.js'
import { authenticate } from './authenticate.js'

/** Options of `requireAuth`. */
export interface FetchHandlerOptions extends GuardOptions {
  /**
   * Returns the response to a refused request.
   *
   * @defaultValue `problemResponse`
   */
  readonly onRefusal?: (error: LatchkeyError, request: Request) => MaybePromise<Response>
}

/**
 * A handler of requests that also receives the identity, and then what the runtime passes after the
 * request, such as the environment.
 */
export type AuthenticatedHandler<Identity, Rest extends readonly unknown[]> = (
  request: Request,
  auth: Identity,
  ...rest: Rest
) => MaybePromise<Response>

/**
 * Returns a handler of Web requests that calls another one only for requests with a valid access
 * token.
 *
 * A LatchkeyError that the inner handler throws, such as that of `requireRole`, is a refusal too.
 * Its other errors are those of the runtime.
 *
 * @param options Further places that may carry the token, and the handling of refusals.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * export default {
 *   fetch: requireAuth(latchkey, (_request, auth) => Response.json({ id: auth.subject })),
 * }
 * ```
 */
export function requireAuth<Rest extends readonly unknown[], C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  handler: AuthenticatedHandler<Auth<C>, Rest>,
  options?: FetchHandlerOptions & RequiredGuardOptions,
): (request: Request, ...rest: Rest) => Promise<Response>
/** With `optional`, the identity is `undefined` for a request without credentials. */
export function requireAuth<Rest extends readonly unknown[], C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  handler: AuthenticatedHandler<Auth<C> | undefined, Rest>,
  options: FetchHandlerOptions,
): (request: Request, ...rest: Rest) => Promise<Response>
export function requireAuth<Rest extends readonly unknown[]>(
  latchkey: Verifier<object>,
  handler: AuthenticatedHandler<never, Rest>,
  options: FetchHandlerOptions = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  checkGuard(latchkey, options)
  if (typeof handler !== 'function') throw new TypeError('requireAuth needs the handler that it guards.')
  const { onRefusal = problemResponse } = options
  return async (request, ...rest) => {
    try {
      // The overloads say which type the handler expects.
      return await handler(request, (await authenticate(latchkey, request, options)) as never, ...rest)
    } catch (error) {
      if (!isLatchkeyError(error)) throw error
      return onRefusal(error, request)
    }
  }
}
