import type { FastifyRequest } from 'fastify'
import type { App } from '../../http/app.js'
import type { Sources } from '../library-channels.js'

/** The name and the attributes of a span; never a token, an e-mail address or a secret. */
export interface SpanOptions {
  readonly name: string
  /** Whether the span is a call of another system, such as a database. */
  readonly isCall?: boolean
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** The trace and the span of a request, in lower-case hexadecimal (W3C Trace Context). */
export interface SpanIdentity {
  readonly traceId: string
  readonly spanId: string
}

/** Creates spans. */
export interface Tracing {
  /**
   * Creates a span for each request, which is active in all work of the request. Call it before
   * adding hooks that the span should include.
   */
  traceRequests(app: App): void
  /** Returns the span of a request; `undefined` if there is none. */
  spanOf(request: FastifyRequest): SpanIdentity | undefined
  /**
   * Creates spans for the calls that these parts of the library publish. Returns the function that
   * stops it.
   */
  traceLibrary(sources: Sources): () => void
  /** Runs `work` in a child span of the request. A refusal is recorded with its code only. */
  within<T>(span: SpanOptions, work: () => T): T
}

/** Creates no spans. */
export const noTracing: Tracing = {
  traceRequests: () => {},
  spanOf: () => undefined,
  traceLibrary: () => () => {},
  within: (_span, work) => work(),
}
