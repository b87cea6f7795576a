import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { describe, expect, it } from 'vitest'
import {
  type AuthContext,
  requireClaim,
  requireRole,
  requireScope,
  useLatchkey,
  type YogaOptions,
} from '../../../src/adapters/yoga/index.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { countWatches } from '../../support/count-watches.js'
import { setUp } from '../../support/setup.js'
import { claim, scopes } from './applications/application.js'
import { describeTable, optionsOf, paths } from './web-table.js'

const checks = { scoped: requireScope(...scopes), role: requireRole('editor'), claim: requireClaim(...claim) }

function createServer(latchkey: Pick<Latchkey, 'verify' | 'watch'>, options?: YogaOptions) {
  const pubsub = createPubSub<{ news: [string] }>()
  const schema = createSchema<Partial<AuthContext>>({
    typeDefs: `
      type Query { subject: String scoped: String role: String claim: String mistake: String }
      type Mutation { subject: String }
      type Subscription { news: String }
    `,
    resolvers: {
      Query: {
        subject: (_root, _args, { auth }) => auth?.subject ?? null,
        scoped: (_root, _args, { auth }) => checks.scoped(auth).subject,
        role: (_root, _args, { auth }) => checks.role(auth).subject,
        claim: (_root, _args, { auth }) => checks.claim(auth).subject,
        mistake: () => {
          throw new Error('a mistake of the resolver')
        },
      },
      Mutation: { subject: (_root, _args, { auth }) => auth?.subject ?? null },
      Subscription: { news: { subscribe: () => pubsub.subscribe('news'), resolve: (text: string) => text } },
    },
  })
  // biome-ignore lint/correctness/useHookAtTopLevel: plugins of Yoga have such names, and no React.
  const plugin = useLatchkey(latchkey, options)
  const yoga = createYoga({ schema, plugins: [plugin], logging: false })
  return { yoga, pubsub }
}

const endpoint = 'http://127.0.0.1/graphql'

describeTable('useLatchkey of GraphQL Yoga', {
  start(latchkey) {
    const servers = new Map(paths.map((path) => [path as string, createServer(latchkey, optionsOf(path)).yoga]))
    const fields: Readonly<Record<string, string>> = {
      '/scoped': 'scoped',
      '/role': 'role',
      '/optional-role': 'role',
      '/claim': 'claim',
      '/throws': 'mistake',
    }
    return (request) => {
      const { signal } = request
      const { pathname, searchParams } = new URL(request.url)
      const query = `{ answer: ${fields[pathname] ?? 'subject'} }`
      const yoga = servers.get(pathname)
      if (yoga === undefined) return new Response(null, { status: 404 })
      if (request.method === 'GET') {
        searchParams.set('query', query)
        return yoga.fetch(new Request(`${endpoint}?${searchParams}`, { headers: request.headers, signal }))
      }
      const headers = new Headers(request.headers)
      headers.set('content-type', 'application/json')
      const body = JSON.stringify({ query: `mutation ${query}` })
      return yoga.fetch(new Request(`${endpoint}?${searchParams}`, { method: 'POST', headers, body, signal }))
    }
  },
  read: (body) => {
    const { data, errors } = body as { data?: { answer?: string }; errors?: { extensions?: { code?: string } }[] }
    return { subject: data?.answer, code: errors?.[0]?.extensions?.code }
  },
  // The response has the data of the other fields.
  mistake: 200,
})

/** Asks for a field with the headers of a client. */
function ask(
  { yoga }: ReturnType<typeof createServer>,
  query: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const request = new Request(endpoint, {
    method: 'POST',
    headers: { host: '127.0.0.1', 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  return Promise.resolve(yoga.fetch(request))
}

describe('the plugin of GraphQL Yoga', () => {
  it('responds with a GraphQL error, its code and the status and challenge of the refusal', async () => {
    const { latchkey } = setUp()
    const answer = await ask(createServer(latchkey), '{ subject }')
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const { errors } = (await answer.json()) as { errors: readonly unknown[] }
    expect(errors).toEqual([
      {
        message: 'The request contains no access token.',
        extensions: expect.objectContaining({ code: 'credentials_missing', hint: expect.any(String) }),
      },
    ])
  })

  it('refuses before it reads the body', async () => {
    const { latchkey } = setUp()
    const request = new Request(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect((await createServer(latchkey).yoga.fetch(request)).status).toBe(401)
    expect(request.bodyUsed).toBe(false)
  })

  it('refuses a request that another site has caused with the cookie', async () => {
    const { latchkey } = setUp()
    const server = createServer(latchkey, { cookie: 'token' })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const from = async (origin: string) =>
      (await ask(server, '{ subject }', { cookie: `token=${token}`, origin })).status
    expect(await from('https://evil.example')).toBe(403)
    expect(await from('http://127.0.0.1')).toBe(200)
  })

  it('has no identity for a guest where it is optional; checks of resolvers then refuse', async () => {
    const { latchkey } = setUp()
    const server = createServer(latchkey, { optional: true })
    expect(await (await ask(server, '{ subject }')).json()).toEqual({ data: { subject: null } })
    const refused = (await (await ask(server, '{ role }')).json()) as { errors: { extensions: object }[] }
    expect(refused.errors[0]?.extensions).toMatchObject({ code: 'credentials_missing' })
    expect((await ask(server, '{ subject }', { authorization: 'Bearer garbage' })).status).toBe(401)
  })

  it('checks claims in resolvers', async () => {
    const { latchkey } = setUp()
    const codeOf = async (claims: object) => {
      const { token } = await latchkey.issue({ subject: 'alice', claims })
      const answer = await ask(createServer(latchkey), '{ claim }', { authorization: `Bearer ${token}` })
      return ((await answer.json()) as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code
    }
    expect(await codeOf({ plan: 'pro' })).toBeUndefined()
    expect(await codeOf({ plan: 'free' })).toBe('insufficient_claim')
  })

  it('responds with the error of onRefusal', async () => {
    const { latchkey } = setUp()
    const { createGraphQLError } = await import('graphql-yoga')
    const server = createServer(latchkey, {
      onRefusal: ({ code }) => createGraphQLError(`own ${code}`, { extensions: { http: { status: 418 } } }),
    })
    const answer = await ask(server, '{ subject }')
    expect([answer.status, await answer.json()]).toMatchObject([
      418,
      { errors: [{ message: 'own credentials_missing' }] },
    ])
  })

  it('shows nothing of an unexpected error', async () => {
    const { latchkey } = setUp()
    const broken = {
      watch: latchkey.watch,
      verify: () => {
        throw new Error('the password of the database')
      },
    }
    const answer = await ask(createServer(broken), '{ subject }', { authorization: 'Bearer a.b.c' })
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('password')
  })

  it('refuses operations that arrive without a request, unless their context has an identity', async () => {
    const { latchkey } = setUp()
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'alice' })).token)
    // As a server of graphql-ws does.
    const contextOf = async (initial: object, options?: YogaOptions) =>
      createServer(latchkey, options).yoga.getEnveloped(initial).contextFactory()
    await expect(contextOf({})).rejects.toMatchObject({ extensions: { code: 'credentials_missing' } })
    expect(await contextOf({ auth })).toMatchObject({ auth })
    expect(await contextOf({}, { optional: true })).not.toHaveProperty('auth')
  })

  it('does not guard the page of GraphiQL', async () => {
    const { latchkey } = setUp()
    const page = await createServer(latchkey).yoga.fetch(endpoint, { headers: { accept: 'text/html' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
  })
})

/** Subscribes over server-sent events, and returns a function that reads the next result. */
async function subscribe(server: ReturnType<typeof createServer>, token: string) {
  const answer = await ask(server, 'subscription { news }', {
    accept: 'text/event-stream',
    authorization: `Bearer ${token}`,
  })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    cancel: () => reader?.cancel(),
    /** Returns the data of the next event, or `undefined` when the stream has ended. */
    async next(): Promise<unknown> {
      for (;;) {
        const event = /event: (\w+)\ndata:(.*)\n\n/.exec(text)
        if (event !== null) {
          text = text.slice(event.index + event[0].length)
          return event[1] === 'complete' ? undefined : JSON.parse(event[2] ?? '')
        }
        const chunk = await reader?.read()
        if (chunk === undefined || chunk.done) return undefined
        text += chunk.value
      }
    },
  }
}

/** Returns the first result that has no data. */
async function afterNews({ next }: { next(): Promise<unknown> }): Promise<unknown> {
  for (;;) {
    const result = await next()
    if (typeof result !== 'object' || result === null || !('data' in result)) return result
  }
}

describe('a subscription of GraphQL Yoga', () => {
  it('ends with the reason once its identity is revoked, while others go on', async () => {
    const { latchkey, keys } = setUp()
    const counted = countWatches(latchkey)
    const server = createServer(counted)
    const tokenOf = async (subject: string) => (await latchkey.issue({ subject })).token
    const alice = await subscribe(server, await tokenOf('alice'))
    const bob = await subscribe(server, await tokenOf('bob'))
    // A subscription begins when its stream is read. An earlier result is lost.
    const publishing = setInterval(() => server.pubsub.publish('news', 'news'), 5)
    try {
      expect([await alice.next(), await bob.next()]).toEqual([{ data: { news: 'news' } }, { data: { news: 'news' } }])
      expect(counted.watches).toBe(2)
      await keys.revoke('alice')
      expect(await afterNews(alice)).toMatchObject({ errors: [{ extensions: { code: 'token_revoked' } }] })
      expect(await alice.next()).toBeUndefined()
      expect(counted.watches).toBe(1)
      expect(await bob.next()).toEqual({ data: { news: 'news' } })
    } finally {
      clearInterval(publishing)
    }
    await bob.cancel()
    await expect.poll(() => counted.watches).toBe(0)
  })
})

describe('useLatchkey', () => {
  it('refuses wrong arguments when it is called', () => {
    const { latchkey } = setUp()
    const call = (...args: readonly unknown[]) => Reflect.apply(useLatchkey, undefined, args)
    expect(() => call(undefined)).toThrow(TypeError)
    expect(() => call({ verify: latchkey.verify })).toThrow(TypeError)
    expect(() => call(latchkey, { query: 'yes' })).toThrow(TypeError)
  })
})
