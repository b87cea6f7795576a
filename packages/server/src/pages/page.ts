import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Html } from '../html.js'
import type { LocaleMessages } from '../messages/locale-messages.js'
import type { ReturnTarget } from './return-target.js'

/** The content of a page. */
export interface PageView {
  /** A message. */
  readonly title: string
  readonly main: Html
  /** Whether the page shows that a form was refused. */
  readonly refused?: boolean
  /** Whether the page has lists, which need more width. */
  readonly wide?: boolean
  /** The path that the browser opens after this page; see `Page.href`. */
  readonly next?: string
  /** An origin that a form of this page may lead to. */
  readonly leadsTo?: string | undefined
}

/** A request of a browser, and what its answer needs. */
export interface Page {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly messages: LocaleMessages
  /** Returns a message. */
  t(key: string, values?: Readonly<Record<string, string | number>>): string
  /** Returns the path of a page for links, with a query. */
  href(path: string, query?: Readonly<Record<string, string | undefined>>): string
  /** Returns the place that the request asks to return to. */
  target(): ReturnTarget | undefined
  /** Returns the notice after a form, which only pages of this server can cause. */
  notice(): string | undefined
  /** Sends a page. */
  send(view: PageView, status?: number): FastifyReply
  /** Leads the browser to a page. */
  redirect(path: string, query?: Readonly<Record<string, string | undefined>>): FastifyReply
  /** Present while an administrator acts in the session. `endsAt`: milliseconds since 1970. */
  readonly impersonation?: { readonly email: string; readonly endsAt: number }
  /** Leads the browser to the place that the request asks for, or to its account. */
  leave(): FastifyReply
}
