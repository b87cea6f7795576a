import type { FastifyReply, FastifyRequest } from 'fastify'
import { cookieValues } from 'latchkey/node'
import type { SignedIn } from '../accounts/sign-in.js'
import type { TokenSet } from '../sessions/sessions.js'

/** Sent with every request to this host. No other host can set it: that is what the prefix means (RFC 6265bis §4.1.3.2). */
export const accessCookie = '__Host-latchkey'
/** Sent to the refresh route alone: what stands behind the same host never sees it. */
export const refreshCookie = '__Secure-latchkey-refresh'
/** Outlives the session, so that the device is no stranger at the next login. */
export const deviceCookie = '__Host-latchkey-device'

/** Every cookie that this server sets: what no application behind it may get. */
export const ownCookies: ReadonlySet<string> = new Set([accessCookie, refreshCookie, deviceCookie])

const deviceMaxAgeSec = 180 * 86_400

/** The request header by which a page asks for cookies, and shows that it is no form of another site: that cannot set it. */
export const modeHeader = 'latchkey-mode'

/** Whether the page wants its tokens in cookies, where no script can read them. */
export function wantsCookies({ headers }: FastifyRequest): boolean {
  return headers[modeHeader] === 'cookie'
}

/** The values of all cookies of this name that came along. */
export function cookiesOf({ headers }: FastifyRequest, name: string): string[] {
  return headers.cookie === undefined ? [] : cookieValues(headers.cookie, name)
}

/** Gives tokens to browsers in cookies (RFC 6265bis). They are `Secure`, which browsers also accept from http://localhost. */
export class SessionCookies {
  readonly #refreshPath: string

  /** `issuer`: the public base URL, whose path is where the routes are for browsers. */
  constructor(issuer: string) {
    this.#refreshPath = `${new URL(issuer).pathname.replace(/\/$/, '')}/v1/refresh`
  }

  /**
   * The cookies of a session. That of the access token lives as long as the other one: when the token has expired, the page is told `token_expired` and knows
   * that it should refresh, and the refresh token is believed only beside it.
   */
  set(reply: FastifyReply, { tokens, deviceToken }: Pick<SignedIn, 'deviceToken'> & { tokens: TokenSet }): void {
    this.#write(reply, tokens.accessToken, tokens.refreshToken, tokens.refreshExpiresInSec)
    const maxAgeSec = Math.max(deviceMaxAgeSec, tokens.refreshExpiresInSec)
    if (deviceToken !== undefined) this.setDevice(reply, deviceToken, maxAgeSec)
  }

  /** The cookie of a device; of one that has no session by default. */
  setDevice(reply: FastifyReply, deviceToken: string, maxAgeSec: number = deviceMaxAgeSec): void {
    const attributes = { path: '/', maxAgeSec, sameSite: 'Strict' } as const
    reply.header('Set-Cookie', setCookie(deviceCookie, deviceToken, attributes))
  }

  /** Takes the cookies of a session back. */
  clear(reply: FastifyReply): void {
    this.#write(reply, '', '', 0)
  }

  #write(reply: FastifyReply, accessToken: string, refreshToken: string, maxAgeSec: number): void {
    // Lax: a link from elsewhere to an application behind this host finds its user signed in. No GET changes anything here.
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
