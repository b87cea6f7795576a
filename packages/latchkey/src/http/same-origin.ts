/** The parts of a request that show which site caused it. */
export interface RequestOrigin {
  readonly method: string
  /** Whether the request opens a WebSocket. Its method is GET, but a page can write through it. */
  readonly isUpgrade: boolean
  /** The `Host` header, or `:authority` in HTTP/2. */
  readonly host: string | undefined
  /** The `Origin` header. */
  readonly origin: string | undefined
  /** The `Sec-Fetch-Site` header, which no script can set. */
  readonly fetchSite: string | undefined
}

/** Returns whether the request may use the token of its cookie. */
export type CsrfCheck = (request: RequestOrigin) => boolean

/** Options of `sameOrigin`. */
export interface SameOriginOptions {
  /**
   * Further origins whose pages may cause requests with the cookie, as browsers send them, such as
   * `https://app.example.com`. They are compared as text.
   *
   * @defaultValue none
   */
  readonly trusted?: readonly string[]
}

/**
 * Safe methods (RFC 9110 §9.2.1): handlers of these must change nothing. Links and images of other
 * sites cause such requests.
 */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Returns the default check against requests that another site has caused (CSRF, OWASP's cheat
 * sheet "Cross-Site Request Forgery Prevention"). It needs no token in forms and no state.
 *
 * - GET, HEAD and OPTIONS may use the cookie, unless they open a WebSocket.
 * - Otherwise the browser must send `Sec-Fetch-Site: same-origin`, or `none` for a navigation that
 * the user caused. `same-site` and `cross-site` count only with a trusted `Origin`: sibling hosts
 * are other parties.
 * - Without that header, the host of `Origin` must equal `Host`. Browsers omit `Sec-Fetch-Site` at
 * `http://` addresses, and old ones omit it everywhere.
 * - A request with neither header is refused, as OWASP recommends: every browser sends one of them,
 * and a program can send its token in `Authorization`, which needs no check.
 *
 * `X-Forwarded-Host` is not read. Behind a proxy that replaces `Host`, list your own origin as
 * trusted.
 *
 * @throws TypeError for a trusted origin that no browser would send, such as one with a path
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, sameOrigin } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const csrf = sameOrigin({ trusted: ['https://app.example.com'] })
 * const app = express()
 * app.post('/posts', requireAuth(latchkey, { cookie: '__Host-token', csrf }), (req, res) => {
 *   res.status(201).json({ author: req.auth.subject })
 * })
 * ```
 */
export function sameOrigin({ trusted = [] }: SameOriginOptions = {}): CsrfCheck {
  if (!Array.isArray(trusted)) throw new TypeError('trusted must be a list of origins.')
  for (const origin of trusted) checkOrigin(origin)
  const origins: ReadonlySet<string> = new Set(trusted)
  return ({ method, isUpgrade, host, origin, fetchSite }) => {
    if (safeMethods.has(method) && !isUpgrade) return true
    if (fetchSite === 'same-origin') return true
    if (origin !== undefined && origins.has(origin)) return true
    // A navigation that the user caused has no origin. Extensions of the browser also send `none`,
    // with an origin of their own.
    if (fetchSite === 'none' && origin === undefined) return !isUpgrade
    if (fetchSite !== undefined && fetchSite !== 'none') return false
    return isOriginOf(origin, host)
  }
}

const webOrigin = /^https?:\/\/(.+)$/

/**
 * Returns whether an origin has this host and port. The scheme is not compared: behind a proxy that
 * ends TLS, the server does not know its own. Browsers write no default port, in either header.
 */
function isOriginOf(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined) return false
  return webOrigin.exec(origin)?.[1] === host.toLowerCase()
}

const listedOrigin = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/

/** Extensions and apps have other schemes than `https`, whose origins `URL` does not know. */
function checkOrigin(origin: unknown): void {
  const isOrigin =
    typeof origin === 'string' &&
    listedOrigin.test(origin) &&
    (!webOrigin.test(origin) || (URL.canParse(origin) && new URL(origin).origin === origin))
  if (!isOrigin) {
    throw new TypeError('A trusted origin has a scheme and a host in lower case, and no path: https://app.example.com.')
  }
}
