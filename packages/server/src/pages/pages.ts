import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Theme } from '../config/theme.js'
import type { Messages } from '../messages/messages.js'
import { type Frame, layout } from './layout.js'
import type { Page, PageView } from './page.js'
import type { PageAssets } from './page-assets.js'
import { type ReturnOrigins, type ReturnTarget, returnTarget } from './return-target.js'

interface PagesSettings {
  readonly issuer: string
  readonly returnOrigins: readonly string[]
}

/** The query that several pages share. */
interface PageQuery {
  readonly return_to?: unknown
  readonly notice?: unknown
}

/** The theme, the files, the messages and the paths of all pages. */
export class Pages implements Frame {
  readonly theme: Theme
  readonly assets: PageAssets
  readonly origins: ReturnOrigins
  readonly #messages: Messages
  readonly #prefix: string

  constructor(messages: Messages, { theme, assets }: Frame, { issuer, returnOrigins }: PagesSettings) {
    const { origin, pathname } = new URL(issuer)
    this.#messages = messages
    this.#prefix = pathname.replace(/\/$/, '')
    this.theme = theme
    this.assets = assets
    this.origins = { own: origin, listed: returnOrigins }
  }

  /** The languages of the pages. */
  get locales(): readonly string[] {
    return this.#messages.offered
  }

  /** Returns what the answer to a request needs, in the language of the request. */
  async open(request: FastifyRequest, reply: FastifyReply, accountLocale?: string | null): Promise<Page> {
    const acceptLanguage = request.headers['accept-language']
    const locale = this.#messages.negotiate({ account: accountLocale, acceptLanguage })
    const messages = await this.#messages.for(locale)
    const { return_to: returnTo, notice } = (request.query ?? {}) as PageQuery
    const target = () => this.targetOf(typeof returnTo === 'string' ? returnTo : undefined)
    const redirect: Page['redirect'] = (path, query) => reply.redirect(this.href(path, query), 303)
    const page: Page = {
      request,
      reply,
      messages,
      t: (key, values) => messages.text(key, values),
      href: (path, query) => this.href(path, query),
      target,
      notice: () =>
        typeof notice === 'string' && request.method === 'GET' && isOwn(request)
          ? noticeText(messages, notice)
          : undefined,
      send: (view, status) => this.send(page, view, status),
      redirect,
      leave: () => {
        const found = target()
        return found === undefined ? redirect('/account') : reply.redirect(found.location, 303)
      },
    }
    return page
  }

  /** Returns the place to return to; `undefined` if pages may not lead there. */
  targetOf(text: string | undefined): ReturnTarget | undefined {
    return returnTarget(text, this.origins)
  }

  /** Returns the path of a page for links, below the path of the issuer. */
  href(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const search = new URLSearchParams(given).toString()
    return `${this.#prefix}${path}${search === '' ? '' : `?${search}`}`
  }

  /** Sends a page. */
  send(page: Page, view: PageView, status = 200): FastifyReply {
    const { reply, messages } = page
    reply.headers({
      'Content-Security-Policy': policy(view.leadsTo),
      // With "no-referrer", browsers send "Origin: null" with forms (Fetch, "append a request Origin
      // header"), and TrustedPages needs the origin of browsers without Fetch Metadata.
      'Referrer-Policy': 'same-origin',
      'Content-Language': messages.locale,
    })
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(layout(this, page, view))
  }
}

/**
 * Returns the policy of a page: its own files only, and forms that lead to this origin and to the
 * application that the user returns to. Browsers apply `form-action` to the redirects of a form.
 */
function policy(leadsTo: string | undefined): string {
  const forms = leadsTo === undefined ? "'self'" : `'self' ${leadsTo}`
  return `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action ${forms}; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'`
}

/**
 * Returns whether a page of this server has led here. Otherwise, links of other sites could show
 * notices that are not true.
 */
function isOwn({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  return site === undefined || site === 'same-origin'
}

function noticeText(messages: Page['messages'], name: string): string | undefined {
  const key = `notice.${name}`
  return /^[a-z-]{1,40}$/.test(name) && messages.has(key) ? messages.text(key) : undefined
}
