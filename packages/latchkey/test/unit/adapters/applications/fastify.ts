import type fastify from 'fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type FastifyGuardOptions,
  type Hook,
  optionalAuthOf,
  latchkey as plugin,
  requireAuth,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/fastify/index.js'
import type { Latchkey } from '../../../../src/latchkey-api.js'
import { applicationOf, claim, replaceHeaders, type Start, scopes, sources, trusted } from './application.js'

/** Returns the hook that authenticates the routes of a context. */
type HookOf = (context: FastifyInstance, latchkey: Latchkey, options: FastifyGuardOptions) => Hook | Promise<Hook>

/** The hook that `requireAuth` returns. */
export const byRequireAuth: HookOf = (_context, latchkey, options) => requireAuth(latchkey, options)

/** The hook that the plugin adds to the context. */
export const byPlugin: HookOf = async (context, latchkey, { optional, ...options }) => {
  await context.register(plugin, { latchkey, ...options })
  return optional === true ? context.authenticateOptional : context.authenticate
}

interface Guarded {
  readonly options?: FastifyGuardOptions
  /** @defaultValue `onRequest` */
  readonly at?: 'onRequest' | 'preHandler'
  readonly checks?: readonly Hook[]
}

const guarded: Readonly<Record<string, Guarded>> = {
  '/header': {},
  '/everywhere': { options: { ...sources, body: true }, at: 'preHandler' },
  '/optional': { options: { ...sources, body: true, optional: true }, at: 'preHandler' },
  '/trusted': { options: { ...sources, csrf: sameOrigin({ trusted }) } },
  '/unchecked': { options: { ...sources, csrf: false } },
  '/scoped': { checks: [requireScope(...scopes)] },
  '/role': { checks: [requireRole('editor')] },
  '/claim': { checks: [requireClaim(...claim)] },
  '/optional-role': { options: { optional: true }, checks: [requireRole('editor')] },
}

const unguarded: Readonly<Record<string, Hook>> = {
  '/unguarded-role': requireRole('editor'),
  '/unguarded-claim': requireClaim('plan'),
  '/unguarded': requireScope(...scopes),
}

const method = ['GET', 'POST']
const answer = async (request: FastifyRequest) => ({ subject: optionalAuthOf(request)?.subject ?? null })

/** Returns the start of an application of one version of Fastify. */
export function startFastify(framework: typeof fastify, hookOf: HookOf): Start {
  return async (latchkey) => {
    const app = framework()
    app.addHook('onRequest', async ({ headers }) => replaceHeaders(headers))
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    for (const [url, { options = {}, at = 'onRequest', checks = [] }] of Object.entries(guarded)) {
      await app.register(async (context) => {
        const hooks = { [at]: [await hookOf(context, latchkey, options), ...checks] }
        context.route({ method, url, ...hooks, handler: answer })
      })
    }
    for (const [url, onRequest] of Object.entries(unguarded)) app.route({ method, url, onRequest, handler: answer })
    await app.register(async (context) => {
      const onRequest = await hookOf(context, latchkey, {})
      context.get('/throws', { onRequest }, async () => {
        throw new Error('a mistake of the handler')
      })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return applicationOf(app.server, async () => void (await app.close()))
  }
}
