import type { FastifyRequest } from 'fastify'
import type { App } from '../../http/app.js'
import type { Sources } from '../library-channels.js'

/** The name and the attributes of a span; never a token, an e-mail address or a secret. */
export interface SpanOptions {
  readonly name: string
  /** Whether another system does the work, such as a database. */
  readonly isCall?: boolean
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** The trace and the span of a request, in lower-case hexadecimal (W3C Trace Context). */
export interface SpanIdentity {
  readonly traceId: string
  readonly spanId: string
}

/** Makes spans for whatever collects them. */
export interface Tracing {
  /** Makes a span of each request, active in all that it causes. Goes before the hooks that the span covers. */
  traceRequests(app: App): void
  /** Returns the span of a request; `undefined` where there is none. */
  spanOf(request: FastifyRequest): SpanIdentity | undefined
  /** Makes spans of the calls that these parts of the library publish. Returns the function that ends it. */
  traceLibrary(sources: Sources): () => void
  /** Does the work in a span, within that of a request. Of a refusal the span has the code alone. */
  within<T>(span: SpanOptions, work: () => T): T
}

/** Makes no spans. */
export const noTracing: Tracing = {
  traceRequests: () => {},
  spanOf: () => undefined,
  traceLibrary: () => () => {},
  within: (_span, work) => work(),
}
