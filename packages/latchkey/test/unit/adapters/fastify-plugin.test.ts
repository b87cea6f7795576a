import fastify, { type FastifyInstance } from 'fastify'
import fastify4 from 'fastify4'
import { describe, expect, it, onTestFinished } from 'vitest'
import latchkeyPlugin, {
  authOf,
  type LatchkeyPluginOptions,
  latchkey,
  requireRole,
} from '../../../src/adapters/fastify/index.js'
import { setUp } from '../../support/setup.js'

describe.each<[name: string, create: () => FastifyInstance]>([
  ['Fastify 5', () => fastify()],
  ['Fastify 4', () => fastify4() as unknown as FastifyInstance],
])('the plugin of %s', (_, createApp) => {
  function create(): FastifyInstance {
    const app = createApp()
    onTestFinished(async () => void (await app.close()))
    return app
  }

  it('adds hooks that require a token, or accept a guest', async () => {
    const { latchkey: instance } = setUp()
    const { token } = await instance.issue({ subject: 'ada' })
    const app = create()
    await app.register(latchkeyPlugin, { latchkey: instance, cookie: 'session' })
    app.get('/me', { onRequest: app.authenticate }, async ({ auth }) => ({ id: auth.subject }))
    app.get('/posts', { onRequest: app.authenticateOptional }, async ({ auth }) => ({ id: auth?.subject ?? null }))
    app.get('/editor', { onRequest: [app.authenticate, requireRole('editor')] }, async () => 'in')
    app.get('/open', async (request) => authOf(request).subject)
    const headers = { cookie: `session=${token}` }
    expect((await app.inject({ url: '/me', headers })).json()).toEqual({ id: 'ada' })
    expect((await app.inject('/me')).statusCode).toBe(401)
    expect((await app.inject({ url: '/posts', headers })).json()).toEqual({ id: 'ada' })
    expect((await app.inject('/posts')).json()).toEqual({ id: null })
    expect((await app.inject({ url: '/editor', headers })).statusCode).toBe(403)
    expect((await app.inject({ url: '/open', headers })).statusCode).toBe(500)
  })

  it('is not encapsulated, and exists only below the context of its registration', async () => {
    const { latchkey: instance } = setUp()
    const app = create()
    await app.register(async (scope) => {
      await scope.register(latchkey, { latchkey: instance })
      await scope.register(async (inner) => {
        inner.get('/inner', { onRequest: inner.authenticate }, async () => 'in')
      })
      expect(scope.hasDecorator('authenticate')).toBe(true)
    })
    await app.ready()
    expect((await app.inject('/inner')).statusCode).toBe(401)
    expect(app.hasDecorator('authenticate')).toBe(false)
    expect(app.hasRequestDecorator('auth')).toBe(false)
  })

  it('may be registered for several instances, each in a context of its own', async () => {
    const [first, second] = [setUp().latchkey, setUp().latchkey]
    const app = create()
    for (const [prefix, instance] of Object.entries({ '/first': first, '/second': second })) {
      await app.register(
        async (scope) => {
          await scope.register(latchkey, { latchkey: instance })
          scope.get('/me', { onRequest: scope.authenticate }, async ({ auth }) => auth.subject)
        },
        { prefix },
      )
    }
    const { token } = await first.issue({ subject: 'ada' })
    const headers = { authorization: `Bearer ${token}` }
    expect((await app.inject({ url: '/first/me', headers })).statusCode).toBe(200)
    expect((await app.inject({ url: '/second/me', headers })).statusCode).toBe(401)
  })

  it('can be a dependency of another plugin', async () => {
    const app = create()
    const dependent = Object.assign(async () => {}, {
      [Symbol.for('skip-override')]: true,
      [Symbol.for('plugin-meta')]: { name: 'dependent', dependencies: ['latchkey'], decorators: { request: ['auth'] } },
    })
    await app.register(latchkey, { latchkey: setUp().latchkey })
    await app.register(dependent)
    await app.ready()
    expect(app.hasPlugin('latchkey')).toBe(true)
  })

  it('starts every request without an identity', async () => {
    const { latchkey: instance } = setUp()
    const { token } = await instance.issue({ subject: 'ada' })
    const app = create()
    await app.register(latchkey, { latchkey: instance })
    const seen: unknown[] = []
    app.addHook('onRequest', async (request) => void seen.push((request as { auth?: unknown }).auth))
    app.get('/me', { onRequest: app.authenticate }, async ({ auth }) => auth.subject)
    for (let times = 0; times < 2; times += 1)
      await app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })
    expect(seen).toEqual([null, null])
  })

  it('closes the instance with the application only with the option close', async () => {
    for (const close of [true, false, undefined]) {
      const { latchkey: instance } = setUp()
      let closed = 0
      const counting = {
        verify: instance.verify,
        close: async () => {
          closed += 1
          await instance.close()
        },
      }
      const app = createApp()
      await app.register(latchkey, { latchkey: counting, ...(close === undefined ? {} : { close }) })
      await app.ready()
      expect(closed).toBe(0)
      await app.close()
      expect(closed).toBe(close === true ? 1 : 0)
    }
  })

  it.each<[what: string, options: unknown, message: RegExp]>([
    ['no options', undefined, /createLatchkey/],
    ['no instance', {}, /createLatchkey/],
    ['an instance that cannot be closed', { latchkey: { verify: () => {} }, close: true }, /close/],
    [
      'optional, which is a hook of its own',
      { latchkey: { verify: () => {} }, optional: true },
      /authenticateOptional/,
    ],
    ['a wrong cookie', { latchkey: { verify: () => {} }, cookie: 'a=b' }, /cookie/],
    ['a wrong onRefusal', { latchkey: { verify: () => {} }, onRefusal: 401 }, /onRefusal/],
  ])('fails the start for %s', async (_what, options, message) => {
    const app = createApp()
    const starting = async () => {
      await app.register(latchkey, options as LatchkeyPluginOptions)
      await app.ready()
    }
    await expect(starting()).rejects.toThrow(message)
  })
})
