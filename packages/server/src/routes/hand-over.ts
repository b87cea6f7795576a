import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SignedIn } from '../accounts/signed-in.js'
import { Problem } from '../problem.js'
import { accountAnswer, signedInAnswer, tokensInCookiesAnswer } from './answers.js'
import { type SessionCookies, wantsCookies } from './session-cookies.js'

/**
 * Returns the answer to a successful sign-in. The tokens are in cookies if the request asks for
 * cookies, otherwise in the answer.
 */
export function handOver(
  request: FastifyRequest,
  reply: FastifyReply,
  { signedIn, cookies }: { signedIn: SignedIn; cookies: SessionCookies },
) {
  if (!wantsCookies(request)) return signedInAnswer(signedIn)
  cookies.set(reply, signedIn)
  return { account: accountAnswer(signedIn.account), ...tokensInCookiesAnswer(signedIn.tokens) }
}

/**
 * Rethrows the refusal of a login. If the refusal carries a device token, the token is set as a
 * cookie if the request asks for cookies, and stays in the answer otherwise.
 */
export function handOverDevice(
  request: FastifyRequest,
  reply: FastifyReply,
  { error, cookies }: { error: unknown; cookies: SessionCookies },
): never {
  const deviceToken = error instanceof Problem && wantsCookies(request) ? error.deviceToken : undefined
  if (!(error instanceof Problem) || deviceToken === undefined) throw error
  cookies.setDevice(reply, deviceToken)
  throw new Problem(error.code)
}
