import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import {
  requireAuth,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/hono/index.js'
import type { Auth } from '../../../../src/auth.js'
import {
  type Application,
  applicationOf,
  claim,
  replaceRequest,
  type Start,
  scopes,
  sources,
  trusted,
} from './application.js'

const answer = (c: Context) => {
  const auth: Auth | undefined = c.get('auth')
  return c.json({ subject: auth?.subject ?? null })
}

export const startHono: Start = async (latchkey) => {
  const app = new Hono()
  app.use(async (c, next) => {
    c.req.raw = replaceRequest(c.req.raw)
    await next()
  })
  app.onError((error) =>
    'getResponse' in error && typeof error.getResponse === 'function'
      ? error.getResponse()
      : Response.json({}, { status: 500 }),
  )
  const methods = ['GET', 'POST']
  app.on(methods, '/header', requireAuth(latchkey), answer)
  app.on(methods, '/everywhere', requireAuth(latchkey, { ...sources, body: true }), answer)
  app.on(methods, '/optional', requireAuth(latchkey, { ...sources, body: true, optional: true }), answer)
  app.on(methods, '/trusted', requireAuth(latchkey, { ...sources, csrf: sameOrigin({ trusted }) }), answer)
  app.on(methods, '/unchecked', requireAuth(latchkey, { ...sources, csrf: false }), answer)
  app.on(methods, '/scoped', requireAuth(latchkey), requireScope(...scopes), answer)
  app.on(methods, '/role', requireAuth(latchkey), requireRole('editor'), answer)
  app.on(methods, '/claim', requireAuth(latchkey), requireClaim(...claim), answer)
  app.on(methods, '/optional-role', requireAuth(latchkey, { optional: true }), requireRole('editor'), answer)
  app.on(methods, '/unguarded-role', requireRole('editor'), answer)
  app.on(methods, '/unguarded-claim', requireClaim('plan'), answer)
  app.on(methods, '/unguarded', requireScope(...scopes), answer)
  app.get('/throws', requireAuth(latchkey), () => {
    throw new Error('a mistake of the handler')
  })
  return startWeb(app.fetch)
}

/** Serves a handler of Web requests on Node.js. */
export function startWeb(fetch: Parameters<typeof serve>[0]['fetch']): Promise<Application> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(applicationOf(server as Server)))
  })
}
