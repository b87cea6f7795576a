/** The tokens that the requests are made of. */
export interface Tokens {
  readonly good: string
  readonly expired: string
  readonly revoked: string
  readonly endedSession: string
  readonly badSignature: string
  readonly forgedKid: string
  readonly oversized: string
  /** Of a tenant with the scope `articles:read articles:write` and the role `editor`. */
  readonly writer: string
  /** Of a tenant without grants. Its claims name the same scope and role. */
  readonly pretender: string
  /** Of the writer, narrowed to `articles:read` by its `scope` claim. */
  readonly reader: string
  /** Of the writer, with a list as its `scope` claim, which no RFC allows. */
  readonly listedScope: string
  /** With the claim `plan: 'pro'`. */
  readonly pro: string
  /** With a list as its claim `plan`, which contains `team`. */
  readonly listedPlan: string
  /** With the claim `plan: 'free'`. */
  readonly free: string
}

/** One request, as any client may send it. */
export interface SentRequest {
  readonly method?: 'GET' | 'POST'
  readonly path?: string
  /** Names and values in turn, so that a header can be sent twice. */
  readonly headers?: readonly string[]
  readonly body?: string
}

/** 200 with the subject, 'guest' for 200 without one, or the code and status of the refusal. */
export type Expected = 200 | 'guest' | readonly [status: number, code: string]

/** A request, and the response that every adapter must send. */
export interface Case {
  readonly name: string
  /**
   * `/header` reads the token only from the `Authorization` header; `/everywhere` also from the
   * cookie `session`, the header `X-Access-Token`, a form body and the query. Both accept GET and
   * POST. `/scoped` is `/header` with the required scopes `articles:write` and `articles:read`,
   * `/role` with the required role `editor`, and `/claim` with the claim `plan`, which must be
   * `pro` or `team`.
   *
   * `/optional` is `/everywhere` with optional credentials. `/optional-role` has optional
   * credentials and then requires the role. `/trusted` trusts https://app.example.com, and
   * `/unchecked` checks no site; both read the places of `/everywhere` except form bodies.
   *
   * Before all of them, middleware replaces the `Authorization` and `Cookie` headers by
   * `X-Replace-Authorization` and `X-Replace-Cookie`; an empty value removes the header.
   */
  readonly request: (tokens: Tokens) => SentRequest
  readonly expected: Expected
  /** The response of an adapter that cannot read forms. */
  readonly withoutForms?: Expected
}

const bearer = (token: string) => ['Authorization', `Bearer ${token}`]
const form = ['Content-Type', 'application/x-www-form-urlencoded']
const missing = [401, 'credentials_missing'] as const
const ambiguous = [400, 'credentials_ambiguous'] as const
const malformed = [400, 'credentials_malformed'] as const

const insufficient = [403, 'insufficient_scope'] as const
const unfit = [403, 'insufficient_role'] as const
const unclaimed = [403, 'insufficient_claim'] as const
const forged = [403, 'csrf_refused'] as const
const scoped = (token: string) => ({ path: '/scoped', headers: bearer(token) })
const asEditor = (token: string) => ({ path: '/role', headers: bearer(token) })

const withPlan = (token: string) => ({ path: '/claim', headers: bearer(token) })

/** Sends the token of a cookie with further headers of a browser, to change something. */
const change =
  (headers: readonly string[], path = '/everywhere') =>
  ({ good }: Tokens): SentRequest => ({
    method: 'POST',
    path,
    headers: ['Cookie', `session=${good}`, ...headers],
    body: '',
  })

/** Does the same with the headers of a WebSocket handshake. */
const handshake =
  (headers: readonly string[], path = '/everywhere') =>
  ({ good }: Tokens): SentRequest => ({
    path,
    headers: ['Cookie', `session=${good}`, 'Connection', 'Upgrade', 'Upgrade', 'websocket', ...headers],
  })

const host = '127.0.0.1'
const app = 'https://app.example.com'

/** Requests with the token in a cookie, which a page of this or another site may have caused. */
const crossSiteCases: readonly Case[] = [
  {
    name: 'a cross-site navigation that only reads',
    request: ({ good }) => ({
      path: '/everywhere',
      headers: ['Cookie', `session=${good}`, 'Sec-Fetch-Site', 'cross-site'],
    }),
    expected: 200,
  },
  { name: 'a change of a page of this origin', request: change(['Sec-Fetch-Site', 'same-origin']), expected: 200 },
  {
    name: 'a change of a page of this origin, with an Origin that a proxy has changed',
    request: change(['Sec-Fetch-Site', 'same-origin', 'Origin', app]),
    expected: 200,
  },
  { name: 'a change that the user caused', request: change(['Sec-Fetch-Site', 'none']), expected: 200 },
  {
    name: 'a change of an extension of the browser',
    request: change(['Sec-Fetch-Site', 'none', 'Origin', 'chrome-extension://abcdef']),
    expected: forged,
  },
  {
    name: 'a change of a sandboxed page that claims to be a navigation',
    request: change(['Sec-Fetch-Site', 'none', 'Origin', 'null']),
    expected: forged,
  },
  {
    name: 'a change of a sibling host',
    request: change(['Sec-Fetch-Site', 'same-site', 'Origin', `http://sibling.${host}`]),
    expected: forged,
  },
  {
    name: 'a change of another site',
    request: change(['Sec-Fetch-Site', 'cross-site', 'Origin', 'https://evil.example']),
    expected: forged,
  },
  {
    name: 'a change of another site, with the Origin of this host',
    request: change(['Sec-Fetch-Site', 'cross-site', 'Origin', `http://${host}`]),
    expected: forged,
  },
  {
    name: 'a change with two values of Sec-Fetch-Site',
    request: change(['Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Site', 'cross-site']),
    expected: forged,
  },
  {
    name: 'a change with an unknown value of Sec-Fetch-Site',
    request: change(['Sec-Fetch-Site', 'SAME-ORIGIN', 'Origin', `http://${host}`]),
    expected: forged,
  },
  {
    name: 'a change of this host by an old browser',
    request: change(['Origin', `http://${host}`]),
    expected: 200,
  },
  {
    name: 'a change of this host by an old browser, over https in front of a proxy',
    request: change(['Origin', `https://${host}`]),
    expected: 200,
  },
  {
    name: 'a change of another port by an old browser',
    request: change(['Origin', `http://${host}:8080`]),
    expected: forged,
  },
  {
    name: 'a change of another host by an old browser',
    request: change(['Origin', 'https://evil.example']),
    expected: forged,
  },
  {
    name: 'a change of a host whose name begins as this one does',
    request: change(['Origin', `http://${host}.evil.example`]),
    expected: forged,
  },
  { name: 'a change of a sandboxed page by an old browser', request: change(['Origin', 'null']), expected: forged },
  { name: 'a change of a program, with the cookie alone', request: change([]), expected: forged },
  {
    name: 'a change with a Referer of this host alone',
    request: change(['Referer', `http://${host}/page`]),
    expected: forged,
  },
  {
    name: 'a change with the token in the Authorization header',
    request: ({ good }) => ({
      method: 'POST',
      path: '/everywhere',
      headers: [...bearer(good), 'Sec-Fetch-Site', 'cross-site', 'Origin', 'https://evil.example'],
      body: '',
    }),
    expected: 200,
  },
  {
    name: 'a change with the token in the Authorization header and another cookie',
    request: ({ good }) => ({
      method: 'POST',
      path: '/everywhere',
      headers: [...bearer(good), 'Cookie', 'theme=dark; session=', 'Sec-Fetch-Site', 'cross-site'],
      body: '',
    }),
    expected: 200,
  },
  {
    name: 'a change with the token in a further header',
    request: ({ good }) => ({
      method: 'POST',
      path: '/everywhere',
      headers: ['X-Access-Token', good, 'Sec-Fetch-Site', 'cross-site'],
      body: '',
    }),
    expected: 200,
  },
  {
    name: 'a change without credentials',
    request: () => ({ method: 'POST', path: '/everywhere', headers: ['Sec-Fetch-Site', 'cross-site'], body: '' }),
    expected: missing,
  },
  {
    name: 'a change of another site where credentials are optional',
    request: change(['Sec-Fetch-Site', 'cross-site'], '/optional'),
    expected: forged,
  },
  {
    name: 'a change of a trusted origin',
    request: change(['Sec-Fetch-Site', 'cross-site', 'Origin', app], '/trusted'),
    expected: 200,
  },
  {
    name: 'a change of a trusted origin by an old browser',
    request: change(['Origin', app], '/trusted'),
    expected: 200,
  },
  {
    name: 'a change of an origin that differs from the trusted one in its scheme',
    request: change(['Sec-Fetch-Site', 'cross-site', 'Origin', 'http://app.example.com'], '/trusted'),
    expected: forged,
  },
  {
    name: 'a change of an origin that is not trusted',
    request: change(['Sec-Fetch-Site', 'cross-site', 'Origin', 'https://evil.example'], '/trusted'),
    expected: forged,
  },
  {
    name: 'a change of another site where none is checked',
    request: change(['Sec-Fetch-Site', 'cross-site', 'Origin', 'https://evil.example'], '/unchecked'),
    expected: 200,
  },
  { name: 'a WebSocket of this origin', request: handshake(['Sec-Fetch-Site', 'same-origin']), expected: 200 },
  {
    name: 'a WebSocket of this host by an old browser',
    request: handshake(['Origin', `http://${host}`]),
    expected: 200,
  },
  {
    name: 'a WebSocket of another site',
    request: handshake(['Sec-Fetch-Site', 'cross-site', 'Origin', 'https://evil.example']),
    expected: forged,
  },
  {
    name: 'a WebSocket of another site by an old browser',
    request: handshake(['Origin', 'https://evil.example']),
    expected: forged,
  },
  {
    name: 'a WebSocket that claims to be a navigation',
    request: handshake(['Sec-Fetch-Site', 'none']),
    expected: forged,
  },
  {
    name: 'a WebSocket whose Upgrade header a proxy has dropped',
    request: ({ good }) => ({
      path: '/everywhere',
      headers: ['Cookie', `session=${good}`, 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Origin', app],
    }),
    expected: forged,
  },
  {
    name: 'a WebSocket of a trusted origin',
    request: handshake(['Sec-Fetch-Site', 'cross-site', 'Origin', app], '/trusted'),
    expected: 200,
  },
  {
    name: 'a request of a program that offers HTTP/2',
    request: ({ good }) => ({
      path: '/everywhere',
      headers: ['Cookie', `session=${good}`, 'Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c'],
    }),
    expected: 200,
  },
]

/** Requests to routes whose credentials are optional. */
const optionalCases: readonly Case[] = [
  { name: 'nothing', request: () => ({ path: '/optional' }), expected: 'guest' },
  {
    name: 'another scheme',
    request: () => ({ path: '/optional', headers: ['Authorization', 'Basic YTpi'] }),
    expected: 'guest',
  },
  {
    name: 'an emptied cookie',
    request: () => ({ path: '/optional', headers: ['Cookie', 'session='] }),
    expected: 'guest',
  },
  { name: 'an empty query', request: () => ({ path: '/optional?access_token=' }), expected: 'guest' },
  {
    name: 'a cookie of another name',
    request: ({ good }) => ({ path: '/optional', headers: ['Cookie', `other=${good}`] }),
    expected: 'guest',
  },
  { name: 'a good token', request: ({ good }) => ({ path: '/optional', headers: bearer(good) }), expected: 200 },
  {
    name: 'a cookie',
    request: ({ good }) => ({ path: '/optional', headers: ['Cookie', `session=${good}`] }),
    expected: 200,
  },
  {
    name: 'an expired token',
    request: ({ expired }) => ({ path: '/optional', headers: bearer(expired) }),
    expected: [401, 'token_expired'],
  },
  {
    name: 'a revoked token',
    request: ({ revoked }) => ({ path: '/optional', headers: bearer(revoked) }),
    expected: [401, 'token_revoked'],
  },
  {
    name: 'an expired token in the cookie',
    request: ({ expired }) => ({ path: '/optional', headers: ['Cookie', `session=${expired}`] }),
    expected: [401, 'token_expired'],
  },
  {
    name: 'a scheme without a token',
    request: () => ({ path: '/optional', headers: ['Authorization', 'Bearer'] }),
    expected: malformed,
  },
  {
    name: 'garbage',
    request: () => ({ path: '/optional', headers: bearer('garbage') }),
    expected: [401, 'token_malformed'],
  },
  {
    name: 'two tokens',
    request: ({ good }) => ({ path: '/optional', headers: [...bearer(good), 'Cookie', `session=${good}`] }),
    expected: ambiguous,
  },
  {
    name: 'nothing, where a role is needed behind it',
    request: () => ({ path: '/optional-role' }),
    expected: missing,
  },
  {
    name: 'the role that is needed behind it',
    request: ({ writer }) => ({ path: '/optional-role', headers: bearer(writer) }),
    expected: 200,
  },
  {
    name: 'no role, where one is needed behind it',
    request: ({ good }) => ({ path: '/optional-role', headers: bearer(good) }),
    expected: unfit,
  },
]

/** Requests to a route that needs a claim. */
const claimCases: readonly Case[] = [
  { name: 'the claim that is needed', request: ({ pro }) => withPlan(pro), expected: 200 },
  { name: 'a list that contains the claim', request: ({ listedPlan }) => withPlan(listedPlan), expected: 200 },
  { name: 'another value of the claim', request: ({ free }) => withPlan(free), expected: unclaimed },
  { name: 'a token without the claim', request: ({ good }) => withPlan(good), expected: unclaimed },
  { name: 'nothing, where a claim is needed', request: () => ({ path: '/claim' }), expected: missing },
]

const named = (suffix: string, listed: readonly Case[]) =>
  listed.map((one): Case => ({ ...one, name: `${one.name}${suffix}` }))

/** The requests to which every adapter must respond in the same way. */
export const cases: readonly Case[] = [
  ...named(', with a cookie as a source', crossSiteCases),
  ...named(', where credentials are optional', optionalCases),
  ...claimCases,
  { name: 'a good token', request: ({ good }) => ({ headers: bearer(good) }), expected: 200 },
  {
    name: 'the scheme in lower case',
    request: ({ good }) => ({ headers: ['authorization', `bearer ${good}`] }),
    expected: 200,
  },
  {
    name: 'several spaces',
    request: ({ good }) => ({ headers: ['Authorization', `Bearer   ${good}`] }),
    expected: 200,
  },
  { name: 'nothing', request: () => ({}), expected: missing },
  { name: 'an empty header', request: () => ({ headers: ['Authorization', ''] }), expected: missing },
  { name: 'another scheme', request: () => ({ headers: ['Authorization', 'Basic YTpi'] }), expected: missing },
  { name: 'a scheme without a token', request: () => ({ headers: ['Authorization', 'Bearer'] }), expected: malformed },
  {
    name: 'two tokens in one header',
    request: ({ good }) => ({ headers: bearer(`${good} ${good}`) }),
    expected: malformed,
  },
  { name: 'a token with a comma', request: ({ good }) => ({ headers: bearer(`${good},x`) }), expected: malformed },
  { name: 'a token in quotes', request: ({ good }) => ({ headers: bearer(`"${good}"`) }), expected: malformed },
  { name: 'a header beyond ASCII', request: ({ good }) => ({ headers: bearer(`${good}\u00e9`) }), expected: malformed },
  {
    name: 'the header twice',
    request: ({ good }) => ({ headers: [...bearer(good), ...bearer(good)] }),
    expected: ambiguous,
  },
  {
    name: 'the header twice, first with another scheme',
    request: ({ good }) => ({ headers: ['Authorization', 'Basic YTpi', ...bearer(good)] }),
    expected: ambiguous,
  },
  {
    name: 'a tab behind the scheme',
    request: ({ good }) => ({ headers: ['Authorization', `Bearer\t${good}`] }),
    expected: malformed,
  },
  {
    name: 'U+00A0 behind the scheme',
    request: ({ good }) => ({ headers: ['Authorization', `Bearer\u00a0${good}`] }),
    expected: missing,
  },
  {
    name: 'U+00A0 before the scheme',
    request: ({ good }) => ({ headers: ['Authorization', `\u00a0Bearer ${good}`] }),
    expected: missing,
  },
  {
    name: 'U+00A0 behind the token',
    request: ({ good }) => ({ headers: bearer(`${good}\u00a0`) }),
    expected: malformed,
  },
  {
    name: 'a token that middleware has removed',
    request: ({ good }) => ({ headers: [...bearer(good), 'X-Replace-Authorization', ''] }),
    expected: missing,
  },
  {
    name: 'a token that middleware has put there',
    request: ({ good }) => ({ headers: ['X-Replace-Authorization', `Bearer ${good}`] }),
    expected: 200,
  },
  {
    name: 'a good token that middleware has replaced by an expired one',
    request: ({ good, expired }) => ({ headers: [...bearer(good), 'X-Replace-Authorization', `Bearer ${expired}`] }),
    expected: [401, 'token_expired'],
  },
  {
    name: 'two tokens that middleware has replaced by one',
    request: ({ good, expired }) => ({
      headers: [...bearer(expired), ...bearer(expired), 'X-Replace-Authorization', `Bearer ${good}`],
    }),
    expected: 200,
  },
  {
    name: 'the header twice, once with another scheme',
    request: ({ good }) => ({ headers: [...bearer(good), 'Authorization', 'Bearer'] }),
    expected: ambiguous,
  },
  { name: 'garbage', request: () => ({ headers: bearer('garbage') }), expected: [401, 'token_malformed'] },
  {
    name: 'an expired token',
    request: ({ expired }) => ({ headers: bearer(expired) }),
    expected: [401, 'token_expired'],
  },
  {
    name: 'a revoked token',
    request: ({ revoked }) => ({ headers: bearer(revoked) }),
    expected: [401, 'token_revoked'],
  },
  {
    name: 'a token of an ended session',
    request: ({ endedSession }) => ({ headers: bearer(endedSession) }),
    expected: [401, 'session_ended'],
  },
  {
    name: 'a bad signature',
    request: ({ badSignature }) => ({ headers: bearer(badSignature) }),
    expected: [401, 'signature_invalid'],
  },
  {
    name: 'a forged kid',
    request: ({ forgedKid }) => ({ headers: bearer(forgedKid) }),
    expected: [401, 'kid_unknown'],
  },
  {
    name: 'an oversized token',
    request: ({ oversized }) => ({ headers: bearer(oversized) }),
    expected: [401, 'token_too_large'],
  },
  {
    name: 'a cookie where cookies are no source',
    request: ({ good }) => ({ headers: ['Cookie', `session=${good}`] }),
    expected: missing,
  },
  {
    name: 'a further header where it is no source',
    request: ({ good }) => ({ headers: ['X-Access-Token', good] }),
    expected: missing,
  },
  {
    name: 'a query where queries are no source',
    request: ({ good }) => ({ path: `/header?access_token=${good}` }),
    expected: missing,
  },
  {
    name: 'a form where forms are no source',
    request: ({ good }) => ({ method: 'POST', headers: form, body: `access_token=${good}` }),
    expected: missing,
  },
  {
    name: 'a good token beside a cookie that is no source',
    request: ({ good, expired }) => ({ headers: [...bearer(good), 'Cookie', `session=${expired}`] }),
    expected: 200,
  },
  { name: 'the role that is needed', request: ({ writer }) => asEditor(writer), expected: 200 },
  { name: 'the role that is needed, with a narrowed scope', request: ({ reader }) => asEditor(reader), expected: 200 },
  { name: 'no role', request: ({ good }) => asEditor(good), expected: unfit },
  { name: 'a role that the token alone claims', request: ({ pretender }) => asEditor(pretender), expected: unfit },
  { name: 'nothing, where a role is needed', request: () => ({ path: '/role' }), expected: missing },
  { name: 'scopes that the token alone claims', request: ({ pretender }) => scoped(pretender), expected: insufficient },
  { name: 'a token with the scopes that are needed', request: ({ writer }) => scoped(writer), expected: 200 },
  { name: 'a token with one of two scopes', request: ({ reader }) => scoped(reader), expected: insufficient },
  { name: 'a token of a tenant without a scope', request: ({ good }) => scoped(good), expected: insufficient },
  {
    name: 'a token whose scope is a list',
    request: ({ listedScope }) => scoped(listedScope),
    expected: insufficient,
  },
  { name: 'nothing, where a scope is needed', request: () => ({ path: '/scoped' }), expected: missing },
  {
    name: 'an expired token, where a scope is needed',
    request: ({ expired }) => scoped(expired),
    expected: [401, 'token_expired'],
  },
  ...everywhere([
    { name: 'a cookie', request: ({ good }) => ({ headers: ['Cookie', `a=b; session=${good}; c=d`] }), expected: 200 },
    {
      name: 'a cookie in quotes',
      request: ({ good }) => ({ headers: ['Cookie', `session="${good}"`] }),
      expected: 200,
    },
    ...['session=', 'session=""', 'session= \t', 'session', 'session; session='].map((cookie) => ({
      name: `an emptied cookie (${JSON.stringify(cookie)})`,
      request: () => ({ headers: ['Cookie', cookie] }),
      expected: missing,
    })),
    {
      name: 'a good token beside an emptied cookie, query and form',
      request: ({ good }) => ({
        method: 'POST',
        path: '/everywhere?access_token=',
        headers: [...bearer(good), 'Cookie', 'session=', ...form],
        body: 'access_token=',
      }),
      expected: 200,
    },
    {
      name: 'an emptied cookie beside a good one',
      request: ({ good }) => ({ headers: ['Cookie', `session=; session=${good}`] }),
      expected: 200,
    },
    ...['\u00a0session=', 'session\u00a0=', 'Session=', '=session=', 's=session=', '"session"=', 'session%20='].map(
      (start) => ({
        name: `a cookie of another name (${JSON.stringify(start)})`,
        request: ({ good }: Tokens) => ({ headers: ['Cookie', `${start}${good}`] }),
        expected: missing,
      }),
    ),
    {
      name: 'a cookie of another name beside the real one',
      request: ({ good, expired }) => ({ headers: ['Cookie', `session=${good}; \u00a0session=${expired}`] }),
      expected: 200,
    },
    {
      name: 'a cookie with spaces and tabs around name and value',
      request: ({ good }) => ({ headers: ['Cookie', `a=b;\t session \t=\t ${good} \t; c=d`] }),
      expected: 200,
    },
    {
      name: 'a cookie with U+00A0 behind its value',
      request: ({ good }) => ({ headers: ['Cookie', `session=${good}\u00a0`] }),
      expected: malformed,
    },
    {
      name: 'a cookie among the attributes of RFC 2965',
      request: ({ good }) => ({ headers: ['Cookie', `$Version=1; session=${good}; $Path=/`] }),
      expected: 200,
    },
    {
      name: 'a cookie in the second of two Cookie headers',
      request: ({ good }) => ({ headers: ['Cookie', 'a=b', 'Cookie', `session=${good}`] }),
      expected: 200,
    },
    {
      name: 'the cookie in each of two Cookie headers',
      request: ({ good }) => ({ headers: ['Cookie', `session=${good}`, 'Cookie', `session=${good}`] }),
      expected: ambiguous,
    },
    {
      name: 'a cookie that middleware has removed',
      request: ({ good }) => ({ headers: ['Cookie', `session=${good}`, 'X-Replace-Cookie', ''] }),
      expected: missing,
    },
    {
      name: 'a cookie that middleware has put there',
      request: ({ good }) => ({ headers: ['X-Replace-Cookie', `session=${good}`] }),
      expected: 200,
    },
    {
      name: 'a cookie of a longer name',
      request: ({ good }) => ({ headers: ['Cookie', `xsession=${good}`] }),
      expected: missing,
    },
    {
      name: 'the cookie twice',
      request: ({ good }) => ({ headers: ['Cookie', `session=${good}; session=${good}`] }),
      expected: ambiguous,
    },
    {
      name: 'header and cookie at once',
      request: ({ good }) => ({ headers: [...bearer(good), 'Cookie', `session=${good}`] }),
      expected: ambiguous,
    },
    {
      name: 'a further header',
      request: ({ good }) => ({ headers: ['X-Access-Token', good] }),
      expected: 200,
    },
    {
      name: 'a further header with a scheme',
      request: ({ good }) => ({ headers: ['x-access-token', `bearer  ${good}`] }),
      expected: 200,
    },
    ...['', ' \t', ',', ' , '].map((value) => ({
      name: `an emptied further header (${JSON.stringify(value)})`,
      request: () => ({ headers: ['X-Access-Token', value] }),
      expected: missing,
    })),
    {
      name: 'an emptied further header beside a good one',
      request: ({ good }) => ({ headers: ['X-Access-Token', '', ...bearer(good)] }),
      expected: 200,
    },
    {
      name: 'a further header that cannot be read',
      request: ({ good }) => ({ headers: ['X-Access-Token', `Basic ${good}`] }),
      expected: malformed,
    },
    {
      name: 'a further header with an expired token',
      request: ({ expired }) => ({ headers: ['X-Access-Token', expired] }),
      expected: [401, 'token_expired'],
    },
    {
      name: 'a further header twice',
      request: ({ good }) => ({ headers: ['X-Access-Token', good, 'X-Access-Token', good] }),
      expected: ambiguous,
    },
    {
      name: 'a further header and the usual one',
      request: ({ good }) => ({ headers: ['X-Access-Token', good, ...bearer(good)] }),
      expected: ambiguous,
    },
    { name: 'a query', request: ({ good }) => ({ path: `/everywhere?access_token=${good}` }), expected: 200 },
    { name: 'an empty query', request: () => ({ path: '/everywhere?access_token=' }), expected: missing },
    {
      name: 'an empty query twice',
      request: () => ({ path: '/everywhere?access_token=&access_token=' }),
      expected: missing,
    },
    {
      name: 'the query twice',
      request: ({ good }) => ({ path: `/everywhere?access_token=${good}&access_token=${good}` }),
      expected: ambiguous,
    },
    {
      name: 'header and query at once',
      request: ({ good }) => ({ path: `/everywhere?access_token=${good}`, headers: bearer(good) }),
      expected: ambiguous,
    },
    {
      name: 'a form',
      request: ({ good }) => ({ method: 'POST', headers: form, body: `access_token=${good}` }),
      expected: 200,
      withoutForms: missing,
    },
    {
      name: 'a form beside a query',
      request: ({ good }) => ({
        method: 'POST',
        path: `/everywhere?access_token=${good}`,
        headers: form,
        body: `access_token=${good}`,
      }),
      expected: ambiguous,
      withoutForms: 200,
    },
    {
      name: 'an emptied form',
      request: () => ({ method: 'POST', headers: form, body: 'access_token=' }),
      expected: missing,
    },
    {
      name: 'JSON instead of a form',
      request: ({ good }) => ({
        method: 'POST',
        headers: ['Content-Type', 'application/json'],
        body: JSON.stringify({ access_token: good }),
      }),
      expected: missing,
    },
  ]),
]

function everywhere(listed: readonly Case[]): readonly Case[] {
  return listed.map(({ name, request, ...expected }) => ({
    name: `${name}, with all sources`,
    request: (tokens) => ({ path: '/everywhere', ...request(tokens) }),
    ...expected,
  }))
}
