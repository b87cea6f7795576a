import type { Request } from '@hapi/hapi'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { refusal } from '../../errors.js'

/**
 * Returns the identity of a request to a route with a strategy of this scheme.
 *
 * @typeParam C The output of the schema of the strategy's Latchkey, which the types cannot know
 * here.
 * @throws TypeError if the route has no such strategy
 * @throws LatchkeyError `credentials_missing` if the route's `auth.mode` is `optional` or `try` and
 * the request is not authenticated
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { authOf } from 'latchkey/hapi'
 *
 * const server = Hapi.server()
 * server.route({
 *   method: 'GET',
 *   path: '/me',
 *   handler: (request) => ({ id: authOf(request).subject }),
 * })
 * ```
 */
export function authOf<C extends object = UntypedClaims>(request: Pick<Request, 'auth'>): Auth<C> {
  const auth = optionalAuthOf<C>(request)
  if (auth === undefined) throw refusal('credentials_missing')
  return auth
}

/**
 * Returns the identity of a request to a route with a strategy of this scheme, or `undefined` if
 * the request is not authenticated, which the route's `auth.mode` may allow.
 *
 * @typeParam C See `authOf`.
 * @throws TypeError if the route has no such strategy
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { optionalAuthOf } from 'latchkey/hapi'
 *
 * const server = Hapi.server()
 * server.route({
 *   method: 'GET',
 *   path: '/posts',
 *   options: { auth: { strategy: 'token', mode: 'optional' } },
 *   handler: (request) => ({ reader: optionalAuthOf(request)?.subject ?? null }),
 * })
 * ```
 */
export function optionalAuthOf<C extends object = UntypedClaims>({
  auth: { artifacts, isAuthenticated, mode },
}: Pick<Request, 'auth'>): Auth<C> | undefined {
  const identity = identityIn<C>(artifacts)
  if (isAuthenticated && identity !== undefined) return identity
  // Without a strategy the mode is null. Another strategy has other artifacts.
  if (isAuthenticated || (mode ?? null) === null) throw new TypeError('The route needs a strategy of latchkey/hapi.')
  return undefined
}

/** Returns the identity in the artifacts of the scheme. They are `null` without an identity. */
export function identityIn<C extends object>(
  artifacts: Readonly<Record<string, unknown>> | null | undefined,
): Auth<C> | undefined {
  return artifacts?.auth as Auth<C> | undefined
}
