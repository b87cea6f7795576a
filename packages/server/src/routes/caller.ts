import type { FastifyRequest } from 'fastify'
import { LatchkeyError } from 'latchkey'
import { authOf } from 'latchkey/fastify'
import type { ActingAdministrator } from '../admin/administrator.js'
import { impersonatorOf } from '../authentication-claims.js'
import { clientAddress } from '../http/client-address.js'
import { connectionSignal } from '../http/connection-signal.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting } from '../sessions/actors.js'
import { cookiesOf, deviceCookie, usesCookieMode } from './session-cookies.js'

const maxUserAgentLength = 255

/** Returns the address, the user agent, the languages and the connection of a request. */
export function originOf(request: FastifyRequest): RequestOrigin {
  const userAgent = request.headers['user-agent']?.slice(0, maxUserAgentLength) ?? null
  const acceptLanguage = request.headers['accept-language']
  return { address: clientAddress(request), userAgent, acceptLanguage, connection: connectionSignal(request) }
}

/** Returns the device token of a request, from its header or from its cookie. */
export function deviceOf(request: FastifyRequest): string | undefined {
  const sent = request.headers['latchkey-device']
  const kept = usesCookieMode(request) ? cookiesOf(request, deviceCookie)[0] : undefined
  return typeof sent === 'string' ? sent : kept
}

/**
 * Returns the account and the session that a request acts for, after `Guards.account` passed it.
 */
export function actingOf(request: FastifyRequest): Acting {
  const auth = authOf(request)
  if (auth.sessionId === undefined) throw new LatchkeyError('session_ended')
  const acting = { accountId: auth.subject, sessionId: auth.sessionId, keyId: auth.kid }
  const impersonatorId = impersonatorOf(auth)
  return impersonatorId === undefined ? acting : { ...acting, impersonatorId }
}

/** Returns the administrator that a request acts for, after `Guards.administrator` passed it. */
export function administratorOf(request: FastifyRequest): ActingAdministrator {
  return { ...actingOf(request), address: clientAddress(request) }
}
