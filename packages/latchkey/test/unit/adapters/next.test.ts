import { describe, expect, it } from 'vitest'
import {
  type Auth,
  authProxy,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
  serverAuth,
  withAuth,
} from '../../../src/adapters/next/index.js'
import { refusal } from '../../../src/errors.js'
import { setUp } from '../../support/setup.js'
import { claim, scopes } from './applications/application.js'
import { describeTable, optionsOf, paths } from './web-table.js'

const params = Promise.resolve({})

describeTable('withAuth of Next.js', {
  start(latchkey) {
    const checks: Readonly<Record<string, (auth: Auth) => Auth>> = {
      '/scoped': requireScope(...scopes),
      '/role': requireRole('editor'),
      '/optional-role': requireRole('editor'),
      '/claim': requireClaim(...claim),
    }
    const routes = new Map(
      paths.map((path) => [
        path as string,
        withAuth(
          latchkey,
          (_request, { auth }) => {
            if (path === '/throws') throw new Error('a mistake of the handler')
            const check = checks[path]
            if (check === undefined) return Response.json({ subject: auth?.subject ?? null })
            return Response.json({ subject: check(auth ?? absent()).subject })
          },
          optionsOf(path),
        ),
      ]),
    )
    return (request) => {
      const route = routes.get(new URL(request.url).pathname)
      // Next.js itself responds to an error that leaves a handler.
      const respond = () => Response.json({}, { status: 500 })
      return route === undefined ? new Response(null, { status: 404 }) : route(request, { params }).catch(respond)
    }
  },
  read: (body) => body as { subject?: string; code?: string },
  mistake: 500,
})

/** Refuses a guest, as a handler does that needs an identity. */
function absent(): never {
  throw refusal('credentials_missing')
}

const site = 'https://app.example.com'

/** Returns a request, which has a cookie if `token` is given. */
function requestOf(token?: string, headers: Record<string, string> = {}, method = 'GET'): Request {
  const cookie: Record<string, string> = token === undefined ? {} : { cookie: `token=${token}` }
  return new Request(`${site}/account`, { method, headers: { host: 'app.example.com', ...cookie, ...headers } })
}

describe('withAuth', () => {
  const { latchkey } = setUp()
  const tokenOf = async (subject: string) => (await latchkey.issue({ subject })).token

  it('passes the parameters of the route on, as a promise or plain', async () => {
    const token = await tokenOf('alice')
    const GET = withAuth(
      latchkey,
      async (_request, context: { auth: { subject: string }; params: Promise<{ id: string }> }) =>
        Response.json([context.auth.subject, (await context.params).id]),
      { cookie: 'token' },
    )
    const answer = await GET(requestOf(token), { params: Promise.resolve({ id: '7' }) })
    expect(await answer.json()).toEqual(['alice', '7'])
  })

  it('has no identity for a guest where it is optional, and refuses a wrong token', async () => {
    const GET = withAuth(latchkey, (_request, { auth }) => Response.json(auth?.subject ?? 'guest'), { optional: true })
    expect(await (await GET(requestOf(), { params })).json()).toBe('guest')
    expect((await GET(requestOf(undefined, { authorization: 'Bearer garbage' }), { params })).status).toBe(401)
  })

  it('refuses a change that another site has caused with the cookie', async () => {
    const token = await tokenOf('alice')
    const POST = withAuth(latchkey, () => Response.json('changed'), {
      cookie: 'token',
      csrf: sameOrigin({ trusted: ['https://trusted.example'] }),
    })
    const codeFrom = async (origin: string) => (await POST(requestOf(token, { origin }, 'POST'), { params })).status
    expect(await codeFrom('https://evil.example')).toBe(403)
    expect(await codeFrom(site)).toBe(200)
    expect(await codeFrom('https://trusted.example')).toBe(200)
  })

  it('responds to a refusal as onRefusal says, and else with a problem document', async () => {
    const GET = withAuth(latchkey, () => Response.json('in'), {
      onRefusal: ({ code }, request) =>
        code === 'credentials_missing' ? Response.redirect(new URL('/sign-in', request.url)) : undefined,
    })
    const redirected = await GET(requestOf(), { params })
    expect([redirected.status, redirected.headers.get('location')]).toEqual([302, `${site}/sign-in`])
    const refused = await GET(requestOf(undefined, { authorization: 'Bearer garbage' }), { params })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
  })

  it('leaves the other errors of a handler to Next.js, such as that of a redirect', async () => {
    const thrown = Object.assign(new Error('NEXT_REDIRECT'), { digest: 'NEXT_REDIRECT;replace;/;307;' })
    const GET = withAuth(latchkey, () => Promise.reject(thrown), { cookie: 'token' })
    await expect(GET(requestOf(await tokenOf('alice')), { params })).rejects.toBe(thrown)
  })

  it('leaves the body to the handler, also if something has read it before', async () => {
    const POST = withAuth(latchkey, async (request, { auth }) =>
      Response.json([auth.subject, request.bodyUsed ? 'read before' : await request.text()]),
    )
    const send = async (read: boolean) => {
      const headers = { authorization: `Bearer ${await tokenOf('alice')}` }
      const request = new Request(site, { method: 'POST', headers, body: 'News' })
      if (read) await request.text()
      return (await POST(request, { params })).json()
    }
    expect(await send(false)).toEqual(['alice', 'News'])
    expect(await send(true)).toEqual(['alice', 'read before'])
  })

  it('refuses wrong arguments when it is called', () => {
    const call = (...args: readonly unknown[]) => Reflect.apply(withAuth, undefined, args)
    expect(() => call(undefined, () => Response.json({}))).toThrow(TypeError)
    expect(() => call(latchkey)).toThrow('route handler')
    expect(() => call(latchkey, () => Response.json({}), { cookie: '' })).toThrow(TypeError)
  })
})

describe('authProxy', () => {
  const { latchkey, keys } = setUp()

  it('lets a request with a valid token pass, and redirects or refuses the others', async () => {
    const proxy = authProxy(latchkey, {
      cookie: 'token',
      onRefusal: ({ status }, request) =>
        status === 401 ? Response.redirect(new URL('/sign-in', request.url)) : undefined,
    })
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect(await proxy(requestOf(token))).toBeUndefined()
    expect((await proxy(requestOf()))?.headers.get('location')).toBe(`${site}/sign-in`)
    const both = await proxy(requestOf(token, { authorization: `Bearer ${token}` }))
    expect([both?.status, await both?.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'credentials_ambiguous' }),
    ])
    await keys.revoke('alice')
    expect((await proxy(requestOf(token)))?.status).toBe(302)
  })

  it('fails with an unexpected error, and lets nothing pass', async () => {
    const broken = {
      verify: () => {
        throw new Error('broken')
      },
    }
    await expect(authProxy(broken)(requestOf(undefined, { authorization: 'Bearer a.b.c' }))).rejects.toThrow('broken')
  })
})

describe('serverAuth', () => {
  const { latchkey, keys } = setUp()
  let current = new Headers()
  // As in Next.js 15 and later; before that, `headers` returned the object itself.
  const headers = async () => current
  const auth = serverAuth(latchkey, headers, { cookie: 'token' })

  it('returns the identity of a component’s request, by cookie or by header', async () => {
    const { token } = await latchkey.issue({ subject: 'alice' })
    current = new Headers({ cookie: `token=${token}` })
    expect((await auth()).subject).toBe('alice')
    expect((await serverAuth(latchkey, () => current, { cookie: 'token' })()).subject).toBe('alice')
    current = new Headers({ authorization: `Bearer ${token}` })
    expect((await auth()).subject).toBe('alice')
  })

  it('throws the refusals, or what onRefusal throws', async () => {
    current = new Headers()
    await expect(auth()).rejects.toMatchObject({ code: 'credentials_missing' })
    expect(await serverAuth(latchkey, headers, { optional: true })()).toBeUndefined()
    const redirecting = serverAuth(latchkey, headers, {
      onRefusal: () => {
        throw new Error('NEXT_REDIRECT')
      },
    })
    await expect(redirecting()).rejects.toThrow('NEXT_REDIRECT')
    const silent = serverAuth(latchkey, headers, { onRefusal: () => {} })
    await expect(silent()).rejects.toMatchObject({ code: 'credentials_missing' })
  })

  it('refuses an action that another site has caused, and shows a page that it links to', async () => {
    const { token } = await latchkey.issue({ subject: 'bob' })
    const from = (more: Record<string, string>) => {
      current = new Headers({ host: 'app.example.com', cookie: `token=${token}`, ...more })
      return auth().then(
        ({ subject }) => subject,
        ({ code }) => code,
      )
    }
    expect(await from({ 'sec-fetch-site': 'cross-site' })).toBe('bob')
    expect(await from({ origin: 'https://evil.example' })).toBe('csrf_refused')
    expect(await from({ origin: 'null', 'content-type': 'multipart/form-data' })).toBe('csrf_refused')
    expect(await from({ 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' })).toBe('csrf_refused')
    expect(await from({ origin: 'https://app.example.com', 'next-action': 'a' })).toBe('bob')
  })

  it('verifies the token at each call', async () => {
    const { token } = await latchkey.issue({ subject: 'carol' })
    current = new Headers({ authorization: `Bearer ${token}` })
    expect((await auth()).subject).toBe('carol')
    await keys.revoke('carol')
    await expect(auth()).rejects.toMatchObject({ code: 'token_revoked' })
  })

  it('refuses wrong arguments when it is called', () => {
    const call = (...args: readonly unknown[]) => Reflect.apply(serverAuth, undefined, args)
    expect(() => call(undefined, headers)).toThrow(TypeError)
    expect(() => call(latchkey)).toThrow('next/headers')
  })
})
