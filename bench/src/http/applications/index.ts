import type { Framework, FrameworkBesidePeers, Route } from '../messages.js'
import type { Parts, PeerParts } from './application.js'
import { startExpress, startExpress4 } from './express.js'
import { startFastify, startFastify4 } from './fastify.js'
import { startFetch } from './fetch.js'
import { startHapi } from './hapi.js'
import { startHono } from './hono.js'
import { startKoa } from './koa.js'
import { startNest } from './nest.js'
import { startNode } from './node.js'
import { startTrpc } from './trpc.js'
import { startYoga } from './yoga.js'

/**
 * Starts the applications of a framework, one per route. All give the same answer behind different
 * guards, each written as its documentation says.
 */
export const applications: Readonly<
  Record<Exclude<Framework, FrameworkBesidePeers>, (parts: Parts) => Promise<readonly Route[]>>
> = {
  express4: startExpress4,
  fastify4: startFastify4,
  koa: startKoa,
  hapi: startHapi,
  nest: startNest,
  node: startNode,
  fetch: startFetch,
  trpc: startTrpc,
  yoga: startYoga,
}

/** Does the same for the frameworks that are measured with the guards of other libraries too. */
export const applicationsBesidePeers: Readonly<
  Record<FrameworkBesidePeers, (parts: PeerParts) => Promise<readonly Route[]>>
> = {
  express: startExpress,
  fastify: startFastify,
  hono: startHono,
}
