import type { onRequestHookHandler } from 'fastify'
import { LatchkeyError } from 'latchkey'
import type { TrustedPages } from '../../http/trusted-pages.js'
import { accessCookie, cookiesOf, usesCookieMode } from '../session-cookies.js'

/**
 * Safe methods (RFC 9110 §9.2.1): they change nothing, so requests with them are allowed from any
 * site.
 */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses cross-site requests (CSRF). Runs after the hook that verifies the token. A request that
 * changes something and is authenticated by a cookie needs the mode header and must come from a
 * trusted page. A token in the `Authorization` header needs neither, because no browser adds it by
 * itself.
 */
export function guardChanges(pages: TrustedPages): onRequestHookHandler {
  return (request, _reply, done) => {
    const byCookie = !safeMethods.has(request.method) && cookiesOf(request, accessCookie).length > 0
    if (byCookie && !usesCookieMode(request)) done(csrfRefusal(missingHeader))
    else if (byCookie && !pages.sent(request)) done(csrfRefusal())
    else done()
  }
}

/**
 * Sets cookies for trusted pages only, so that no other site can sign a browser in to an account of
 * an attacker (login CSRF).
 */
export function guardCookies(pages: TrustedPages): onRequestHookHandler {
  return (request, _reply, done) => {
    if (usesCookieMode(request) && !pages.sent(request)) done(csrfRefusal())
    else done()
  }
}

const missingHeader = 'Send the header "Latchkey-Mode: cookie" along.'
const trustedPage = 'Send it by fetch() from a page of this origin, or of an origin in LATCHKEY_CORS_ORIGINS.'

/** Returns the refusal of a request that no trusted page has sent. */
export function csrfRefusal(hint = trustedPage): LatchkeyError {
  return new LatchkeyError('csrf_refused', { hint })
}
