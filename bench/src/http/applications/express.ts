import { fromNodeHeaders } from 'better-auth/node'
import express from 'express'
import { expressjwt, type Request as JwtRequest } from 'express-jwt'
import express4 from 'express4'
import { authOf, requireAuth } from 'latchkey/express'
import { audience, issuer } from '../../population.js'
import type { Route } from '../messages.js'
import { bearerOf, type Parts, type PeerParts, path, portOf, routesAt, routesBesidePeers } from './application.js'

type Handlers = readonly express.RequestHandler[]

/** Starts the applications with Express 5, also with the guards of other libraries. */
export async function startExpress(parts: PeerParts): Promise<readonly Route[]> {
  const ports = await serve(express, [...ownHandlers(parts), ...peerHandlers(parts)])
  return routesBesidePeers(ports, 'express-jwt')
}

/** Starts the applications with Express 4. */
export async function startExpress4(parts: Parts): Promise<readonly Route[]> {
  // Its types are of another version, and its API is the same as far as these applications use it.
  return routesAt(await serve(express4 as unknown as typeof express, ownHandlers(parts)))
}

function ownHandlers({ latchkey, nextSubject }: Parts): readonly Handlers[] {
  return [
    [(_req, res) => void res.json({ id: nextSubject() })],
    [(_req, _res, next) => next(), (_req, res) => void res.json({ id: nextSubject() })],
    [requireAuth(latchkey), (req, res) => void res.json({ id: authOf(req).subject })],
  ]
}

function peerHandlers({ keys, versions, sessions }: PeerParts): readonly Handlers[] {
  const guard = expressjwt({
    secret: async (_req, token) => keys.secretOf(token?.header.kid).keyObject,
    algorithms: ['HS256'],
    issuer,
    audience,
    clockTolerance: 5,
  })
  const checked = (check: (req: express.Request) => Promise<string>): express.RequestHandler => {
    return async (req, res) => {
      const id = await check(req).catch(() => undefined)
      if (id === undefined) res.status(401).end()
      else res.json({ id })
    }
  }
  return [
    [guard, (req: JwtRequest, res) => void res.json({ id: req.auth?.sub })],
    [checked((req) => versions.check(bearerOf(req.headers.authorization)))],
    [checked((req) => sessions.check(fromNodeHeaders(req.headers)))],
  ]
}

/** Starts an application for each route, and returns their ports. */
function serve(framework: typeof express, handlers: readonly Handlers[]): Promise<readonly number[]> {
  const ports = handlers.map(async (ofRoute) => {
    const app = framework().disable('x-powered-by').disable('etag')
    app.get(path, ...ofRoute)
    app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      res.status(401).end()
    })
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return portOf(server.address())
  })
  return Promise.all(ports)
}
