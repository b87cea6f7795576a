import { createServer } from 'node:http'
import type express from 'express'
import type { Response } from 'express'
import {
  requireAuth,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/express/index.js'
import type { Auth } from '../../../../src/auth.js'
import { claim, listen, replaceHeaders, type Start, scopes, sources, trusted } from './application.js'

const send = ({ auth }: { readonly auth: Auth | undefined }, res: Response) =>
  void res.json({ subject: auth?.subject ?? null })

/** Returns the start of an application of one version of Express. */
export function startExpress(framework: typeof express): Start {
  return async (latchkey) => {
    const app = framework()
    app.use(framework.urlencoded({ extended: false }), framework.json())
    app.use((req, _res, next) => {
      replaceHeaders(req.headers)
      next()
    })
    app.all('/header', requireAuth(latchkey), send)
    app.all('/everywhere', requireAuth(latchkey, { ...sources, body: true }), send)
    app.all('/optional', requireAuth(latchkey, { ...sources, body: true, optional: true }), send)
    app.all('/trusted', requireAuth(latchkey, { ...sources, csrf: sameOrigin({ trusted }) }), send)
    app.all('/unchecked', requireAuth(latchkey, { ...sources, csrf: false }), send)
    app.all('/scoped', requireAuth(latchkey), requireScope(...scopes), send)
    app.all('/role', requireAuth(latchkey), requireRole('editor'), send)
    app.all('/claim', requireAuth(latchkey), requireClaim(...claim), send)
    app.all('/optional-role', requireAuth(latchkey, { optional: true }), requireRole('editor'), send)
    app.all('/unguarded-role', requireRole('editor'), (_req, res) => void res.json({}))
    app.all('/unguarded-claim', requireClaim('plan'), (_req, res) => void res.json({}))
    app.all('/unguarded', requireScope(...scopes), (_req, res) => void res.json({}))
    app.get('/throws', requireAuth(latchkey), () => {
      throw new Error('a mistake of the handler')
    })
    return listen(createServer(app))
  }
}
