import type { FastifyReply, FastifyRequest } from 'fastify'
import { LatchkeyError } from 'latchkey'
import { parseRefreshToken } from 'latchkey/sessions'
import { deviceBinding } from '../sessions/device-binding.js'
import { sessionFailures } from '../sessions/failures.js'
import type { Sessions, TokenSet } from '../sessions/sessions.js'
import { originOf } from './caller.js'
import { accessCookie, cookiesOf, deviceCookie, refreshCookie, type SessionCookies } from './session-cookies.js'

/**
 * Refreshes the session in the cookies of a browser, and sets its new cookies.
 *
 * @throws Problem `refresh_token_missing`; LatchkeyError `credentials_ambiguous` and the codes of
 * `Sessions.refresh`
 */
export async function refreshByCookies(
  request: FastifyRequest,
  reply: FastifyReply,
  { sessions, cookies }: { readonly sessions: Sessions; readonly cookies: SessionCookies },
): Promise<TokenSet> {
  const [device] = cookiesOf(request, deviceCookie)
  const [first, ...others] = cookieRefreshTokens(request)
  if (first === undefined) throw missingRefreshToken(request)
  const token = await sessions.chooseGenuine([first, ...others])
  const tokens = await sessions.refresh(token, originOf(request), device)
  setRefreshedCookies(reply, { cookies, tokens, device })
  return tokens
}

/** Sets the cookies of a refreshed session. */
export function setRefreshedCookies(
  reply: FastifyReply,
  {
    cookies,
    tokens,
    device,
  }: { readonly cookies: SessionCookies; readonly tokens: TokenSet; readonly device: string | undefined },
): void {
  // The session is bound to the device cookie, which must not expire before the session.
  const isDeviceToken = device !== undefined && deviceBinding(device) !== null
  cookies.set(reply, { tokens, ...(isDeviceToken ? { deviceToken: device } : {}) })
}

/** Returns the refusal of a request without a refresh token of its session in cookies. */
export function missingRefreshToken(request: FastifyRequest): Error {
  const isForeign = cookiesOf(request, refreshCookie).length > 0
  return isForeign ? new LatchkeyError('refresh_token_invalid') : sessionFailures.refusal('refresh_token_missing')
}

/** Returns the session that the cookies name. Its token is not verified yet. */
export function sessionInCookies(request: FastifyRequest): string | undefined {
  const [accessToken = ''] = cookiesOf(request, accessCookie)
  const session = sessionNamedBy(accessToken)
  return typeof session === 'string' ? session : undefined
}

/**
 * Returns the refresh tokens in cookies that belong to the session of the access cookie. A sibling
 * host can set a refresh cookie, and could so sign a browser in to an account of its choice or hide
 * the genuine cookie. It cannot set the access cookie, whose token names the session. That token
 * may have expired: it only matters that this host set it.
 *
 * @throws LatchkeyError `credentials_ambiguous` for two access cookies, which only a browser
 * without cookie prefixes sends
 */
export function cookieRefreshTokens(request: FastifyRequest): string[] {
  const [accessToken = '', ...others] = cookiesOf(request, accessCookie)
  if (others.length > 0) throw new LatchkeyError('credentials_ambiguous')
  const session = sessionNamedBy(accessToken)
  return cookiesOf(request, refreshCookie).filter((token) => session !== undefined && sessionOf(token) === session)
}

/** Returns the session that a refresh token names. The token is not verified yet. */
export function sessionOf(refreshToken: string): string | undefined {
  return parseRefreshToken(refreshToken)?.sessionId
}

function sessionNamedBy(accessToken: string): unknown {
  try {
    return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).sid
  } catch {
    return undefined
  }
}
