import type { App } from '../../http/app.js'
import type { SpanIdentity, Tracing } from './tracing.js'

/** The header `traceparent` of W3C Trace Context, which proxies send as well. */
const traceParent = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/

/**
 * Adds `trace_id` and `span_id` to the log lines of a request: those of its span, or without a span
 * those of its `traceparent`. Call it after `traceRequests`.
 */
export function logTraces(app: App, tracing: Tracing): void {
  app.addHook('onRequest', (request, reply, done) => {
    const identity = tracing.spanOf(request) ?? parseTraceParent(request.headers.traceparent)
    if (identity !== undefined) {
      request.log = request.log.child({ trace_id: identity.traceId, span_id: identity.spanId })
      reply.log = request.log
    }
    done()
  })
}

function parseTraceParent(header: unknown): SpanIdentity | undefined {
  const [, traceId, spanId] = typeof header === 'string' ? (traceParent.exec(header) ?? []) : []
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId }
}
