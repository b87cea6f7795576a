import cors from '@fastify/cors'
import type { App } from './app.js'

/** The longest time that Chromium caches the answer to a preflight. */
const preflightMaxAgeSec = 7200

/** Traced pages send these with every request (W3C Trace Context, W3C Baggage, Sentry). */
const tracingHeaders = ['traceparent', 'tracestate', 'baggage', 'sentry-trace']

/**
 * Allows pages of these origins to read answers and to send cookies (CORS). Does nothing without
 * origins.
 */
export async function allowOrigins(app: App, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    // `false` omits all CORS headers, so that only listed origins receive them.
    origin: (origin, done) => done(null, origin !== undefined && origins.includes(origin) ? origin : false),
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Latchkey-Mode', 'Latchkey-Device', ...tracingHeaders],
    exposedHeaders: ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
    maxAge: preflightMaxAgeSec,
    strictPreflight: false,
  })
}
