import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GuardOptions } from '../../../src/http/guard-options.js'
import { sameOrigin } from '../../../src/http/same-origin.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'
import { replaceRequest, sources, trusted } from './applications/application.js'
import { cases, type SentRequest, type Tokens } from './requests.js'
import { createTokens } from './table-tokens.js'

/** The options of the guard of a route of the table, in frameworks that read no form. */
export function optionsOf(path: string): Omit<GuardOptions, 'body'> {
  if (path === '/everywhere') return sources
  if (path === '/optional') return { ...sources, optional: true }
  if (path === '/optional-role') return { optional: true }
  if (path === '/trusted') return { ...sources, csrf: sameOrigin({ trusted }) }
  return path === '/unchecked' ? { ...sources, csrf: false } : {}
}

/**
 * The paths of the table, and `/throws`, where the handler behind the guard of `/header` throws.
 */
export const paths = [
  '/header',
  '/throws',
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

interface Answer extends ReadAnswer {
  readonly status: number
  readonly challenge: string | undefined
  readonly retryAfter: string | undefined
}

/** How the test reads the responses of a framework. */
export interface Dialect {
  readonly start: (latchkey: Latchkey) => WebApplication
  /** Returns the subject or the code in a body. */
  readonly read: (body: unknown) => ReadAnswer
  /** The status of the response to a mistake of the handler of `/throws`. */
  readonly mistake: number
}

/** Runs the table of requests through an application of a framework with Web requests. */
export function describeTable(name: string, { start, read, mistake }: Dialect): void {
  describe(`a route that ${name} guards`, () => {
    const steered = steer()
    const setup = setUp({ store: steered.store })
    let ask: (sent: SentRequest, signal?: AbortSignal) => Promise<Answer>
    let tokens: Tokens

    beforeAll(async () => {
      const handle = start(setup.latchkey)
      ask = async (sent, signal) => {
        const response = await handle(toRequest(sent, signal))
        const challenge = response.headers.get('www-authenticate') ?? undefined
        const retryAfter = response.headers.get('retry-after') ?? undefined
        const text = await response.text()
        expect(text).not.toMatch(/ at |\.js:|stack/)
        return { status: response.status, challenge, retryAfter, ...read(JSON.parse(text)) }
      }
      tokens = await createTokens(setup)
    })
    afterAll(() => setup.latchkey.close())

    it.each(cases)('responds correctly to $name', async ({ request, expected, withoutForms = expected }) => {
      const { status, challenge, subject, code } = await ask(request(tokens))
      if (withoutForms === 200 || withoutForms === 'guest') {
        const right = withoutForms === 'guest' ? null : expect.stringMatching(/^(alice|erin)$/)
        expect({ status, subject }).toEqual({ status: 200, subject: right })
        return
      }
      expect([status, code]).toEqual([...withoutForms])
      if (status === 401) expect(challenge).toMatch(/^Bearer( error="invalid_token", error_description="[^"\\]+")?$/)
      if (code === 'insufficient_scope') expect(challenge).toContain('scope="articles:write articles:read"')
      if (status === 403 && code !== 'insufficient_scope') expect(challenge).toBeUndefined()
    })

    it('responds with 503, Retry-After and no challenge when the token cannot be verified', async () => {
      steered.setReachable(false)
      setup.clock.advance(60_000)
      try {
        for (const path of ['/header', '/optional']) {
          const headers = ['Authorization', `Bearer ${tokens.good}`]
          const { status, challenge, retryAfter, code } = await ask({ path, headers })
          expect({ status, challenge, retryAfter, code }).toEqual({
            status: 503,
            challenge: undefined,
            retryAfter: '1',
            code: 'store_unavailable',
          })
        }
      } finally {
        steered.setReachable(true)
      }
    })

    it('leaves an error of the handler to the framework, and goes on', async () => {
      const headers = ['Authorization', `Bearer ${tokens.good}`]
      expect(await ask({ path: '/throws', headers })).toMatchObject({ status: mistake, challenge: undefined })
      expect(await ask({ path: '/throws' })).toMatchObject({ status: 401, code: 'credentials_missing' })
      expect((await ask({ headers })).status).toBe(200)
    })

    it('goes on when a client leaves while its token is verified', async () => {
      setup.clock.advance(60_000)
      steered.holdReads()
      const headers = ['Authorization', `Bearer ${tokens.good}`]
      const leaving = new AbortController()
      // A framework may respond all the same, or reject.
      const left = Promise.allSettled([ask({ headers }, leaving.signal)])
      try {
        await expect.poll(() => steered.held.length).toBeGreaterThan(0)
        leaving.abort()
      } finally {
        steered.release()
      }
      await left
      expect((await ask({ headers })).status).toBe(200)
    })
  })
}

/** Returns a Web request, after the middleware that replaces its headers. */
function toRequest(
  { method = 'GET', path = '/header', headers = [], body }: SentRequest,
  signal: AbortSignal = new AbortController().signal,
): Request {
  const url = `http://127.0.0.1${path}`
  const sent = new Headers({ host: '127.0.0.1' })
  for (let at = 0; at + 1 < headers.length; at += 2) sent.append(headers[at] ?? '', headers[at + 1] ?? '')
  return replaceRequest(new Request(url, { method, headers: sent, signal, ...(body === undefined ? {} : { body }) }))
}
