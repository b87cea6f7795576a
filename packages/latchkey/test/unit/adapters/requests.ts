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
}

/** One request, as any client may send it. */
export interface SentRequest {
  readonly method?: 'GET' | 'POST'
  readonly path?: string
  /** Names and values in turn, so that a header can be sent twice. */
  readonly headers?: readonly string[]
  readonly body?: string
}

/** A request, and the response that every adapter must send. */
export interface Case {
  readonly name: string
  /**
   * `/header` reads the token only from the `Authorization` header; `/everywhere` also from the
   * cookie `session`, the header `X-Access-Token`, a form body and the query. Both accept GET and
   * POST. `/scoped` is `/header` with the required scopes `articles:write` and `articles:read`,
   * `/role` with the required role `editor`.
   *
   * Before all of them, middleware replaces the `Authorization` and `Cookie` headers by
   * `X-Replace-Authorization` and `X-Replace-Cookie`; an empty value removes the header.
   */
  readonly request: (tokens: Tokens) => SentRequest
  /** 200 with the subject, or the code and status of the refusal. */
  readonly expected: 200 | readonly [status: number, code: string]
}

const bearer = (token: string) => ['Authorization', `Bearer ${token}`]
const form = ['Content-Type', 'application/x-www-form-urlencoded']
const missing = [401, 'credentials_missing'] as const
const ambiguous = [400, 'credentials_ambiguous'] as const
const malformed = [400, 'credentials_malformed'] as const

const insufficient = [403, 'insufficient_scope'] as const
const unfit = [403, 'insufficient_role'] as const
const scoped = (token: string) => ({ path: '/scoped', headers: bearer(token) })
const asEditor = (token: string) => ({ path: '/role', headers: bearer(token) })

/** The requests to which every adapter must respond in the same way. */
export const cases: readonly Case[] = [
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
  return listed.map(({ name, request, expected }) => ({
    name: `${name}, with all sources`,
    request: (tokens) => ({ path: '/everywhere', ...request(tokens) }),
    expected,
  }))
}
