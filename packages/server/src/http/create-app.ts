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
import { type AnswerBrowser, answerError, answerErrorWithPage, rawProblem } from './problem-answer.js'
import { createSerializerFactory } from './serializers.js'
import { dropSilentConnections } from './silent-connections.js'
import { createValidatorCompiler } from './validators.js'
import { checkWellFormed } from './well-formed.js'

const maxBodyBytes = 65_536
const maxHeaderBytes = 16_384
const headersTimeoutMs = 10_000
const requestTimeoutMs = 15_000
/** Interval of the check for requests that arrive too slowly. */
const slownessIntervalMs = 1000
/**
 * Closes a connection without traffic during a request, for example if the client reads no answer.
 */
const connectionTimeoutMs = 60_000

const hstsHeaders = {
  host: 'max-age=31536000',
  subdomains: 'max-age=31536000; includeSubDomains',
} as const

/** The hosts for which browsers must use HTTPS (RFC 6797 §6.1). */
export type HstsScope = keyof typeof hstsHeaders

/** Options of `createApp`. */
export interface AppOptions {
  readonly logger: FastifyServerOptions['logger']
  /** Logs the requests. @defaultValue the controller of Fastify */
  readonly logController?: LogController
  /** Returns whether forwarding headers from this address are used. */
  readonly isTrustedProxy: (address: string | undefined) => boolean
  /** The hosts for which browsers must use HTTPS; `undefined` if clients use HTTP. */
  readonly hsts: HstsScope | undefined
  /** How long an idle connection is kept open. */
  readonly keepAliveMs: number
  /** Answers browsers with pages for refusals. @defaultValue all answers are problem documents */
  readonly answerBrowser?: AnswerBrowser | undefined
}

/** Creates an app without routes, with its limits, its headers and one format for all refusals. */
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
    // A missing Host is refused below, because Node.js would refuse it without a body.
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: slownessIntervalMs,
      requireHostHeader: false,
    },
    // Requests on open connections are still answered while the server stops.
    return503OnClosing: false,
    // No hook runs for these errors.
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
  addRefusals(app, options.answerBrowser)
  app.addHook('onRequest', async (request, reply) => addHeaders(request, reply))
  dropSilentConnections(app)
  // Other expectations than 100-continue may be ignored (RFC 9110 §10.1.1). Node.js would refuse
  // them without a body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) throw httpFailures.refusal('request_malformed')
    // No other transfer coding is supported (RFC 9112 §6.1).
    if (!/^(chunked)?$/i.test(raw.headers['transfer-encoding'] ?? '')) throw httpFailures.refusal('request_malformed')
  })
  app.addHook('preValidation', async (request) => {
    checkWellFormed([request.body, request.query, request.params])
  })
  return app
}

function addRefusals(app: App, answerBrowser: AnswerBrowser | undefined): void {
  const allowed = new AllowedMethods(app)
  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
    answerBrowser === undefined
      ? answerError(error, request, reply)
      : answerErrorWithPage(answerBrowser, error, { request, reply })
  app.setErrorHandler(answer)
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed.of(request.url)
    if (methods.length === 0) return answer(httpFailures.refusal('route_unknown'), request, reply)
    reply.header('Allow', methods.join(', '))
    return answer(httpFailures.refusal('method_not_allowed'), request, reply)
  })
}

/**
 * Headers of all answers: an answer of the API is never sniffed, framed, rendered, embedded in
 * other sites or cached. Routes with cacheable answers override this.
 */
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
