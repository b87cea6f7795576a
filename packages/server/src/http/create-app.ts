import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, {
  type ConnectionError,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  type LogController,
} from 'fastify'
import { AllowedMethods } from './allowed-methods.js'
import type { App } from './app.js'
import { addBodyParsers } from './body-parsers.js'
import { httpFailures } from './failures.js'
import { answerError, rawProblem } from './problem-answer.js'
import { createSerializerFactory } from './serializers.js'
import { dropSilentConnections } from './silent-connections.js'
import { createValidatorCompiler } from './validators.js'
import { checkWellFormed } from './well-formed.js'

const maxBodyBytes = 65_536
const maxHeaderBytes = 16_384
const headersTimeoutMs = 10_000
const requestTimeoutMs = 15_000
/** How often is looked for requests that arrive too slowly. */
const slownessIntervalMs = 1000
/** A connection on which nothing moves during a request, because nobody takes what we send, is let go. */
const connectionTimeoutMs = 60_000

const hstsHeaders = {
  host: 'max-age=31536000',
  subdomains: 'max-age=31536000; includeSubDomains',
} as const

/** The hosts for which browsers use https alone (RFC 6797 §6.1). */
export type HstsScope = keyof typeof hstsHeaders

/** What an app is made with. */
export interface AppOptions {
  readonly logger: FastifyServerOptions['logger']
  /** Writes the lines of requests; by default those of Fastify. */
  readonly logController?: LogController
  /** Whether X-Forwarded-For is believed when it comes from this address. */
  readonly isTrustedProxy: (address: string | undefined) => boolean
  /** The hosts for which browsers use https alone from now on; `undefined` where they reach it by http. */
  readonly hsts: HstsScope | undefined
  /** How long a connection is kept for its next request. */
  readonly keepAliveMs: number
}

/** An app without routes: its limits, its headers, and one shape for everything it refuses. */
export function createApp(options: AppOptions): App {
  const { logger, logController, isTrustedProxy, hsts, keepAliveMs } = options
  const headers = commonHeaders(hsts)
  const addHeaders = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers({ ...headers, 'X-Request-Id': request.id })
  }
  const app = fastify({
    logger: logger ?? false,
    ...(logController === undefined ? {} : { logController }),
    trustProxy: isTrustedProxy,
    genReqId: () => randomUUID(),
    bodyLimit: maxBodyBytes,
    schemaController: { compilersFactory: { buildSerializer: createSerializerFactory() } },
    requestTimeout: requestTimeoutMs,
    connectionTimeout: connectionTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // A missing Host is refused below instead, because Node would do it without a body.
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: slownessIntervalMs,
      requireHostHeader: false,
    },
    // Whoever is still connected while the server stops is answered, not turned away.
    return503OnClosing: false,
    // No hook has seen these.
    frameworkErrors: (error, request, reply) => {
      addHeaders(request, reply)
      answerError(error, request, reply)
    },
    clientErrorHandler: (error, socket) => {
      if (socket.writable)
        socket.end(rawProblem(codeOfClientError(error), { ...headers, 'X-Request-Id': randomUUID() }))
      else socket.destroy()
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.decorateRequest('refusalCode', undefined)
  app.setValidatorCompiler(createValidatorCompiler())
  addBodyParsers(app)
  addRefusals(app)
  app.addHook('onRequest', async (request, reply) => addHeaders(request, reply))
  dropSilentConnections(app)
  // What is expected besides 100-continue may be ignored (RFC 9110 §10.1.1); Node would refuse it without a body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) throw httpFailures.refusal('request_malformed')
    // No other transfer coding is undone here (RFC 9112 §6.1).
    if (!/^(chunked)?$/i.test(raw.headers['transfer-encoding'] ?? '')) throw httpFailures.refusal('request_malformed')
  })
  app.addHook('preValidation', async (request) => {
    checkWellFormed([request.body, request.query, request.params])
  })
  return app
}

function addRefusals(app: App): void {
  const allowed = new AllowedMethods(app)
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed.of(request.url)
    if (methods.length === 0) return answerError(httpFailures.refusal('route_unknown'), request, reply)
    reply.header('Allow', methods.join(', '))
    return answerError(httpFailures.refusal('method_not_allowed'), request, reply)
  })
}

/** An API's answers are never sniffed, framed, rendered, embedded elsewhere or kept; routes whose answer may be kept say so themselves. */
function commonHeaders(hsts: HstsScope | undefined): Readonly<Record<string, string>> {
  return {
    ...(hsts === undefined ? {} : { 'Strict-Transport-Security': hstsHeaders[hsts] }),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  }
}

function codeOfClientError({ code }: ConnectionError) {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  return 'request_malformed'
}
