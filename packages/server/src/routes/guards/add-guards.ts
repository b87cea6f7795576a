import type { onRequestHookHandler, preHandlerHookHandler } from 'fastify'
import type { App } from '../../http/app.js'

/**
 * Adds guards to every route of a plugin. They run before the body is read, so that the server
 * never reads the body of a refused request. They run again once the body has arrived: the sender
 * decides when a body ends, and a right that ended meanwhile must not count. Call it before adding
 * routes.
 */
export function addGuards(app: App, guards: readonly onRequestHookHandler[]): void {
  for (const guard of guards) app.addHook('onRequest', guard)
  app.addHook('onRoute', (route) => {
    // Fastify calls the handlers of these without waiting for a body.
    const isBodyless = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD')
    // After the hooks of the app: the rate limits that are counted there may wait as well.
    const again = guards as readonly preHandlerHookHandler[]
    if (!isBodyless) route.preHandler = [...[route.preHandler ?? []].flat(), ...again]
  })
}
