import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { introspection } from '../../src/introspection/index.js'
import type { IntrospectionLimits } from '../../src/introspection/introspection-options.js'
import { sharedSecret } from '../../src/keys/shared-secret.js'
import { createLatchkey } from '../../src/latchkey.js'
import type { IssueRequest, Latchkey, LatchkeyOptions } from '../../src/latchkey-api.js'
import { createFakeClock, type FakeClock } from '../../src/testing/fake-clock.js'
import { outcomeOf } from './setup.js'

export const issuer = 'https://issuer.test'
export const audience = 'test'
export const client = { clientId: 'my api', clientSecret: 'a:b c+d%é' }

/** A request that the endpoint has received. */
export interface ReceivedRequest {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

/** An issuer with an introspection endpoint on loopback, and a verifier of its tokens. */
export interface World {
  readonly clock: FakeClock
  readonly url: string
  readonly requests: ReceivedRequest[]
  /** Tokens that are not active any more. */
  readonly ended: Set<string>
  /** Changes a truthful answer. */
  edit: (answer: Record<string, unknown>) => unknown
  /** Responds in place of the truthful answer. */
  answer: ((request: ReceivedRequest, response: ServerResponse, raw: IncomingMessage) => unknown) | undefined
  /** Returns a new token of the issuer. */
  issue(request?: Partial<IssueRequest>): Promise<string>
  /** Returns another verifier of the issuer's tokens, to be closed by the end of the test. */
  verifier(limits?: Partial<IntrospectionLimits>, options?: Partial<LatchkeyOptions>): Latchkey
}

/** Starts an issuer whose endpoint answers truthfully until the test says otherwise. */
export async function startIssuer(): Promise<World> {
  const clock = createFakeClock(Date.now())
  const keys = sharedSecret({ secrets: [Buffer.alloc(32, 7)] })
  const signer = createLatchkey({ issuer, audience, keys, clock, tokenCache: false })
  const ended = new Set<string>()
  const requests: ReceivedRequest[] = []
  const url = await listen(async (raw, response) => {
    const form = new URLSearchParams(await text(raw))
    const request = { method: raw.method, path: raw.url, headers: raw.headers, form }
    requests.push(request)
    if (world.answer !== undefined) return void world.answer(request, response, raw)
    const token = form.get('token') ?? ''
    const auth = ended.has(token) ? 'token_revoked' : await outcomeOf(() => signer.verify(token))
    const described = typeof auth === 'string' ? { active: false } : truth((auth as { claims: object }).claims)
    respond(response, world.edit(described))
  })
  const world: World = {
    clock,
    url: `${url}/oauth/introspect`,
    requests,
    ended,
    edit: (answer) => answer,
    answer: undefined,
    issue: async (request) => (await signer.issue({ subject: 'alice', ...request })).token,
    verifier: (limits, options) => {
      const source = introspection({ url: world.url, ...client, clock, ...limits })
      const latchkey = createLatchkey({ issuer, audience, keys: source, clock, ...options })
      onTestFinished(() => latchkey.close())
      return latchkey
    },
  }
  return world
}

/** Serves a listener on loopback until the test ends, and returns its origin. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Responds with a JSON value. */
export function respond(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value))
}

function truth(claims: object): Record<string, unknown> {
  return { active: true, ...claims, token_type: 'Bearer' }
}
