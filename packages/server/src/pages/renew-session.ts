import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFailure } from 'latchkey'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { Type } from '../http/type.js'
import { refreshByCookies, sessionInCookies } from '../routes/refresh-by-cookies.js'
import { cookiesOf, refreshCookie, type SessionCookies } from '../routes/session-cookies.js'
import type { Sessions } from '../sessions/sessions.js'
import { renewPath } from './page-session.js'
import type { Pages } from './pages.js'

const querystring = Type.Object({ return_to: Type.Optional(Type.String()), again: Type.Optional(Type.String()) })

interface Renewal {
  readonly pages: Pages
  readonly sessions: Sessions
  readonly cookies: SessionCookies
}

/**
 * GET and POST /v1/refresh/page: renews the session of a browser by its refresh cookie, and leads
 * back. A form is sent on with its content.
 *
 * Browsers do not send the refresh cookie with a navigation that another site began
 * (`SameSite=Strict`). The answer is then a page that opens this one again: that navigation begins
 * here.
 */
export function addRenewSession(app: App, renewal: Renewal): void {
  const config = { limit: 'refresh', named: sessionInCookies, page: true } as const
  const options = { schema: { hide: true, querystring }, config, exposeHeadRoute: false } as const
  app.get(renewPath, options, (request, reply) => renew(renewal, request, reply))
  app.post(renewPath, options, (request, reply) => renew(renewal, request, reply))
}

async function renew(
  { pages, sessions, cookies }: Renewal,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = await pages.open(request, reply)
  const { again } = request.query as { readonly again?: string }
  const isForm = request.method === 'POST'
  const target = page.target()
  const location = target?.location ?? page.href('/account')
  const isFirst = again === undefined
  if (!isForm && cookiesOf(request, refreshCookie).length === 0 && (isFirst || isForeign(request))) {
    const next = page.href(renewPath, { return_to: location, again: '1' })
    const main = html`<p>${page.t('renew.text')}</p><p><a href="${next}">${page.t('common.continue')}</a></p>`
    // The second time, the user continues by the link, so that no browser can do this for ever.
    return page.send({ title: page.t('renew.title'), main, ...(isFirst ? { next } : {}) })
  }
  try {
    await refreshByCookies(request, reply, { sessions, cookies })
  } catch (error) {
    if (!isFailure(error) || error.statusCode >= 500) throw error
    request.refusalCode = error.code
    cookies.clear(reply)
    return page.redirect('/sign-in', { return_to: location })
  }
  // The content of a form goes to pages of this server only.
  const isOwn = target === undefined || target.origin === undefined
  return reply.redirect(location, isForm && isOwn ? 307 : 303)
}

/**
 * Returns whether another site began the navigation. A missing refresh cookie then does not show
 * that the session has ended, and links of other sites must not sign the user out.
 */
function isForeign({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  return site === 'cross-site' || site === 'same-site'
}
