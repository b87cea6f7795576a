import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { isLatchkeyError } from '../../errors.js'
import { createGuard, type Verifier } from '../../http/guard.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier } from '../../http/take-token.js'
import type { MaybePromise } from '../../maybe-promise.js'
import type { RequiredServerAuthOptions, ServerAuthOptions } from './next-options.js'

/** The function `headers` of `next/headers`: it returns a promise since Next.js 15. */
export type ReadHeaders = () => MaybePromise<Pick<Headers, 'get' | 'has' | 'forEach'>>

/**
 * Returns a function for server components and server actions that returns the identity of the
 * request which they handle. It throws the refusals as LatchkeyErrors, which reach the nearest
 * `error.tsx`; `onRefusal` can redirect instead.
 *
 * A component has no URL, so that `query` is no source. An action, or a form, has headers that the
 * load of a page has not, and may use the cookie only if a page of this origin sent it.
 *
 * @param headers The function `headers` of `next/headers`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { serverAuth } from 'latchkey/next'
 * import { headers } from 'next/headers'
 * import { redirect } from 'next/navigation'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * export const auth = serverAuth(latchkey, headers, {
 *   cookie: '__Host-token',
 *   onRefusal: ({ status }) => status === 401 && redirect('/sign-in'),
 * })
 * ```
 */
export function serverAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  headers: ReadHeaders,
  options?: RequiredServerAuthOptions,
): () => Promise<Auth<C>>
/** With `optional`, it returns `undefined` for a request without credentials. */
export function serverAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  headers: ReadHeaders,
  options: ServerAuthOptions,
): () => Promise<Auth<C> | undefined>
export function serverAuth<C extends object>(
  latchkey: Verifier<C>,
  headers: ReadHeaders,
  options: ServerAuthOptions = {},
): () => Promise<Auth<C> | undefined> {
  if (typeof headers !== 'function') throw new TypeError('serverAuth needs the function headers of next/headers.')
  const guard = createGuard(latchkey, options)
  return async () => {
    const carrier = carrierOf(await headers(), options)
    try {
      return await guard(carrier)
    } catch (error) {
      if (isLatchkeyError(error)) await options.onRefusal?.(error)
      throw error
    }
  }
}

/** Signs of a request that is not the load of a page: browsers add them to actions and forms. */
const signsOfAction = ['origin', 'next-action', 'content-type']

function carrierOf(headers: Awaited<ReturnType<ReadHeaders>>, options: ServerAuthOptions): TokenCarrier {
  const byName: Record<string, string> = {}
  headers.forEach((value, name) => {
    byName[name] = value
  })
  // `next/headers` has no method, on which the check of the site depends.
  const method = signsOfAction.some((name) => headers.has(name)) ? 'POST' : 'GET'
  return nodeCarrier({ method, headers: byName }, { body: undefined, query: undefined }, options)
}
