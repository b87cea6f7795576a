import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { isFailure, isLatchkeyError } from 'latchkey'
import type { TrustedPages } from '../http/trusted-pages.js'
import { csrfRefusal, safeMethods } from '../routes/guards/cookie-guards.js'
import { accessCookie, cookiesOf } from '../routes/session-cookies.js'
import type { Pages } from './pages.js'

/** The page that renews a session. The path is below that of the refresh cookie. */
export const renewPath = '/v1/refresh/page'

/** The refusals of access tokens that a refresh replaces by a valid one. */
const renewable: ReadonlySet<string> = new Set(['token_expired', 'reissue_required'])

/**
 * Refuses forms that no page of this server has sent (CSRF), also those that sign in: another site
 * could otherwise sign a browser in to an account of its choice.
 */
export function refuseForeignForms(own: TrustedPages): onRequestHookHandler {
  return (request, _reply, done) => {
    if (safeMethods.has(request.method) || own.sent(request)) done()
    else done(csrfRefusal())
  }
}

/**
 * Returns guards that lead a browser without a session to the sign-in page, and one with an expired
 * token to the page that renews it. A form is sent again with its content (307), so that nothing is
 * lost that a user has typed for longer than a token is valid.
 *
 * @param guards - The guards that require a valid token of an account.
 */
export function leadToSignIn(guards: readonly onRequestHookHandler[], pages: Pages): onRequestHookHandler[] {
  return guards.map((guard) => leading(guard, pages))
}

function leading(guard: onRequestHookHandler, pages: Pages): onRequestHookHandler {
  return function (request, reply, done) {
    guard.call(this, request, reply, (error?: Error) => {
      const refusal = error === undefined ? undefined : refusalOf(error)
      if (refusal === undefined) done(error)
      else lead(request, reply, { pages, refusal })
    })
  }
}

/** Returns the code of a refusal for which a sign-in is the remedy. */
function refusalOf(error: unknown): string | undefined {
  if (!isFailure(error) || error.statusCode >= 500) return undefined
  return isLatchkeyError(error) || error.code === 'account_required' ? error.code : undefined
}

function lead(
  request: FastifyRequest,
  reply: FastifyReply,
  { pages, refusal }: { readonly pages: Pages; readonly refusal: string },
): void {
  request.refusalCode = refusal
  // The challenge is for programs.
  reply.removeHeader('WWW-Authenticate')
  const isRead = safeMethods.has(request.method)
  const path = pages.href(request.url)
  if (renewable.has(refusal)) {
    const location = pages.href(renewPath, { return_to: path })
    reply.redirect(location, isRead ? 303 : 307)
    return
  }
  reply.redirect(pages.href('/sign-in', { return_to: path }), 303)
}

/** The state of the session of a browser: see `sessionState`. */
export type SessionState = 'none' | 'live' | 'expired'

/** Returns whether the browser has a valid token of an account, or one that can be renewed. */
export function sessionState(
  request: FastifyRequest,
  reply: FastifyReply,
  guards: readonly onRequestHookHandler[],
): Promise<SessionState> {
  if (cookiesOf(request, accessCookie).length === 0) return Promise.resolve('none')
  const next = async (index: number): Promise<SessionState> => {
    const guard = guards[index]
    if (guard === undefined) return 'live'
    const error = await new Promise<Error | undefined>((resolve) => {
      guard.call(request.server, request, reply, resolve)
    })
    if (error === undefined) return next(index + 1)
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    reply.removeHeader('WWW-Authenticate')
    return renewable.has(refusal) ? 'expired' : 'none'
  }
  return next(0)
}
