import type { FastifyReply, FastifyRequest } from 'fastify'
import { isTokenShaped } from '../random-token.js'
import { cookiesOf, mailSignInCookie, type SessionCookies } from '../routes/session-cookies.js'

/** A sign-in by mail that waits for its code or its link, as its browser keeps it. */
export interface PendingMailSignIn {
  /** The challenge token. */
  readonly token: string
  /** The place to return to. Check it before use: a browser can send any text. */
  readonly target: string | undefined
}

/** Keeps the sign-in in a cookie, which no script can read. */
export function keepPending(
  cookies: SessionCookies,
  reply: FastifyReply,
  { token, target }: PendingMailSignIn,
  ttlSec: number,
): void {
  const place = target === undefined ? '' : `.${Buffer.from(target).toString('base64url')}`
  cookies.setMailSignIn(reply, `${token}${place}`, ttlSec)
}

/** Returns the sign-in that the browser has begun; `undefined` if there is none. */
export function pendingOf(request: FastifyRequest): PendingMailSignIn | undefined {
  const [token = '', place] = cookiesOf(request, mailSignInCookie)[0]?.split('.') ?? []
  if (!isTokenShaped(token)) return undefined
  return { token, target: place === undefined ? undefined : Buffer.from(place, 'base64url').toString() }
}
