import type { Context, Span, Tracer } from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFailure } from 'latchkey'
import type { App } from '../../http/app.js'
import type { SpanIdentity, SpanOptions, Tracing } from './tracing.js'

type Api = typeof import('@opentelemetry/api')

/** Spans by the semantic conventions of OpenTelemetry for HTTP servers and database clients. */
export class OpenTelemetryTracing implements Tracing {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #spans = new WeakMap<FastifyRequest, Span>()

  constructor(api: Api) {
    this.#api = api
    this.#tracer = api.trace.getTracer('@latchkey/server')
  }

  traceRequests(app: App): void {
    const { context } = this.#api
    app.addHook('onRequest', (request, _reply, done) => context.with(this.#begin(request), done))
    app.addHook('onResponse', (request, reply, done) => {
      this.#end(request, reply)
      done()
    })
  }

  spanOf(request: FastifyRequest): SpanIdentity | undefined {
    const identity = this.#spans.get(request)?.spanContext()
    // Without an SDK that is set up, spans have no identity.
    return identity !== undefined && this.#api.isSpanContextValid(identity) ? identity : undefined
  }

  within<T>({ name, isCall = false, attributes = {} }: SpanOptions, work: () => T): T {
    const { trace, SpanKind } = this.#api
    // Chores and the change feed would be traces of one span each, around the clock.
    if (trace.getActiveSpan() === undefined) return work()
    const kind = isCall ? SpanKind.CLIENT : SpanKind.INTERNAL
    return this.#tracer.startActiveSpan(name, { kind, attributes: { ...attributes } }, (span) => {
      try {
        const result = work()
        if (result instanceof Promise) return this.#endLater(span, result) as T
        span.end()
        return result
      } catch (error) {
        this.#fail(span, error)
        throw error
      }
    })
  }

  async #endLater<T>(span: Span, result: Promise<T>): Promise<T> {
    try {
      const value = await result
      span.end()
      return value
    } catch (error) {
      this.#fail(span, error)
      throw error
    }
  }

  /** A message could repeat what somebody sent: only the kind of the error is told. */
  #fail(span: Span, error: unknown): void {
    const refused = isFailure(error)
    span.setAttribute('error.type', refused ? error.code : error instanceof Error ? error.name : '_OTHER')
    if (!refused || error.statusCode >= 500) span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    span.end()
  }

  #begin(request: FastifyRequest): Context {
    const { context, propagation, trace, SpanKind } = this.#api
    const around = context.active()
    const isOutermost = trace.getSpan(around) === undefined
    const parent = isOutermost ? propagation.extract(around, request.headers) : around
    const { url } = request.routeOptions
    const span = this.#tracer.startSpan(
      url === undefined ? request.method : `${request.method} ${url}`,
      {
        kind: isOutermost ? SpanKind.SERVER : SpanKind.INTERNAL,
        // The route and never the path, into which people put tokens.
        attributes: { 'http.request.method': request.method, ...(url === undefined ? {} : { 'http.route': url }) },
      },
      parent,
    )
    this.#spans.set(request, span)
    return trace.setSpan(parent, span)
  }

  #end(request: FastifyRequest, { statusCode }: FastifyReply): void {
    const span = this.#spans.get(request)
    if (span === undefined) return
    span.setAttribute('http.response.status_code', statusCode)
    const { refusalCode } = request
    if (refusalCode !== undefined) span.setAttribute('error.type', refusalCode)
    if (statusCode >= 500) span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    span.end()
  }
}
