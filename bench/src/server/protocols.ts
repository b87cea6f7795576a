import { password } from './settings.js'

/** One request to a server under test. */
export interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** A response, with its headers by lower-case name. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly cookies: readonly string[]
}

/** A user who is signed in, as a client remembers them. */
export interface Visitor {
  readonly email: string
  /** The headers that authenticate a request. */
  readonly access: Readonly<Record<string, string>>
  /** The refresh token; empty where there is none. */
  readonly refreshToken: string
  /** The headers that a client sends with each sign-in besides. */
  readonly device: Readonly<Record<string, string>>
}

/** The requests that a kind of server understands. */
export interface Protocol {
  /** Answers 200 once the server is ready. */
  readonly readyPath: string
  signUp(email: string): Call
  signIn(visitor: Pick<Visitor, 'email' | 'device'>): Call
  refresh(visitor: Visitor): Call
  whoAmI(visitor: Visitor): Call
  /** Ends one session, or all sessions of the user. */
  signOut(visitor: Visitor): Call
  signOutEverywhere(visitor: Visitor): Call
  /** Returns the visitor after a sign-up or sign-in. */
  visitorOf(email: string, answer: Answer): Visitor
  /** Returns the refresh token of an answer to `refresh`; absent where it is not replaced. */
  readonly nextRefreshToken?: (body: string) => string
  /** Returns whether the answer to `whoAmI` names a user. */
  isSignedIn(answer: Answer): boolean
}

const json = { 'content-type': 'application/json' }

function post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Call {
  return { method: 'POST', path, headers: { ...json, ...headers }, body: JSON.stringify(body) }
}

function bearer(token: unknown): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${String(token)}` }
}

function parse(body: string): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>
}

const isOk = ({ status }: Answer) => status === 200

/** Latchkey's JSON API. A client keeps its device token, as a browser does. */
export const latchkeyProtocol: Protocol = {
  readyPath: '/readyz',
  signUp: (email) => post('/v1/register', { email, password }),
  signIn: ({ email, device }) => post('/v1/login', { email, password }, device),
  refresh: ({ refreshToken }) => post('/v1/refresh', { refresh_token: refreshToken }),
  whoAmI: ({ access }) => ({ method: 'GET', path: '/v1/me', headers: access }),
  signOut: ({ access }) => ({ method: 'POST', path: '/v1/logout', headers: access }),
  signOutEverywhere: ({ access }) => ({ method: 'POST', path: '/v1/logout-all', headers: access }),
  visitorOf: (email, { body }) => {
    const { access_token: access, refresh_token: refresh, device_token: device } = parse(body)
    return {
      email,
      access: bearer(access),
      refreshToken: String(refresh),
      device: { 'latchkey-device': String(device) },
    }
  },
  nextRefreshToken: (body) => String(parse(body).refresh_token),
  isSignedIn: isOk,
}

/** The API of the tutorial server. */
export const tutorialProtocol: Protocol = {
  readyPath: '/ready',
  signUp: (email) => post('/sign-up', { email, password }),
  signIn: ({ email }) => post('/sign-in', { email, password }),
  refresh: ({ refreshToken }) => post('/refresh', { refreshToken }),
  whoAmI: ({ access }) => ({ method: 'GET', path: '/me', headers: access }),
  signOut: ({ refreshToken }) => post('/sign-out', { refreshToken }),
  signOutEverywhere: ({ access }) => ({ method: 'POST', path: '/sign-out-everywhere', headers: access }),
  visitorOf: (email, { body }) => {
    const { accessToken, refreshToken } = parse(body)
    return { email, access: bearer(accessToken), refreshToken: String(refreshToken), device: {} }
  },
  nextRefreshToken: (body) => String(parse(body).refreshToken),
  isSignedIn: isOk,
}

/** The API of better-auth: a cookie names the session. */
export const betterAuthProtocol: Protocol = {
  readyPath: '/api/auth/ok',
  signUp: (email) => post('/api/auth/sign-up/email', { email, password, name: 'Visitor' }),
  signIn: ({ email }) => post('/api/auth/sign-in/email', { email, password }),
  refresh: ({ access }) => ({ method: 'GET', path: '/api/due/get-session', headers: access }),
  whoAmI: ({ access }) => ({ method: 'GET', path: '/api/auth/get-session', headers: access }),
  signOut: ({ access }) => post('/api/auth/sign-out', {}, access),
  signOutEverywhere: ({ access }) => post('/api/auth/revoke-sessions', {}, access),
  visitorOf: (email, { cookies }) => {
    const cookie = cookies.map((text) => text.slice(0, text.indexOf(';'))).join('; ')
    return { email, access: { cookie }, refreshToken: '', device: {} }
  },
  isSignedIn: ({ status, body }) => status === 200 && body !== 'null' && body !== '',
}
