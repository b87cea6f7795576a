import { createGuard, type Verifier } from '../../http/guard.js'
import { webCarrier } from '../../http/web-request.js'
import type { NextOptions } from './next-options.js'
import { refuse } from './refuse.js'

/**
 * Returns a `proxy` of Next.js (`middleware` before version 16) that lets a request pass only with
 * a valid access token. `onRefusal` can redirect instead of refusing.
 *
 * It runs on Node.js: always so in a `proxy.ts` of Next.js 16, and in a `middleware.ts` of 15.5
 * with `export const config = { runtime: 'nodejs' }`. The Edge runtime lacks `node:crypto`.
 *
 * The identity does not reach the page, and a matcher can miss a path. So it spares visitors a page
 * that would refuse them, and `withAuth` or `serverAuth` decides in the page or the handler.
 *
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authProxy } from 'latchkey/next'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * export const proxy = authProxy(latchkey, {
 *   cookie: '__Host-token',
 *   onRefusal: ({ status }, request) =>
 *     status === 401 ? Response.redirect(new URL('/sign-in', request.url)) : undefined,
 * })
 * export const config = { matcher: '/account/:path*' }
 * ```
 */
export function authProxy(
  latchkey: Verifier<object>,
  options: NextOptions = {},
): (request: Request) => Promise<Response | undefined> {
  const guard = createGuard(latchkey, options)
  return async (request) => {
    try {
      await guard(webCarrier(request, undefined, options))
      return undefined
    } catch (error) {
      return refuse(error, request, options)
    }
  }
}
