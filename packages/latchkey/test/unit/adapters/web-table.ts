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
  return replaceRequest(new Request(url, { method, headers: sent, ...(body === undefined ? {} : { body }) }))
}
