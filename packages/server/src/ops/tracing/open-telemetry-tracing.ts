import type { Context, Span, Tracer } from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFailure } from 'latchkey'
import type { App } from '../../http/app.js'
import type { Sources } from '../library-channels.js'
import { traceLibrary } from './library-spans.js'
import type { SpanIdentity, SpanOptions, Tracing } from './tracing.js'

type Api = typeof import('@opentelemetry/api')

/**
 * Creates spans that follow the semantic conventions of OpenTelemetry for HTTP servers and database
 * clients.
 */
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
    // Without an SDK, spans have no identity.
    return identity !== undefined && this.#api.isSpanContextValid(identity) ? identity : undefined
  }

  traceLibrary(sources: Sources): () => void {
    const maker = {
      api: this.#api,
      start: (options: SpanOptions) => this.#start(options),
      fail: (span: Span, error: unknown) => this.#fail(span, error),
    }
    return traceLibrary(maker, sources)
  }

  within<T>(options: SpanOptions, work: () => T): T {
    const { context, trace } = this.#api
    const span = this.#start(options)
    if (span === undefined) return work()
    return context.with(trace.setSpan(context.active(), span), () => {
      try {
        const result = work()
        if (result instanceof Promise) return this.#endLater(span, result) as T
        span.end()
        return result
      } catch (error) {
        this.#fail(span, error)
        span.end()
        throw error
      }
    })
  }

  #start({ name, isCall = false, attributes = {} }: SpanOptions): Span | undefined {
    const { trace, SpanKind } = this.#api
    // Background jobs and the change feed would otherwise constantly create traces of one span
    // each.
    if (trace.getActiveSpan() === undefined) return undefined
    const kind = isCall ? SpanKind.CLIENT : SpanKind.INTERNAL
    return this.#tracer.startSpan(name, { kind, attributes: { ...attributes } })
  }

  async #endLater<T>(span: Span, result: Promise<T>): Promise<T> {
    try {
      return await result
    } catch (error) {
      this.#fail(span, error)
      throw error
    } finally {
      span.end()
    }
  }

  /**
   * Marks a span as failed. Omits the message of the error, because it may repeat input of a
   * client.
   */
  #fail(span: Span, error: unknown): void {
    const refused = isFailure(error)
    span.setAttribute('error.type', refused ? error.code : error instanceof Error ? error.name : '_OTHER')
    if (!refused || error.statusCode >= 500) span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
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
        // The route and never the path, which may contain a token.
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
