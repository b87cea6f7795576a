import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SignedIn } from '../accounts/accounts.js'
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
