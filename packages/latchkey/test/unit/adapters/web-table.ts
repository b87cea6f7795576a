import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GuardOptions } from '../../../src/http/guard-options.js'
import { sameOrigin } from '../../../src/http/same-origin.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { type Setup, setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'
import { type Case, cases, type SentRequest, type Tokens } from './requests.js'

/** The scopes that the route `/scoped` requires, and the claim of `/claim`. */
export const scopes = ['articles:write', 'articles:read'] as const
export const claim = ['plan', 'pro', 'team'] as const

const sources = { cookie: 'session', header: 'X-Access-Token', query: true } as const

/** The options of the guard of a route of the table, in frameworks that read no form. */
export function optionsOf(path: string): Omit<GuardOptions, 'body'> {
  if (path === '/everywhere') return sources
  if (path === '/optional') return { ...sources, optional: true }
  if (path === '/optional-role') return { optional: true }
  if (path === '/trusted') return { ...sources, csrf: sameOrigin({ trusted: ['https://app.example.com'] }) }
  return path === '/unchecked' ? { ...sources, csrf: false } : {}
}

/** The paths of the table. */
export const paths = [
  '/header',
  '/everywhere',
  '/optional',
  '/optional-role',
  '/trusted',
  '/unchecked',
  '/scoped',
  '/role',
  '/claim',
] as const

/** An application of one framework with the routes of the table, as a function of Web requests. */
export type WebApplication = (request: Request) => Response | Promise<Response>

/** The subject of an accepted request, or the code of a refusal. */
export interface ReadAnswer {
  readonly subject?: unknown
  readonly code?: unknown
}

/** How the test reads the responses of a framework. */
export interface Dialect {
  readonly start: (latchkey: Latchkey) => WebApplication
  /** Returns the subject or the code in a body. */
  readonly read: (body: unknown) => ReadAnswer
}

const anyTokens = new Proxy({}, { get: () => 'a.b.c' }) as Tokens

/** The requests of the table, except those whose token is in a form. */
const webCases: readonly Case[] = cases.filter((one) => {
  const { body = '', path = '' } = one.request(anyTokens)
  return body === '' || !path.startsWith('/everywhere')
})

/** Runs the table of requests through an application of a framework with Web requests. */
export function describeTable(name: string, { start, read }: Dialect): void {
  describe(`a route that ${name} guards`, () => {
    const steered = steer()
    const setup = setUp({ store: steered.store })
    let ask: (sent: SentRequest) => Promise<{ status: number; challenge: string | undefined } & ReadAnswer>
    let tokens: Tokens

    beforeAll(async () => {
      const handle = start(setup.latchkey)
      ask = async (sent) => {
        const response = await handle(toRequest(sent))
        const challenge = response.headers.get('www-authenticate') ?? undefined
        const text = await response.text()
        expect(text).not.toMatch(/ at |\.js:|stack/)
        return { status: response.status, challenge, ...read(JSON.parse(text)) }
      }
      tokens = await createTokens(setup)
    })
    afterAll(() => setup.latchkey.close())

    it.each(webCases)('responds correctly to $name', async ({ request, expected }) => {
      const { status, challenge, subject, code } = await ask(request(tokens))
      if (expected === 200 || expected === 'guest') {
        const right = expected === 'guest' ? null : expect.stringMatching(/^(alice|erin)$/)
        expect({ status, subject }).toEqual({ status: 200, subject: right })
        return
      }
      expect([status, code]).toEqual([...expected])
      if (status === 401) expect(challenge).toMatch(/^Bearer( error="invalid_token", error_description="[^"\\]+")?$/)
      if (code === 'insufficient_scope') expect(challenge).toContain('scope="articles:write articles:read"')
      if (code === 'insufficient_role') expect(challenge).toBeUndefined()
    })

    it('responds with 503 and no challenge when the token cannot be verified', async () => {
      steered.setReachable(false)
      setup.clock.advance(60_000)
      try {
        const headers = ['Authorization', `Bearer ${tokens.good}`]
        const { status, challenge, code } = await ask({ headers })
        expect({ status, challenge, code }).toEqual({
          status: 503,
          challenge: undefined,
          code: 'store_unavailable',
        })
      } finally {
        steered.setReachable(true)
      }
    })
  })
}

/** Returns a Web request, after the middleware that replaces its headers. */
function toRequest({ method = 'GET', path = '/header', headers = [], body }: SentRequest): Request {
  const url = `http://127.0.0.1${path}`
  const sent = new Headers({ host: '127.0.0.1' })
  for (let at = 0; at + 1 < headers.length; at += 2) sent.append(headers[at] ?? '', headers[at + 1] ?? '')
  for (const name of ['authorization', 'cookie']) {
    const value = sent.get(`x-replace-${name}`)
    if (value === '') sent.delete(name)
    else if (value !== null) sent.set(name, value)
  }
  return new Request(url, { method, headers: sent, ...(body === undefined ? {} : { body }) })
}

async function createTokens({ latchkey, keys, clock }: Setup): Promise<Tokens> {
  const issue = async (subject: string, sessionId = 'session', claims = {}) =>
    (await latchkey.issue({ subject, sessionId, claims, expiresIn: 900 })).token
  const expired = (await latchkey.issue({ subject: 'alice', expiresIn: 1 })).token
  clock.advance(10_000)
  const good = await issue('alice')
  const revoked = await issue('bob')
  await keys.revoke('bob')
  const endedSession = await issue('carol', 'phone')
  await keys.revokeSession('carol', 'phone')
  const other = await issue('alice', 'another')
  const writer = await issue('erin')
  await keys.setGrants('erin', { roles: ['editor'], scope: 'articles:read articles:write' })
  const [header = '', payload = ''] = good.split('.')
  const forgedHeader = { alg: 'HS256', typ: 'at+jwt', kid: 'A'.repeat(32) }
  return {
    good,
    expired,
    revoked,
    endedSession,
    badSignature: `${header}.${payload}.${other.split('.')[2]}`,
    forgedKid: `${Buffer.from(JSON.stringify(forgedHeader)).toString('base64url')}.${payload}.AAAA`,
    oversized: `${header}.${'A'.repeat(8192)}.AAAA`,
    writer,
    pretender: await issue('alice', 'session', { scope: scopes.join(' '), roles: ['editor'], role: 'editor' }),
    reader: await issue('erin', 'session', { scope: 'articles:read' }),
    listedScope: await issue('erin', 'session', { scope: scopes }),
    pro: await issue('alice', 'session', { plan: 'pro' }),
    listedPlan: await issue('alice', 'session', { plan: ['free', 'team'] }),
    free: await issue('alice', 'session', { plan: 'free' }),
  }
}
