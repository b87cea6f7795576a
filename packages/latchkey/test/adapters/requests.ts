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
  /** Of a tenant without grants, whose claims say that it has the same. */
  readonly pretender: string
  /** The writer's, narrowed by its `scope` claim to `articles:read`. */
  readonly reader: string
  /** The writer's, with a `scope` claim that is a list, which no RFC has. */
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

/** What every adapter must do with it. */
export interface Case {
  readonly name: string
  /**
   * `/header` takes the token from the header alone; `/everywhere` also from the cookie `session`, a form body and the query.
   * Both let GET and POST through. `/scoped` is `/header` for callers with the scopes `articles:write` and `articles:read`, `/role` for those with the role
   * `editor`.
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

/** The table of requests that every adapter answers alike. */
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
    name: 'a cookie where cookies do not count',
    request: ({ good }) => ({ headers: ['Cookie', `session=${good}`] }),
    expected: missing,
  },
  {
    name: 'a query where queries do not count',
    request: ({ good }) => ({ path: `/header?access_token=${good}` }),
    expected: missing,
  },
  {
    name: 'a form where forms do not count',
    request: ({ good }) => ({ method: 'POST', headers: form, body: `access_token=${good}` }),
    expected: missing,
  },
  {
    name: 'a good token beside a cookie that does not count',
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
    { name: 'an empty cookie', request: () => ({ headers: ['Cookie', 'session='] }), expected: malformed },
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
    { name: 'a query', request: ({ good }) => ({ path: `/everywhere?access_token=${good}` }), expected: 200 },
    { name: 'an empty query', request: () => ({ path: '/everywhere?access_token=' }), expected: malformed },
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
    name: `${name}, where all sources count`,
    request: (tokens) => ({ path: '/everywhere', ...request(tokens) }),
    expected,
  }))
}
