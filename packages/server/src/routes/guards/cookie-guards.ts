import type { onRequestHookHandler } from 'fastify'
import type { TrustedPages } from '../../http/trusted-pages.js'
import { Problem } from '../../problem.js'
import { accessCookie, cookiesOf, wantsCookies } from '../session-cookies.js'

/** Methods that change nothing (RFC 9110 §9.2.1), and that other sites may therefore have a browser use. */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Keeps other sites from having somebody's browser do what they want (CSRF). Goes behind the hook that verifies the token: what is done on the strength of a
 * cookie must carry the mode header, and come from a trusted page. A token in the `Authorization` header is put there by nobody but its holder.
 */
export function guardChanges(pages: TrustedPages): onRequestHookHandler {
  return (request, _reply, done) => {
    const byCookie = !safeMethods.has(request.method) && cookiesOf(request, accessCookie).length > 0
    if (byCookie && !wantsCookies(request)) done(new Problem('csrf_refused', { hint: missingHeader }))
    else if (byCookie && !pages.sent(request)) done(new Problem('csrf_refused'))
    else done()
  }
}

/** Keeps other sites from signing somebody's browser in to an account of theirs (login CSRF): cookies are given to trusted pages alone. */
export function guardSignIn(pages: TrustedPages): onRequestHookHandler {
  return (request, _reply, done) => {
    if (wantsCookies(request) && !pages.sent(request)) done(new Problem('csrf_refused'))
    else done()
  }
}

const missingHeader = 'Send the header "Latchkey-Mode: cookie" along.'
