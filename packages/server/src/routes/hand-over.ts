import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SignedIn } from '../accounts/sign-in.js'
import { Problem } from '../problem.js'
import { accountAnswer, signedInAnswer, tokensInCookiesAnswer } from './answers.js'
import { type SessionCookies, wantsCookies } from './session-cookies.js'

/** Gives somebody who has signed in the tokens: in cookies if the request asks for that, else in the answer, which this makes. */
export function handOver(
  request: FastifyRequest,
  reply: FastifyReply,
  given: { signedIn: SignedIn; cookies: SessionCookies },
) {
  const { signedIn, cookies } = given
  if (!wantsCookies(request)) return signedInAnswer(signedIn)
  cookies.set(reply, signedIn)
  return { account: accountAnswer(signedIn.account), ...tokensInCookiesAnswer(signedIn.tokens) }
}

/** Throws the refusal of a login again, with the device token that it carries: in a cookie if the request asks for that, else in the answer. */
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
