import type { FastifyRequest } from 'fastify'
import { LatchkeyError } from 'latchkey'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { sessionFailures } from '../../sessions/failures.js'
import type { Sessions } from '../../sessions/sessions.js'
import { tokensAnswer, tokensInCookiesAnswer } from '../answers.js'
import { deviceOf, originOf } from '../caller.js'
import { cookieRefreshTokens, missingRefreshToken, sessionOf, setRefreshedCookies } from '../refresh-by-cookies.js'
import { forBody, refusals } from '../refusals.js'
import { EitherTokens, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'
import { usesCookieMode } from '../session-cookies.js'

type RefreshBody = { readonly refresh_token?: string } | null | undefined

const schema = {
  tags: ['sign in'],
  operationId: 'refresh',
  summary: 'Refresh the tokens of a session',
  description:
    'Each refresh token is replaced when it is used. The token that was replaced last stays ' +
    'valid until its successor is used, so that parallel tabs and lost answers end no ' +
    'session. This holds only for the client that refreshed: an older token, or one from ' +
    'another client, ends the session. After a refresh with "Latchkey-Device" the session is ' +
    'bound to that device, and every later refresh must send the header. A page that keeps ' +
    'its tokens in cookies sends no body.',
  headers: SignInHeaders,
  body: Type.Unsafe<RefreshBody>({
    type: ['object', 'null'],
    properties: { refresh_token: { type: 'string', minLength: 1, maxLength: 512 } },
    additionalProperties: false,
  }),
  response: {
    200: EitherTokens,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'credentials_ambiguous',
      'refresh_token_missing',
      'refresh_token_invalid',
      'refresh_token_expired',
      'refresh_token_reused',
      'session_ended',
      'tenant_disabled',
    ),
  },
}

/** POST /v1/refresh */
export function addRefresh(app: App, sessions: Sessions, cookies: SessionCookies): void {
  const config = { limit: 'refresh', named } as const
  app.post('/v1/refresh', { schema, config }, async (request, reply) => {
    const device = deviceOf(request)
    const token = await sessions.chooseGenuine(refreshTokensOf(request))
    const tokens = await sessions.refresh(token, originOf(request), device)
    if (!usesCookieMode(request)) return tokensAnswer(tokens)
    setRefreshedCookies(reply, { cookies, tokens, device })
    return tokensInCookiesAnswer(tokens)
  })
}

/** Returns the session that the refresh token names. The token is not verified yet. */
function named(request: FastifyRequest): string {
  return sessionOf(refreshTokensOf(request)[0]) ?? ''
}

/**
 * Returns the refresh token of the body, or those in cookies of the session of the browser. Never
 * empty. If cookies hold several tokens of one session, a sibling host has added some, and at most
 * one is genuine.
 */
function refreshTokensOf(request: FastifyRequest): readonly [string, ...string[]] {
  const { refresh_token: inBody } = (request.body as RefreshBody) ?? {}
  const [first, ...others] = usesCookieMode(request) ? cookieRefreshTokens(request) : []
  if (first !== undefined && inBody !== undefined) throw new LatchkeyError('credentials_ambiguous')
  if (inBody !== undefined) return [inBody]
  if (first !== undefined) return [first, ...others]
  throw usesCookieMode(request) ? missingRefreshToken(request) : sessionFailures.refusal('refresh_token_missing')
}
