import type { onRequestHookHandler, preHandlerHookHandler } from 'fastify'
import type { App } from '../http/app.js'

/**
 * Runs these guards of a route once more when its body has arrived. They run first before the body, so that a stranger's body is never read; but whoever sends it
 * decides when it ends, and a right that has ended meanwhile must not count. A route without such a guard, or whose requests have no body, stays as it is.
 */
export function guardAgain(app: App, guards: readonly onRequestHookHandler[]): void {
  app.addHook('onRoute', (route) => {
    const hooks = [route.onRequest ?? []].flat()
    const again = guards.filter((guard) => hooks.includes(guard)) as readonly preHandlerHookHandler[]
    // Fastify calls the handlers of these without waiting for a body.
    const isBodyless = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD')
    // Last, because limits that are counted before may wait as well.
    if (again.length > 0 && !isBodyless) route.preHandler = [...[route.preHandler ?? []].flat(), ...again]
  })
}
