import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import type { Context, Span } from '@opentelemetry/api'
import type { CacheCall, StoreCall, TokenCall, Traced } from 'latchkey'
import { type Sources, subscribeTo } from '../library-channels.js'
import type { SpanOptions } from './tracing.js'

type Api = typeof import('@opentelemetry/api')

/** The functions of the tracer that `traceLibrary` uses. */
export interface SpanMaker {
  readonly api: Api
  /** Starts a child of the active span; returns `undefined` if none is active. */
  readonly start: (options: SpanOptions) => Span | undefined
  /** Marks a span as failed by this error. */
  readonly fail: (span: Span, error: unknown) => void
}

/**
 * Creates spans for the calls that these parts of the library publish. Returns the function that
 * stops it.
 */
export function traceLibrary(maker: SpanMaker, sources: Sources): () => void {
  const stops = [
    traceCalls<TokenCall>(maker, sources, 'latchkey:verify', () => ({ name: 'latchkey.verify' })),
    traceCalls<TokenCall>(maker, sources, 'latchkey:issue', () => ({ name: 'latchkey.issue' })),
    traceCalls<StoreCall>(maker, sources, 'latchkey:store', (call) => callOf('store', call)),
    traceCalls<CacheCall>(maker, sources, 'latchkey:cache', (call) => callOf('cache', call)),
    // The library publishes no start for these.
    subscribeTo('latchkey:verify', sources, ({ level }) => {
      if (level === 'remembered') maker.start({ name: 'latchkey.verify' })?.end()
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function callOf(part: string, { system, operation }: StoreCall | CacheCall): SpanOptions {
  const attributes = { 'db.system.name': system, 'db.operation.name': operation }
  return { name: `latchkey.${part}.${operation}`, isCall: true, attributes }
}

/** Makes the span of a call active while the call runs. */
class ActiveSpan extends AsyncLocalStorage<Context> {
  readonly #api: Api

  constructor(api: Api) {
    super()
    this.#api = api
  }

  // The context manager of OpenTelemetry holds the active span, where other instrumentations look
  // for it.
  override run<R, Args extends unknown[]>(context: Context, work: (...args: Args) => R, ...args: Args): R {
    return this.#api.context.with(context, work, undefined, ...args)
  }
}

function traceCalls<Call extends { readonly source: object }>(
  { api, start, fail }: SpanMaker,
  sources: Sources,
  name: string,
  describe: (call: Call) => SpanOptions,
): () => void {
  const { context, trace } = api
  const spans = new WeakMap<object, Span>()
  const active = new ActiveSpan(api)
  const channels = tracingChannel<Context, Traced<Call>>(name)
  channels.start.bindStore(active, (call) => {
    const span = sources.has(call.source) ? start(describe(call)) : undefined
    if (span === undefined) return context.active()
    spans.set(call, span)
    return trace.setSpan(context.active(), span)
  })
  const handlers = {
    error: (call: Traced<Call>) => {
      const span = spans.get(call)
      if (span !== undefined) fail(span, call.error)
    },
    end: (call: Traced<Call>) => {
      if (!call.isAsync) spans.get(call)?.end()
    },
    asyncEnd: (call: Traced<Call>) => spans.get(call)?.end(),
  }
  const subscriptions = Object.entries(handlers).map(([event, handler]) => {
    const channel = `tracing:${name}:${event}`
    const onMessage = (call: unknown) => handler(call as Traced<Call>)
    subscribe(channel, onMessage)
    return () => unsubscribe(channel, onMessage)
  })
  return () => {
    channels.start.unbindStore(active)
    for (const stop of subscriptions) stop()
  }
}
