import { webcrypto } from 'node:crypto'
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { decode, verify } from 'hono/jwt'
import { requireAuth } from 'latchkey/hono'
import { audience, issuer } from '../../population.js'
import type { Route } from '../messages.js'
import { bearerOf, type PeerParts, path, routesBesidePeers } from './application.js'

/** Starts the applications with Hono, also with the guards of other libraries. */
export async function startHono({
  latchkey,
  nextSubject,
  keys,
  versions,
  sessions,
}: PeerParts): Promise<readonly Route[]> {
  const cryptoKeys = new Map<string, Promise<webcrypto.CryptoKey>>()
  const imported = (kid: string | undefined): Promise<webcrypto.CryptoKey> => {
    const known = cryptoKeys.get(String(kid))
    if (known !== undefined) return known
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = webcrypto.subtle.importKey('raw', keys.secretOf(kid).bytes, hmac, false, ['verify'])
    cryptoKeys.set(String(kid), key)
    return key
  }
  // The middleware of hono/jwt takes one shared secret; its functions work with one per user.
  const guard = createMiddleware<{ Variables: { subject: string } }>(async (c, next) => {
    try {
      const token = bearerOf(c.req.header('authorization'))
      const { header } = decode(token)
      const claims = await verify(token, await imported(header.kid), { alg: 'HS256', iss: issuer, aud: audience })
      c.set('subject', String(claims.sub))
    } catch {
      return c.body(null, 401)
    }
    await next()
    return undefined
  })
  const checked = (check: (c: Context) => Promise<string>) => async (c: Context) => {
    const id = await check(c).catch(() => undefined)
    return id === undefined ? c.body(null, 401) : c.json({ id })
  }
  const registrations: readonly ((app: Hono) => unknown)[] = [
    (app) => app.get(path, (c) => c.json({ id: nextSubject() })),
    (app) =>
      app.get(
        path,
        (_c, next) => next(),
        (c) => c.json({ id: nextSubject() }),
      ),
    (app) => app.get(path, requireAuth(latchkey), (c) => c.json({ id: c.get('auth').subject })),
    (app) => app.get(path, guard, (c) => c.json({ id: c.get('subject') })),
    (app) =>
      app.get(
        path,
        checked((c) => versions.check(bearerOf(c.req.header('authorization')))),
      ),
    (app) =>
      app.get(
        path,
        checked((c) => sessions.check(c.req.raw.headers)),
      ),
  ]
  const ports = registrations.map(async (register) => {
    const app = new Hono()
    register(app)
    return new Promise<number>((resolve) => {
      serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))
    })
  })
  return routesBesidePeers(await Promise.all(ports), 'hono/jwt', 'jwt')
}
