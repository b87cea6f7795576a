import fastifyJwt, { type FastifyJWTOptions } from '@fastify/jwt'
import { fromNodeHeaders } from 'better-auth/node'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import fastify4 from 'fastify4'
import { requireAuth } from 'latchkey/fastify'
import { audience, issuer, tokenType } from '../../population.js'
import type { Route } from '../messages.js'
import { bearerOf, type Parts, type PeerParts, path, portOf, routesAt, routesBesidePeers } from './application.js'

type Register = (app: FastifyInstance) => unknown

/** Starts the applications with Fastify 5, also with the guards of other libraries. */
export async function startFastify(parts: PeerParts): Promise<readonly Route[]> {
  const ports = await serve(fastify, [...ownRoutes(parts), ...peerRoutes(parts)])
  return routesBesidePeers(ports, '@fastify/jwt')
}

/** Starts the applications with Fastify 4. */
export async function startFastify4(parts: Parts): Promise<readonly Route[]> {
  // Its types are of another version, and its API is the same as far as these applications use it.
  return routesAt(await serve(fastify4 as unknown as typeof fastify, ownRoutes(parts)))
}

function ownRoutes({ latchkey, nextSubject }: Parts): readonly Register[] {
  return [
    (app) => app.get(path, async () => ({ id: nextSubject() })),
    (app) => app.get(path, { onRequest: (_request, _reply, done) => done() }, async () => ({ id: nextSubject() })),
    (app) => app.get(path, { onRequest: requireAuth(latchkey) }, async (request) => ({ id: request.auth.subject })),
  ]
}

function peerRoutes({ keys, versions, sessions }: PeerParts): readonly Register[] {
  const peerOptions: FastifyJWTOptions = {
    decode: { complete: true },
    secret: async (_request: FastifyRequest, token: unknown) =>
      keys.secretOf((token as { header: { kid?: string } }).header.kid).bytes,
    verify: {
      algorithms: ['HS256'],
      allowedIss: issuer,
      allowedAud: audience,
      checkTyp: tokenType,
      clockTolerance: 5000,
    },
  }
  const checked = (check: (request: FastifyRequest) => Promise<string>) => {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const id = await check(request).catch(() => undefined)
      return id === undefined ? reply.code(401).send() : { id }
    }
  }
  return [
    async (app) => {
      await app.register(fastifyJwt, peerOptions)
      app.get(path, { onRequest: (request) => request.jwtVerify() }, async (request) => ({
        id: (request.user as { sub: string }).sub,
      }))
    },
    (app) =>
      app.get(
        path,
        checked((request) => versions.check(bearerOf(request.headers.authorization))),
      ),
    (app) =>
      app.get(
        path,
        checked((request) => sessions.check(fromNodeHeaders(request.headers))),
      ),
  ]
}

/** Starts an application for each route, and returns their ports. */
function serve(framework: typeof fastify, registrations: readonly Register[]): Promise<readonly number[]> {
  const ports = registrations.map(async (register) => {
    const app = framework()
    await register(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return portOf(app.server.address())
  })
  return Promise.all(ports)
}
