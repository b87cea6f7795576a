import cors from '@fastify/cors'
import type { App } from './app.js'

/** Browsers keep no answer to a preflight longer (Chromium). */
const preflightMaxAgeSec = 7200

/** Pages that are traced send these with every request (W3C Trace Context, W3C Baggage, Sentry). */
const tracingHeaders = ['traceparent', 'tracestate', 'baggage', 'sentry-trace']

/** Lets the pages of these origins read answers and use cookies (CORS); nobody else, and without any the app knows nothing of CORS. */
export async function allowOrigins(app: App, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    // `false` leaves out every header, so that only listed origins are ever told of credentials.
    origin: (origin, done) => done(null, origin !== undefined && origins.includes(origin) ? origin : false),
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Latchkey-Mode', 'Latchkey-Device', ...tracingHeaders],
    exposedHeaders: ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
    maxAge: preflightMaxAgeSec,
    strictPreflight: false,
  })
}
