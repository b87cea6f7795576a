import { METHODS } from 'node:http'
import type { FastifyReply, FastifyRequest, LogLevel } from 'fastify'
import { isFailure, LatchkeyError, type MaybePromise } from 'latchkey'
import { authOf } from 'latchkey/fastify'
import { requireScope, withoutCookies } from 'latchkey/node'
import type { Static } from 'typebox'
import type { RepeatedExchange } from '../../exchange/repeated-exchange.js'
import type { ExchangedToken } from '../../exchange/token-exchange.js'
import type { App } from '../../http/app.js'
import { clientAddress } from '../../http/client-address.js'
import { httpFailures } from '../../http/failures.js'
import { answerError } from '../../http/problem-answer.js'
import type { TrustedPages } from '../../http/trusted-pages.js'
import { Type } from '../../http/type.js'
import { isProblem } from '../../problem.js'
import { addGuards } from '../guards/add-guards.js'
import { csrfRefusal } from '../guards/cookie-guards.js'
import type { Guards } from '../guards/guards.js'
import { forToken, forUrl, refusals } from '../refusals.js'
import { Scope, scopePattern } from '../schemas.js'
import { accessCookie, cookiesOf, serverCookies } from '../session-cookies.js'
import { identityHeaderNames, identityHeaders } from './identity-headers.js'
import { isNavigation } from './is-navigation.js'
import { isRead } from './is-read.js'
import type { ForwardedPage, SignInRedirect } from './sign-in-redirect.js'

const querystring = Type.Object(
  {
    scope: Type.Optional({ ...Scope, description: 'The scopes that the token must have.' }),
    audience: Type.Optional(
      Type.String({
        maxLength: 255,
        description: 'One of LATCHKEY_SERVICE_AUDIENCES. X-Auth-Token is then a token for it, signed with ES256.',
      }),
    ),
    sign_in: Type.Optional(
      Type.Enum(['redirect', 'location'], {
        description:
          'The answer to a browser that opens a page without a valid session: a redirect to the sign-in page, or ' +
          'the 401 with its URL in Location, for proxies that know no other status.',
      }),
    ),
  },
  { additionalProperties: false },
)

// A new one for each app, because the OpenAPI generator changes it.
const createSchema = () => ({
  tags: ['other services'],
  operationId: 'forwardAuth',
  summary: 'Authorize a request for a proxy, and identify its caller',
  description:
    'For auth_request of nginx, ForwardAuth of Traefik and ext_authz of Envoy. Accepts every method. ' +
    'A path that the proxy appends is that of the request. Scope, audience and sign_in are then read from the ' +
    'headers X-Forward-Auth-Scope, X-Forward-Auth-Audience and X-Forward-Auth-Sign-In, because the query is that ' +
    'of the request. With "Sec-Forward-Auth: proxy" the answer contains the cookies for the application. ' +
    'See docs/guides/forward-auth.md.',
  querystring,
  response: {
    200: {
      description: 'The request is allowed. The headers identify its caller.',
      type: 'null',
      headers: {
        ...Object.fromEntries(
          identityHeaderNames.map((name) => [name, { type: 'string', description: 'Empty if there is no value.' }]),
        ),
        Cookie: {
          type: 'string',
          description: 'The cookies of the request without those of this server, if the proxy asks for them.',
        },
      },
    },
    302: {
      description: 'The browser is not signed in, and is redirected to the sign-in page.',
      type: 'null',
      headers: { Location: { type: 'string', description: 'The sign-in page, with return_to.' } },
    },
    ...refusals(...forUrl, ...forToken, 'insufficient_scope', 'csrf_refused', 'audience_refused'),
  },
})

type DemandingRequest = FastifyRequest<{ Querystring: Static<typeof querystring> }>

const url = '/v1/forward-auth'
const scopeText = new RegExp(scopePattern)

interface ForwardAuthDependencies {
  readonly guards: Guards
  readonly pages: TrustedPages
  readonly repeatedExchange: RepeatedExchange
  readonly signIn: SignInRedirect | undefined
}

/** The requirements of the operator for requests to a service. */
interface Demand {
  readonly scope?: string | undefined
  readonly audience?: string | undefined
  /** The method of the forwarded request; `undefined` if the proxy does not name it. */
  readonly method: string | undefined
}

/**
 * GET /v1/forward-auth, also with every other method and with any path below it. Without rate
 * limits: refusals need no database, and the proxy has its own limits. Without CORS: the service
 * decides which pages may use it.
 */
export function addForwardAuth(app: App, { guards, ...dependencies }: ForwardAuthDependencies): void {
  const options = { config: { limit: 'none', cors: false }, logLevel: quietLevel(app) } as const
  app.register(async (scope: App) => {
    addGuards(scope, guards.token)
    ignoreBodies(scope)
    for (const method of METHODS)
      if (!scope.supportedMethods.includes(method)) scope.addHttpMethod(method, { hasBody: true })
    const handler = (request: DemandingRequest, reply: FastifyReply) => {
      const { scope, audience } = request.query
      return answer(
        dependencies,
        { request, reply },
        { scope, audience, method: textOf(request.headers['x-forwarded-method']) },
      )
    }
    const errorHandler = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      refuse(dependencies.signIn, { request, reply }, error)
    const atUrl = { ...options, errorHandler }
    scope.get(url, { ...atUrl, schema: createSchema() }, handler)
    const others = scope.supportedMethods.filter((method) => method !== 'GET' && method !== 'HEAD')
    scope.route({ ...atUrl, url, method: others, schema: { querystring, hide: true }, handler })
    scope.all(`${url}/*`, { ...atUrl, schema: { hide: true } }, (request, reply) =>
      answer(dependencies, { request, reply }, demandInHeaders(request)),
    )
  })
}

/**
 * Returns a log level that omits lines about each request, unless the operator logs more than
 * `info`.
 */
function quietLevel(app: App): LogLevel {
  return app.log.level === 'info' ? 'warn' : (app.log.level as LogLevel)
}

/** Discards the bodies that a proxy passes on. */
function ignoreBodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}

function demandInHeaders({ headers, method }: FastifyRequest): Demand {
  const scope = textOf(headers['x-forward-auth-scope'])
  const signIn = textOf(headers['x-forward-auth-sign-in']) ?? ''
  if (scope !== undefined && !scopeText.test(scope)) throw httpFailures.refusal('validation_failed')
  if (!['', 'redirect', 'location'].includes(signIn)) throw httpFailures.refusal('validation_failed')
  return { scope, audience: textOf(headers['x-forward-auth-audience']), method }
}

/**
 * Answers with a refusal. A browser that opens a page without a valid session is led to the sign-in
 * page, if the proxy asks for that.
 */
function refuse(
  signIn: SignInRedirect | undefined,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  error: unknown,
): FastifyReply {
  // Before the validation: guards refuse first.
  const { method, mode, page } = originalOf(request)
  const mayLead = isFailure(error) && error.statusCode === 401 && isNavigation({ method, headers: request.headers })
  const location = mayLead && (mode === 'redirect' || mode === 'location') ? signIn?.locationFor(page) : undefined
  if (location !== undefined) reply.header('Location', location)
  if (location === undefined || mode === 'location' || !isFailure(error)) return answerError(error, request, reply)
  request.refusalCode = error.code
  return reply.code(302).send()
}

/** The request that the proxy asks about. */
interface OriginalRequest {
  readonly method: string | undefined
  readonly page: ForwardedPage
  /** The value of `sign_in`. It is not validated yet. */
  readonly mode: unknown
}

/**
 * Returns what the proxy names in headers that it sets, or, where it appends the path, in the
 * request itself.
 */
function originalOf({ headers, method, query, routeOptions, url: asked }: FastifyRequest): OriginalRequest {
  const scheme = textOf(headers['x-forwarded-proto'])
  if (routeOptions.url !== url) {
    const page = { scheme, host: headers.host, uri: asked.slice(url.length) }
    return { method, page, mode: headers['x-forward-auth-sign-in'] }
  }
  const page = { scheme, host: textOf(headers['x-forwarded-host']), uri: textOf(headers['x-forwarded-uri']) }
  const { sign_in: mode } = query as { readonly sign_in?: unknown }
  return { method: textOf(headers['x-forwarded-method']), page, mode }
}

// No async function: answers from memory need no promise.
function answer(
  { pages, repeatedExchange }: Omit<ForwardAuthDependencies, 'guards'>,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { scope = '', audience = '', method }: Demand,
): unknown {
  const auth = authOf(request)
  checkPage(request, pages, method)
  if (scope !== '') requireScope(...scope.split(' '))(auth)
  const send = (exchanged?: ExchangedToken) => {
    request.outcome = 'allowed'
    reply.headers(identityHeaders(auth, exchanged?.accessToken)).header('Cookie', cookiesToPass(request)).send()
  }
  if (audience === '') return send()
  const exchanged = exchange(repeatedExchange, request, audience)
  if (!(exchanged instanceof Promise)) return send(exchanged)
  return exchanged.then((signed) => {
    send(signed)
    return reply
  })
}

/**
 * Checks that a request which is authenticated by a cookie comes from a trusted page (CSRF), unless
 * it can only read.
 */
function checkPage(request: FastifyRequest, pages: TrustedPages, method: string | undefined): void {
  if (isRead({ method, headers: request.headers })) return
  if (cookiesOf(request, accessCookie).length > 0 && !pages.sent(request)) throw csrfRefusal()
}

/**
 * Returns the `Cookie` header that the proxy passes on instead of the one that it received: an
 * application must not get a token that also works elsewhere. The other cookies are in it only if
 * the proxy asks for them in a header whose name begins with `Sec-`, which no script can send
 * (Fetch §2.2.2). Otherwise a script on this host could read `HttpOnly` cookies.
 */
function cookiesToPass({ headers }: FastifyRequest): string {
  if (headers['sec-forward-auth'] !== 'proxy') return ''
  return withoutCookies(headers.cookie ?? '', serverCookies) ?? ''
}

function exchange(repeated: RepeatedExchange, request: FastifyRequest, audience: string): MaybePromise<ExchangedToken> {
  try {
    return repeated.tokenFor(authOf(request), audience, () => clientAddress(request))
  } catch (error) {
    // A token in its last second is valid but cannot be exchanged any more.
    const late = isProblem(error) && error.code === 'subject_token_refused'
    throw late ? new LatchkeyError('token_expired') : error
  }
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
