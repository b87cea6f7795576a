import type { FastifyRequest } from 'fastify'
import type { App } from '../../http/app.js'

/** What a span is called, and what it says; never a token, an e-mail address or a secret. */
export interface SpanOptions {
  readonly name: string
  /** Whether somebody else does the work, such as a database. */
  readonly isCall?: boolean
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** Which trace a request belongs to, and its span there, in lower-case hexadecimal (W3C Trace Context). */
export interface SpanIdentity {
  readonly traceId: string
  readonly spanId: string
}

/** Where time goes, told to whatever collects it. */
export interface Tracing {
  /** Makes a span of each request, in which all that it causes takes place. Goes before every hook that is to be seen in it. */
  traceRequests(app: App): void
  /** Returns the span of a request; `undefined` where there is none. */
  spanOf(request: FastifyRequest): SpanIdentity | undefined
  /** Does the work in a span, if there is one of a request around it; a refusal is told by its code, and nothing else of it. */
  within<T>(span: SpanOptions, work: () => T): T
}

/** Tells nobody. */
export const noTracing: Tracing = {
  traceRequests: () => {},
  spanOf: () => undefined,
  within: (_span, work) => work(),
}
