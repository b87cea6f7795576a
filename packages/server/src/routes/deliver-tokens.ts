import type { FastifyReply, FastifyRequest } from 'fastify'
import { accountFailures } from '../accounts/failures.js'
import type { SignedIn } from '../accounts/signed-in.js'
import { factorFailures } from '../factors/failures.js'
import { isProblem } from '../problem.js'
import { accountAnswer, signedInAnswer, tokensInCookiesAnswer } from './answers.js'
import { type SessionCookies, usesCookieMode } from './session-cookies.js'

/**
 * Returns the answer to a successful sign-in. The tokens are in cookies if the request asks for
 * cookies, otherwise in the answer.
 */
export function deliverTokens(
  request: FastifyRequest,
  reply: FastifyReply,
  { signedIn, cookies }: { signedIn: SignedIn; cookies: SessionCookies },
) {
  if (!usesCookieMode(request)) return signedInAnswer(signedIn)
  cookies.set(reply, signedIn)
  return { account: accountAnswer(signedIn.account), ...tokensInCookiesAnswer(signedIn.tokens) }
}

/**
 * Rethrows the refusal of a login. If the refusal carries a device token, the token is set as a
 * cookie if the request asks for cookies, and stays in the answer otherwise.
 */
export function deliverDeviceToken(
  request: FastifyRequest,
  reply: FastifyReply,
  { error, cookies }: { error: unknown; cookies: SessionCookies },
): never {
  const deviceToken = isProblem(error) && usesCookieMode(request) ? error.extensions?.device_token : undefined
  if (!isProblem(error) || typeof deviceToken !== 'string') throw error
  cookies.setDevice(reply, deviceToken)
  const { device_token: _, ...extensions } = error.extensions ?? {}
  if (error.code === 'second_factor_required') throw factorFailures.refusal(error.code, { extensions })
  throw accountFailures.refusal('device_confirmation_required')
}
