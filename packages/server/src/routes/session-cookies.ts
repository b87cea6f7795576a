import type { FastifyReply, FastifyRequest } from 'fastify'
import { cookieValues } from 'latchkey/node'
import type { SignedIn } from '../accounts/signed-in.js'
import type { TokenSet } from '../sessions/sessions.js'

/**
 * The cookie of the access token. Browsers send it with every request to this host. Its prefix
 * means that no other host can set it (RFC 6265bis §4.1.3.2).
 */
export const accessCookie = '__Host-latchkey'
/**
 * The cookie of the refresh token. Browsers send it to the refresh route only, so that no
 * application behind the same host receives it.
 */
export const refreshCookie = '__Secure-latchkey-refresh'
/** The cookie of the device token. It outlives the session: the next login is of a known device. */
export const deviceCookie = '__Host-latchkey-device'

/**
 * The cookie of a sign-in by mail that waits for its code or its link. It shows that the browser
 * has asked for the e-mail.
 */
export const mailSignInCookie = '__Host-latchkey-mail-sign-in'

/** The names of all cookies that this server sets. No application behind it may receive them. */
export const serverCookies: ReadonlySet<string> = new Set([accessCookie, refreshCookie, deviceCookie, mailSignInCookie])

const deviceMaxAgeSec = 180 * 86_400

/**
 * The request header by which a page asks for cookies. A form of another site cannot set it, so it
 * also protects against CSRF.
 */
export const modeHeader = 'latchkey-mode'

/** Returns whether the page asks for its tokens in cookies, which no script can read. */
export function usesCookieMode({ headers }: FastifyRequest): boolean {
  return headers[modeHeader] === 'cookie'
}

/** Returns the values of all cookies of this name in the request. */
export function cookiesOf({ headers }: FastifyRequest, name: string): string[] {
  return headers.cookie === undefined ? [] : cookieValues(headers.cookie, name)
}

/**
 * Sets tokens as cookies (RFC 6265bis). The cookies are `Secure`, which browsers also accept from
 * http://localhost.
 */
export class SessionCookies {
  readonly #refreshPath: string

  /** @param issuer - The public base URL. Its path is the prefix of all routes for browsers. */
  constructor(issuer: string) {
    this.#refreshPath = `${new URL(issuer).pathname.replace(/\/$/, '')}/v1/refresh`
  }

  /**
   * Sets the cookies of a session. The access cookie lives as long as the refresh cookie: a page
   * whose token has expired gets `token_expired` and can refresh, and a refresh token is accepted
   * only together with an access cookie of the same session.
   */
  set(reply: FastifyReply, { tokens, deviceToken }: Pick<SignedIn, 'deviceToken'> & { tokens: TokenSet }): void {
    this.#write(reply, tokens.accessToken, tokens.refreshToken, tokens.refreshExpiresInSec)
    const maxAgeSec = Math.max(deviceMaxAgeSec, tokens.refreshExpiresInSec)
    if (deviceToken !== undefined) this.setDevice(reply, deviceToken, maxAgeSec)
  }

  /** Sets the cookie of a device. The default lifetime is that of a device without a session. */
  setDevice(reply: FastifyReply, deviceToken: string, maxAgeSec: number = deviceMaxAgeSec): void {
    const attributes = { path: '/', maxAgeSec, sameSite: 'Strict' } as const
    reply.header('Set-Cookie', setCookie(deviceCookie, deviceToken, attributes))
  }

  /**
   * Sets the cookie of a sign-in by mail; an empty value removes it. Lax: a webmail in the same
   * browser leads to the page of the link. No GET completes a sign-in.
   */
  setMailSignIn(reply: FastifyReply, value: string, maxAgeSec: number): void {
    reply.header('Set-Cookie', setCookie(mailSignInCookie, value, { path: '/', maxAgeSec, sameSite: 'Lax' }))
  }

  /** Removes the cookies of a session. */
  clear(reply: FastifyReply): void {
    this.#write(reply, '', '', 0)
  }

  #write(reply: FastifyReply, accessToken: string, refreshToken: string, maxAgeSec: number): void {
    // Lax: a user who follows a link from another site is still signed in to an application behind
    // this host. No GET changes anything here.
    const access = { path: '/', maxAgeSec, sameSite: 'Lax' } as const
    const refresh = { path: this.#refreshPath, maxAgeSec, sameSite: 'Strict' } as const
    reply.header('Set-Cookie', setCookie(accessCookie, accessToken, access))
    reply.header('Set-Cookie', setCookie(refreshCookie, refreshToken, refresh))
  }
}

function setCookie(
  name: string,
  value: string,
  { path, maxAgeSec, sameSite }: { path: string; maxAgeSec: number; sameSite: 'Lax' | 'Strict' },
): string {
  return `${name}=${value}; Path=${path}; Max-Age=${maxAgeSec}; HttpOnly; Secure; SameSite=${sameSite}`
}
